"""The sound of a media track on its way into a session: one stream, resampled once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ, Resampler

if TYPE_CHECKING:
    from av import AudioFrame

PIECE_SAMPLES: Final = SESSION_RATE_HZ // 10
"""100 ms: frames of 20 ms one by one would make five times the work."""


class TrackSound:
    """Turns the frames of one track into mono int16 at 24 kHz.

    One resampler sees the whole stream: a new one for each frame would lose samples at every edge, and with them
    three hundredths of the time.
    """

    def __init__(self) -> None:
        self._resampler: Resampler | None = None
        self._gathered: list[NDArray[np.int16]] = []
        self._length = 0

    def push(self, frame: AudioFrame) -> NDArray[np.int16] | None:
        """Take a frame; return the next piece if it is full."""
        if self._resampler is None or self._resampler.rate != frame.sample_rate:
            self._resampler = Resampler(frame.sample_rate)
        samples = self._resampler.push(_mono(frame))
        self._gathered.append(samples)
        self._length += len(samples)
        return self.take() if self._length >= PIECE_SAMPLES else None

    def take(self) -> NDArray[np.int16] | None:
        """Return what is gathered, if anything is."""
        if not self._length:
            return None
        gathered = np.concatenate(self._gathered)
        self._gathered, self._length = [], 0
        return gathered


def _mono(frame: AudioFrame) -> NDArray[np.int16]:
    channels = len(frame.layout.channels)
    # Packed: the channels of one moment are next to each other.
    samples = frame.to_ndarray().reshape(-1, channels).astype(np.int16, copy=False)
    if channels == 1:
        return samples[:, 0]
    mono: NDArray[np.int16] = np.rint(samples.mean(axis=1, dtype=np.float32)).astype(np.int16)
    return mono
