"""A piece of sound as a source hands it over, before it is on the session clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Mono sound at the source's own rate.

    Parameters
    ----------
    samples
        int16, shape ``(n,)``.
    rate
        Samples per second.
    lost
        Samples, at the same rate, that the source knows to be missing directly before this block.
    overflowed
        Whether the source dropped an unknown amount of sound before this block.
    """

    samples: NDArray[np.int16]
    rate: int
    lost: int = 0
    overflowed: bool = False
