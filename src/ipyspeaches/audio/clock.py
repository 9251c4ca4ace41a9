"""The session clock counts samples, at the rate that goes over the wire, and all audio is resampled to it.

What a session records is resampled once to `SESSION_RATE_HZ`; from then on a moment is a sample index and a duration a
number of samples, so that no clock can drift from another.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ipyspeaches.errors import AudioError

SESSION_RATE_HZ: Final = 24_000
"""Samples per second of the session clock: the only rate that OpenAI-Realtime servers take as ``pcm16``."""
MAX_RATE_HZ: Final = 768_000


def to_seconds(sample: int) -> float:
    """Return the session time of a sample index, in seconds."""
    return sample / SESSION_RATE_HZ


def to_samples(seconds: float) -> int:
    """Return the sample index nearest to a session time in seconds."""
    return round(seconds * SESSION_RATE_HZ)


class Resampler:
    """Resample one mono int16 stream from ``rate`` to ``to`` samples per second with libsoxr, in blocks of any size.

    It is an `AudioError` if the rate is not a whole number from 1 to 768,000.

    The blocks together are the whole resampled in one piece (but for the last bits, which libsoxr dithers), and as long
    as the input times the ratio, rounded once at the end.

    libsoxr gives its output in pieces of some 35 ms. ``prompt`` has it 240 samples of the input late at all times
    (5 ms at 48 kHz), for a quarter more of processor time, and shifted by two samples at most.
    """

    def __init__(self, rate: int, to: int = SESSION_RATE_HZ, *, prompt: bool = False) -> None:
        if not 1 <= rate <= MAX_RATE_HZ:
            raise AudioError(
                f"A sample rate of {rate} Hz is not possible: give the rate of the recording, such as 16000."
            )
        self.rate = rate
        # The engine for ratios that vary works sample by sample; it measures as clean as the other one.
        self._stream = None if rate == to else soxr.ResampleStream(rate, to, 1, dtype="int16", quality="HQ", vr=prompt)

    def resample(self, samples: NDArray[np.int16], *, last: bool = False) -> NDArray[np.int16]:
        """Return what the filter can give after these samples; ``last`` drains it."""
        if self._stream is None:
            return samples
        out: NDArray[np.int16] = self._stream.resample_chunk(samples, last=last)
        return out
