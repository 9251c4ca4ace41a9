"""Audio in any shape to mono int16, and the errors of audio that cannot be used.

libsndfile (via python-soundfile) reads and writes the files.
"""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import numbers
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from ipyspeaches.audio.clock import MAX_RATE_HZ, Resampler
from ipyspeaches.audio.containers import Content, Part, inspect
from ipyspeaches.audio.converting import container_of, converted, joined
from ipyspeaches.checks import as_path
from ipyspeaches.errors import AudioError
from ipyspeaches.terminal import printable

AudioFile: TypeAlias = str | os.PathLike[str] | BinaryIO
TellShare: TypeAlias = Callable[[float], None]
"""Told the share that is done, from 0 to 1."""

MIN_RATE_HZ: Final = 1_000
MAX_CHANNELS: Final = 256
MAX_ARRAY_CHANNELS: Final = 64
"""An array with more holds something else: browsers give blocks of 128 samples."""
MAX_FLOAT: Final = 16.0
"""Floating-point audio louder than 24 dB over full scale is not loud, it is in other units."""

MAX_SAMPLES: Final = 1 << 30
"""Longest audio: 2 GiB of samples, 18 hours at 16 kHz; a few hundred kilobytes of FLAC can announce more."""

_NO_LENGTH: Final = 1 << 62
"""libsndfile gives the largest number as the length of a stream that does not tell its own."""
_SMALL_BLOCK: Final = 1 << 10
_MIN_AUDIO_BYTES: Final = 1 << 10
"""A file of more is not just a header."""
_SILENT_DB: Final = -50.0
_QUIET_DB: Final = -36.0
_OFFSET: Final = 100
"""A mean of all samples from which on it is asked whether that is an offset: -50 dBFS."""
_OFFSET_POWER: Final = 4
"""Times as much power as the sound: that of a voice rests near 0, whatever its form."""
_WEAKER: Final = 2
"""How much weaker a mix of many channels may be than the loudest of them: as that of two is, one of which is silent."""
_CLIPPED: Final = 0.001
"""Part of the samples; what lossy formats decode to is a little over full scale here and there."""
_WINDOW: Final = 1 << 13
"""Frames that are asked together whether their channels cancel each other."""
_MIN_WINDOW: Final = 1 << 10
_OPPOSITE: Final = -0.7
"""Correlation from which down two channels cancel each other: the mix is then 8 dB weaker than they are, or more."""
_MANY_FRAMES: Final = 20
"""Of so many, some are quiet where somebody speaks."""
_STANDS_OUT: Final = 4
"""Times as much power as in quiet frames: noise never reaches it, speech does in most words."""
_RESIDUE: Final = 0.001
"""Power, as a part of another's, that rounding or an encoder may have left where all is cancelled."""
_BLOCK: Final = 1 << 18
"""Frames read or written at once: libsndfile overflows its stack when it encodes a long Vorbis file in one call."""
_FLOAT_SUBTYPES: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "VORBIS", "OPUS", "ALAC_24", "ALAC_32"})
"""Read as float32 and rounded here: libsndfile would cut off the lower bits, or wrap loud decoded audio around."""
_FORMATS: Final = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
_MAX_VORBIS_RATE_HZ: Final = 200_000
"""libvorbis crashes the process above."""


_COUNTS: Final = {
    "NIST": r"sample_count +-i +(\d{1,15})",
    "AVR": r"Frames +: (\d{1,15})",
    "MPC2K": r"Frames +: (\d{1,15})",
    "MAT4": r"Cols +: (\d{1,15})",
    "MAT5": r"Cols +: (\d{1,15})",
    "SVX": r"OneShotHiSamples +: (\d{1,15})",
    "WVE": r"Data length (\d{1,15}) should",
}
"""How many frames a file announces, in libsndfile's log; NIST SPHERE in its own head."""
_VOC_SIZE: Final = r"(?:Extended II|Sound Data|Data) *: (\d{1,15})"
_HEAD_BYTES: Final = 60
_LINES: Final = dict.fromkeys(map(ord, "\t\r\n"), " ")
_NIST_HEAD: Final = 1024
_UNCOUNTED: Final = frozenset({"PAF", "PVF", "IRCAM", "XI"})
"""Formats whose head says nothing of a length, as libsndfile writes them."""


def check_rate(rate: float) -> int:
    """Return a sample rate as int, or raise an `AudioError` if it is not a whole number in the range of rates."""
    if isinstance(rate, bool | np.bool_) or not isinstance(rate, numbers.Real):
        raise AudioError(f"{rate!r:.40} is not a sample rate: give a number of samples per second, such as 16000.")
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ or not float(rate).is_integer():
        raise AudioError(
            f"A sample rate of {_shown(rate)} Hz is not possible: give the rate at which the audio was recorded, "
            "such as 16000."
        )
    return int(rate)


def _shown(rate: float) -> str:
    # Python refuses to print whole numbers of thousands of digits.
    return f"±{10**15} or more" if abs(rate) >= 10**15 else str(rate)


def array_to_mono(samples: ArrayLike, rate: int) -> tuple[NDArray[np.int16], list[str]]:
    """Return mono audio of an array that a user gave, and what there is to tell of it; see `Recording.from_array`."""
    if isinstance(samples, bytes | bytearray):
        raise AudioError(
            "Bytes do not say what numbers they are: give np.frombuffer(data, np.int16), if they are that."
        )
    if isinstance(samples, dict) or (
        isinstance(samples, tuple) and 0 < sum(np.ndim(one) > 0 for one in samples) < len(samples)
    ):
        raise AudioError("Samples and their rate are wanted apart, as in Recording.from_array(samples, 16000).")
    if np.ma.is_masked(samples):
        raise AudioError("Some of the samples are masked: give samples.filled(0), or leave them out.")
    try:
        array = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as exc:  # lists of several lengths, tensors on another device
        raise AudioError(f"The samples cannot be made an array ({exc}): give a NumPy array of numbers.") from exc
    _check_shape(array)
    if array.ndim == 2 and array.shape[1] > array.shape[0]:
        raise AudioError(
            f"Audio of shape {array.shape} has more channels than samples: if the channels come first, give samples.T."
        )
    if array.ndim == 2 and array.shape[1] > MAX_ARRAY_CHANNELS:
        raise AudioError(
            f"Audio of shape {array.shape} has {array.shape[1]} channels: if these are blocks of samples, give "
            "samples.ravel()."
        )
    _check_full_scale(array)
    heard, peak = np.zeros(3), peak_of(array)
    mono, turned = to_mono(array, heard)
    notes = turned_notes(turned, rate) + clipped_notes(mono, peak)
    silent = not np.any(array)  # which may be meant
    notes += [] if silent else steadied(mono, heard[2]) + level_notes(mono, peak)
    return mono, notes


def _check_full_scale(array: NDArray[Any]) -> None:
    """Refuse narrower audio in a wider dtype, which would become silence, and floats most of which would clip."""
    if array.dtype.kind == "f" and 1 < np.abs(array).mean(dtype=np.float64) < math.inf:
        raise _beyond_full_scale(array)
    if array.dtype.kind != "i" or array.dtype.itemsize != 4:
        return
    peak = max(-int(array.min()), int(array.max()))
    for bits, cure in ((16, "samples.astype(np.int16)"), (24, "samples * 256")):
        reach = 1 << (bits - 1)
        if 0 < peak <= reach:
            raise AudioError(
                f"Full scale of int32 is ±{1 << 31:,}, but this audio stays within ±{reach:,}: "
                f"if it has {bits} bits, give {cure}."
            )


def _beyond_full_scale(array: NDArray[Any]) -> AudioError:
    peak = float(np.abs(array).max())
    return AudioError(f"Floating-point audio must lie within ±1, but it reaches {peak:g}: divide it by full scale.")


def to_mono(array: NDArray[Any], speech: NDArray[np.float64] | None = None) -> tuple[NDArray[np.int16], int]:
    """Return audio, shape ``(n,)`` or ``(n, channels)``, as a new mono int16 array, and how many frames were turned.

    Channels are averaged before they are rounded, so that they cannot clip; where they cancel each other, those that
    are opposite in phase are turned first, unless this cancels the speech. Floats over full scale clip.

    ``speech`` counts how much of it each of the two mixes has, and the loudest sample of any channel of many: give the
    same array, three zeros at first, for each block.
    """
    _check_shape(array)
    values = _full_scale_32768(array)
    if values.ndim == 1 and values.dtype.kind == "i":
        return values.astype(np.int16), 0
    turned = 0
    if values.ndim == 2:
        values, turned = _mixed(values, np.zeros(3) if speech is None else speech)
    mono: NDArray[np.int16] = np.clip(np.rint(values), -32768, 32767).astype(np.int16)
    return mono, turned


def _mixed(channels: NDArray[Any], speech: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    mixed = channels.mean(axis=1, dtype=np.float64)
    count = channels.shape[1]
    if count == 1:
        return mixed, 0
    if count > 2:
        speech[2] = max(speech[2], float(np.abs(channels.astype(np.float32)).max()))
    signs, turned = None, []
    for begin in range(0, len(channels), _WINDOW):
        window = channels[begin : begin + _WINDOW].astype(np.float32)
        if len(window) >= _MIN_WINDOW:
            signs = _signs(window)
        if signs is not None:
            turned.append((slice(begin, begin + len(window)), window @ (signs / count)))
    if not turned:
        return _clear(channels, mixed), 0
    # Hum and noise may be opposite in phase, too, with the same speech in all channels.
    speech[:2] += _speech(
        [np.concatenate([mixed[place] for place, _ in turned]), np.concatenate([one for _, one in turned])]
    )
    if speech[0] > speech[1]:
        return mixed, 0
    for place, window in turned:
        mixed[place] = window
    return mixed, sum(len(window) for _, window in turned)


def _clear(channels: NDArray[Any], mixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a mix, or where nothing stands out of it the channel with what does: others may have time code, or hum."""
    if len(mixed) < _MANY_FRAMES * _MIN_WINDOW or _speech([mixed])[0]:
        return mixed
    alone = _speech(list(channels.astype(np.float64).T))
    return channels[:, int(alone.argmax())].astype(np.float64) if alone.max() else mixed


def _speech(mixes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how much power of each mix stands out of what is there all the time: of hum and noise, none does."""
    frames = [mix[: len(mix) // _MIN_WINDOW * _MIN_WINDOW].reshape(-1, _MIN_WINDOW) for mix in mixes]
    # Not the loudest frame: a click is no speech.
    quiet, loud = np.percentile([one.var(axis=1) for one in frames], [20, 95], axis=1)
    silent = max(1.0, _RESIDUE * loud.max())
    speech: NDArray[np.float64] = np.maximum(0, loud - _STANDS_OUT * np.maximum(silent, quiet))
    return speech


def _signs(window: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return which channels to turn, as -1, so that none cancels one before it; None if none does."""
    centred = window - window.mean(axis=0)
    products = centred.T @ centred / len(window)
    powers = products.diagonal()
    loud = np.maximum(powers, max(1.0, 0.01 * powers.max()))  # what is as good as silent cancels nothing
    opposite = products / np.sqrt(np.outer(loud, loud)) < _OPPOSITE
    signs = np.ones(len(powers))
    for channel in np.flatnonzero(np.triu(opposite).any(axis=0)):
        signs[channel] = -signs[int(np.argmax(opposite[:channel, channel]))]
    return signs if (signs < 0).any() else None


def _check_shape(array: NDArray[Any]) -> None:
    if array.ndim not in {1, 2}:
        raise AudioError(f"Audio of shape {array.shape} cannot be used: give (samples,) or (samples, channels).")
    if array.ndim == 2 and array.shape[1] == 0:
        raise AudioError(f"Audio of shape {array.shape} has no channels: give (samples,) or (samples, channels).")
    if not array.size:
        raise AudioError("The audio is empty (0 samples): give at least one sample.")
    if array.ndim == 2 and array.shape[1] > MAX_CHANNELS:
        raise AudioError(f"Audio of shape {array.shape} has too many channels: if they come first, give samples.T.")


def _full_scale_32768(array: NDArray[Any]) -> NDArray[Any]:
    """Return the samples in int16 units, not rounded."""
    # By kind and size, because files of other machines come as big-endian dtypes.
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    if kind == "i2":
        return array
    if kind == "i4":
        return array / 65_536.0
    if kind in {"i1", "u1", "u2"}:
        bits = 8 * array.dtype.itemsize
        middle = 1 << (bits - 1) if array.dtype.kind == "u" else 0
        centred: NDArray[np.int16] = ((array.astype(np.int32) - middle) << (16 - bits)).astype(np.int16)
        return centred
    if kind == "f2":
        array = array.astype(np.float32)
    elif kind not in {"f4", "f8"}:
        raise AudioError(f"Audio of dtype {array.dtype} cannot be used: convert it to int16, int32, uint8 or float32.")
    if not np.isfinite(array).all():
        raise AudioError(
            "The audio has values that are not finite (NaN or infinity): remove them, as with np.nan_to_num."
        )
    if np.abs(array).max() > MAX_FLOAT:
        raise _beyond_full_scale(array)
    scaled: NDArray[Any] = array * array.dtype.type(32_768)
    return scaled


class Decoded(NamedTuple):
    """Audio of a file: mono int16 samples, shape ``(n,)``, their rate, and sentences on what was odd about it.

    ``lost`` are the stretches (s, from and to) that could not be read.
    """

    samples: NDArray[np.int16]
    rate: int
    notes: list[str]
    lost: list[tuple[float, float]]


def decode(
    file: AudioFile, max_s: float = math.inf, rate: int | None = None, progress: TellShare | None = None
) -> Decoded:
    """Read any audio file that libsndfile knows, and what phones and browsers record where FFmpeg is at hand.

    It is an `AudioError` if the file is missing, not audio, damaged from its beginning, empty, or too long.

    Parameters
    ----------
    file
        A path, or an open binary file.
    max_s
        Seconds from which on the audio is too long; `MAX_SAMPLES` is the limit for all.
    rate
        Samples per second that are wanted, so that no more are ever held; those of the file if None.
    progress
        Called with the share that is read, now and then; what it raises ends the reading.
    """
    if isinstance(file, str | os.PathLike):
        file = as_path(file)
    (name, content), head = _open(file), b""
    new_reader = partial(_Reader, max_s, rate or 0, progress)
    try:
        with content as data:
            head = bytes((data or b"")[:_HEAD_BYTES])
            size = len(data or b"")
            try:
                parts, reader = _decoded(file, data, None if data is None else container_of(data), new_reader())
            except soundfile.SoundFileError as exc:
                other = None if data is None else container_of(data, shared=True)
                if other is None:
                    raise
                try:  # libsndfile knows the container, and not what is in it
                    parts, reader = _decoded(file, data, other, new_reader())
                except AudioError:
                    raise exc from None
    # Besides libsndfile's own errors: a name ending in .raw is a TypeError, numbers in a header may be absurd.
    except (soundfile.SoundFileError, TypeError, ValueError, OverflowError, MemoryError) as exc:
        if isinstance(exc, AudioError):
            raise AudioError(f"{name}: {exc}") from exc
        if head and head.isascii() and head.decode().translate(_LINES).isprintable():
            # No program makes audio of it; it is not quoted, for it may hold a key.
            what = "it is text: a web page, or what stands for a large file in a repository?"
            raise AudioError(f"{name} cannot be read as audio ({what}): fetch the file itself.") from exc
        reason = str(getattr(exc, "error_string", "not an audio file")).strip().rstrip(".")
        raise AudioError(
            f"{name} cannot be read as audio ({reason}): convert it first, as in: ffmpeg -i INPUT output.wav"
        ) from exc
    if not reader.total:
        worth_keeping = size > _MIN_AUDIO_BYTES
        cure = "keep it, for another program may find audio in it" if worth_keeping else "choose another file"
        raise AudioError(f"{name} is empty (0 samples): {cure}.")
    joined = f"{len(parts)} recordings are joined in this file: all were read, one after the other."
    notes = [joined] * (len(parts) > 1) + reader.notes()
    return Decoded(reader.samples(), reader.rate, [f"{name}: {note}" for note in notes], reader.lost)


def _decoded(
    file: AudioFile, data: Content | None, container: str | None, reader: _Reader
) -> tuple[list[Part], _Reader]:
    """Return what the parts of a file are, and the reader, which has read them; by FFmpeg, if a container is named."""
    if data is not None and container is not None:
        most_s = min(reader.max_s, MAX_SAMPLES / MIN_RATE_HZ)
        parts = [converted(part, container, most_s) for part in joined(data, container)]
    else:
        parts = [Part(b"")] if data is None else inspect(data)
    for part in parts:
        if isinstance(file, str | os.PathLike) and not isinstance(part.data or data, bytes):
            # As bytes: python-soundfile encodes names strictly, and an old name need not be UTF-8.
            reader.read(part, os.fsencode(file))
        else:
            reader.read(part, _Bytes(part.data))
    return parts, reader


def _multiple(kind: str, log: str, frames: int, data: Content) -> float:
    """Return how many times as much a file of a rarer format announces: libsndfile says of it in its log, if at all."""
    if kind == "VOC":
        sizes = re.findall(_VOC_SIZE, log) if "truncated" in log else []
        return sum(map(int, sizes)) / max(1, len(data))
    if kind == "NIST":
        log = bytes(data[:_NIST_HEAD]).decode("latin-1")
    counts = map(int, re.findall(_COUNTS[kind], log)) if kind in _COUNTS else ()
    return max(counts, default=0) / max(1, frames)


class _Bytes(io.BytesIO):
    """Bytes that stay where they are when a damaged header leads libsndfile astray: it would print a traceback."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with contextlib.suppress(ValueError, OverflowError):
            super().seek(offset, whence)
        return self.tell()


class _Reader:
    """Reads files one after the other as one recording, at one rate: the first one's if none is given (0)."""

    def __init__(self, max_s: float, rate: int, progress: TellShare | None) -> None:
        self.rate = rate
        self._progress = progress
        self.lost: list[tuple[float, float]] = []
        self.total = 0
        self._announced_s = 0.0
        self._counted: tuple[str, str, int] | None = None  # the format, libsndfile's log, the frames
        self.max_s = max_s
        self._samples = np.empty(0, np.int16)
        self._peak = 0.0
        self._not_finite = 0
        self._turned = 0
        self._speech = np.zeros(3)
        self._notes: list[str] = []

    def read(self, part: Part, file: bytes | BinaryIO) -> None:
        """Read one of the joined files; what comes before damage counts, unless nothing does."""
        before = self.total, self._turned
        # What an earlier part lacks takes no time of this one.
        self.lost = [(begin, min(end, self.total / (self.rate or 1))) for begin, end in self.lost]
        self._announced_s = 0.0
        try:
            self._read(file, _BLOCK)
            if self._counted and (multiple := _multiple(*self._counted, part.data)) > 1:
                part.announces(multiple)
        except soundfile.SoundFileError:
            # The block with the damage is lost as a whole: begin again with small ones.
            self.total, self._turned = before
            if not isinstance(file, bytes):
                file.seek(0)
            with contextlib.suppress(soundfile.SoundFileError):
                self._read(file, _SMALL_BLOCK)
            if not self.total:
                raise
            self._notes.append(
                f"It is damaged after {self.total / self.rate:.1f} s: what could be read until there was read."
            )
            # Counted in seconds: of this part, perhaps nothing was found.
            end_s, part = self.total / self.rate, Part(b"")
            self.lost.append((end_s, max(end_s, before[0] / self.rate + self._announced_s)))
        if part.holes or part.pauses:
            self._fill(before[0], part)
        start_s, found_s = before[0] / self.rate, (self.total - before[0]) / self.rate
        self._notes += [note.format(found_s=found_s, announced_s=found_s * part.announced) for note in part.notes]
        self.lost += [(start_s + begin * found_s, start_s + end * found_s) for begin, end in part.lost]

    def _fill(self, begin: int, part: Part) -> None:
        """Put silence where a part has holes and pauses, so that what follows keeps its time: libsndfile moves it up.

        In its place at the end, libsndfile repeats something, or ends.
        """
        whole = max(self.total - begin, round(max(self._announced_s, part.whole_s) * self.rate))
        self._resize(self.total)
        self.total = begin + whole
        samples = self.samples()[begin:]
        for start, stop in sorted(part.holes + part.pauses):
            at, until = round(start * whole), round(stop * whole)
            samples[until:] = samples[at : whole - (until - at)].copy()
            samples[at:until] = 0
            if (start, stop) in part.holes:
                self.lost.append(((begin + at) / self.rate, (begin + until) / self.rate))

    def samples(self) -> NDArray[np.int16]:
        """Return all that was read."""
        self._resize(self.total)
        return self._samples

    def notes(self) -> list[str]:
        """Return what was odd."""
        kind = self._counted[0] if self._counted else ""
        uncounted = f"{kind} files do not say how long they are: whether this one was cut off, nobody can tell."
        odd = turned_notes(self._turned, self.rate) + clipped_notes(self.samples(), self._peak)
        if self._not_finite:
            odd.append(f"{self._not_finite:,} of its samples are no numbers, or infinite: they were taken for silence.")
        odd += steadied(self.samples(), self._speech[2])
        odd += level_notes(self.samples(), self._peak)
        return [uncounted] * (kind in _UNCOUNTED) + self._notes + odd

    def _read(self, file: bytes | BinaryIO, frames: int) -> None:
        with soundfile.SoundFile(os.fsdecode(file) if isinstance(file, bytes) and os.name == "nt" else file) as source:
            rate = check_rate(source.samplerate)
            self.rate = self.rate or rate
            self._counted = (source.format, source.extra_info, source.frames)
            if source.frames < _NO_LENGTH:
                self._announced_s = max(self._announced_s, source.frames / rate)
                self._check_length(self.total + source.frames * self.rate / rate)
            dtype = "float32" if source.subtype in _FLOAT_SUBTYPES or "MPEG" in source.subtype else "int16"
            resampler = None if rate == self.rate else Resampler(rate, self.rate)
            while len(block := source.read(max(1, frames // source.channels), dtype=dtype, always_2d=True)):
                if dtype == "float32" and not np.isfinite(block).all():
                    self._not_finite += int(np.count_nonzero(~np.isfinite(block)))
                    block = np.nan_to_num(block, nan=0, posinf=0, neginf=0)
                mono, turned = to_mono(block, self._speech)
                self._peak = max(self._peak, peak_of(block))
                self._turned += turned
                self._append(mono if resampler is None else resampler.resample(mono))
            if resampler is not None:
                self._append(resampler.resample(np.zeros(0, np.int16), last=True))

    def _append(self, block: NDArray[np.int16]) -> None:
        end = self.total + len(block)
        self._check_length(end)
        if end > len(self._samples):
            self._resize(end + end // 8)
        self._samples[self.total : end] = block
        self.total = end
        if self._progress is not None and self._announced_s:
            self._progress(min(1.0, end / self.rate / self._announced_s))

    def _resize(self, length: int) -> None:
        # In place: joined from pieces, hours of audio would lie in memory twice.
        self._samples.resize(length, refcheck=False)

    def _check_length(self, samples: float) -> None:
        # A resampler may round up.
        if samples > 1 + min(MAX_SAMPLES, self.max_s * self.rate):
            hours = min(MAX_SAMPLES / self.rate, self.max_s) / 3600
            raise AudioError(
                f"It is longer than {hours:.3g} hours at {self.rate} Hz: cut it into parts, or convert it to 16000 Hz."
            )


def level_notes(samples: NDArray[np.int16], exact_peak: float = 0.0) -> list[str]:
    """Return what there is to tell where audio is too quiet to hold speech; ``exact_peak`` as from `peak_of`."""
    peak = max(int(samples.max()), -int(samples.min()))
    if not peak and exact_peak:
        level = f"its loudest sample is at {20 * math.log10(exact_peak):.0f} dBFS"
        return [
            f"It is silent in 16 bits: {level}. Amplify it; if it holds samples of 16 bits in 32, convert it to 16."
        ]
    if not peak:
        return ["It is silent: in 16 bits, every sample is 0."]
    peak_db = 20 * math.log10(peak / 32_768)
    if peak_db >= _QUIET_DB:
        return []
    how = "almost silent" if peak_db < _SILENT_DB else "very quiet"
    return [f"It is {how}: its loudest sample is at {peak_db:.0f} dBFS, so words may be missed; amplify it."]


def steadied(samples: NDArray[np.int16], loudest: float) -> list[str]:
    """Take a constant offset away that is louder than the sound, and make a mix as loud as its ``loudest`` channel.

    In place; returns what there is to tell of it. The mix of many channels, one of which has speech, is nearly silent.
    """
    if len(samples) < _SMALL_BLOCK:  # no sound that anybody hears
        return []
    offset = round(float(samples.mean()))
    blocks = [samples[at : at + _BLOCK] for at in range(0, len(samples), _BLOCK)]
    if abs(offset) < _OFFSET:
        peak = max(int(samples.max()), -int(samples.min()))
        if loudest > _WEAKER * peak > 0:
            for block in blocks:
                np.clip(np.rint(block * (loudest / peak)), -32_768, 32_767, out=block, casting="unsafe")
        return []
    power = sum(float(np.square(block - float(offset)).sum()) for block in blocks) / len(samples)
    if not 0 < _OFFSET_POWER * power < offset**2:
        return []
    for block in blocks:
        np.clip(block.astype(np.int32) - offset, -32_768, 32_767, out=block, casting="unsafe")
    return [f"It has a constant offset of {offset / 32_768:.2f} of full scale, which was taken away."]


def peak_of(array: NDArray[Any]) -> float:
    """Return the loudest sample of floating-point audio; 0 of whole numbers, which cannot be over full scale."""
    return float(np.abs(array).max()) if array.dtype.kind == "f" else 0.0


def clipped_notes(samples: NDArray[np.int16], peak: float) -> list[str]:
    """Return what there is to tell where floating-point audio with this peak was over full scale, and clipped."""
    share = np.count_nonzero((samples >= 32_767) | (samples == -32_768)) / len(samples) if peak > 1 else 0.0
    if share < _CLIPPED:
        return []
    return [f"It reaches {peak:.3g} times full scale, and {share:.1%} of its samples were clipped: make it quieter."]


def turned_notes(frames: int, rate: int) -> list[str]:
    """Return what there is to tell where channels cancelled each other."""
    if not frames:
        return []
    seconds = f"{frames / rate:.1f} s"
    return [f"Its channels are opposite in phase for {seconds} and would cancel each other: some were turned around."]


def _open(file: AudioFile) -> tuple[str, contextlib.AbstractContextManager[Content | None]]:
    """Return what to call a file and its bytes; None for a device, which libsndfile reads itself."""
    if isinstance(file, str | os.PathLike):
        return printable_name(file), _content(Path(file))
    given = getattr(file, "name", None)  # a number or None of temporary files
    name = printable_name(given) if isinstance(given, str) else "The audio"
    if not hasattr(file, "read"):
        raise AudioError(f"{type(file).__name__} is not an audio file: give a path, or a file opened with mode 'rb'.")
    data = file.read()
    if not data and getattr(file, "seekable", bool)():  # it was just written, or read before
        file.seek(0)
        data = file.read()
    if not isinstance(data, bytes | bytearray):
        raise AudioError(f"{name} was opened as text: open it with mode 'rb'.")
    return name, contextlib.nullcontext(bytes(data))


_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
"""As it is left of an address that was made a path; drives of Windows have one letter."""


def printable_name(path: str | os.PathLike[str]) -> str:
    """Return the name of a file as text that can be shown anywhere: bytes that are no UTF-8 are escaped."""
    return printable(Path(path).name.encode("utf-8", "backslashreplace").decode())


def _content(path: Path) -> contextlib.AbstractContextManager[Content | None]:
    name = printable_name(path)
    # Ask the system first: libsndfile calls every refusal "System error".
    try:
        with path.open("rb") as opened:
            if path.is_fifo():
                return contextlib.nullcontext(opened.read())
            is_empty = path.is_file() and path.stat().st_size == 0  # a device has no size
            with contextlib.suppress(OSError, ValueError):  # devices and some network drives cannot be mapped
                return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as exc:
        if _ADDRESS.match(os.fspath(path)):  # not quoted: it may hold a password
            raise AudioError("A file is wanted, not a web address: download it first, and give its path.") from None
        folder = printable(os.fspath(path.parent.absolute()).encode("utf-8", "backslashreplace").decode())
        raise AudioError(f"There is no file {name} in {folder}: check its name and folder.") from exc
    except ValueError as exc:
        raise AudioError(f"{name!r} cannot be the name of a file: check it.") from exc
    except OSError as exc:
        raise AudioError(f"{name} cannot be opened ({exc.strerror}): choose a file that you may read.") from exc
    if is_empty:
        raise AudioError(f"{name} is empty (0 bytes): record it again, or choose another file.")
    return contextlib.nullcontext(None)


def encode(path: Path, samples: NDArray[np.int16], rate: int) -> None:
    """Write mono int16 samples, shape ``(n,)``, as WAV, FLAC or Ogg Vorbis, by the suffix of the file.

    It is an `AudioError` if the suffix is another, the format does not know the rate, or the file cannot be written.
    """
    if path.suffix.lower() not in _FORMATS:
        raise AudioError(f"Audio cannot be saved as {path.name!r}: end the name with one of {', '.join(_FORMATS)}.")
    container, subtype = _FORMATS[path.suffix.lower()]
    if container == "OGG" and rate > _MAX_VORBIS_RATE_HZ:
        raise AudioError(f"Ogg files cannot have {rate} Hz: save as .wav, or resample with .to_rate(48000) first.")
    try:
        with path.open("w+b") as file:
            write_audio(file, samples, rate, container, subtype)
    except OSError as exc:
        raise AudioError(
            f"{path} cannot be written ({exc.strerror}): choose another file or create its folder."
        ) from exc
    except soundfile.SoundFileError as exc:
        path.unlink(missing_ok=True)
        raise AudioError(f"{path.name} cannot have {rate} Hz: resample with .to_rate(48000) first.") from exc


def write_audio(
    file: BinaryIO, samples: NDArray[np.int16], rate: int, container: str = "WAV", subtype: str = "PCM_16"
) -> None:
    """Write mono int16 samples, shape ``(n,)``, in one of libsndfile's formats."""
    with soundfile.SoundFile(file, "w", rate, 1, subtype, format=container) as target:
        for start in range(0, len(samples), _BLOCK):
            target.write(samples[start : start + _BLOCK])


def wav(samples: NDArray[np.int16], rate: int) -> bytes:
    """Return mono int16 samples, shape ``(n,)``, as the bytes of a WAV file."""
    buffer = io.BytesIO()
    write_audio(buffer, samples, rate)
    return buffer.getvalue()
