"""Events reach every listener, in order, and a stream ends with its session."""

from __future__ import annotations

import pytest

from ipyspeaches.session.events import Bus, SessionEvent, SpeechStarted, StateChanged
from ipyspeaches.session.state import SessionState


def event(number: int) -> SpeechStarted:
    return SpeechStarted(float(number), float(number))


def test_a_failing_listener_does_not_keep_events_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    received: list[SessionEvent] = []

    def broken(_event: SessionEvent) -> None:
        raise RuntimeError("mine")

    bus.subscribe(broken)
    bus.subscribe(received.append)
    bus.emit(event(1))
    assert received == [event(1)]
    assert "listener" in caplog.text


def test_unsubscribing_twice_is_harmless() -> None:
    bus = Bus()
    received: list[SessionEvent] = []
    unsubscribe = bus.subscribe(received.append)
    unsubscribe()
    unsubscribe()
    bus.emit(event(1))
    assert received == []


async def test_a_stream_begins_with_the_past_and_ends_with_the_session() -> None:
    bus = Bus()
    bus.emit(event(1))
    end = StateChanged(2.0, SessionState.STOPPED)
    seen: list[SessionEvent] = []
    async for item in bus.stream():
        seen.append(item)
        if len(seen) == 1:
            bus.emit(event(2))
            bus.emit(end)
    assert seen == [event(1), event(2), end]
