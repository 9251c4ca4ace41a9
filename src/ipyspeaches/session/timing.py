"""How long after the end of its speech each step of an utterance came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ipyspeaches.protocol import Span
from ipyspeaches.results import Latency
from ipyspeaches.session.wall_clock import WallClock

_SPEECH_ENDS: Final = 256
"""Ends of speech to remember: a server that cuts has only its last utterances open."""

_UNPAINTED: Final = 256
"""Final texts that may wait for a page to say that it has painted them; without a page, all do."""


@dataclass(slots=True)
class Utterance:
    """What is known of an utterance before its text: where it is, and how long after its end things happened."""

    span: Span
    vad_stop_ms: float | None = None
    commit_ms: float | None = None
    first_partial_ms: float | None = None


class Timing:
    """Measures utterances; on the engine's loop.

    Parameters
    ----------
    latency
        Takes the measures.
    wall_clock
        Knows when each moment of the session was heard.
    """

    def __init__(self, latency: Latency, wall_clock: WallClock) -> None:
        self._latency = latency
        self._clock = wall_clock
        self._speech_ends_s: deque[float] = deque(maxlen=_SPEECH_ENDS)
        self._unpainted: dict[str, float] = {}  # when the speech ended, on the machine's clock

    def speech_ended(self, end_s: float) -> None:
        """Note where the local detector heard an end of speech."""
        self._speech_ends_s.append(end_s)

    def final(self, item_id: str, utterance: Utterance, *, client_cuts: bool) -> float | None:
        """Note that the final text has come; return how many milliseconds that took.

        A server that cuts says where it was sure of the end, half a second late: the local detector, which hears the
        same sound, knows where it was. So all latencies count from the same moment, whoever cuts.
        """
        span = utterance.span
        end_s = span.end_s if client_cuts else self._speech_end_s(span)
        final_ms = self._clock.since_ms(end_s)
        late_ms = self._between_ms(end_s, span.end_s)
        self._latency.append(
            item_id=item_id,
            speech_end_s=end_s,
            vad_stop_ms=_later(utterance.vad_stop_ms, late_ms),
            commit_ms=_later(utterance.commit_ms, late_ms),
            first_partial_ms=_later(utterance.first_partial_ms, late_ms),
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

    def _speech_end_s(self, span: Span) -> float:
        return max((end_s for end_s in self._speech_ends_s if span.start_s < end_s <= span.end_s), default=span.end_s)

    def _between_ms(self, first_s: float, second_s: float) -> float:
        """Return how much later the sound of the second moment was heard than that of the first."""
        first_ms, second_ms = self._clock.since_ms(first_s), self._clock.since_ms(second_s)
        return 0.0 if first_ms is None or second_ms is None else first_ms - second_ms


def _later(measured_ms: float | None, late_ms: float) -> float | None:
    """Return a measure as counted from a moment ``late_ms`` earlier."""
    return None if measured_ms is None else measured_ms + late_ms
