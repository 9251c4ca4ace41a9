"""Events reach every listener, in order, and a stream ends with its session."""

from __future__ import annotations

import pytest

from ipyspeaches.session.events import SessionEvent, SpeechStarted, StateChanged
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.session.state import SessionState
from ipyspeaches.vad.detectors import EnergyVad


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Pipeline(TurnDetection.client(EnergyVad())))


def event(number: int) -> SpeechStarted:
    return SpeechStarted(float(number), float(number))


def test_a_failing_listener_does_not_keep_events_from_the_others(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[SessionEvent] = []

    def broken(_event: SessionEvent) -> None:
        raise RuntimeError("mine")

    recorder.subscribe(broken)
    recorder.subscribe(received.append)
    recorder.emit(event(1))
    assert received == [event(1)]
    assert "listener" in caplog.text


def test_unsubscribing_twice_is_harmless(recorder: Recorder) -> None:
    received: list[SessionEvent] = []
    unsubscribe = recorder.subscribe(received.append)
    unsubscribe()
    unsubscribe()
    recorder.emit(event(1))
    assert received == []


async def test_a_stream_begins_with_the_past_and_ends_with_the_session(recorder: Recorder) -> None:
    recorder.emit(event(1))
    end = StateChanged(2.0, SessionState.STOPPED)
    seen: list[SessionEvent] = []
    async for item in recorder.stream():
        seen.append(item)
        if len(seen) == 1:
            recorder.emit(event(2))
            recorder.emit(end)
    assert seen == [event(1), event(2), end]
