"""Uploaded sound files, decoded to the session clock's 24 kHz mono int16."""

from __future__ import annotations

from typing import BinaryIO, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio import Resampler
from ipyspeaches.audio.decoding import decode
from ipyspeaches.errors import AudioError

RAW_TYPES: Final = frozenset({"audio/pcm", "audio/raw"})
RAW_RATE_HZ: Final = 16_000
MAX_DURATION_S: Final = 2 * 3600


def decode_upload(file: BinaryIO, content_type: str | None) -> NDArray[np.int16]:
    """Return the sound of an uploaded file, int16 mono at 24 kHz.

    Parameters
    ----------
    file
        Open for reading, seekable. Any rate, sample format and number of channels that libsndfile reads (WAV, FLAC,
        Ogg, MP3, …); channels are averaged.
    content_type
        Of its part of the form; ``audio/pcm`` and ``audio/raw`` are 16 kHz mono PCM16 without a header.

    Raises
    ------
    AudioError
        If there is no sound in it, or more than `MAX_DURATION_S`.
    """
    if content_type is not None and content_type.split(";")[0].strip().lower() in RAW_TYPES:
        return _decode_raw(file.read())
    try:
        samples, rate = decode(file)
    except AudioError as exc:
        if isinstance(exc.__cause__, soundfile.SoundFileError | TypeError):
            raise AudioError("Failed to decode audio. The provided file type is not supported.") from exc
        raise
    return _at_session_rate(samples, rate)


def _decode_raw(data: bytes) -> NDArray[np.int16]:
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16, copy=False)
    if not len(samples):
        raise AudioError("Failed to decode audio. The file holds no sound.")
    return _at_session_rate(samples, RAW_RATE_HZ)


def _at_session_rate(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    if len(samples) > MAX_DURATION_S * rate:
        raise AudioError(f"The recording is longer than {MAX_DURATION_S // 3600} hours. Send it in parts.")
    return Resampler(rate).push(samples, last=True)
