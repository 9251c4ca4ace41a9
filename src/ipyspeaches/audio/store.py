"""All audio of one session, in one place, by sample index.

Gate, protocol and journal speak of ranges of samples; only the store holds them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds


class AudioStore:
    """A growing int16 stream at `SESSION_RATE_HZ`.

    One thread appends; any thread may read what has been appended before (the buffer is replaced, never moved under
    a reader).
    """

    def __init__(self) -> None:
        self._buffer = np.empty(SESSION_RATE_HZ * 10, dtype=np.int16)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def duration_s(self) -> float:
        """Seconds of audio held."""
        return to_seconds(self._length)

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add int16 samples, shape ``(n,)``, at the end."""
        end = self._length + len(samples)
        if end > len(self._buffer):
            # Growing by half keeps the copying linear in the length of the session.
            grown = np.empty(max(end, len(self._buffer) * 3 // 2), dtype=np.int16)
            grown[: self._length] = self._buffer[: self._length]
            self._buffer = grown
        self._buffer[self._length : end] = samples
        self._length = end

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """Return a view of the samples from ``start`` to ``end``, clipped to what is there."""
        length = self._length
        view = self._buffer[max(0, start) : min(end, length)]
        view.flags.writeable = False
        return view
