"""The barrier comes back once, and a clear takes nothing with it."""

from __future__ import annotations

import json

import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import Committed, Flushed, Mismatch, Pending, ProtocolState, Span, SpeechStarted
from realtime_wire import (
    NEVER,
    SILENCE,
    committed,
    completed,
    created,
    error,
    feed,
    kinds,
    message,
    ready,
    session,
    started,
    stopped,
)


def test_the_barrier_is_three_messages_and_comes_back_once() -> None:
    protocol = ready(client_cuts=False)
    protocol.append(SILENCE[:2401], 0)
    protocol.data_to_send()
    protocol.flush()
    protocol.flush()
    messages = protocol.data_to_send()
    assert kinds(messages) == ["session.update", "append", "session.update"]
    thresholds = [json.loads(m)["session"]["turn_detection"]["threshold"] for m in (messages[0], messages[2])]
    assert thresholds == [1.0, 0.9]
    assert protocol.state is ProtocolState.FLUSHING
    assert protocol.pending == (Pending(None, None, None),)
    protocol.append(SILENCE, 2401)
    closing = [session("session.updated"), committed("a"), completed("a", "text", 0.2)]
    events = feed(protocol, session("session.updated", vad=NEVER), stopped("a", 200), *closing)
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed(("a",))]
    assert not protocol.pending


def test_a_barrier_that_a_server_refuses_comes_back_all_the_same() -> None:
    protocol = ready(client_cuts=False)
    protocol.flush()
    refused = error("bad session.update", param="session.turn_detection.threshold")
    events = feed(protocol, refused, session("session.updated"))
    assert Flushed(()) in events
    assert Mismatch("turn_detection.threshold", 1.0, 0.9) in events
    assert protocol.state is ProtocolState.READY


def test_with_client_cuts_a_flush_is_answered_at_once() -> None:
    protocol = ready(client_cuts=True)
    protocol.flush()
    assert protocol.data_to_send() == []
    assert protocol.poll() == [Flushed(())]
    assert protocol.poll() == []


def test_clearing_waits_until_nothing_is_on_its_way() -> None:
    protocol = ready(client_cuts=False)
    protocol.append(SILENCE, 0)
    for data in (started("a", 0), stopped("a", 1000), committed("a")):
        protocol.receive(data)
        with pytest.raises(StateError, match="flush first"):
            protocol.clear()
    protocol.receive(created("a"))
    protocol.append(SILENCE, 24_000)
    protocol.clear()
    protocol.append(SILENCE, 48_000)
    assert kinds(protocol.data_to_send()) == ["append", "append", "clear", "append"]
    [event] = feed(protocol, message("input_audio_buffer.cleared"), started("b", 500))
    assert event == SpeechStarted("b", 2.5)


def test_with_client_cuts_what_is_cleared_belongs_to_no_commit() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE[:10_000], 0)
    protocol.clear()
    protocol.clear()
    protocol.append(SILENCE, 48_000)
    protocol.commit(0)
    messages = protocol.data_to_send()
    assert kinds(messages) == ["append", "clear", "append", "commit"]
    with pytest.raises(StateError, match="flush first"):
        protocol.clear()
    [event] = feed(protocol, committed("a"))
    assert event == Committed("a", 0, 0, Span(2.0, 3.0))
