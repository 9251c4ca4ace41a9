"""Where audio really begins and ends in a file: headers tell it before the recording is over, and may be wrong.

Files are joined with ``cat``, copied in part, or their recorder died before it wrote the length. libsndfile trusts the
first header and reads too little without a word.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from mmap import mmap
from typing import Final, NamedTuple, TypeAlias

import soundfile

Content: TypeAlias = bytes | bytearray | mmap

_FLAC: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_FLAC_IN_OGG: Final = b"\x7fFLAC"
_OGG_PAGE: Final = re.compile(rb"OggS\x00[\x00-\x07]")
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_NO_SIZE: Final = 0x7FFF_F000
"""Sizes from here up are placeholders of programs that write to a pipe."""
_FLAC_LENGTH: Final = (1 << 36) - 1
_FLAC_SIZES: Final = (0, 192, *(576 << at for at in range(4)), 0, 0, *(256 << at for at in range(8)))
_MAX_FLAC_FRAME: Final = 1 << 17
"""No frame is longer; those of encoders have up to 30 kB."""
_MIN_REST: Final = 4096
"""Bytes behind the announced audio from which on they are audio, and not padding."""
_KBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_OPUS_MS: Final = (*(10, 20, 40, 60) * 3, *(10, 20) * 2, *(2.5, 5, 10, 20) * 4)
"""How long a frame is, by the first five bits of a packet (RFC 6716, section 3.1)."""
_OPUS_RATE_HZ: Final = 48_000
_OPUS_PAUSE: Final = _OPUS_RATE_HZ // 5
"""Packets may reach from page to page; what is more was left out."""
_NO_TAG: Final = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
"""Without a tag, libsndfile looks first into the companion of a file (``._talk.mp3``), which macOS writes to other
systems' disks."""
_TAGS: Final = (b"ID3", b"TAG", b"APE")
_FRAMES_IN_STEP: Final = 4
"""Behind damage, so many frames that agree are no chance."""
_MPEG_RATES_HZ: Final = (44_100, 48_000, 32_000)

_CUT_OFF: Final = "It ends after {found_s:.1f} s, but its header announces {announced_s:.1f} s: the end is missing."
_NOT_READ: Final = "It has {:,} bytes behind the audio that its header announces: they were not read."
_GOES_ON: Final = (
    "Its header announces only {announced_s:.1f} s, as when a recorder is stopped hard or files are joined: "
    "all {found_s:.1f} s were read."
)


@dataclass(slots=True)
class Part:
    """One of the files that are joined in a file."""

    data: Content  # what to decode: the file itself, or a part of it, with a right header
    # Sentences on what does not fit together; ``{found_s}`` and ``{announced_s}`` in them stand for seconds.
    notes: list[str] = field(default_factory=list)
    announced: float = 1.0  # how much audio the header announces, as a multiple of what there is
    # Stretches whose audio is not in the file, as multiples of what there is; the last may end behind it.
    lost: list[tuple[float, float]] = field(default_factory=list)
    holes: list[tuple[float, float]] = field(default_factory=list)  # the same in its midst, as parts of the whole
    pauses: list[tuple[float, float]] = field(default_factory=list)  # the same where nothing was recorded
    whole_s: float = 0.0  # how long that is, where it is known

    def announces(self, multiple: float) -> None:
        """Note that the header announces more or less than there is."""
        self.announced = multiple
        self.notes.append(_CUT_OFF if multiple > 1 else _GOES_ON)
        if multiple > 1:
            self.lost.append((1.0, multiple))

    def does_not_read(self, rest: int) -> None:
        """Note how many bytes behind its end may be audio that nothing here reads."""
        self.notes.append(_NOT_READ.format(rest))
        self.lost.append((1.0, 1.0))


def inspect(data: Content) -> list[Part]:
    """Return what is in a file by its bytes, whatever its first header says."""
    changes, magic = [0], _magic(data, 0)
    if magic in {b"OggS", b"fLaC", *_LAYOUTS} or next(_mpeg_frames(data), None):
        # Recordings of one format are told apart with what is known of it.
        for place in sorted(place for start in _STARTS for place in _places(start, data)):
            if _magic(data, place) != magic and data[max(0, place - 9) : max(0, place - 4)] != _FLAC_IN_OGG:
                changes.append(place)
                magic = _magic(data, place)
    return [part for piece in _split(data, changes) for part in _inspect_one(piece)]


def _magic(data: Content, place: int) -> bytes:
    return bytes(data[place : place + 4])


def _inspect_one(data: Content) -> list[Part]:
    magic = _magic(data, 0)
    if magic in _LAYOUTS:
        return [_inspect_chunks(part) for part in _split(data, _places(_LAYOUTS[magic].start, data))]
    if magic == b"OggS":
        return _inspect_ogg(data)
    if magic == b"fLaC":
        return [_inspect_flac(part) for part in _split(data, _places(_FLAC, data))]
    return _inspect_mpeg(data)


def _places(start: re.Pattern[bytes], data: Content) -> list[int]:
    return [match.start() for match in start.finditer(data)]


def _split(data: Content, starts: list[int]) -> list[Content]:
    if len(starts) < 2:
        return [data]
    return [bytes(data[start:end]) for start, end in zip([0, *starts[1:]], [*starts[1:], len(data)], strict=True)]


# --- WAV, RF64, W64, AIFF, CAF and AU


class _Layout(NamedTuple):
    """How a format lays out its chunks."""

    start: re.Pattern[bytes]
    first: int
    head: struct.Struct
    """Name and size of a chunk."""
    audio: bytes
    before_audio: int = 0
    """What the chunk holds before the audio."""
    head_counted: int = 0
    """What the size counts of the head."""
    step: int = 2


_RIFF: Final = _Layout(re.compile(rb"(?:RIFF|RF64).{4}WAVE[ -~]{4}", re.DOTALL), 12, struct.Struct("<4sI"), b"data")
_LAYOUTS: Final = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"riff": _Layout(re.compile(rb"riff\x2e\x91\xcf\x11"), 40, struct.Struct("<16sQ"), b"data", 0, 24, 8),
    b"FORM": _Layout(re.compile(rb"FORM.{4}AIF[FC][ -~]{4}", re.DOTALL), 12, struct.Struct(">4sI"), b"SSND", 8),
    b"caff": _Layout(re.compile(rb"caff\x00\x01\x00\x00desc"), 8, struct.Struct(">4sQ"), b"data", 4, 0, 1),
    # One chunk; in place of a name it says where the audio begins.
    b".snd": _Layout(re.compile(rb"\.snd\x00\x00.{6}\x00\x00\x00.\x00", re.DOTALL), 4, struct.Struct(">4sI"), b""),
}


def _inspect_chunks(data: Content) -> Part:
    layout = _LAYOUTS[bytes(data[:4])]
    head, begin, size, whole_numbers = _find_audio(data, layout)
    room = len(data) - begin
    if not head or room <= 0:
        return Part(data)
    if size > room:
        # Only of CAF libsndfile does not believe that it has less than it should.
        part = Part(_resized(data, layout, head, room) if layout is _LAYOUTS[b"caff"] else data)
        if size < _NO_SIZE:
            part.announces(size / room)
        return part
    if not _goes_on(data, layout, begin + size, at_once=size == 0):
        return Part(data)
    is_mpeg = data[begin + size :][:3] == b"ID3" or next(_mpeg_frames(data[begin + size :][:_MAX_FLAC_FRAME]), None)
    if is_mpeg or (size and not whole_numbers):  # what is no audio could be any number
        part = Part(data)
        part.does_not_read(room - size)
        return part
    part = Part(_resized(data, layout, head, room))
    part.announces(size / room)
    return part


def _find_audio(data: Content, layout: _Layout) -> tuple[int, int, int, bool]:
    """Return where the chunk with the audio (0: none) and the audio begin, how long it is, and if it is surely PCM."""
    place, long_size, whole_numbers = layout.first, 0xFFFF_FFFF, False
    while place + layout.head.size <= len(data):
        name, size = layout.head.unpack_from(data, place)
        begin = place + layout.head.size
        size = max(0, size - layout.head_counted)
        if not layout.audio:
            return place, int.from_bytes(name), size, whole_numbers
        if name.startswith(layout.audio):
            size = long_size if size == 0xFFFF_FFFF else size
            return place, begin + layout.before_audio, max(0, size - layout.before_audio), whole_numbers
        if name[:4] == b"fmt ":
            kind = data[begin : begin + 2]
            whole_numbers = (data[begin + 24 : begin + 26] if kind == b"\xfe\xff" else kind) == b"\x01\x00"
        if name == b"ds64" and begin + 16 <= len(data):  # RF64
            long_size = struct.unpack_from("<Q", data, begin + 8)[0]
        place = begin + size + -size % layout.step
    return 0, 0, 0, whole_numbers


def _goes_on(data: Content, layout: _Layout, end: int, *, at_once: bool) -> bool:
    """Return whether audio goes on behind the end that a header gives."""
    for place in (end, end + -end % layout.step):
        if place + layout.head.size <= len(data):
            name, size = layout.head.unpack_from(data, place)
            if name[:4].isascii() and name[:4].decode().isprintable() and place + size <= len(data):
                return False  # another chunk
    rest = len(data) - end
    return rest > 0 if at_once else rest >= _MIN_REST and any(data[end : end + (1 << 16)])


def _resized(data: Content, layout: _Layout, place: int, size: int) -> bytes:
    mended = bytearray(data)
    mended[:4] = mended[:4].replace(b"RF64", b"RIFF")  # which has its size elsewhere, too
    name, _ = layout.head.unpack_from(data, place)
    most = (1 << 8 * (layout.head.size - len(name))) - 1
    layout.head.pack_into(mended, place, name, min(size + layout.before_audio + layout.head_counted, most))
    return bytes(mended)


_STARTS: Final = (_FLAC, re.compile(rb"OggS\x00[\x02\x06]\x00{8}"), *{layout.start: 0 for layout in _LAYOUTS.values()})


# --- Ogg


def _inspect_ogg(data: Content) -> list[Part]:
    pages = _places(_OGG_PAGE, data)
    if not pages:
        return [Part(data)]
    starts, begun = [0], False
    for place in pages:
        first = bool(data[place + 5] & 2)
        # The first pages of all streams of a part come before its other pages.
        if first and begun:
            starts.append(place)
        begun = not first
    parts = [Part(part) for part in _split(data, starts)]
    for part in parts:
        _find_ogg_holes(part)
    last = _ogg_page(data, pages[-1])
    if not last:
        parts[-1].lost.append((1.0, 1.0))
    elif len(data) - pages[-1] - len(last) >= _MIN_REST:
        parts[-1].does_not_read(len(data) - pages[-1] - len(last))
    if not (last and last[5] & 4):
        parts[-1].notes.append("It has no end mark: it may have been cut off before its end.")
    return parts


def _find_ogg_holes(part: Part) -> None:
    """Note where pages are missing or damaged: libsndfile leaves them out without a word.

    A broadcast that was joined in its midst counts from there: its pages and times go on from its beginning. Calls that
    are recorded in Opus leave out what was muted: then no page is missing, but times jump (RFC 7845, section 4).
    """
    holes: list[tuple[int, int]] = []
    pauses: list[tuple[int, int]] = []
    before: dict[int, tuple[int, int]] = {}  # of each stream: the samples until then, the page's number
    head, rate_hz, begin, pages, late = b"", 0, 0, 0, 0
    for place in _places(_OGG_PAGE, part.data):
        if not (page := _ogg_page(part.data, place)):
            continue
        until, stream, number = struct.unpack_from("<qII", page, 6)
        past, last = before.get(stream, (0, number - 1))
        until = max(until, past)  # -1 where nothing ends on the page
        if not until:
            head += page
            rate_hz = rate_hz or _ogg_rate_hz(page)
        elif number > last + 1 or not begin:
            start = until - round(_ogg_length_s(head, page) * rate_hz)
            late = late if begin else number - last - 1
            begin = begin or max(1, start)
            if number > last + 1:
                holes.append((past, min(until, max(past + 1, start))))
        elif b"OpusHead" in head and (start := until - _opus_length(page)) - past > _OPUS_PAUSE:
            pauses.append((past, start))
        pages += 1
        before[stream] = until, number
    end = max((until for until, _ in before.values()), default=0)
    joined = begin if late > pages or not late else 0
    length = max(1, end - joined)
    part.holes, part.pauses = (
        [((start - joined) / length, (stop - joined) / length) for start, stop in found if start >= joined]
        for found in (holes, pauses)
    )
    part.whole_s = end / rate_hz if rate_hz and not joined else 0.0
    if part.holes:
        part.notes.append("Some of its pages are missing, and what was said in them: silence is in their place.")
    if late > pages:
        part.notes.append("It begins in the midst of a broadcast, or its first pages are missing.")


def _ogg_rate_hz(page: bytes) -> int:
    """Return how many samples a second pages count, if a stream's first one tells."""
    place = page.find(b"\x01vorbis")
    return (
        int.from_bytes(page[place + 12 : place + 16], "little") if place > 0 else _OPUS_RATE_HZ * (b"OpusHead" in page)
    )


def _opus_length(page: bytes) -> int:
    """Return how many samples the packets have that begin and end on a page."""
    sizes, samples, place, begins = page[27 : 27 + page[26]], 0.0, 27 + page[26], not page[5] & 1
    packet = 0
    for size in sizes:
        packet += size
        if size == 255:
            continue
        if begins and packet:
            code = page[place] & 3
            frames = page[place + 1] & 63 if code == 3 and packet > 1 else (1, 2, 2, 1)[code]
            samples += frames * _OPUS_MS[page[place] >> 3] * _OPUS_RATE_HZ / 1000
        place, packet, begins = place + packet, 0, True
    return round(samples)


def _ogg_length_s(head: bytes, page: bytes) -> float:
    """Return how long the audio on a page is, behind the head of its stream."""
    # As the last page that it may be, it could not stand alone.
    page = page[:5] + bytes([page[5] & ~4]) + (1 << 40).to_bytes(8, "little") + page[14:]
    page = page[:22] + _ogg_check(page) + page[26:]
    with contextlib.suppress(soundfile.SoundFileError):
        return float(soundfile.info(io.BytesIO(head + page)).duration)
    return 0.0


def _ogg_page(data: Content, place: int) -> bytes:
    """Return a page as it was written; nothing if it has changed since."""
    table = bytes(data[place + 27 : place + 27 + data[place + 26]]) if place + 27 <= len(data) else b""
    page = bytes(data[place : place + 27 + len(table) + sum(table)])
    return page if page[22:26] == _ogg_check(page) else b""


def _ogg_check(page: bytes) -> bytes:
    # Ogg's check is that of zip with all bits the other way round, and without the first and last inversion.
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_MIRRORED)
    return (zlib.crc32(mirrored, 0xFFFF_FFFF) ^ 0xFFFF_FFFF).to_bytes(4).translate(_MIRRORED)


# --- FLAC


def _inspect_flac(data: Content) -> Part:
    """Return a FLAC that announces what its last frame tells: libsndfile reads neither more nor less than that."""
    announced = int.from_bytes(data[21:26]) & _FLAC_LENGTH
    place, start, end = _last_flac_frame(data)
    # An incomplete frame does not count.
    cut = end != announced and not _is_whole(bytes(data[place : place + _MAX_FLAC_FRAME]))
    held = start if cut else end
    form = int.from_bytes(data[18:22])
    most = (end - start) * ((form >> 9 & 7) + 1) * ((form >> 4 & 31) + 1) // 8 + 64
    rest = data[place + most :] if place else b""
    part = Part(data)
    if held in {0, announced}:
        if len(rest) >= _MIN_REST and any(rest):
            part.does_not_read(len(rest))
        return part
    mended = bytearray(data)
    mended[21:26] = (int.from_bytes(data[21:26]) & ~_FLAC_LENGTH | held).to_bytes(5)
    part.data = bytes(mended)
    if announced:
        part.announces(announced / held)
    elif cut:
        part.lost.append((1.0, 1.0))
        part.notes.append("It ends in the middle of a frame: its end is missing.")
    return part


def _is_whole(frame: bytes) -> bool:
    """Return whether what begins with a frame has all of it, and nothing behind but tags and padding."""
    value = 0
    for at, byte in enumerate(frame, 1):
        value = _shifted(value, byte, 0x1_8005, 16)
        if not value and (frame[at : at + 3] in _TAGS or not frame[at:].strip(b"\0")):
            return True
    return False


def _last_flac_frame(data: Content) -> tuple[int, int, int]:
    """Return where the last frame begins, and which samples it holds, from and to; zeros if that cannot be known."""
    place, is_last = 4, False
    while not is_last and place + 4 <= len(data):
        is_last = bool(data[place] & 0x80)
        place += 4 + int.from_bytes(data[place + 1 : place + 4])
    first = bytes(data[place : place + 4])
    block = int.from_bytes(data[10:12])
    fixed = first[:2] == b"\xff\xf8" and data[8:10] == data[10:12]
    if len(first) < 4 or not (fixed or first[:2] == b"\xff\xf9"):
        return 0, 0, 0
    found = len(data)
    while (found := data.rfind(first[:2], place, found)) >= 0:
        head = bytes(data[found : found + 16]).ljust(16)
        number, size = _flac_frame(head) if head[3] == first[3] else (0, 0)
        if size:
            start = number * block if fixed else number
            return found, start, start + size
    return 0, 0, 0


def _flac_frame(head: bytes) -> tuple[int, int]:
    """Return the number of a frame and how many samples it holds; none if these 16 bytes do not begin one."""
    ones = 8 - (head[4] ^ 0xFF).bit_length()
    at = 4 + max(1, ones)
    number = head[4] & 0x7F >> ones
    for byte in head[5:at]:
        number = number << 6 | byte & 0x3F
    code = head[2] >> 4
    told = {6: 1, 7: 2}.get(code, 0)
    size = int.from_bytes(head[at : at + told]) + 1 if told else _FLAC_SIZES[code]
    at += told + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    return (0, 0) if _remainder(head[: at + 1], 0x107, 8) else (number, size)


def _remainder(data: bytes, polynomial: int, bits: int) -> int:
    """Return what a cyclic redundancy check leaves: 0 for data that ends with its own right one."""
    value = 0
    for byte in data:
        value = _shifted(value, byte, polynomial, bits)
    return value


def _shifted(value: int, byte: int, polynomial: int, bits: int) -> int:
    value ^= byte << bits - 8
    for _ in range(8):
        value = value << 1 ^ (polynomial if value >> bits - 1 else 0)
    return value


# --- MP3


@dataclass(slots=True)
class _Mp3:
    """One MP3 among those of a file: where it starts, how many frames it announces, and those that it has."""

    start: int
    rate: int
    announced: int | None
    runs: list[tuple[int, int, int]] = field(default_factory=list)  # from, to, and frames without a break

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return sum(frames for _, _, frames in self.runs)

    def append(self, start: int, end: int) -> None:
        """Add a frame."""
        if self.runs and self.runs[-1][1] == start:
            first, _, frames = self.runs.pop()
            self.runs.append((first, end, frames + 1))
        else:
            self.runs.append((start, end, 1))


def _inspect_mpeg(data: Content) -> list[Part]:
    files, end = _mpeg_files(data)
    parts = [Part(part) for part in _split(data, [file.start for file in files])]
    for file, part in zip(files, parts, strict=False):  # no MP3 at all is one part, too
        if file.frames:
            _inspect_mp3(data, file, part)
    if end > len(data) and not any(part.notes for part in parts):
        parts[-1].notes.append("Its last frame is not complete: it may have been cut off before its end.")
    return parts


def _inspect_mp3(data: Content, file: _Mp3, part: Part) -> None:
    announced = file.frames if file.announced is None else file.announced
    gaps = _mpeg_gaps(data, file)
    if gaps:
        supposed = sum(frames for _, frames in gaps)
        missing = supposed if file.announced is None else max(announced - file.frames, len(gaps))
        announced, before = file.frames + missing, 0.0
        for at, frames in gaps:
            after = before + frames * missing / supposed
            part.holes.append(((at + before) / announced, (at + after) / announced))
            before = after
        part.notes.append("It is damaged in its midst: silence is in place of what is missing there.")
    fits = abs(file.frames - announced) <= 2  # some encoders count their header, or not their last frame
    if gaps or file.announced is None or not fits:
        # Of its frames alone: between them, libsndfile takes damage for frames and loses the rest.
        audio = b"".join(bytes(data[start:end]) for start, end, _ in file.runs)
        part.data = _NO_TAG + _mpeg_header(audio, announced if gaps else file.frames) + audio
    else:
        part.data = _NO_TAG + bytes(data[file.start : file.runs[-1][1]])
    if not (fits or gaps):
        part.announces(announced / file.frames)


def _mpeg_gaps(data: Content, file: _Mp3) -> list[tuple[int, int]]:
    """Return behind how many frames something is damaged, and how many may have been there; tags are no damage."""
    gaps, at = [], 0
    usual = sum(end - start for start, end, _ in file.runs) / file.frames
    for (_, end, frames), (start, _, _) in pairwise(file.runs):
        at += frames
        if data[end : end + 3] not in _TAGS:
            gaps.append((at, max(1, round((start - end) / usual))))
    return gaps


def _mpeg_files(data: Content) -> tuple[list[_Mp3], int]:
    """Return the MP3 files that follow each other in a file, and where the last frame ends or should."""
    files: list[_Mp3] = []
    end = 0
    for place, size, rate in _mpeg_frames(data):
        end = place + size
        is_header, announced = _mpeg_announced(data, place, size)
        if is_header or not files or files[-1].rate != rate:
            files.append(_Mp3(place, rate, announced))
        if not is_header:
            files[-1].append(place, end)
    return files, end


def _mpeg_header(part: bytes, frames: int) -> bytes:
    """Return the frame that announces how many follow: without it libsndfile guesses, by the size of the first one."""
    mono, full = part[3] >> 6 == 3, part[1] >> 3 & 3 == 3
    # No checksum, a middle bit rate: room enough for the announcement behind the side information.
    head = bytes([0xFF, part[1] | 1, 0x80 | part[2] & 0x0C, part[3]])
    size, _ = _mpeg_frame(head, 0) or (len(part), 0)
    side = (17 if mono else 32) if full else (9 if mono else 17)
    return (head + bytes(side) + b"Xing" + struct.pack(">II", 1, frames)).ljust(size, b"\0")


def _mpeg_frames(data: Content) -> Iterator[tuple[int, int, int]]:
    """Yield place, bytes and rate of each MPEG layer III frame; none if the file does not begin with them."""
    place, in_step, begun = 0, False, False
    while place >= 0 and place + 4 <= len(data):
        if data[place : place + 3] == b"ID3" and place + 10 <= len(data):
            a, b, c, d = data[place + 6 : place + 10]
            place += 10 + (a << 21 | b << 14 | c << 7 | d)
            continue
        frame = _mpeg_frame(data, place)
        if frame and not in_step:
            in_step = _in_step(data, place, _FRAMES_IN_STEP if begun else 2)
        if not frame or not in_step:
            if not begun:
                return
            in_step = False
            place = min((found for mark in (b"\xff", b"ID3") if (found := data.find(mark, place + 1)) >= 0), default=-1)
            continue
        begun = True
        yield place, *frame
        place += frame[0]


def _in_step(data: Content, place: int, count: int) -> bool:
    """Return whether frames that agree follow each other: after something else, one may be chance."""
    rates = set()
    for _ in range(count):
        size, rate = _mpeg_frame(data, place) or (0, 0)
        rates.add(rate)
        place += size
    return len(rates) == 1


def _mpeg_frame(data: Content, place: int) -> tuple[int, int] | None:
    """Return bytes and rate of the layer III frame at a place, None if there is none."""
    if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] & 0xE6 != 0xE2:
        return None
    version, kbits, rate = data[place + 1] >> 3 & 3, data[place + 2] >> 4, data[place + 2] >> 2 & 3
    if version == 1 or kbits in {0, 15} or rate == 3:
        return None
    full = version == 3
    hertz = _MPEG_RATES_HZ[rate] >> (0 if full else 1 if version == 2 else 2)
    size = (144 if full else 72) * _KBITS[full][kbits] * 1000 // hertz + (data[place + 2] >> 1 & 1)
    return size, hertz


def _mpeg_announced(data: Content, place: int, size: int) -> tuple[bool, int | None]:
    """Return whether a frame is the header of an MP3 file, and how many frames it announces, if it does."""
    head = bytes(data[place + 4 : place + min(size, 60)])  # a short frame is followed by another file's header
    for mark in (b"Xing", b"Info"):
        at = head.find(mark, 0, 40)
        if at >= 0:
            flags, frames = struct.unpack_from(">II", head.ljust(60, b"\0"), at + 4)
            return True, frames if flags & 1 and frames else None
    if head[32:36] == b"VBRI" and len(head) >= 50:
        return True, struct.unpack_from(">I", head, 46)[0] or None
    return False, None
