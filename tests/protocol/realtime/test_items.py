"""Commits and texts find each other."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import Severity
from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    Disconnected,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Noticed,
    ProtocolEvent,
    Reported,
)
from ipyspeaches.protocol.realtime.media import SPEACHES_MEDIA
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState
from ipyspeaches.words import Word
from realtime_wire import (
    SILENCE,
    committed,
    completed,
    created,
    cut,
    delta,
    error,
    feed,
    message,
    ready,
    started,
    stopped,
)

STOPPED = "input_audio_buffer.speech_stopped"


def test_commits_are_paired_in_the_order_they_were_sent() -> None:
    protocol = ready(client_cuts=True)
    for number in (7, 9):
        protocol.send_append(SILENCE, number * 48_000)
        protocol.send_commit(cut(number))
    assert protocol.pending == 2
    events = feed(protocol, committed("a"), completed("a", " one ", 1.0), committed("b"), completed("b", "two", 1.0))
    assert [(e.item_id, e.utterance) for e in events if isinstance(e, ItemCommitted)] == [("a", cut(7)), ("b", cut(9))]
    assert [(e.text, e.utterance) for e in events if isinstance(e, ItemCompleted)] == [("one", cut(7)), ("two", cut(9))]
    assert protocol.pending == 0


def test_a_text_without_a_commit_before_it_brings_the_commit() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(3))
    first, second = feed(protocol, completed("a", "text", 1.0))
    assert isinstance(first, ItemCommitted)
    assert isinstance(second, ItemCompleted)
    assert second.utterance == cut(3)
    assert feed(protocol, committed("a"), completed("a", "text", 1.0)) == []


def test_deltas_grow_until_the_text_is_final() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    events = feed(protocol, delta("a", "good"), committed("a"), delta("a", {"text": " morning"}), delta("a", ""))
    assert [event.text for event in events if isinstance(event, ItemDelta)] == ["good", "good morning"]
    assert feed(protocol, completed("a", "Good morning."), delta("a", "late"))[-1:] == [
        ItemCompleted("a", cut(0), "Good morning.", None, ())
    ]


def test_what_may_still_change_is_told_from_what_is_settled() -> None:
    protocol = ready(client_cuts=True, language="zh")
    protocol.send_append(SILENCE, 0)
    events = feed(
        protocol,
        delta("a", "", tentative="頭髮"),
        delta("a", "頭髮", tentative="發"),
        delta("a", "", tentative=""),
        delta("a", "", tentative="發展"),
    )
    assert [(event.text, event.stable) for event in events if isinstance(event, ItemDelta)] == [
        ("头发", 0),
        ("头发发", 2),
        ("头发", 2),
        ("头发发展", 2),
    ]


@pytest.mark.parametrize("kind", ["completed", "failed"])
@pytest.mark.parametrize("known", [True, False])
def test_an_item_without_a_name_is_settled_all_the_same(kind: str, known: bool) -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    before = [committed("a")] if known else []
    final = message(f"conversation.item.input_audio_transcription.{kind}", transcript="good")
    events = feed(protocol, *before, final)
    assert isinstance(events[-1], ItemCompleted if kind == "completed" else ItemFailed)
    assert events[-1].utterance == cut(0)
    assert protocol.pending == 0
    assert feed(protocol, message("conversation.item.input_audio_transcription.failed")) == []


COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"
SEGMENT = "conversation.item.input_audio_transcription.segment"
NO_TEXT = "The server sent no text for it."


def after(*said: str) -> list[ProtocolEvent]:
    """Return what a server says of an utterance behind its commit; it is settled then."""
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    events = feed(protocol, committed("a"), *said)
    assert protocol.pending == 0
    return events[1:]


@pytest.mark.parametrize("odd", [{}, {"transcript": None}, {"transcript": 42}, {"text": 1}])
def test_a_final_without_a_text_is_a_failure(odd: dict[str, Any]) -> None:
    assert after(message(COMPLETED, item_id="a", **odd)) == [ItemFailed("a", cut(0), NO_TEXT)]


def test_an_error_that_names_an_item_is_its_failure() -> None:
    reported, failed = after(error("engine crashed", "server_error", item_id="a"))
    assert isinstance(reported, Reported)
    assert reported.known
    assert failed == ItemFailed("a", cut(0), "engine crashed")


def test_a_text_by_its_other_name_counts() -> None:
    said = message(COMPLETED, item_id="a", text="good")
    assert after(said) == [ItemCompleted("a", cut(0), "good", None, ())]


def test_a_final_is_read_whatever_lies_beside_it() -> None:
    nested = completed("a", 'so "good" 😀').removesuffix("}") + ', "logprobs": ' + "[" * 5_000 + "]" * 5_000 + "}"
    assert after(nested) == [ItemCompleted("a", cut(0), 'so "good" 😀', None, ())]
    assert after(completed("a", "good").removesuffix("}")) == [ItemCompleted("a", cut(0), "good", None, ())]
    assert after(completed("a", "good").partition("od")[0]) == [ItemFailed("a", cut(0), NO_TEXT)]


def test_a_text_behind_a_failure_counts_once() -> None:
    failed = message(FAILED, item_id="a", error={"message": "once more"})
    expected = [ItemFailed("a", cut(0), "once more"), ItemCompleted("a", cut(0), "good", None, ())]
    assert after(failed, completed("a", ""), completed("a", "good"), completed("a", "good"), failed) == expected


@pytest.mark.parametrize("piece", [delta("a", "half "), message(SEGMENT, item_id="a", text="half")])
def test_what_came_is_kept_where_the_final_is_empty_or_fails(piece: str) -> None:
    final = ItemCompleted("a", cut(0), "half", None, ())
    assert after(piece, completed("a", ""))[1:] == [final]
    noticed, last = after(piece, message(FAILED, item_id="a", error={"message": "out of memory"}))[1:]
    assert isinstance(noticed, Noticed)
    assert (noticed.utterance, last) == (cut(0), final)
    assert "“out of memory”" in noticed.message


def test_an_end_that_no_time_can_be_is_the_end_of_what_was_sent() -> None:
    for media in (None, SPEACHES_MEDIA):
        protocol = ready(client_cuts=False, media=media)
        protocol.send_append(SILENCE, 0)
        events = feed(protocol, started("a", 0), stopped("a", 1e308), stopped("a", 1e308), completed("a", "x", 1e308))
        assert isinstance(events[-1], ItemCompleted)
        assert events[-1].utterance.end == len(SILENCE)


def test_older_names_belong_to_the_oldest_utterance_without_text() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.send_append(SILENCE, utterance * 24_000)
        protocol.send_commit(cut(utterance))
    feed(protocol, committed("a"), committed("b"))
    older = "response.audio_transcript."
    [growing] = protocol.receive_message(message(f"{older}delta", item_id="answer_1", delta="hel"))
    [final] = protocol.receive_message(message(f"{older}done", item_id="answer_1", transcript="hello"))
    assert growing == ItemDelta("a", "hel")
    assert isinstance(final, ItemCompleted)
    assert (final.item_id, final.utterance, final.text) == ("a", cut(0), "hello")
    assert protocol.receive_message(message(f"{older}done", item_id="answer_1", transcript="hello")) == []
    [other] = protocol.receive_message(message(f"{older}done", item_id="b", transcript="world"))
    assert isinstance(other, ItemCompleted)
    assert other.utterance == cut(1)


def test_on_servers_with_newer_names_the_older_ones_are_not_ours() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    feed(protocol, committed("a"), completed("a", "ours"))
    assert protocol.receive_message(message("response.audio_transcript.done", item_id="r", transcript="theirs")) == []


@pytest.mark.parametrize(
    "known", ["conversation.item.added", "conversation.item.created", "response.output_item.added"]
)
def test_what_a_language_model_answers_is_nobodys_speech(known: str) -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.send_append(SILENCE, utterance * 24_000)
        protocol.send_commit(cut(utterance))
    answer = {"id": "r", "role": "assistant", "content": [{"type": "audio", "transcript": "theirs"}]}
    older = [
        message(f"response.audio_transcript.{kind}", item_id="r", transcript="theirs", delta="theirs")
        for kind in ("delta", "done")
    ]
    said = feed(protocol, committed("a"), message(known, item=answer), *older)
    assert not any(isinstance(event, ItemDelta | ItemCompleted) for event in said)
    texts = feed(protocol, completed("a", "ours"), *older, committed("b"), *older, completed("b", "too"))
    assert [event.text for event in texts if isinstance(event, ItemCompleted)] == ["ours", "too"]


@pytest.mark.parametrize("kind", ["created", "added", "done"])
def test_a_text_that_an_item_itself_has_is_final(kind: str) -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    content = [{"type": "input_audio", "transcript": text} for text in ("good", None, " morning")]
    events = feed(protocol, committed("a"), message(f"conversation.item.{kind}", item={"id": "a", "content": content}))
    assert events[-1] == ItemCompleted("a", cut(0), "good morning", None, ())
    assert feed(protocol, completed("a", "good morning")) == []


def test_an_end_that_has_less_than_its_deltas_takes_nothing_back() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    events = feed(protocol, committed("a"), delta("a", "good "), delta("a", "morning"), completed("a", "good"))
    assert [event.text for event in events if isinstance(event, ItemCompleted)] == ["good morning"]


def test_words_and_language_come_on_the_session_clock() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 48_000)
    protocol.send_append(SILENCE, 96_000)
    protocol.send_commit(cut(0))
    words = [
        {"word": " good", "start": 0.25, "end": 0.5, "probability": 0.75},
        {"word": "morning", "start": 0.75, "end": 1.25},
    ]
    final = feed(protocol, committed("a"), completed("a", "good morning", 2.0, words=words, language="en"))[-1]
    assert isinstance(final, ItemCompleted)
    assert final.language == "en"
    assert final.words == (Word("good", 2.25, 2.5, 0.75), Word("morning", 2.75, 4.25, None))


def test_a_failed_transcription_ends_one_utterance_only() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.send_append(SILENCE, utterance * 24_000)
        protocol.send_commit(cut(utterance))
    kind = "conversation.item.input_audio_transcription.failed"
    events = feed(protocol, committed("a"), message(kind, item_id="a", error={"message": "too noisy"}))
    assert events[-1] == ItemFailed("a", cut(0), "too noisy")
    assert protocol.pending == 1
    assert protocol.state is ProtocolState.READY


def test_a_refused_commit_fails_and_the_next_ones_keep_their_partners() -> None:
    protocol = ready(client_cuts=True)
    for utterance in range(2):
        protocol.send_append(SILENCE, utterance * 24_000)
        protocol.send_commit(cut(utterance))
    text = "Error committing input audio buffer: buffer too small."
    events = feed(protocol, error(text), committed("b"), completed("b", "second"))
    assert [type(event).__name__ for event in events] == ["Reported", "ItemFailed", "ItemCommitted", "ItemCompleted"]
    assert events[1] == ItemFailed("", cut(0), text)
    final = events[-1]
    assert isinstance(final, ItemCompleted)
    assert final.utterance == cut(1)


@pytest.mark.parametrize(("counted", "told"), [(1.0, False), (1.004, False), (1.5, True), (0.667, True), (2, False)])
def test_other_seconds_than_were_sent_are_told(counted: float, told: bool) -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    events = feed(protocol, committed("a"), completed("a", "text", counted))
    assert (ClockMismatch("a", 1.0, counted) in events) is told
    assert isinstance(events[-1], ItemCompleted)


def test_a_server_that_cuts_although_it_should_not_takes_no_commit_of_ours() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SILENCE, 0)
    feed(protocol, started("theirs", 100), stopped("theirs", 1000), committed("theirs"))
    protocol.send_append(SILENCE, 24_000)
    protocol.send_commit(cut(0))
    events = feed(protocol, completed("theirs", "x"), committed("ours"), completed("ours", "y"))
    assert events == [ItemCommitted("ours", cut(0)), ItemCompleted("ours", cut(0), "x y", None, ())]


@pytest.mark.parametrize("beside", [[stopped], [started], [started, stopped]])
@pytest.mark.parametrize("name", ["a", "other"])
@pytest.mark.parametrize("early", [True, False])
def test_a_commit_has_its_item_whatever_the_servers_vad_says_beside_it(beside: Any, name: str, early: bool) -> None:
    protocol = ready(client_cuts=True)
    said = [one(name, 300) for one in beside] + [message(STOPPED, item_id="a", audio_end_ms="x")]
    protocol.send_append(SILENCE, 0)
    events = feed(protocol, *said) if early else []
    protocol.send_commit(cut(5))
    events += feed(protocol, *(() if early else said), committed("a"), created("a"), completed("a", "text"))
    assert events == [ItemCommitted("a", cut(5)), ItemCompleted("a", cut(5), "text", None, ())]
    assert protocol.pending == 0


@pytest.mark.parametrize(
    ("code", "severity", "wait_s"),
    [("rate_limit_exceeded", Severity.PASSING, 7), ("insufficient_quota", Severity.FATAL, 0)],
)
def test_a_server_that_takes_no_more_is_lost_and_fails_no_utterance(code: str, severity: str, wait_s: float) -> None:
    said = {"message": "Full", "code": code, **({"retry_after_s": wait_s} if wait_s else {})}
    for told in (message(FAILED, item_id="a", error=said), message("error", error=said)):
        lost = feed(ready(client_cuts=True), told)[-1]
        assert isinstance(lost, Disconnected)
        assert (lost.error.severity, lost.error.retry_after_s) == (severity, wait_s)
        assert "(“Full”)" in str(lost.error)
