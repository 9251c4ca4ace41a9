"""All audio of one session, in one place, by sample index.

Gate, protocol and journal speak of ranges of samples; only the store holds them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds


class GrowingArray:
    """Rows of one shape that are added at the end; ``capacity`` is how many there is room for to begin with.

    One thread appends; any thread may read what has been appended before (the buffer is replaced, never moved under
    a reader).
    """

    def __init__(self, dtype: type[np.generic], capacity: int, *row: int) -> None:
        self._buffer: NDArray[Any] = np.empty((capacity, *row), dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        end = self._length + len(rows)
        if end > len(self._buffer):
            # Growing by half keeps the copying linear in the length.
            grown = np.empty((max(end, len(self._buffer) * 3 // 2), *self._buffer.shape[1:]), self._buffer.dtype)
            grown[: self._length] = self._buffer[: self._length]
            self._buffer = grown
        self._buffer[self._length : end] = rows
        self._length = end

    def read(self, start: int, end: int) -> NDArray[Any]:
        """Return a read-only view of the rows from ``start`` to ``end``, clipped to what is there."""
        length = self._length  # before the buffer: all that it counts is in every later buffer
        view = self._buffer[max(0, start) : min(end, length)]
        view.flags.writeable = False
        return view


class AudioStore(GrowingArray):
    """A growing stream of int16 samples at `SESSION_RATE_HZ`."""

    def __init__(self) -> None:
        super().__init__(np.int16, SESSION_RATE_HZ * 10)

    @property
    def duration_s(self) -> float:
        """Seconds of audio held."""
        return to_seconds(len(self))
