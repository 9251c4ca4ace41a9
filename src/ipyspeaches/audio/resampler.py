"""Streaming resampling to the session clock.

libsoxr (via python-soxr) does the filtering. A stream that is cut into blocks of any size gives the same samples as
the whole in one piece (but for the last bits, which libsoxr dithers), and its length is the input's length times the
ratio, rounded once at the end.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import AudioError

MAX_RATE_HZ = 768_000


class Resampler:
    """Resample one mono int16 stream.

    Parameters
    ----------
    rate
        Samples per second of the input.
    to
        Samples per second of the output.

    Raises
    ------
    AudioError
        If the rate is not a whole number from 1 to 768,000.
    """

    def __init__(self, rate: int, to: int = SESSION_RATE_HZ) -> None:
        if not 1 <= rate <= MAX_RATE_HZ:
            raise AudioError(
                f"A sample rate of {rate} Hz is not possible: give the rate of the recording, such as 16000."
            )
        self.rate = rate
        self.to = to
        self._stream = None if rate == to else soxr.ResampleStream(rate, to, 1, dtype="int16", quality="HQ")

    def push(self, samples: NDArray[np.int16], *, last: bool = False) -> NDArray[np.int16]:
        """Return what the filter can give after these samples; ``last`` drains it."""
        if self._stream is None:
            return samples
        out: NDArray[np.int16] = self._stream.resample_chunk(samples, last=last)
        return out
