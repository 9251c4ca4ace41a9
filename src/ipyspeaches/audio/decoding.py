"""Audio in any shape to mono int16, and the errors of audio that cannot be used.

libsndfile (via python-soundfile) reads and writes the files.
"""

from __future__ import annotations

import io
import numbers
import os
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from ipyspeaches.audio.clock import MAX_RATE_HZ
from ipyspeaches.errors import AudioError

AudioFile: TypeAlias = str | os.PathLike[str] | BinaryIO

MIN_RATE_HZ: Final = 1_000
MAX_CHANNELS: Final = 256
MAX_FLOAT: Final = 16.0
"""Floating-point audio louder than 24 dB over full scale is not loud, it is in other units."""

_BLOCK: Final = 1 << 18
"""Frames read or written at once: libsndfile overflows its stack when it encodes a long Vorbis file in one call."""
_FLOAT_SUBTYPES: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "VORBIS", "OPUS", "ALAC_24", "ALAC_32"})
"""Read as float32 and rounded here: libsndfile would cut off the lower bits, or wrap loud decoded audio around."""
_FORMATS: Final = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
_MAX_VORBIS_RATE_HZ: Final = 200_000
"""libvorbis crashes the process above."""


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


def array_to_mono(samples: ArrayLike) -> NDArray[np.int16]:
    """Return an array that a user gave as a new mono int16 array; see `Recording.from_array`."""
    try:
        array = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as exc:  # lists of several lengths, tensors on another device
        raise AudioError(f"The samples cannot be made an array ({exc}): give a NumPy array of numbers.") from exc
    _check_shape(array)
    if array.ndim == 2 and array.shape[1] > array.shape[0]:
        raise AudioError(
            f"Audio of shape {array.shape} has more channels than samples: if the channels come first, give samples.T."
        )
    _check_full_scale(array)
    return to_mono(array)


def _check_full_scale(array: NDArray[Any]) -> None:
    """Refuse narrower audio in a wider dtype: it would become silence."""
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


def to_mono(array: NDArray[Any]) -> NDArray[np.int16]:
    """Return audio, shape ``(n,)`` or ``(n, channels)``, as a new mono int16 array.

    Channels are averaged before they are rounded, so that they cannot clip; floats over full scale clip.
    """
    _check_shape(array)
    values = _full_scale_32768(array)
    if values.ndim == 1 and values.dtype.kind == "i":
        return values.astype(np.int16)
    if values.ndim == 2:
        values = values.mean(axis=1, dtype=np.float64)
    mono: NDArray[np.int16] = np.clip(np.rint(values), -32768, 32767).astype(np.int16)
    return mono


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
    if kind == "u1":
        centred: NDArray[np.int16] = (array.astype(np.int16) - 128) * 256
        return centred
    if kind == "f2":
        array = array.astype(np.float32)
    elif kind not in {"f4", "f8"}:
        raise AudioError(f"Audio of dtype {array.dtype} cannot be used: convert it to int16, int32, uint8 or float32.")
    if not np.isfinite(array).all():
        raise AudioError(
            "The audio has values that are not finite (NaN or infinity): remove them, as with np.nan_to_num."
        )
    peak = float(np.abs(array).max())
    if peak > MAX_FLOAT:
        raise AudioError(f"Floating-point audio must lie within ±1, but it reaches {peak:g}: divide it by full scale.")
    scaled: NDArray[Any] = array * array.dtype.type(32_768)
    return scaled


def decode(file: AudioFile) -> tuple[NDArray[np.int16], int]:
    """Return the mono int16 samples, shape ``(n,)``, and the rate of any audio file that libsndfile knows.

    Raises
    ------
    AudioError
        If the file is missing, not audio, damaged or empty.
    """
    if isinstance(file, str | os.PathLike):
        path = Path(file)
        name = printable_name(path)
        _check_openable(path)
        # As bytes: python-soundfile encodes names strictly, and an old name need not be UTF-8.
        opened: Any = str(path) if os.name == "nt" else os.fsencode(path)
    else:
        name = printable_name(str(getattr(file, "name", "The audio")))
        opened = file
    try:
        with soundfile.SoundFile(opened) as source:
            rate = check_rate(source.samplerate)
            dtype = "float32" if source.subtype in _FLOAT_SUBTYPES or "MPEG" in source.subtype else "int16"
            blocks = []
            while len(block := source.read(_BLOCK, dtype=dtype, always_2d=True)):
                blocks.append(to_mono(block))
    # python-soundfile answers a name ending in .raw with a TypeError.
    except (soundfile.SoundFileError, TypeError) as exc:
        reason = str(getattr(exc, "error_string", "not an audio file")).strip().rstrip(".")
        raise AudioError(
            f"{name} cannot be read as audio ({reason}): convert it first, as in: ffmpeg -i INPUT output.wav"
        ) from exc
    except AudioError as exc:
        raise AudioError(f"{name}: {exc}") from exc
    if not blocks:
        raise AudioError(f"{name} is empty (0 samples): record it again, or choose another file.")
    return np.concatenate(blocks), rate


def printable_name(path: str | os.PathLike[str]) -> str:
    """Return the name of a file as text that can be shown anywhere: bytes that are no UTF-8 are escaped."""
    return Path(path).name.encode("utf-8", "backslashreplace").decode()


def _check_openable(path: Path) -> None:
    """Ask the system first: libsndfile calls every refusal "System error"."""
    name = printable_name(path)
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError as exc:
        raise AudioError(f"There is no file {name}: check the name; relative ones start at {Path.cwd()}.") from exc
    except ValueError as exc:
        raise AudioError(f"{name!r} cannot be the name of a file: check it.") from exc
    except OSError as exc:
        raise AudioError(f"{name} cannot be opened ({exc.strerror}): choose a file that you may read.") from exc
    if path.is_file() and path.stat().st_size == 0:  # a pipe has no size
        raise AudioError(f"{name} is empty (0 bytes): record it again, or choose another file.")


def encode(path: Path, samples: NDArray[np.int16], rate: int) -> None:
    """Write mono int16 samples, shape ``(n,)``, as WAV, FLAC or Ogg Vorbis, by the suffix of the file.

    Raises
    ------
    AudioError
        If the suffix is another, the format does not know the rate, or the file cannot be written.
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
