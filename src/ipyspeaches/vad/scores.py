"""The scores of a recording: computed once, cut with any threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One score a frame.

    Parameters
    ----------
    value
        float32, shape ``(frames,)``: energy in int16 units, or a probability from 0 to 1.
    hop
        Samples a frame.
    rate
        Samples per second of the sound that was scored.
    length
        Samples of the sound that was scored; the last frame may be shorter.
    """

    value: NDArray[np.float32]
    hop: int
    rate: int
    length: int

    @property
    def hop_s(self) -> float:
        """Seconds a frame."""
        return self.hop / self.rate

    @property
    def time(self) -> NDArray[np.float64]:
        """Where each frame begins, in seconds, shape ``(frames,)``."""
        return np.arange(len(self.value), dtype=np.float64) * self.hop_s
