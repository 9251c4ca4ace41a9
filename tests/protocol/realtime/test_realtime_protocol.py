"""The states of a realtime session, and what a reconnect must replay."""

from __future__ import annotations

import json
from functools import partial

import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol.protocol_events import (
    Flushed,
    ItemCommitted,
    ItemCompleted,
    Mismatch,
    Reported,
    ServerSpeechStarted,
    Unknown,
)
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import (
    NEVER,
    SILENCE,
    committed,
    completed,
    created,
    cut,
    error,
    feed,
    kinds,
    message,
    ready,
    session,
    started,
    stopped,
)


def test_audio_flows_only_when_the_server_is_ready() -> None:
    protocol = RealtimeProtocol(RecognitionOptions(server_vad=ServerTurnDetection()))
    for following in ("connect first", "wait for Ready"):
        reconfigure = partial(protocol.reconfigure, {"language": "en"})
        append = partial(protocol.send_append, SILENCE, 0)
        for action in (append, protocol.send_flush, protocol.send_clear, reconfigure):
            with pytest.raises(StateError, match=f"Cannot .* while the session is .*: {following}"):
                action()
        if following == "connect first":
            protocol.connection_opened()
    with pytest.raises(StateError, match="Cannot open the connection while the session is configuring"):
        protocol.connection_opened()


def test_receiving_needs_a_connection() -> None:
    with pytest.raises(StateError, match="connect first"):
        RealtimeProtocol(RecognitionOptions()).receive_message(session())


def test_a_server_that_cuts_is_not_sent_a_commit() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_append(SILENCE, 0)
    with pytest.raises(StateError, match=r"use send_flush\(\) instead"):
        protocol.send_commit(cut(0))


def test_texts_still_come_while_closing_and_nothing_after() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    protocol.close()
    protocol.close()
    with pytest.raises(StateError, match="open a new connection"):
        protocol.send_append(SILENCE, 24_000)
    assert isinstance(feed(protocol, committed("a"), completed("a", "text"))[-1], ItemCompleted)
    assert protocol.connection_lost(1000) == []
    assert protocol.state is ProtocolState.CLOSED
    assert protocol.receive_message(completed("b", "text")) == []
    assert protocol.connection_lost(None) == []


def test_a_second_opening_of_the_session_changes_nothing() -> None:
    protocol = ready(client_cuts=True)
    assert protocol.receive_message(session()) == []
    assert protocol.receive_message(session("session.updated")) == []
    assert protocol.messages_to_send() == []
    assert protocol.state is ProtocolState.READY


def test_an_error_in_between_is_reported() -> None:
    [event] = feed(ready(client_cuts=True), error("some words", "server_error", code=17))
    assert event == Reported("some words", "server_error", "17")


def test_unknown_events_are_passed_on() -> None:
    [event] = feed(ready(client_cuts=True), message("rate_limits.updated"))
    assert event == Unknown("rate_limits.updated", {"type": "rate_limits.updated", "event_id": "event_1"})


def test_the_barrier_is_three_messages_and_comes_back_once() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_append(SILENCE[:2401], 0)
    protocol.messages_to_send()
    protocol.send_flush()
    protocol.send_flush()
    messages = protocol.messages_to_send()
    assert kinds(messages) == ["session.update", "append", "session.update"]
    thresholds = [json.loads(m)["session"]["turn_detection"]["threshold"] for m in (messages[0], messages[2])]
    assert thresholds == [1.0, 0.9]
    assert protocol.state is ProtocolState.FLUSHING
    assert protocol.pending == 1
    protocol.send_append(SILENCE, 2401)
    closing = [session("session.updated"), committed("a"), completed("a", "text", 0.2)]
    events = feed(protocol, session("session.updated", vad=NEVER), stopped("a", 200), *closing)
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed(("a",))]
    assert not protocol.pending


def test_a_barrier_that_a_server_refuses_comes_back_all_the_same() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_flush()
    refused = error("bad session.update", param="session.turn_detection.threshold")
    events = feed(protocol, refused, session("session.updated"))
    assert Flushed(()) in events
    assert Mismatch("turn_detection.threshold", 1.0, 0.9) in events
    assert protocol.state is ProtocolState.READY


def test_with_client_cuts_a_flush_is_answered_at_once() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_flush()
    assert protocol.messages_to_send() == []
    assert protocol.events_received() == [Flushed(())]
    assert protocol.events_received() == []


def test_clearing_waits_until_nothing_is_on_its_way() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_append(SILENCE, 0)
    for data in (started("a", 0), stopped("a", 1000), committed("a")):
        protocol.receive_message(data)
        with pytest.raises(StateError, match="flush first"):
            protocol.send_clear()
    protocol.receive_message(created("a"))
    protocol.send_append(SILENCE, 24_000)
    protocol.send_clear()
    protocol.send_append(SILENCE, 48_000)
    assert kinds(protocol.messages_to_send()) == ["append", "append", "clear", "append"]
    [event] = feed(protocol, message("input_audio_buffer.cleared"), started("b", 500))
    assert event == ServerSpeechStarted("b", 2.5)


def test_with_client_cuts_what_is_cleared_belongs_to_no_commit() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE[:10_000], 0)
    protocol.send_clear()
    protocol.send_clear()
    protocol.send_append(SILENCE, 48_000)
    protocol.send_commit(cut(0))
    messages = protocol.messages_to_send()
    assert kinds(messages) == ["append", "clear", "append", "commit"]
    with pytest.raises(StateError, match="flush first"):
        protocol.send_clear()
    [event] = feed(protocol, committed("a"))
    assert event == ItemCommitted("a", cut(0))
