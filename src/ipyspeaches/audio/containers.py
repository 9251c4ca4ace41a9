"""Where audio really begins and ends in a file: headers tell it before the recording is over, and may be wrong.

Files are joined with ``cat``, copied in part, or their recorder died before it wrote the length. libsndfile trusts the
first header and reads too little without a word.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from mmap import mmap
from typing import Final, TypeAlias

Content: TypeAlias = bytes | bytearray | mmap

_WAVE: Final = re.compile(rb"(?:RIFF|RF64).{4}WAVE[ -~]{4}", re.DOTALL)
_FLAC: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_NO_SIZE: Final = 0x7FFF_F000
"""Sizes from here up are placeholders of programs that write to a pipe; libsndfile reads to the end."""
_MIN_REST: Final = 4096
"""Bytes behind the announced audio from which on they are audio, and not padding."""
_KBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES_HZ: Final = (44_100, 48_000, 32_000)


@dataclass(slots=True)
class Contents:
    """What is in a file.

    Parameters
    ----------
    parts
        Files to decode one after the other, with right headers; empty if the file itself will do.
    notes
        Sentences on what does not fit together.
    """

    parts: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def inspect(data: Content) -> Contents:
    """Return what is in a file by its bytes, whatever its first header says."""
    magic = bytes(data[:4])
    if magic in {b"RIFF", b"RF64"}:
        return _inspect_wave(data)
    if magic == b"OggS":
        return _inspect_ogg(data)
    if magic == b"fLaC":
        return _split(data, [match.start() for match in _FLAC.finditer(data)] or [0])
    if magic == b".snd":
        return _inspect_au(data)
    if magic == b"FORM":
        return _inspect_aiff(data)
    return _inspect_mpeg(data)


def _split(data: Content, starts: list[int]) -> Contents:
    if len(starts) == 1:
        return Contents()
    ends = [*starts[1:], len(data)]
    return _joined([bytes(data[start:end]) for start, end in zip(starts, ends, strict=True)])


def _joined(parts: list[bytes]) -> Contents:
    return Contents(parts, [f"{len(parts)} recordings are joined in this file: all were read, one after the other."])


def _inspect_au(data: Content) -> Contents:
    begin, size = struct.unpack_from(">II", bytes(data[:12]).ljust(12, b"\0"), 4)
    if size == 0:  # all ones say that the size is not known
        return Contents([bytes(data[:8]) + b"\xff" * 4 + bytes(data[12:])])
    return Contents(notes=_share_missing(len(data) - begin, size))


def _inspect_aiff(data: Content) -> Contents:
    place = data.find(b"SSND")
    if not 0 < place <= len(data) - 8:
        return Contents()
    return Contents(notes=_share_missing(len(data) - place - 8, struct.unpack_from(">I", data, place + 4)[0]))


def _share_missing(found: int, announced: int) -> list[str]:
    if not 0 < found < announced < _NO_SIZE:
        return []
    return [f"It holds only {found / announced:.0%} of the audio that its header announces: the end is missing."]


# --- WAV ---


def _inspect_wave(data: Content) -> Contents:
    starts = [match.start() for match in _WAVE.finditer(data)]
    if not starts or starts[0]:
        return Contents()
    whole = _split(data, starts)
    notes = whole.notes
    parts = []
    changed = bool(whole.parts)
    contents: Sequence[Content] = whole.parts or [data]
    for part in contents:
        mended, note = _mend_wave(part, joined=changed)
        changed = changed or mended is not None
        notes += [note] if note else []
        parts.append(bytes(part) if mended is None and changed else mended or b"")
    return Contents(parts if changed else [], notes)


def _mend_wave(data: Content, *, joined: bool) -> tuple[bytes | None, str]:
    """Return a WAV file with the size that its audio has, None if it has it; and what to tell."""
    place, bytes_per_s, long_size_at, whole_numbers = _find_audio(data)
    if not place:
        return None, ""
    begin = place + 8
    room = len(data) - begin
    size = struct.unpack_from("<I", data, place + 4)[0]
    if long_size_at and size == 0xFFFF_FFFF:
        size = struct.unpack_from("<Q", data, long_size_at)[0]
    if size > room:
        if size >= _NO_SIZE and not joined:
            return None, ""
        note = "" if size >= _NO_SIZE else _cut_off(room / bytes_per_s, size / bytes_per_s)
        return (_resized(data, place, room, long_size_at) if joined else None), note
    if not _goes_on(data, begin + size, at_once=size == 0):
        return None, ""
    if size and not whole_numbers:  # what is no audio could be any number
        return None, f"It has {room - size:,} bytes behind the audio that its header announces: they were not read."
    what = "no length" if size == 0 else f"a length of only {size / bytes_per_s:.1f} s"
    return (
        _resized(data, place, room, long_size_at),
        f"Its header gives {what}, as if the recorder had been stopped hard: all {room / bytes_per_s:.1f} s were read.",
    )


def _find_audio(data: Content) -> tuple[int, int, int, bool]:
    """Return where the data chunk begins, bytes of a second, where RF64 keeps the size (0: none), and if it is PCM."""
    bytes_per_s, long_size_at, whole_numbers, place = 1, 0, False, 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        if name == b"data":
            return place, bytes_per_s, long_size_at, whole_numbers
        if name == b"fmt " and place + 24 <= len(data):
            bytes_per_s = struct.unpack_from("<I", data, place + 16)[0] or 1
            kind = data[place + 8 : place + 10]
            whole_numbers = (data[place + 32 : place + 34] if kind == b"\xfe\xff" else kind) == b"\x01\x00"
        if name == b"ds64" and place + 24 <= len(data):
            long_size_at = place + 16
        place += 8 + size + size % 2
    return 0, bytes_per_s, long_size_at, whole_numbers


def _goes_on(data: Content, end: int, *, at_once: bool) -> bool:
    """Return whether audio goes on behind the end that a header gives."""
    rest = len(data) - end
    if any(_is_chunk(data, place) for place in (end, end + end % 2)):
        return False
    return rest > 0 if at_once else rest >= _MIN_REST and any(data[end : end + (1 << 16)])


def _is_chunk(data: Content, place: int) -> bool:
    name = data[place : place + 4]
    if len(data) < place + 8 or not all(0x20 <= byte < 0x7F for byte in name):
        return False
    return bool(place + 8 + struct.unpack_from("<I", data, place + 4)[0] <= len(data))


def _resized(data: Content, place: int, size: int, long_size_at: int) -> bytes:
    mended = bytearray(data)
    struct.pack_into("<I", mended, place + 4, min(size, 0xFFFF_FFFF))
    if long_size_at:
        struct.pack_into("<Q", mended, long_size_at, size)
    else:
        struct.pack_into("<I", mended, 4, min(place + size, 0xFFFF_FFFF))
    return bytes(mended)


def _cut_off(found_s: float, announced_s: float) -> str:
    return f"It ends after {found_s:.1f} s, but its header announces {announced_s:.1f} s: the end is missing."


# --- Ogg ---


def _inspect_ogg(data: Content) -> Contents:
    starts, begun, ended = [0], False, False
    place = 0
    while place >= 0 and place + 27 <= len(data):
        flags, segments = data[place + 5], data[place + 26]
        first, last = bool(flags & 2), bool(flags & 4)
        # The first pages of all streams of a part come before its other pages.
        if first and begun:
            starts.append(place)
            begun = False
        begun = begun or not first
        body = place + 27 + segments
        place = body + sum(data[place + 27 : body])
        ended = last and place <= len(data)
        if data[place : place + 4] != b"OggS":
            place = data.find(b"OggS", place)
    contents = _split(data, starts)
    if not ended:
        contents.notes.append("It has no end mark: it may have been cut off before its end.")
    return contents


# --- MP3 ---


@dataclass(slots=True)
class _Mp3:
    """One MP3 among those of a file: where it starts, its frames, and how many its header announces."""

    start: int
    rate: int
    frame_samples: int
    announced: int | None
    frames: int = 0
    beyond: int = 0
    """Where the first frame is that the header does not count."""

    @property
    def frame_s(self) -> float:
        return self.frame_samples / self.rate


def _inspect_mpeg(data: Content) -> Contents:
    files, end = _mpeg_files(data)
    if not files:
        return Contents()
    pieces: list[tuple[int, int]] = []
    notes = []
    for file in files:
        pieces.append((file.start, file.frames if file.announced is None else 0))
        if file.announced is None:
            continue
        if file.frames > file.announced + 2:  # some encoders count their header, or not their last frame
            pieces.append((file.beyond, file.frames - file.announced))
        elif file.frames < file.announced - 2:
            notes.append(_cut_off(file.frames * file.frame_s, file.announced * file.frame_s))
    contents = _split(data, [start for start, _ in pieces])
    if any(frames for _, frames in pieces):
        parts = contents.parts or [bytes(data[pieces[0][0] :])]
        contents.parts = [
            _mpeg_header(part, frames) + part if frames else part
            for part, (_, frames) in zip(parts, pieces, strict=True)
        ]
    if end > len(data) and not notes:
        notes.append("Its last frame is not complete: it may have been cut off before its end.")
    contents.notes += notes
    return contents


def _mpeg_files(data: Content) -> tuple[list[_Mp3], int]:
    """Return the MP3 files that follow each other in a file, and where the last frame ends or should."""
    files: list[_Mp3] = []
    end = 0
    for place, size, rate, samples in _mpeg_frames(data):
        end = place + size
        is_header, announced = _mpeg_announced(data, place, size)
        if is_header or not files or files[-1].rate != rate:
            files.append(_Mp3(place, rate, samples, announced))
            if is_header:
                continue
        file = files[-1]
        file.frames += 1
        if file.announced is not None and file.frames == file.announced + 1:
            file.beyond = place
    return files, end


def _mpeg_header(part: bytes, frames: int) -> bytes:
    """Return the frame that announces how many follow: without it libsndfile guesses, by the size of the first one."""
    mono, full = part[3] >> 6 == 3, part[1] >> 3 & 3 == 3
    # No checksum, a middle bit rate: room enough for the announcement behind the side information.
    head = bytes([0xFF, part[1] | 1, 0x80 | part[2] & 0x0C, part[3]])
    size, _, _ = _mpeg_frame(head, 0) or (len(part), 0, 0)
    side = (17 if mono else 32) if full else (9 if mono else 17)
    return (head + bytes(side) + b"Xing" + struct.pack(">II", 1, frames)).ljust(size, b"\0")


def _mpeg_frames(data: Content) -> Iterator[tuple[int, int, int, int]]:
    """Yield place, bytes, rate and samples of each MPEG layer III frame; none if the file does not begin with them."""
    place, in_step, begun = 0, False, False
    while place >= 0 and place + 4 <= len(data):
        if data[place : place + 3] == b"ID3" and place + 10 <= len(data):
            a, b, c, d = data[place + 6 : place + 10]
            place += 10 + (a << 21 | b << 14 | c << 7 | d)
            continue
        frame = _mpeg_frame(data, place)
        # After something else, one frame may be chance: ask for two that agree.
        if frame and not in_step:
            following = _mpeg_frame(data, place + frame[0])
            in_step = following is not None and following[1:] == frame[1:]
        if not frame or not in_step:
            if not begun:
                return
            in_step = False
            place = min((found for mark in (b"\xff", b"ID3") if (found := data.find(mark, place + 1)) >= 0), default=-1)
            continue
        begun = True
        yield place, *frame
        place += frame[0]


def _mpeg_frame(data: Content, place: int) -> tuple[int, int, int] | None:
    """Return bytes, rate and samples of the layer III frame at a place, None if there is none."""
    if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] & 0xE6 != 0xE2:
        return None
    version, kbits, rate = data[place + 1] >> 3 & 3, data[place + 2] >> 4, data[place + 2] >> 2 & 3
    if version == 1 or kbits in {0, 15} or rate == 3:
        return None
    full = version == 3
    hertz = _MPEG_RATES_HZ[rate] >> (0 if full else 1 if version == 2 else 2)
    size = (144 if full else 72) * _KBITS[full][kbits] * 1000 // hertz + (data[place + 2] >> 1 & 1)
    return size, hertz, 1152 if full else 576


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
