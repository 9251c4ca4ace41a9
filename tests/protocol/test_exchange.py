"""Utterances as requests: in order, a few at a time, tried again where that helps, each told once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import ModelNotFoundError, ProtocolError, ServerUnreachableError
from ipyspeaches.protocol import (
    Answer,
    Broken,
    Committed,
    Completed,
    Delta,
    Disconnected,
    Failed,
    Noticed,
    Outcome,
    Reconfigured,
    Refused,
    Request,
    RequestProtocol,
    Severity,
    Span,
    TranscriptionOptions,
)
from ipyspeaches.protocol.backlog import JOIN_ABOVE, MOST_WAITING
from ipyspeaches.protocol.exchange import MOST_IN_FLIGHT, RETRY_WAITS_S
from ipyspeaches.words import Word

RATE = 24_000
BUSY = Refused(ServerUnreachableError("It is busy."), Severity.PASSING)
BAD = Refused(ProtocolError("It refused."), Severity.SINGLE)
GONE = Refused(ModelNotFoundError("It has no such model."), Severity.FATAL)
HALF = Broken(" good", "The stream of text ended before its end")
NOTHING = Broken("", "The stream of text ended before its end")


def protocol(*, live: bool = False, **options: Any) -> RequestProtocol:
    return RequestProtocol(TranscriptionOptions(model="m", **options), live=live)


def speak(talk: RequestProtocol, number: int, start_s: float, end_s: float, seam_s: float | None = None) -> None:
    talk.send(round(start_s * RATE), round(end_s * RATE))
    talk.commit(number, None if seam_s is None else round(seam_s * RATE))


def sent(talk: RequestProtocol) -> list[Request]:
    found = []
    while (request := talk.next_request()) is not None:
        found.append(request)
    return found


def of(talk: RequestProtocol, *kinds: type) -> list[Any]:
    return [event for event in talk.events() if isinstance(event, kinds)]


def one(talk: RequestProtocol) -> Request:
    speak(talk, 0, 1, 2)
    (request,) = sent(talk)
    talk.events()
    return request


def test_an_utterance_is_all_that_was_sent_for_it_on_the_session_clock() -> None:
    talk = protocol()
    talk.send(24_000, 48_000)
    talk.send(48_000, 60_000)
    talk.commit(0)
    (request,) = sent(talk)
    assert (request.item_id, request.start, request.end) == ("utterance_0", 24_000, 60_000)
    assert of(talk, Committed) == [Committed("utterance_0", 0, 0, Span(1.0, 2.5))]
    assert talk.pending == 1
    answer = Answer(" good", "en", (Word(" good", 0.25, 0.5, 0.9), Word(" day", 1.2, 7.0)))
    assert talk.take(request, answer) is None
    (final,) = of(talk, Completed)
    assert final == Completed(
        "utterance_0",
        0,
        0,
        Span(1.0, 2.5),
        "good",
        "en",
        (Word("good", 1.25, 1.5, 0.9), Word("day", 2.2, 2.5)),
    )
    assert talk.pending == 0


@given(
    outcomes=st.lists(st.sampled_from(["answer", "bad", "busy", "half"]), min_size=1, max_size=20),
    choices=st.lists(st.integers(0, 9), max_size=200),
)
def test_whatever_order_the_answers_come_in_each_utterance_ends_once(outcomes: list[str], choices: list[int]) -> None:
    talk = protocol()
    for number in range(len(outcomes)):
        speak(talk, number, number * 2, number * 2 + 1)
    flying: list[Request] = []
    events: list[Any] = []
    while talk.pending:
        flying += sent(talk)
        assert 1 <= len(flying) <= MOST_IN_FLIGHT
        request = flying[(choices.pop() if choices else 0) % len(flying)]
        made: dict[str, Outcome] = {"answer": Answer(f"text {request.order}"), "bad": BAD, "busy": BUSY, "half": HALF}
        if talk.take(request, made[outcomes[request.order]]) is None:
            flying.remove(request)
        events += talk.events()
    ended = [event.item_id for event in events if isinstance(event, Completed | Failed)]
    assert sorted(ended) == sorted(f"utterance_{number}" for number in range(len(outcomes)))
    assert all(event.order == event.utterance for event in events if isinstance(event, Completed | Committed))
    assert [event.order for event in events if isinstance(event, Committed)] == list(range(len(outcomes)))


def test_a_busy_server_is_asked_again_after_growing_waits_and_told_about_once() -> None:
    talk = protocol()
    request = one(talk)
    waits = [talk.take(request, BUSY) for _ in range(len(RETRY_WAITS_S) + 1)]
    assert waits == [*RETRY_WAITS_S, None]
    assert sorted(RETRY_WAITS_S) == list(RETRY_WAITS_S)
    notice, failed = of(talk, Noticed, Failed)
    assert (notice.kind, failed) == ("retrying", Failed("utterance_0", 0, "It is busy."))


def test_a_request_that_waits_for_its_next_try_keeps_its_place() -> None:
    talk = protocol()
    for number in range(4):
        speak(talk, number, number, number + 0.5)
    first, second = sent(talk)
    talk.take(first, BUSY)
    assert sent(talk) == []
    talk.take(second, Answer("b"))
    assert [request.order for request in sent(talk)] == [2]


def test_a_refusal_is_the_utterances_own() -> None:
    talk = protocol()
    request = one(talk)
    assert talk.take(request, BAD) is None
    assert of(talk, Failed, Disconnected) == [Failed("utterance_0", 0, "It refused.")]


def test_a_fatal_refusal_ends_the_conversation() -> None:
    talk = protocol()
    talk.take(one(talk), GONE)
    (lost,) = of(talk, Disconnected)
    assert lost == Disconnected(GONE.error, fatal=True)


def test_a_broken_stream_is_tried_once_more_and_its_text_not_doubled() -> None:
    talk = protocol(stream=True)
    request = one(talk)
    talk.grown(request, " good")
    assert talk.take(request, HALF) == 0
    talk.grown(request, " good")
    talk.grown(request, " good day")
    assert talk.take(request, Answer(" good day")) is None
    assert [event.text for event in of(talk, Delta, Completed)] == ["good", "good day", "good day"]


def test_a_stream_that_breaks_twice_keeps_the_longest_text_with_a_warning() -> None:
    talk = protocol(stream=True)
    request = one(talk)
    talk.take(request, Broken(" good day", "The stream of text ended before its end"))
    talk.take(request, HALF)
    notice, final = of(talk, Noticed, Completed)
    assert (notice.kind, final.text) == ("incomplete", "good day")
    assert "1.0 to 2.0 s" in notice.message


def test_what_a_broken_stream_has_said_survives_a_refusal_of_the_second_try() -> None:
    talk = protocol(stream=True)
    request = one(talk)
    talk.take(request, HALF)
    talk.take(request, BAD)
    assert [type(event) for event in of(talk, Noticed, Completed, Failed)] == [Noticed, Completed]


def test_a_stream_that_breaks_twice_without_text_is_a_failure_with_the_cure() -> None:
    talk = protocol(stream=True)
    request = one(talk)
    assert talk.take(request, NOTHING) == 0
    assert talk.take(request, NOTHING) is None
    (failed,) = of(talk, Failed)
    assert "server's log" in failed.message


def test_answers_to_what_has_ended_are_nothing() -> None:
    talk = protocol()
    request = one(talk)
    talk.take(request, Answer("once"))
    talk.events()
    assert talk.take(request, Answer("twice")) is None
    talk.grown(request, "thrice")
    assert talk.events() == []


def test_changes_count_from_the_next_utterance_on() -> None:
    talk = protocol(language="en")
    speak(talk, 0, 0, 1)
    talk.reconfigure(model="other", language="zh")
    speak(talk, 1, 2, 3)
    assert of(talk, Reconfigured) == [Reconfigured("other", "zh", None)]
    first, second = sent(talk)
    assert (first.options.model, first.options.language) == ("m", "en")
    assert (second.options.model, second.options.language) == ("other", "zh")
    talk.reconfigure(language=None)
    assert (talk.options.model, talk.options.language) == ("other", None)


def test_the_language_asked_for_is_the_texts_where_the_server_names_none() -> None:
    talk = protocol(language="zh", stream=True)
    talk.take(one(talk), Answer("你好"))
    assert of(talk, Completed)[0].language == "zh"


def test_options_without_effect_are_named() -> None:
    talk = protocol(translate=True, language="zh")
    talk.open()
    (notice,) = of(talk, Noticed)
    assert (notice.kind, "language" in notice.message) == ("no_effect", True)


def test_live_speech_that_is_too_fast_is_joined_with_one_warning_and_named_by_its_last_cut() -> None:
    talk = protocol(live=True)
    for number in range(10):
        speak(talk, number, 2 * number, 2 * number + 1)
        if number == 1:
            flying = sent(talk)
    notices = [event.kind for event in of(talk, Noticed)]
    assert notices == ["behind"]
    assert talk.pending == MOST_IN_FLIGHT + JOIN_ABOVE
    talk.take(flying[0], Answer("a"))
    (joined,) = sent(talk)
    (committed,) = of(talk, Committed)
    assert (committed.utterance, committed.joined, committed.order) == (7, 6, 2)
    assert joined.span == Span(4, 15)


def test_live_speech_that_waits_too_long_gets_no_text_and_says_so() -> None:
    talk = protocol(live=True)
    for number in range(MOST_WAITING + 1):
        speak(talk, number, 30 * number, 30 * number + 29)
    (failed,) = of(talk, Failed)
    assert (failed.item_id, failed.joined) == ("utterance_0", 1)
    assert "kept in the recording" in failed.message


def test_an_utterance_whose_sound_went_with_the_one_before_is_not_sent() -> None:
    talk = protocol()
    talk.commit(0)
    assert talk.pending == 0


def windows(talk: RequestProtocol) -> list[Request]:
    speak(talk, 0, 0, 5, seam_s=4.5)
    speak(talk, 1, 4, 9)
    requests = sent(talk)
    talk.events()
    return requests


FIRST = Answer("one two", None, (Word("one", 3, 3.4), Word("two", 4.6, 4.9)))
SECOND = Answer("ne two three", None, (Word("ne", 0, 0.1), Word("two", 0.6, 0.9), Word("three", 2, 3)))


def test_windows_are_joined_in_order_however_they_come() -> None:
    talk = protocol()
    first, second = windows(talk)
    talk.take(second, SECOND)
    assert of(talk, Completed) == []
    assert talk.pending == 2
    talk.take(first, FIRST)
    assert [event.text for event in of(talk, Completed)] == ["one", "two three"]
    assert talk.pending == 0


def test_a_window_behind_one_without_text_keeps_all_its_words() -> None:
    talk = protocol()
    first, second = windows(talk)
    talk.take(second, SECOND)
    talk.take(first, BAD)
    failed, final = of(talk, Failed, Completed)
    assert failed.utterance == 0
    assert final.text == "ne two three"


def test_partial_text_of_a_window_waits_for_the_one_before() -> None:
    talk = protocol(stream=True)
    first, second = windows(talk)
    talk.grown(second, " brown fox jumps")
    assert of(talk, Delta) == []
    talk.take(first, Answer("the quick brown fox"))
    talk.events()
    talk.grown(second, " brown fox jumps over")
    assert [event.text for event in of(talk, Delta)] == ["fox jumps over"]


def test_windows_that_share_no_sound_are_not_joined() -> None:
    talk = protocol()
    speak(talk, 0, 0, 5, seam_s=4.5)
    speak(talk, 1, 9, 14)
    first, second = sent(talk)
    assert not second.utterance.follows
    talk.take(second, Answer("two"))
    talk.take(first, Answer("one"))
    assert len(of(talk, Completed)) == 2
