"""Utterances as requests: in order, a few at a time, tried again where that helps, each with one end.

A server that is slower than speech loses nothing without a word, and keeps nobody waiting for ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import ModelNotFoundError, ProtocolError, ServerUnreachableError, Severity
from ipyspeaches.protocol.http.request_protocol import (
    BROKEN_WAITS_S,
    FEWER_TRIES,
    JOIN_ABOVE,
    LONGEST_REQUEST_S,
    MOST_IN_FLIGHT,
    MOST_WAITING,
    RETRY_WAITS_S,
    Request,
    RequestProtocol,
    Told,
)
from ipyspeaches.protocol.http.transcriptions import Answer, Broken, Outcome, Refused
from ipyspeaches.protocol.protocol_events import (
    AudioSent,
    ConfigurationChanged,
    Disconnected,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Noticed,
)
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.words import Word

LONGEST = LONGEST_REQUEST_S * SESSION_RATE_HZ
ONE = Utterance(0, 24_000, 48_000)  # what `one` speaks
BUSY = Refused(ServerUnreachableError("It is busy."), Severity.PASSING)
BAD = Refused(ProtocolError("It refused."), Severity.SINGLE)
GONE = Refused(ModelNotFoundError("It has no such model."), Severity.FATAL)
HALF = Broken(" good", "The stream of text ended before its end")
NOTHING = Broken("", "The stream of text ended before its end")


def protocol_for(*, live: bool = False, after: dict[int, Told] | None = None, **options: Any) -> RequestProtocol:
    return RequestProtocol(RecognitionOptions(model="m", **options), live=live, after=after)


def speak(
    protocol: RequestProtocol, number: int, start_s: float, end_s: float, counts_until_s: float | None = None
) -> None:
    start, end = round(start_s * SESSION_RATE_HZ), round(end_s * SESSION_RATE_HZ)
    counts_until = None if counts_until_s is None else round(counts_until_s * SESSION_RATE_HZ)
    protocol.send_audio(start, end)
    protocol.send_commit(Utterance(number, start, end, counts_until=counts_until))


def sent(protocol: RequestProtocol) -> list[Request]:
    found = []
    while (request := protocol.request_to_send()) is not None:
        found.append(request)
    return found


def events_of(protocol: RequestProtocol, *kinds: type) -> list[Any]:
    return [event for event in protocol.events_received() if isinstance(event, kinds)]


def one(protocol: RequestProtocol) -> Request:
    speak(protocol, 0, 1, 2)
    (request,) = sent(protocol)
    protocol.events_received()
    return request


def test_a_request_carries_all_audio_of_its_utterance_and_words_come_on_the_session_clock() -> None:
    protocol = protocol_for()
    utterance = Utterance(0, 30_000, 54_000)
    protocol.send_audio(24_000, 48_000)
    protocol.send_audio(48_000, 60_000)
    protocol.send_commit(utterance)
    (request,) = sent(protocol)
    assert (request.item_id, request.start, request.end) == ("utterance_0", 24_000, 60_000)
    assert events_of(protocol, ItemCommitted) == [ItemCommitted("utterance_0", utterance)]
    assert protocol.pending == 1
    answer = Answer(" good", "en", (Word(" good", 0.25, 0.5, 0.9), Word(" day", 1.2, 7.0)))
    assert protocol.receive_outcome(request, answer) is None
    (final,) = events_of(protocol, ItemCompleted)
    words = (Word("good", 1.25, 1.5, 0.9), Word("day", 2.2, 2.5))
    assert final == ItemCompleted("utterance_0", utterance, "good", "en", words)
    assert protocol.pending == 0


@given(
    outcomes=st.lists(st.sampled_from(["answer", "bad", "half"]), min_size=1, max_size=20),
    choices=st.lists(st.integers(0, 9), max_size=200),
)
def test_whatever_order_the_answers_come_in_each_utterance_ends_once(outcomes: list[str], choices: list[int]) -> None:
    protocol = protocol_for()
    for number in range(len(outcomes)):
        speak(protocol, number, number * 2, number * 2 + 1)
    flying: list[Request] = []
    events: list[Any] = []
    while protocol.pending:
        flying += sent(protocol)
        assert 1 <= len(flying) <= MOST_IN_FLIGHT
        request = flying[(choices.pop() if choices else 0) % len(flying)]
        number = request.utterance.number
        made: dict[str, Outcome] = {"answer": Answer(f"text {number}"), "bad": BAD, "half": HALF}
        if protocol.receive_outcome(request, made[outcomes[number]]) is None:
            flying.remove(request)
        events += protocol.events_received()
    ended = [event.item_id for event in events if isinstance(event, ItemCompleted | ItemFailed)]
    assert sorted(ended) == sorted(f"utterance_{number}" for number in range(len(outcomes)))
    named = [event for event in events if isinstance(event, ItemCommitted | ItemCompleted | ItemFailed)]
    assert all(event.item_id == f"utterance_{event.utterance.number}" for event in named)
    committed = [event.utterance.number for event in events if isinstance(event, ItemCommitted)]
    assert committed == list(range(len(outcomes)))


def test_a_busy_server_is_asked_again_after_growing_waits_with_one_warning_and_then_is_lost() -> None:
    protocol = protocol_for()
    request = one(protocol)
    waits = [protocol.receive_outcome(request, BUSY) for _ in range(len(RETRY_WAITS_S) + 1)]
    assert waits == [*RETRY_WAITS_S, None]
    assert sorted(RETRY_WAITS_S) == list(RETRY_WAITS_S)
    notice, lost = events_of(protocol, Noticed, ItemFailed, Disconnected)
    assert (notice.kind, lost) == ("retrying", Disconnected(BUSY.error))
    assert protocol.pending == 1  # it waits for another connection


def test_words_that_were_told_over_one_connection_are_not_told_over_the_next() -> None:
    first = protocol_for()
    speak(first, 0, 0, 4, counts_until_s=3)
    (request,) = sent(first)
    first.receive_outcome(request, Answer("one two three"))
    second = protocol_for(after=first.told)
    speak(second, 1, 2, 6)
    (request,) = sent(second)
    second.receive_outcome(request, Answer("two three four"))
    told = [event.text for protocol in (first, second) for event in events_of(protocol, ItemCompleted)]
    assert told == ["one two", "three four"]


def test_a_request_that_waits_for_its_next_try_keeps_its_place() -> None:
    protocol = protocol_for()
    for number in range(4):
        speak(protocol, number, number, number + 0.5)
    first, second = sent(protocol)
    protocol.receive_outcome(first, BUSY)
    assert sent(protocol) == []
    protocol.receive_outcome(second, Answer("b"))
    assert [request.utterance.number for request in sent(protocol)] == [2]


def test_a_refusal_is_the_utterances_own() -> None:
    protocol = protocol_for()
    request = one(protocol)
    assert protocol.receive_outcome(request, BAD) is None
    assert events_of(protocol, ItemFailed, Disconnected) == [ItemFailed("utterance_0", ONE, "It refused.")]


def test_a_fatal_refusal_ends_the_connection() -> None:
    protocol = protocol_for()
    protocol.receive_outcome(one(protocol), GONE)
    assert events_of(protocol, Disconnected) == [Disconnected(GONE.error)]


def test_a_broken_stream_is_tried_once_more_and_its_text_not_doubled() -> None:
    protocol = protocol_for()
    request = one(protocol)
    protocol.receive_text(request, " good")
    assert protocol.receive_outcome(request, HALF) == 0
    protocol.receive_text(request, " good")
    protocol.receive_text(request, " good day")
    assert protocol.receive_outcome(request, Answer(" good day")) is None
    assert [event.text for event in events_of(protocol, ItemDelta, ItemCompleted)] == ["good", "good day", "good day"]


def test_a_stream_that_breaks_every_time_keeps_the_longest_text_with_a_warning() -> None:
    protocol = protocol_for()
    request = one(protocol)
    protocol.receive_outcome(request, Broken(" good day", "The stream of text ended before its end"))
    waits = [protocol.receive_outcome(request, HALF) for _ in BROKEN_WAITS_S]
    assert waits == [*BROKEN_WAITS_S[1:], None]
    notice, final = events_of(protocol, Noticed, ItemCompleted)
    assert (notice.kind, final.text) == ("incomplete", "good day")
    assert "1.0 to 2.0 s" in notice.message


def test_what_a_broken_stream_has_said_survives_a_refusal_of_the_second_try() -> None:
    protocol = protocol_for()
    request = one(protocol)
    protocol.receive_outcome(request, HALF)
    protocol.receive_outcome(request, BAD)
    assert [type(event) for event in events_of(protocol, Noticed, ItemCompleted, ItemFailed)] == [
        Noticed,
        ItemCompleted,
    ]


@pytest.mark.parametrize(
    ("outcome", "guesses"), [(NOTHING, True), (Broken("", "The server reported “no room”"), False)]
)
def test_a_stream_that_breaks_every_time_without_text_is_a_failure_with_the_cure(
    outcome: Broken, guesses: bool
) -> None:
    protocol = protocol_for()
    request = one(protocol)
    expected = [*BROKEN_WAITS_S[: None if guesses else FEWER_TRIES], None]
    assert [protocol.receive_outcome(request, outcome) for _ in expected] == expected
    (failed,) = events_of(protocol, ItemFailed)
    assert "server's log" in failed.message
    assert ("language" in failed.message) is guesses, "the cause is guessed only where none is told"


def test_answers_to_what_has_ended_are_nothing() -> None:
    protocol = protocol_for()
    request = one(protocol)
    protocol.receive_outcome(request, Answer("once"))
    protocol.events_received()
    assert protocol.receive_outcome(request, Answer("twice")) is None
    protocol.receive_text(request, "thrice")
    assert protocol.events_received() == []


def test_changes_count_from_the_next_utterance_on() -> None:
    protocol = protocol_for(language="en")
    speak(protocol, 0, 0, 1)
    protocol.reconfigure({"model": "other", "language": "zh"})
    speak(protocol, 1, 2, 3)
    assert events_of(protocol, ConfigurationChanged) == [ConfigurationChanged("other", "zh", None)]
    first, second = sent(protocol)
    assert (first.options.model, first.options.language) == ("m", "en")
    assert (second.options.model, second.options.language) == ("other", "zh")
    protocol.reconfigure({"language": None})
    assert (protocol.options.model, protocol.options.language) == ("other", None)


def test_the_language_asked_for_is_the_texts_where_the_server_names_none() -> None:
    protocol = protocol_for(language="zh")
    protocol.receive_outcome(one(protocol), Answer("你好"))
    assert events_of(protocol, ItemCompleted)[0].language == "zh"


@pytest.mark.parametrize(
    ("given", "named"), [(("language",), "language"), (("language", "hotwords"), "language and hotwords")]
)
def test_options_that_translation_does_not_use_are_named(given: tuple[str, ...], named: str) -> None:
    options: dict[str, Any] = dict.fromkeys(given, "zh")
    protocol = protocol_for(task="translate", prompt="Anna", **options)
    protocol.open()
    (notice,) = protocol.events_received()
    assert isinstance(notice, Noticed)
    assert notice.kind == "no_effect"
    assert notice.message.startswith(f"Translation does not use {named}: ")


def test_transcription_uses_everything() -> None:
    protocol = protocol_for(language="zh", prompt="Anna", hotwords="Speaches", temperature=0.2)
    protocol.open()
    assert protocol.events_received() == []


def test_audio_behind_the_end_of_an_utterance_goes_with_the_next_one_if_it_adjoins_that() -> None:
    protocol = protocol_for()
    protocol.send_audio(0, 72_000)
    protocol.send_commit(Utterance(0, 0, 36_000, audio_end=48_000))
    protocol.send_audio(72_000, 96_000)
    protocol.send_commit(Utterance(1, 50_000, 60_000, audio_end=66_000))
    # What is left over by then is no speech.
    protocol.send_audio(240_000, 264_000)
    protocol.send_commit(Utterance(2, 240_000, 264_000))
    edges = [(0, 48_000), (48_000, 66_000), (240_000, 264_000)]
    assert events_of(protocol, AudioSent) == [AudioSent(start, end) for start, end in edges]
    assert [(request.start, request.end) for request in answered(protocol)] == edges


def test_an_utterance_whose_audio_went_with_the_one_before_is_not_sent() -> None:
    protocol = protocol_for()
    protocol.send_commit(ONE)
    assert protocol.pending == 0


# A server that is slower than speech


def speak_on(
    protocol: RequestProtocol, lengths_s: list[float], *, gap_s: float = 0.5, first: int = 0, start_s: float = 0
) -> None:
    """Speak one utterance after the other, numbered from ``first``."""
    for number, length_s in enumerate(lengths_s, first):
        speak(protocol, number, start_s, start_s + length_s)
        start_s += length_s + gap_s


def parts_of(utterance: Utterance) -> list[int]:
    return [part.number for part in utterance.parts or (utterance,)]


def answered(protocol: RequestProtocol, most: int = 1000) -> list[Request]:
    """Send and answer requests, one after the other, and return them."""
    found: list[Request] = []
    while len(found) < most and (request := protocol.request_to_send()) is not None:
        assert protocol.receive_outcome(request, Answer("text")) is None
        found.append(request)
    return found


@given(
    steps=st.lists(st.tuples(st.floats(0.1, 40), st.integers(0, 3)), max_size=60),
    gap_s=st.floats(0, 20),
    live=st.booleans(),
)
def test_every_utterance_is_sent_or_given_up_once_and_in_order(
    steps: list[tuple[float, int]], gap_s: float, live: bool
) -> None:
    protocol = protocol_for(live=live)
    requests: list[Request] = []
    start_s = 0.0
    for number, (length_s, answers) in enumerate(steps):
        speak(protocol, number, start_s, start_s + length_s)
        start_s += length_s + gap_s
        requests += answered(protocol, answers)
        assert not live or protocol.pending <= MOST_WAITING
    requests += answered(protocol)
    dropped = [event.utterance for event in events_of(protocol, ItemFailed)]
    utterances = [request.utterance for request in requests]
    assert sorted(number for each in utterances + dropped for number in parts_of(each)) == list(range(len(steps)))
    assert [each.number for each in utterances] == sorted(each.number for each in utterances)
    assert all(request.end - request.start <= LONGEST for request in requests if request.utterance.parts)
    assert all(each.end - each.start <= LONGEST for each in dropped if each.parts)
    if not live:
        assert not dropped
        assert not any(each.parts for each in utterances)


def test_neighbours_that_wait_become_one_request() -> None:
    protocol = protocol_for(live=True)
    speak_on(protocol, [2.0] * 10)
    assert events_of(protocol, ItemFailed) == []
    assert protocol.pending == JOIN_ABOVE
    first, *_ = answered(protocol)
    assert parts_of(first.utterance) == list(range(8))
    assert (first.start, first.end) == (0, round((8 * 2 + 7 * 0.5) * SESSION_RATE_HZ))


def test_what_is_joined_on_the_way_has_the_number_and_the_end_of_its_last_part() -> None:
    protocol = protocol_for(live=True)
    for number in range(10):
        speak(protocol, number, 2 * number, 2 * number + 1)
        if number == 1:
            flying = sent(protocol)
    assert [event.kind for event in events_of(protocol, Noticed)] == ["behind"]
    assert protocol.pending == MOST_IN_FLIGHT + JOIN_ABOVE
    protocol.receive_outcome(flying[0], Answer("a"))
    (joined,) = sent(protocol)
    (committed,) = events_of(protocol, ItemCommitted)
    assert committed == ItemCommitted("utterance_7", joined.utterance)
    assert parts_of(joined.utterance) == [2, 3, 4, 5, 6, 7]
    assert (joined.start, joined.end) == (4 * SESSION_RATE_HZ, 15 * SESSION_RATE_HZ)
    assert (joined.utterance.start_s, joined.utterance.end_s) == (4, 15)


def test_being_behind_is_told_once_until_the_server_has_caught_up() -> None:
    protocol = protocol_for(live=True)
    speak_on(protocol, [2.0] * 8, gap_s=1)
    (notice,) = events_of(protocol, Noticed)
    assert notice.kind == "behind"
    assert f"{4 * 2 + 3 * 1} s behind" in notice.message
    answered(protocol)
    speak_on(protocol, [1.0] * 8, first=8, start_s=24)
    assert [event.kind for event in events_of(protocol, Noticed)] == ["behind"]


def test_what_is_too_long_to_be_joined_is_given_up_oldest_first_and_says_so() -> None:
    protocol = protocol_for(live=True)
    speak_on(protocol, [29.0] * (MOST_WAITING + 3))
    failed = events_of(protocol, ItemFailed)
    assert [event.item_id for event in failed] == ["utterance_0", "utterance_1", "utterance_2"]
    assert [parts_of(event.utterance) for event in failed] == [[0], [1], [2]]
    assert all("kept in the recording" in event.message for event in failed)
    assert [request.utterance.number for request in answered(protocol)] == list(range(3, MOST_WAITING + 3))


def test_what_is_asked_for_differently_is_not_joined() -> None:
    options = RecognitionOptions(model="m")
    following = Utterance(1, 36_000, 60_000)
    first, second = Request(ONE, 24_000, 48_000, options), Request(following, 36_000, 60_000, options)
    assert first.joined_with(replace(second, options=replace(options, language="zh"))) is None
    repeated = replace(second, utterance=replace(following, counts_until=7))
    joined = replace(first, follows=True).joined_with(repeated)
    assert joined is not None
    assert (joined.follows, joined.utterance.counts_until, joined.utterance.number) == (True, 7, 1)


# Windows that overlap


def windows(protocol: RequestProtocol) -> list[Request]:
    speak(protocol, 0, 0, 5, counts_until_s=4.5)
    speak(protocol, 1, 4, 9)
    requests = sent(protocol)
    protocol.events_received()
    return requests


FIRST = Answer("one two", None, (Word("one", 3, 3.4), Word("two", 4.6, 4.9)))
SECOND = Answer("ne two three", None, (Word("ne", 0, 0.1), Word("two", 0.6, 0.9), Word("three", 2, 3)))


def test_windows_are_joined_in_order_however_they_come() -> None:
    protocol = protocol_for()
    first, second = windows(protocol)
    protocol.receive_outcome(second, SECOND)
    assert events_of(protocol, ItemCompleted) == []
    assert protocol.pending == 2
    protocol.receive_outcome(first, FIRST)
    assert [event.text for event in events_of(protocol, ItemCompleted)] == ["one", "two three"]
    assert protocol.pending == 0


def test_a_window_behind_one_without_text_keeps_all_its_words() -> None:
    protocol = protocol_for()
    first, second = windows(protocol)
    protocol.receive_outcome(second, SECOND)
    protocol.receive_outcome(first, BAD)
    failed, final = events_of(protocol, ItemFailed, ItemCompleted)
    assert failed.utterance.number == 0
    assert final.text == "ne two three"


def test_partial_text_of_a_window_waits_for_the_one_before() -> None:
    protocol = protocol_for()
    first, second = windows(protocol)
    protocol.receive_text(second, " brown fox jumps")
    assert events_of(protocol, ItemDelta) == []
    protocol.receive_outcome(first, Answer("the quick brown fox"))
    protocol.events_received()
    protocol.receive_text(second, " brown fox jumps over")
    assert [event.text for event in events_of(protocol, ItemDelta)] == ["fox jumps over"]


def test_windows_that_do_not_overlap_are_not_joined() -> None:
    protocol = protocol_for()
    speak(protocol, 0, 0, 5, counts_until_s=4.5)
    speak(protocol, 1, 9, 14)
    first, second = sent(protocol)
    assert not second.follows
    protocol.receive_outcome(second, Answer("two"))
    protocol.receive_outcome(first, Answer("one"))
    assert len(events_of(protocol, ItemCompleted)) == 2


def test_what_was_left_to_a_window_that_fails_is_shown_with_its_gap() -> None:
    protocol = protocol_for()
    speak(protocol, 0, 0, 5, 4.5)
    speak(protocol, 1, 4, 9)
    first, second = sent(protocol)
    protocol.receive_outcome(first, Answer("nothing is lost"))
    protocol.receive_outcome(second, BAD)
    told = [event.text for event in events_of(protocol, ItemCompleted, ItemDelta)]
    assert told == ["nothing is", "lost"]


def test_a_window_that_has_only_what_was_left_to_it_has_heard_nothing() -> None:
    protocol = protocol_for()
    speak(protocol, 0, 0, 5, 4.5)
    speak(protocol, 1, 4, 9)
    for request, text in zip(sent(protocol), ("nothing is lost", " "), strict=True):
        protocol.receive_outcome(request, Answer(text))
    ended = [(event.text, event.heard) for event in events_of(protocol, ItemCompleted)]
    assert ended == [("nothing is", True), ("lost", False)]
