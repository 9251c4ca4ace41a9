"""When audio came and when texts came: wall clock, lateness and latencies, on the machine's monotonic clock."""

from __future__ import annotations

import bisect
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from ipyspeaches.audio import to_samples
from ipyspeaches.results import Latency
from ipyspeaches.session.ledger import Entry
from ipyspeaches.vad.gate import Cut, Utterance

LATE_S: Final = 1.0
"""More than what a notebook, a network or a busy processor takes in the ordinary course of things."""

_DRIFT: Final = 1e-3
"""Seconds a second by which a microphone's clock may run slower than the machine's, and then some."""
_KEPT_BLOCKS: Final = 6_000
"""Ten minutes of 100 ms blocks: no utterance's latency looks back further."""
_SPEECH_ENDS: Final = 256
"""Ends of speech to remember: a server that cuts has only its last utterances open."""
_UNPAINTED: Final = 256
"""Final texts that may wait for a page to say that it has painted them; without a page, all do."""


class Lateness:
    """Compares when audio came with how much of it there is: the quickest it ever came is as it is spoken.

    Attributes
    ----------
    is_late
        Whether the last audio was more than `LATE_S` late.
    late_until_s
        Session second at which the last late audio ended.
    """

    def __init__(self) -> None:
        self.is_late = False
        self.late_until_s = 0.0
        self._quickest_s: float | None = None
        self._at_s = 0.0

    def observe(self, end_s: float, now_s: float) -> float:
        """Return how many seconds late audio is.

        Parameters
        ----------
        end_s
            Session second at which it ends; audio that was lost counts.
        now_s
            When it came, on a monotonic clock.
        """
        taken_s = now_s - end_s
        if self._quickest_s is None:
            self._quickest_s = taken_s
        else:
            self._quickest_s = min(taken_s, self._quickest_s + _DRIFT * (now_s - self._at_s))
        self._at_s = now_s
        late_s = taken_s - self._quickest_s
        self.is_late = late_s > LATE_S
        if self.is_late:
            self.late_until_s = end_s
        return late_s

    def restart(self) -> None:
        """Forget what was: the session's clock has stood still meanwhile."""
        self.is_late = False
        self._quickest_s = None


class Timing:
    """Measures how long after the end of its speech each step of an utterance came; on the engine's loop.

    Parameters
    ----------
    latency
        Takes the measures.
    """

    def __init__(self, latency: Latency) -> None:
        self._latency = latency
        self._arrived_ends: deque[int] = deque(maxlen=_KEPT_BLOCKS)
        self._arrived_at_s: deque[float] = deque(maxlen=_KEPT_BLOCKS)
        self._speech_ends_s: deque[float] = deque(maxlen=_SPEECH_ENDS)
        self._unpainted: dict[str, float] = {}  # when the speech ended, on the machine's clock

    def arrived(self, end: int) -> None:
        """Note that the samples up to ``end`` are here now."""
        self._arrived_ends.append(end)
        self._arrived_at_s.append(time.monotonic())

    def since_ms(self, session_s: float) -> float | None:
        """Return how many milliseconds ago the audio of session second ``session_s`` arrived, None if unknown."""
        index = bisect.bisect_left(self._arrived_ends, to_samples(session_s))
        if index >= len(self._arrived_ends):
            return None
        return (time.monotonic() - self._arrived_at_s[index]) * 1000

    def speech_ended(self, end_s: float) -> None:
        """Note where the local detector heard an end of speech."""
        self._speech_ends_s.append(end_s)

    def final(self, item_id: str, entry: Entry) -> float | None:
        """Note that the final text has come; return how many milliseconds that took."""
        utterance = entry.utterance
        end_s = self._speech_end_s(utterance)
        final_ms = self.since_ms(end_s)
        late_ms = self._between_ms(end_s, utterance.end_s)
        self._latency.append(
            item_id=item_id,
            speech_end_s=end_s,
            vad_stop_ms=_later(entry.vad_stop_ms, late_ms),
            commit_ms=_later(entry.commit_ms, late_ms),
            first_partial_ms=_later(entry.first_partial_ms, late_ms),
            final_ms=final_ms,
        )
        if final_ms is not None:
            self._unpainted[item_id] = time.monotonic() - final_ms / 1000
            if len(self._unpainted) > _UNPAINTED:
                del self._unpainted[next(iter(self._unpainted))]
        return final_ms

    def painted(self, item_ids: Iterable[str], at_s: float) -> None:
        """Note that final texts were on a screen at ``at_s`` on the machine's monotonic clock."""
        for item_id in item_ids:
            ended_s = self._unpainted.pop(item_id, None)
            if ended_s is not None:
                self._latency.painted(item_id, (at_s - ended_s) * 1000)

    def _speech_end_s(self, utterance: Utterance) -> float:
        """Return where speech ended: all latencies count from the same moment, whoever cuts.

        A server that cuts says where it was sure of the end, half a second late: the local detector, which hears the
        same audio, knows where it was.
        """
        start_s, end_s = utterance.start_s, utterance.end_s
        if utterance.cut is not Cut.SERVER:
            return end_s
        return max((heard_s for heard_s in self._speech_ends_s if start_s < heard_s <= end_s), default=end_s)

    def _between_ms(self, first_s: float, second_s: float) -> float:
        """Return how much later the audio of the second moment arrived than that of the first."""
        first_ms, second_ms = self.since_ms(first_s), self.since_ms(second_s)
        return 0.0 if first_ms is None or second_ms is None else first_ms - second_ms


def _later(measured_ms: float | None, late_ms: float) -> float | None:
    """Return a measure as counted from a moment ``late_ms`` earlier."""
    return None if measured_ms is None else measured_ms + late_ms
