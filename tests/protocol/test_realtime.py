from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import (
    ClockMismatch,
    Committed,
    Completed,
    Delta,
    Failed,
    Flushed,
    Mismatch,
    Pending,
    ProtocolState,
    Ready,
    RealtimeOptions,
    RealtimeProtocol,
    Reconfigured,
    Reported,
    ServerTurnDetection,
    Span,
    SpeechStarted,
    Unknown,
    WordTime,
)
from realtime_wire import (
    DEFAULT_VAD,
    MODEL,
    committed,
    completed,
    created,
    delta,
    error,
    feed,
    kinds,
    message,
    ready,
    session,
    started,
    stopped,
)

PADDING_ERROR = "Specifying `session.turn_detection.prefix_padding_ms` is not supported. The server either does not"
NEVER = {**DEFAULT_VAD, "threshold": 1.0}
SILENCE = np.zeros(24_000, np.int16)


def opened(options: RealtimeOptions) -> RealtimeProtocol:
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    return protocol


def updates(protocol: RealtimeProtocol) -> list[dict[str, object]]:
    """Return the sessions of the updates that wait to be sent."""
    messages = [json.loads(data) for data in protocol.data_to_send()]
    return [data["session"] for data in messages if data["type"] == "session.update"]


# Configuration


def test_the_query_makes_it_a_transcription() -> None:
    assert RealtimeProtocol(RealtimeOptions()).query() == {"intent": "transcription"}
    query = RealtimeProtocol(RealtimeOptions("a/b", "zh")).query()
    assert query == {"model": "a/b", "intent": "transcription", "language": "zh"}


def test_a_session_as_asked_needs_no_update() -> None:
    protocol = opened(RealtimeOptions(MODEL, client_cuts=False))
    [event] = protocol.receive(session())
    assert event == Ready("sess_1", MODEL, None, DEFAULT_VAD)
    assert protocol.state is ProtocolState.READY
    assert protocol.data_to_send() == []


def test_client_cuts_ask_for_a_threshold_that_nothing_passes() -> None:
    protocol = opened(RealtimeOptions(MODEL))
    assert protocol.receive(session()) == []
    assert protocol.state == "configuring"
    assert updates(protocol) == [{"turn_detection": NEVER}]
    assert feed(protocol, error(PADDING_ERROR)) == []
    [event] = protocol.receive(session("session.updated", vad=NEVER))
    assert isinstance(event, Ready)
    assert protocol.state == "ready"


def test_another_model_or_language_is_asked_for_with_both() -> None:
    protocol = opened(RealtimeOptions("other/model", client_cuts=False))
    protocol.receive(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": "other/model", "language": ""}
    protocol = opened(RealtimeOptions(None, "zh", client_cuts=False))
    protocol.receive(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": MODEL, "language": "zh"}


def test_a_server_that_does_otherwise_is_a_mismatch_and_no_failure() -> None:
    options = RealtimeOptions(MODEL, "en", ServerTurnDetection(0.5, 400, 300), client_cuts=False)
    protocol = opened(options)
    protocol.receive(session())
    echo = {"type": "semantic_vad", "eagerness": "auto"}
    first, *mismatches = protocol.receive(session("session.updated", vad=echo, model="theirs"))
    assert isinstance(first, Ready)
    assert protocol.state is ProtocolState.READY
    assert [(event.field, event.confirmed) for event in mismatches if isinstance(event, Mismatch)] == [
        ("turn_detection.type", "semantic_vad"),
        ("turn_detection.threshold", None),
        ("turn_detection.silence_duration_ms", None),
        ("turn_detection.prefix_padding_ms", None),
        ("turn_detection.create_response", None),
        ("model", "theirs"),
        ("language", None),
    ]


def test_no_turn_detection_at_all_suits_client_cuts_alone() -> None:
    for client_cuts, expected in ((True, 0), (False, 1)):
        protocol = opened(RealtimeOptions(MODEL, None, ServerTurnDetection(0.5), client_cuts=client_cuts))
        protocol.receive(session())
        events = protocol.receive(session("session.updated", vad={}))
        assert sum(isinstance(event, Mismatch) for event in events) == expected


def test_an_update_that_is_refused_ends_the_waiting_with_what_holds() -> None:
    protocol = opened(RealtimeOptions(MODEL))
    protocol.receive(session())
    reported, confirmed, mismatch = feed(protocol, error("2 validation errors for tagged-union[SessionUpdateEvent,…"))
    assert isinstance(reported, Reported)
    assert isinstance(confirmed, Ready)
    assert mismatch == Mismatch("turn_detection.threshold", 1.0, 0.9)
    assert protocol.state is ProtocolState.READY


def test_the_same_difference_is_told_once() -> None:
    protocol = ready(client_cuts=False)
    for _ in range(2):
        protocol.update(turn_detection=ServerTurnDetection(prefix_padding_ms=300))
    echo = session("session.updated")
    told = feed(protocol, echo, echo)
    assert [event for event in told if isinstance(event, Mismatch)] == [
        Mismatch("turn_detection.prefix_padding_ms", 300, 0)
    ]
    assert sum(isinstance(event, Reconfigured) for event in told) == 2


def test_a_language_is_unset_with_an_empty_one() -> None:
    protocol = ready(client_cuts=True, language="zh")
    protocol.update(language=None)
    assert updates(protocol) == [{"input_audio_transcription": {"model": MODEL, "language": ""}}]
    (confirmed,) = feed(protocol, session("session.updated", vad=NEVER, language=""))
    assert confirmed == Reconfigured(MODEL, None, NEVER)
    assert protocol.options.language is None
    protocol.update(language="en")
    protocol.update(model="other/model")
    both = [{"model": MODEL, "language": "en"}, {"model": "other/model", "language": "en"}]
    assert [asked["input_audio_transcription"] for asked in updates(protocol)] == both


def test_a_language_needs_a_model() -> None:
    protocol = opened(RealtimeOptions(client_cuts=False))
    protocol.receive(message("session.created", session={"turn_detection": DEFAULT_VAD}))
    with pytest.raises(StateError, match="give the model with it"):
        protocol.update(language="en")
    protocol.update()
    assert protocol.data_to_send() == []


# Commits and texts


def test_commits_are_paired_in_the_order_they_were_sent() -> None:
    protocol = ready(client_cuts=True)
    for utterance in (7, 9):
        protocol.append(SILENCE, utterance * 48_000)
        protocol.commit(utterance)
    assert [pending.utterance for pending in protocol.pending] == [7, 9]
    events = feed(protocol, committed("a"), completed("a", " one ", 1.0), committed("b"), completed("b", "two", 1.0))
    assert [(e.item_id, e.order, e.utterance) for e in events if isinstance(e, Committed)] == [("a", 0, 7), ("b", 1, 9)]
    assert [(e.text, e.span) for e in events if isinstance(e, Completed)] == [
        ("one", Span(14.0, 15.0)),
        ("two", Span(18.0, 19.0)),
    ]
    assert protocol.pending == ()


def test_a_text_without_a_commit_before_it_brings_the_commit() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    protocol.commit(3)
    first, second = feed(protocol, completed("a", "text", 1.0))
    assert isinstance(first, Committed)
    assert isinstance(second, Completed)
    assert second.utterance == 3
    assert feed(protocol, committed("a"), completed("a", "text", 1.0)) == []


def test_deltas_grow_until_the_text_is_final() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    events = feed(protocol, delta("a", "good"), committed("a"), delta("a", {"text": " morning"}), delta("a", ""))
    assert [event.text for event in events if isinstance(event, Delta)] == ["good", "good morning"]
    assert feed(protocol, completed("a", "Good morning."), delta("a", "late"))[-1:] == [
        Completed("a", 0, 0, Span(0.0, 1.0), "Good morning.", None, ())
    ]


def test_older_names_belong_to_the_oldest_utterance_without_text() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.append(SILENCE, utterance * 24_000)
        protocol.commit(utterance)
    feed(protocol, committed("a"), committed("b"))
    older = "response.audio_transcript."
    [growing] = protocol.receive(message(f"{older}delta", item_id="answer_1", delta="hel"))
    [final] = protocol.receive(message(f"{older}done", item_id="answer_1", transcript="hello"))
    assert growing == Delta("a", "hel")
    assert isinstance(final, Completed)
    assert (final.item_id, final.utterance, final.text) == ("a", 0, "hello")
    assert protocol.receive(message(f"{older}done", item_id="answer_1", transcript="hello")) == []
    [other] = protocol.receive(message(f"{older}done", item_id="b", transcript="world"))
    assert isinstance(other, Completed)
    assert other.utterance == 1


def test_on_servers_with_newer_names_the_older_ones_are_not_ours() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    feed(protocol, committed("a"), completed("a", "ours"))
    assert protocol.receive(message("response.audio_transcript.done", item_id="r", transcript="theirs")) == []


def test_words_and_language_come_on_the_session_clock() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 48_000)
    protocol.append(SILENCE, 96_000)
    protocol.commit(0)
    words = [
        {"word": " good", "start": 0.25, "end": 0.5, "probability": 0.75},
        {"word": "morning", "start": 0.75, "end": 1.25},
    ]
    final = feed(protocol, committed("a"), completed("a", "good morning", 2.0, words=words, language="en"))[-1]
    assert isinstance(final, Completed)
    assert final.language == "en"
    assert final.words == (WordTime("good", 2.25, 2.5, 0.75), WordTime("morning", 2.75, 4.25, None))


def test_a_failed_transcription_ends_one_utterance_only() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.append(SILENCE, utterance * 24_000)
        protocol.commit(utterance)
    kind = "conversation.item.input_audio_transcription.failed"
    events = feed(protocol, committed("a"), message(kind, item_id="a", error={"message": "too noisy"}))
    assert events[-1] == Failed("a", 0, "too noisy")
    assert [pending.utterance for pending in protocol.pending] == [1]
    assert protocol.state is ProtocolState.READY


def test_a_refused_commit_fails_and_the_next_ones_keep_their_partners() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.append(SILENCE, utterance * 24_000)
        protocol.commit(utterance)
    text = "Error committing input audio buffer: buffer too small."
    events = feed(protocol, error(text), committed("b"), completed("b", "second"))
    assert [type(event).__name__ for event in events] == ["Reported", "Failed", "Committed", "Completed"]
    assert events[1] == Failed("", 0, text)
    final = events[-1]
    assert isinstance(final, Completed)
    assert final.utterance == 1


@pytest.mark.parametrize(("counted", "told"), [(1.0, False), (1.004, False), (1.5, True), (0.667, True), (2, False)])
def test_other_seconds_than_were_sent_are_told(counted: float, told: bool) -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    events = feed(protocol, committed("a"), completed("a", "text", counted))
    assert (ClockMismatch("a", 1.0, counted) in events) is told
    assert isinstance(events[-1], Completed)


def test_a_server_that_cuts_although_it_should_not_takes_no_commit_of_ours() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SILENCE, 0)
    feed(protocol, started("theirs", 100), stopped("theirs", 1000), committed("theirs"))
    protocol.append(SILENCE, 24_000)
    protocol.commit(0)
    events = feed(protocol, completed("theirs", "x"), committed("ours"), completed("ours", "y"))
    assert [(e.item_id, e.utterance) for e in events if isinstance(e, Completed)] == [("theirs", None), ("ours", 0)]


# Flush and clear


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


# States


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


# What a reconnect must replay


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
