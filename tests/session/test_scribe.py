"""What protocol events become: results and session events."""

from __future__ import annotations

from typing import Any

from ipyspeaches.protocol import Committed, Completed, Ready, Reconfigured, Span
from ipyspeaches.session import TurnDetection, events
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.scribe import Confirmed, Scribe
from ipyspeaches.vad import EnergyVad


def scribe() -> tuple[Scribe, list[Any]]:
    """Return a scribe and what it tells."""
    bus = Bus()
    seen: list[Any] = []
    bus.subscribe(seen.append)
    return Scribe(Hearing(TurnDetection.client(EnergyVad())), bus), seen


def test_an_utterance_without_words_is_told_and_not_written_down() -> None:
    writer, seen = scribe()
    writer.take(Committed("a", 0, None, Span(1.0, 2.0)))
    writer.take(Completed("a", 0, None, Span(1.0, 2.0), "  ", None, ()))
    assert len(writer.transcript) == 0
    [final] = [event for event in seen if isinstance(event, events.Final)]
    assert final.segment.text == ""


def test_what_the_server_confirms_is_known_and_told() -> None:
    writer, seen = scribe()
    assert writer.confirmed is None
    writer.take(Ready("sess_1", "a/b", None, None))
    assert writer.confirmed == Confirmed("a/b", None)
    writer.take(Reconfigured("c/d", "zh", None))
    assert writer.confirmed == Confirmed("c/d", "zh")
    assert seen == [events.Reconfigured(0.0, None, "c/d", "zh")]
