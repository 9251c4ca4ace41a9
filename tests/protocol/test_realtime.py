"""The states of a realtime session, and what a reconnect must replay."""

from __future__ import annotations

from functools import partial

import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import Completed, ProtocolState, RealtimeOptions, RealtimeProtocol, Reported, Unknown
from realtime_wire import SILENCE, committed, completed, error, feed, message, ready, session, started, stopped


def test_the_query_makes_it_a_transcription() -> None:
    assert RealtimeProtocol(RealtimeOptions()).query() == {"intent": "transcription"}
    query = RealtimeProtocol(RealtimeOptions("a/b", "zh")).query()
    assert query == {"model": "a/b", "intent": "transcription", "language": "zh"}


def test_audio_flows_only_when_the_server_is_ready() -> None:
    protocol = RealtimeProtocol(RealtimeOptions(client_cuts=False))
    for following in ("connect first", "wait for Ready"):
        for action in (partial(protocol.append, SILENCE, 0), protocol.flush, protocol.clear, protocol.update):
            with pytest.raises(StateError, match=f"Cannot .* while the session is .*: {following}"):
                action()
        if following == "connect first":
            protocol.connection_opened()
    with pytest.raises(StateError, match="Cannot open the connection while the session is configuring"):
        protocol.connection_opened()


def test_receiving_needs_a_connection() -> None:
    with pytest.raises(StateError, match="connect first"):
        RealtimeProtocol(RealtimeOptions()).receive(session())


def test_a_server_that_cuts_is_not_sent_a_commit() -> None:
    protocol = ready(client_cuts=False)
    protocol.append(SILENCE, 0)
    with pytest.raises(StateError, match=r"use flush\(\) instead"):
        protocol.commit(0)


def test_texts_still_come_while_closing_and_nothing_after() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    protocol.close()
    protocol.close()
    with pytest.raises(StateError, match="open a new connection"):
        protocol.append(SILENCE, 24_000)
    assert isinstance(feed(protocol, committed("a"), completed("a", "text"))[-1], Completed)
    assert protocol.connection_lost(1000, "", close_frame=True) == []
    assert protocol.state is ProtocolState.CLOSED
    assert protocol.receive(completed("b", "text")) == []
    assert protocol.connection_lost(1006, "", close_frame=False) == []


def test_a_second_opening_of_the_session_changes_nothing() -> None:
    protocol = ready(client_cuts=True)
    assert protocol.receive(session()) == []
    assert protocol.receive(session("session.updated")) == []
    assert protocol.data_to_send() == []
    assert protocol.state is ProtocolState.READY


def test_an_error_in_between_is_reported() -> None:
    [event] = feed(ready(client_cuts=True), error("some words", "server_error", code=17))
    assert event == Reported("some words", "server_error", "17")


def test_unknown_events_are_passed_on() -> None:
    [event] = feed(ready(client_cuts=True), message("rate_limits.updated"))
    assert event == Unknown("rate_limits.updated", {"type": "rate_limits.updated", "event_id": "event_1"})


def test_what_has_no_text_yet_is_known_by_its_first_sample() -> None:
    protocol = ready(client_cuts=True)
    assert protocol.unsettled_from == 0
    for utterance in range(2):
        protocol.append(SILENCE, 100_000 + utterance * 48_000)
        protocol.commit(utterance)
    protocol.append(SILENCE, 200_000)
    assert protocol.unsettled_from == 100_000
    feed(protocol, committed("a"), completed("a", "x"))
    assert protocol.unsettled_from == 148_000
    feed(protocol, committed("b"), completed("b", "x"))
    assert protocol.unsettled_from == 200_000


def test_with_server_vad_the_last_seconds_may_hold_an_onset() -> None:
    protocol = ready(client_cuts=False)
    for second in range(10):
        protocol.append(SILENCE, second * 24_000)
    assert protocol.unsettled_from == 7 * 24_000
    feed(protocol, started("a", 5000))
    assert protocol.speaking
    assert protocol.unsettled_from == round(4.5 * 24_000)
    feed(protocol, stopped("a", 8000), committed("a"))
    assert not protocol.speaking
    assert protocol.unsettled_from == round(4.5 * 24_000)
    feed(protocol, completed("a", "x", 8.0))
    assert protocol.unsettled_from == 8 * 24_000
