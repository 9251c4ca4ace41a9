"""What libsndfile does not read: sound of phones, browsers and cameras, AAC in MP4 and Opus in WebM among it.

PyAV does it where it is installed; it comes with faster-whisper and with aiortc.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio.containers import Content, Part
from ipyspeaches.errors import AudioError

if TYPE_CHECKING:
    import av

_CONTAINERS: Final = (
    ("mov", rb".{4}ftyp"),
    ("matroska", rb"\x1a\x45\xdf\xa3"),
    ("aac", rb"\xff[\xf0\xf1\xf8\xf9]"),  # ADTS
    ("amr", rb"#!AMR"),
    ("avi", rb"RIFF.{4}AVI "),
    ("mpegts", rb"(?:.{4})?\x47.{187}(?:.{4})?\x47"),
    ("mpeg", rb"\x00\x00\x01\xba"),
    ("flv", rb"FLV\x01"),
    ("asf", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("ac3", rb"\x0b\x77"),
    ("tta", rb"TTA1"),
    ("wv", rb"wvpk"),
)
"""What FFmpeg calls a container, and how that begins: left to guess, it takes text for lists of addresses to open."""
_SHARED: Final = (("wav", rb"(?:RIFF|RF64|BW64).{4}WAVE"), ("caf", rb"caff"), ("ogg", rb"OggS"))
"""The same of those that libsndfile reads, where it knows the codec."""
_HEAD_BYTES: Final = 400

_COUNTED: Final = frozenset({"mov", "matroska"})
"""Whose head says how long they are, from 0 on; of others it is guessed."""
_TIMELESS: Final = frozenset({"aac", "amr", "ac3"})
"""Frames and nothing else: FFmpeg makes times up, by the first of them."""
_SHORT_S: Final = 0.5
"""So much less than a file announces is no cut: encoders pad."""
_GAP_S: Final = 0.1
"""From here on, a jump of the clock is a pause in the sound, and no rounding."""
_LONGEST_GAP_S: Final = 3600.0
"""A longer one is a clock that was set."""
_FAINT: Final = 33
"""Loudest sample of a sound track that is as good as silent: -60 dBFS."""


def container_of(data: Content, *, shared: bool = False) -> str | None:
    """Return what FFmpeg calls the container of a file that it has to read; None if libsndfile may try.

    With ``shared``, it is one of which libsndfile knows some codecs, and FFmpeg others.
    """
    head = bytes(data[:_HEAD_BYTES])
    known = _SHARED if shared else _CONTAINERS
    return next((name for name, begin in known if re.match(begin, head, re.DOTALL)), None)


class _Track:
    """One track of sound, whose pieces lie where their times say: what was not sent is silence."""

    def __init__(self, rate: int, begin_s: float | None) -> None:
        self.blocks: list[NDArray[Any]] = []
        self.rate = rate
        self.length = 0
        self.silent_s = 0.0  # in its midst
        self.lost_s: list[tuple[float, float]] = []
        self._layout = ""  # of the first sound, which that of others becomes
        self._taken: tuple[int, str, str] | None = None  # what the resampler takes
        self._resampler: av.AudioResampler | None = None
        self._begin_s = begin_s  # what its clock shows at the beginning, if it has one

    def add(self, frame: av.AudioFrame | None) -> None:
        """Take what was decoded; None at the end."""
        at_s = None if frame is None else frame.time
        given = None if frame is None else (frame.sample_rate, frame.layout.name, frame.format.name)
        if given != self._taken:  # at the end, and where a stream goes on in another way
            self._resample(None, None)
            self._taken = given
        if frame is not None:
            self._resample(frame, at_s)

    def _resample(self, frame: av.AudioFrame | None, at_s: float | None) -> None:
        if frame is None and self._resampler is None:
            return
        if self._resampler is None:
            from av import AudioResampler

            assert frame is not None
            self._layout = self._layout or frame.layout.name
            self._resampler = AudioResampler("s16", self._layout, self.rate)
        for plain in self._resampler.resample(frame):
            block = plain.to_ndarray().reshape(-1, plain.layout.nb_channels)
            if at_s is not None and self._begin_s is not None:
                self._begin_s = self._keep_time(at_s, self._begin_s, block.shape[1])
            at_s = None
            self._append(block)
        if frame is None:
            self._resampler = None

    def damaged(self, length_s: float) -> None:
        """Note that what comes next, so long, cannot be decoded."""
        at_s = self.length / self.rate
        begin_s, end_s = self.lost_s.pop() if self.lost_s and self.lost_s[-1][0] == at_s else (at_s, at_s)
        self.lost_s.append((begin_s, end_s + length_s))

    def _keep_time(self, at_s: float, begin_s: float, channels: int) -> float:
        """Be silent up to a time; return what the clock showed at the beginning, by which it was set anew."""
        late_s = at_s - begin_s - self.length / self.rate
        if _GAP_S < late_s < _LONGEST_GAP_S:
            lost = self.lost_s and self.lost_s[-1][0] == self.length / self.rate
            self.silent_s += late_s if self.length and not lost else 0.0
            self._append(np.zeros((round(late_s * self.rate), channels), np.int16))
        elif abs(late_s) > _GAP_S:
            return begin_s + late_s
        return begin_s

    def _append(self, block: NDArray[Any]) -> None:
        self.blocks.append(block)
        self.length += len(block)


def converted(data: Content, container: str, most_s: float) -> Part:
    """Return such a file as a WAV file, of at most so many seconds and some; its tracks are channels of that.

    It is an `AudioError` if it holds no audio, is damaged from its beginning, or nothing here can read it.
    """
    try:
        import av
    except ImportError:
        raise AudioError(
            "It takes PyAV to read it: pip install av, or convert it first, as in: ffmpeg -i INPUT output.wav"
        ) from None
    whole = _without_half_index(data)
    tracks: dict[int, _Track] = {}
    announced_s = 0.0
    notes: list[str] = []
    cut, reason = len(whole) < len(data), "there is no sound in it"
    try:
        with av.open(io.BytesIO(whole), "r", container) as opened:
            streams, notes = _chosen([one for one in opened.streams.audio if one.codec_context])
            announced_s = _announced_s(opened, streams) if container in _COUNTED else 0.0
            begin_s: float | None = 0.0 if announced_s else (opened.start_time or 0) / av.time_base
            begin_s = None if container in _TIMELESS else begin_s
            for one in streams:
                tracks[one.index] = _Track(streams[0].rate, begin_s)
            if streams:
                _decode(opened.demux(*streams), tracks, most_s)
    except (av.error.FFmpegError, ValueError) as exc:
        cut, reason = True, getattr(exc, "strerror", None) or str(exc)
    found = [track for track in tracks.values() if len(track.blocks) > len(track.lost_s)]
    if not found and container == "mov" and data.find(b"moov") < 0:
        raise AudioError(
            "Its index is missing, as when a recorder dies: keep it, the sound is in it, and repair it with a program "
            "such as untrunc and another recording of the same device."
        )
    if not found:
        raise AudioError(f"It cannot be read as audio ({reason}): it may be cut off, choose another file.")
    part = Part(_wav(found), notes)
    _tell_losses(part, found)
    length_s = max(track.length / track.rate for track in found)
    if announced_s > length_s + _SHORT_S and length_s <= most_s:
        part.announces(announced_s / length_s)
    elif cut:
        part.lost.append((1.0, 1.0))
        part.notes.append("It breaks off, or is damaged there: what may follow was not read.")
    return part


def _tell_losses(part: Part, tracks: list[_Track]) -> None:
    length_s = max(track.length / track.rate for track in tracks)
    if lost := [stretch for track in tracks for stretch in track.lost_s]:
        part.lost += [(begin_s / length_s, end_s / length_s) for begin_s, end_s in lost]
        part.notes.append("It is damaged in places: what was there is missing.")
    if (silent_s := max(track.silent_s for track in tracks)) > _SHORT_S:
        part.notes.append(f"It has no sound for {silent_s:.1f} s in its midst: silence is in its place.")


def joined(data: Content, container: str) -> list[Content]:
    """Return the files that are joined in one, where FFmpeg would read the first alone, as of MP4."""
    starts, place = [0], 0
    while container == "mov" and place + 8 <= len(data):
        size, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        size = int.from_bytes(data[place + 8 : place + 16]) if size == 1 else size
        starts += [place] if kind == b"ftyp" and place else []
        place += size if size >= 8 else len(data)
    ends = [*starts[1:], len(data)]
    return [data[start:end] for start, end in zip(starts, ends, strict=True)] if len(starts) > 1 else [data]


def _without_half_index(data: Content) -> bytes:
    """Return a file without the index of a fragment (MP4's ``moof``) that was not written to its end.

    FFmpeg would read nothing at all of it.
    """
    at = data.rfind(b"moof") - 4
    return bytes(data[:at] if at >= 0 and at + int.from_bytes(data[at : at + 4]) > len(data) else data)


def _decode(packets: Iterable[Any], tracks: dict[int, _Track], most_s: float) -> None:
    from av.error import InvalidDataError

    for packet in packets:
        track = tracks[packet.stream.index]
        try:
            for frame in packet.decode():
                track.add(frame)
        except InvalidDataError:  # what follows has its own time
            track.damaged(float((packet.duration or 0) * packet.time_base))
        if track.length > (most_s + 1) * track.rate:
            break
    for track in tracks.values():
        track.add(None)


def _chosen(streams: list[Any]) -> tuple[list[Any], list[str]]:
    """Return which tracks to read, and what there is to tell of that: all, or the first of several languages."""
    if len(streams) < 2:
        return streams, []
    many = f"It has {len(streams)} tracks of sound: "
    if len({one.metadata.get("language", "und") for one in streams} - {"und"}) > 1:
        return [streams[0]], [many + "they are in several languages, and only the first was read."]
    return streams, [many + "they were mixed."]


def _announced_s(opened: av.container.InputContainer, streams: list[Any]) -> float:
    """Return where the sound ends by a file's head, or 0; the file as a whole may have longer pictures."""
    ends_s = [0.0]
    for one in streams:
        if said := re.fullmatch(r"(\d+):(\d+):([\d.]+)", one.metadata.get("DURATION", "")):
            ends_s.append(int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3]))
        elif one.duration:
            ends_s.append(float(((one.start_time or 0) + one.duration) * one.time_base))
        elif len(streams) == len(opened.streams):
            ends_s.append((opened.duration or 0) / 1_000_000)
    return max(ends_s)


def _wav(tracks: list[_Track]) -> bytes:
    """Return all channels of the tracks that are not as good as silent."""
    sounds = [np.concatenate(track.blocks) for track in tracks]
    loud = [sound for sound in sounds if max(int(sound.max()), -int(sound.min())) > _FAINT] or sounds[:1]
    length = max(map(len, sounds))
    wide = [np.pad(sound, ((0, length - len(sound)), (0, 0))) if len(sound) < length else sound for sound in loud]
    file = io.BytesIO()
    samples = wide[0] if len(wide) == 1 else np.hstack(wide)
    soundfile.write(file, samples, tracks[0].rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
