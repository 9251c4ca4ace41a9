"""Minimum and maximum of a growing series at several resolutions: any window costs its pixels, not its samples."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.store import GrowingArray

Extremes: TypeAlias = NDArray[Any]
"""Minimum and maximum, int16 or float32, shape ``(n, 2)``."""

FACTOR: Final = 8
LEVELS: Final = 6


class Pyramid:
    """Extremes of a growing series; level 0 is the series itself, an entry of level *n* covers ``8**n`` of it.

    One thread appends; any thread may read what was there before.
    """

    def __init__(self, dtype: type[np.int16 | np.float32]) -> None:
        self._dtype = dtype
        self._levels = [GrowingArray(dtype, 256, 2) for _ in range(LEVELS)]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, extremes: Extremes) -> None:
        """Add entries: shape ``(n, 2)``, minimum and maximum."""
        self._levels[0].append(extremes)
        for below, above in zip(self._levels, self._levels[1:], strict=False):
            whole = len(below) // FACTOR
            if whole > len(above):
                above.append(_reduce(below.read(len(above) * FACTOR, whole * FACTOR)))

    def window(self, level: int, first: int, count: int) -> Extremes:
        """Return ``count`` entries of a level from ``first`` on, fewer where the series ends, shape ``(n, 2)``.

        The last entry of a level may cover less than the others: it is made from the level below.
        """
        level = min(max(level, 0), LEVELS - 1)
        first = max(first, 0)
        found = self._levels[level].read(first, first + count)
        missing = first + count - len(self._levels[level])
        if level == 0 or missing <= 0:
            return found
        begin = max(first, len(self._levels[level]))
        rest = self.window(level - 1, begin * FACTOR, FACTOR)
        if not len(rest):
            return found
        tail = np.array([[rest[:, 0].min(), rest[:, 1].max()]], dtype=self._dtype)
        return np.concatenate((found, tail))


def _reduce(extremes: Extremes) -> Extremes:
    groups = extremes.reshape(-1, FACTOR, 2)
    return np.stack((groups[:, :, 0].min(axis=1), groups[:, :, 1].max(axis=1)), axis=1)
