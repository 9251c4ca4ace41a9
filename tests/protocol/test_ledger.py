"""Commits and texts find each other."""

from __future__ import annotations

import pytest

from ipyspeaches.protocol import ClockMismatch, Committed, Completed, Delta, Failed, ProtocolState, Span
from ipyspeaches.words import Word
from realtime_wire import SILENCE, committed, completed, delta, error, feed, message, ready, started, stopped


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
    assert final.words == (Word("good", 2.25, 2.5, 0.75), Word("morning", 2.75, 4.25, None))


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
