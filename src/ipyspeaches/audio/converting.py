"""What phones and browsers record, AAC in MP4 and Opus in WebM, which libsndfile does not read.

PyAV does it where it is installed; it comes with faster-whisper and with aiortc.
"""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio.containers import Content, Part
from ipyspeaches.errors import AudioError

_COUNTED: Final = frozenset({"mov", "matroska"})
"""Whose head says how long they are; of others it is guessed."""
_SHORT_S: Final = 0.5
"""So much less than a file announces is no cut: encoders pad."""


def container_of(data: Content) -> str | None:
    """Return what FFmpeg calls the container of a file that it has to read; None if libsndfile may try."""
    head = bytes(data[:12])
    if head[4:8] == b"ftyp":
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # ADTS
        return "aac"
    return "amr" if head.startswith(b"#!AMR") else None


def converted(data: Content, container: str, most_s: float) -> Part:
    """Return such a file as a WAV file, of at most so many seconds and some.

    It is an `AudioError` if it holds no audio, is damaged from its beginning, or nothing here can read it.
    """
    try:
        import av
    except ImportError:
        raise AudioError(
            "It takes PyAV to read it: pip install av, or convert it first, as in: ffmpeg -i INPUT output.wav"
        ) from None
    blocks: list[NDArray[Any]] = []
    rate, found, announced_s = 0, 0, 0.0
    reason = "there is no sound in it"
    try:
        with av.open(io.BytesIO(data), "r", container) as opened:
            if container in _COUNTED:
                announced_s = (opened.duration or 0) / av.time_base
            resampler = av.AudioResampler(format="s16")
            for frame in opened.decode(*opened.streams.audio[:1]) if opened.streams.audio else ():
                for plain in resampler.resample(frame):
                    rate = plain.sample_rate
                    blocks.append(plain.to_ndarray().reshape(-1, plain.layout.nb_channels))
                    found += len(blocks[-1])
                if found > (most_s + 1) * rate:
                    break
    except (av.error.FFmpegError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
    if not found:
        raise AudioError(f"It cannot be read as audio ({reason}): it may be cut off, choose another file.")
    part = Part(_wav(np.concatenate(blocks), rate))
    if announced_s > found / rate + _SHORT_S and found / rate <= most_s:
        part.announces(announced_s * rate / found)
    return part


def _wav(samples: NDArray[Any], rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
