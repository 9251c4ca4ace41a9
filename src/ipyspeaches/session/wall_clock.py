"""When a sample of the session was heard, on the machine's clock: what latencies are measured against."""

from __future__ import annotations

import bisect
import time
from collections import deque

from ipyspeaches.audio import to_samples

_KEPT_BLOCKS = 6_000  # ten minutes of 100 ms blocks: no utterance's latency looks back further


class WallClock:
    """Remembers when each block of samples arrived."""

    def __init__(self) -> None:
        self._ends: deque[int] = deque(maxlen=_KEPT_BLOCKS)
        self._times: deque[float] = deque(maxlen=_KEPT_BLOCKS)

    def arrived(self, end: int) -> None:
        """Note that the samples up to ``end`` are here now."""
        self._ends.append(end)
        self._times.append(time.monotonic())

    def since_ms(self, session_s: float) -> float | None:
        """Return how many milliseconds ago the sound of session second ``session_s`` arrived, None if unknown."""
        index = bisect.bisect_left(self._ends, to_samples(session_s))
        if index >= len(self._ends):
            return None
        return (time.monotonic() - self._times[index]) * 1000
