"""The form that the endpoints take, and documents and streams as real servers and others write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ipyspeaches.protocol.http.transcriptions import (
    Answer,
    Broken,
    Refused,
    StreamedText,
    form_of,
    path_of,
    read_answer,
)
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.words import Word
from scripted_http import recorded

EVERYTHING: dict[str, Any] = {"language": "zh", "prompt": "Anna, Beijing", "hotwords": "Speaches", "temperature": 0.2}


def form(*, stream: bool = False, **options: Any) -> dict[str, str]:
    return form_of(RecognitionOptions(model="m", **options), stream=stream)


def test_words_are_asked_for_with_their_times() -> None:
    assert form() == {
        "model": "m",
        "response_format": "verbose_json",
        "timestamp_granularities[]": "word",
    }


@pytest.mark.parametrize("stream", [True, False])
def test_every_option_has_its_field(stream: bool) -> None:
    fields = form(stream=stream, **EVERYTHING)
    assert {name: fields[name] for name in EVERYTHING} == {**EVERYTHING, "temperature": "0.2"}
    assert path_of(RecognitionOptions(**EVERYTHING)) == "/v1/audio/transcriptions"


def test_a_temperature_of_zero_is_one() -> None:
    assert form(temperature=0)["temperature"] == "0"


def test_a_stream_has_no_times() -> None:
    assert form(stream=True) == {"model": "m", "response_format": "json", "stream": "true"}


def test_translation_has_an_endpoint_of_its_own_with_fewer_fields() -> None:
    assert path_of(RecognitionOptions(task="translate")) == "/v1/audio/translations"
    assert form(task="translate", **EVERYTHING) == {
        "model": "m",
        "response_format": "verbose_json",
        "prompt": "Anna, Beijing",
        "temperature": "0.2",
    }


def event(**fields: object) -> str:
    return json.dumps(fields)


def streamed(*data: str) -> Answer | Broken | Refused:
    text = StreamedText()
    for one in data:
        text.receive(one)
    return text.end()


DELTA = event(type="transcript.text.delta", delta=" good", logprobs=None)
MORE = event(type="transcript.text.delta", delta=" morning")
DONE = event(type="transcript.text.done", text="", usage=None)


def test_a_recorded_document() -> None:
    answer = read_answer(recorded("transcription-verbose_json-words").pieces[0].encode())
    assert isinstance(answer, Answer)
    assert answer.words[1] == Word(" being", 0.74, 1.02)
    assert "".join(word.word for word in answer.words).strip() == answer.text


@pytest.mark.parametrize("name", ["transcription-json", "transcription-verbose_json"])
def test_recorded_documents_without_words(name: str) -> None:
    answer = read_answer(recorded(name).pieces[0].encode())
    assert isinstance(answer, Answer)
    assert answer.text.startswith("in being")
    assert answer.words == ()


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"\xff\xfe", b'{"text": 1}', b'{"words": []}'])
def test_what_is_no_document(body: bytes) -> None:
    assert read_answer(body) is None


@pytest.mark.parametrize("body", [b'"good morning"', b'{"text": ["good", " morning"]}', b'["good", "morning"]'])
def test_a_text_without_its_document_counts(body: bytes) -> None:
    assert read_answer(body) == read_answer(b"good morning\n", plain=True) == Answer("good morning")


@pytest.mark.parametrize("body", [b"", b" <!doctype html>", b'{"text": "go', b"1\n00:00 --> 00:01\nHello"])
def test_what_is_no_plain_text(body: bytes) -> None:
    assert read_answer(body, plain=True) is None


def test_deltas_are_the_text_where_done_is_empty() -> None:
    assert streamed(DELTA, MORE, DONE) == Answer(" good morning")


def test_done_is_the_text_where_it_has_one() -> None:
    assert streamed(DELTA, event(type="transcript.text.done", text="Good morning.")) == Answer("Good morning.")


def test_what_comes_behind_an_end_goes_on() -> None:
    assert streamed(DELTA, DONE, MORE, DONE) == Answer("good morning")
    assert streamed(DELTA, DONE, MORE) == Broken("good morning", "The stream of text ended before its end")
    first, second, whole = (
        event(type="transcript.text.done", text=text) for text in ("good", "morning", "good morning")
    )
    assert streamed(DELTA, first, MORE, second) == Answer("good morning")
    assert streamed(DELTA, first, MORE, whole) == Answer("good morning")


def test_the_name_of_an_event_is_its_type_where_it_has_none() -> None:
    text = StreamedText()
    text.receive(event(delta="good"), "transcript.text.delta")
    text.receive(event(text="good morning"), "transcript.text.done")
    assert text.end() == Answer("good morning")


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (("good", "morning.", "Yes"), "good morning. Yes"),
        ((" good", " mor", "ning"), " good morning"),
        (("今天", "很好。", "是"), "今天很好。是"),
    ],
)
def test_pieces_without_a_type_are_segments_unless_they_bring_their_spaces(pieces: tuple[str, ...], whole: str) -> None:
    assert streamed(*(event(text=piece) for piece in pieces), "[DONE]") == Answer(whole)


def test_an_error_in_the_shape_of_an_answer_is_quoted() -> None:
    died = "The server reported “CUDA out of memory”"
    assert streamed(DELTA, event(detail="CUDA out of memory")) == Broken(" good", died)


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ({"status": "failed"}, "status: failed"),
        ({"status": "in_progress"}, "status: in_progress"),
        ({"finish_reason": "length"}, "finish_reason: length"),
        ({"truncated": True}, "truncated: true"),
        ({"is_final": False}, "is_final: false"),
        ({"partial": True}, "partial: true"),
        ({"success": False}, "success: false"),
        ({"errors": [{"message": "chunk 2 failed"}]}, "chunk 2 failed"),
    ],
)
def test_an_answer_that_says_it_is_not_whole_does_not_count_as_whole(beside: dict[str, Any], told: str) -> None:
    said = {"text": "good", **beside}
    assert read_answer(json.dumps(said).encode()) == Broken("good", f"The server reported “{told}”")


def test_what_says_that_an_answer_is_whole_is_no_fault() -> None:
    whole = {"status": "processed", "finish_reason": "stop", "truncated": False, "is_final": True, "errors": []}
    assert read_answer(json.dumps({"text": "good", **whole}).encode()) == Answer("good")
    assert read_answer(json.dumps(json.dumps({"text": "good"})).encode()) == Answer("good")


def test_openais_mark_ends_any_stream_that_has_text() -> None:
    assert streamed(DELTA, "[DONE]") == Answer(" good")
    assert isinstance(streamed("[DONE]"), Broken)


def test_without_done_it_is_broken() -> None:
    assert streamed(DELTA) == Broken(" good", "The stream of text ended before its end")
    assert streamed() == Broken("", "The stream of text ended before its end")


@pytest.mark.parametrize(
    "error", [event(error={"message": "out of memory"}), event(type="error", error={"message": "out of memory"})]
)
def test_an_error_in_the_stream_is_quoted(error: str) -> None:
    assert streamed(DELTA, error) == Broken(" good", "The server reported “out of memory”")


@pytest.mark.parametrize("ending", [DONE, event(type="transcript.text.done", text=" good"), "[DONE]"])
@pytest.mark.parametrize(
    ("said", "name"),
    [
        (event(error={"message": "engine died"}), ""),
        (event(error="engine died"), "message"),
        (event(message="engine died"), "error"),
        (event(type="error", message="engine died"), ""),
        ("engine died", "error"),
    ],
)
def test_no_end_behind_an_error_makes_a_text_whole(said: str, name: str, ending: str) -> None:
    text = StreamedText()
    text.receive(DELTA)
    text.receive(said, name)
    text.receive(ending)
    assert text.end() == Broken(" good", "The server reported “engine died”")


def test_stretches_of_a_stream_are_its_text_unless_it_comes_otherwise() -> None:
    stretches = [event(type="transcript.text.segment", text=text, start=0) for text in ("good", " morning ")]
    assert streamed(*stretches, DONE) == Answer("good morning")
    assert streamed(DELTA, *stretches, DONE) == Answer(" good")


def timed(word: str) -> dict[str, Any]:
    return {"word": word, "start": 0, "end": 1}


@pytest.mark.parametrize("text", [{"text": ""}, {"text": " \n"}, {"text": None}, {}])
@pytest.mark.parametrize("error", [{}, {"error": None}, {"error": ""}])
def test_segments_are_the_text_where_it_is_empty(text: dict[str, Any], error: dict[str, Any]) -> None:
    segments: list[Any] = [{"text": " good", "start": 0}, None, {"text": " morning"}, {"text": 1}]
    assert read_answer(event(**text, **error, segments=segments).encode()) == Answer("good morning")


@pytest.mark.parametrize("beside", [{}, {"segments": [{"text": "half"}]}])
def test_a_text_with_an_error_beside_it_may_lack_some(beside: dict[str, Any]) -> None:
    said = event(text="half", error={"message": "late"}, **beside).encode()
    assert read_answer(said) == Broken("half", "The server reported “late”")


@pytest.mark.parametrize(
    "failure",
    [
        event(object="error", message="engine died", type="InternalServerError", code=500),
        event(message="engine died", code=500),
        event(code=500, msg="engine died"),
        event(type="transcript.text.error", message="engine died"),
        event(type="response.incomplete", reason="engine died"),
        event(status="error", reason="engine died"),
        event(success=False, message="engine died"),
        event(exception="engine died"),
        "engine died",
    ],
)
def test_a_failure_in_any_shape_breaks_a_stream_that_ends_well(failure: str) -> None:
    assert streamed(DELTA, failure, "[DONE]") == Broken(" good", "The server reported “engine died”")


@pytest.mark.parametrize("beside", [event(type="ping"), event(type="usage", code=0), event(choices=[], usage={}), ""])
def test_what_tells_nothing_breaks_no_stream(beside: str) -> None:
    for end in ("[DONE]", "[done]", '"[DONE]"'):
        assert streamed(DELTA, beside, end) == Answer(" good")


def test_a_number_that_is_no_success_tells_a_failure_in_place_of_a_text() -> None:
    failed = Broken("", "The server reported “model is loading”")
    assert read_answer(event(code=40001, message="model is loading", text="").encode()) == failed
    assert read_answer(event(code=40001, msg="model is loading", data=None).encode()) == failed
    for said in ({"code": 0, "msg": "ok", "data": {"text": "good"}}, {"code": 200, "message": "ok", "text": "good"}):
        assert read_answer(event(**said).encode()) == Answer("good")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"text": "good", "segments": [{"text": " good"}, {"text": " morning"}]}, "good morning"),
        ({"text": "good", "words": [timed("good"), timed("morning")]}, "good morning"),
        ({"words": [timed("good"), timed("morning")]}, "good morning"),
        ({"text": "你好", "words": [timed("你"), timed("好"), timed("吗")]}, "你好吗"),
        ({"text": "Good morning.", "segments": [{"text": "good morning dear all"}]}, "Good morning."),
        ({"text": "Good morning.", "words": [timed("good"), timed("morning")]}, "Good morning."),
    ],
)
def test_a_text_that_lacks_what_stands_beside_it_is_not_all(said: dict[str, Any], text: str) -> None:
    answer = read_answer(event(**said).encode())
    assert isinstance(answer, Answer)
    assert answer.text == text


@pytest.mark.parametrize(
    "odd", ["", "[DONE]", "null", "[]", '{"delta": 1}', event(type="transcript.text.segment", text="x"), "\ud800"]
)
def test_what_is_unknown_is_passed_over(odd: str) -> None:
    assert streamed(odd, DELTA, odd, DONE) == Answer(" good")


def test_chinese_has_no_spaces_between_deltas() -> None:
    pieces = [event(type="transcript.text.delta", delta=piece) for piece in ("今天天气", "很好。")]
    assert streamed(*pieces, DONE) == Answer("今天天气很好。")


def chunk(text: str | None, finish: str | None = None) -> str:
    return event(object="transcription.chunk", choices=[{"delta": {"content": text}, "finish_reason": finish}])


def test_chunks_of_a_chat_are_understood() -> None:
    assert streamed(chunk(" good"), chunk(" morning"), chunk("", "stop"), "[DONE]") == Answer(" good morning")
    assert streamed(chunk(" good"), chunk(" morning", "stop")) == Answer(" good morning")
    assert streamed(chunk(" good"), event(choices=[], usage={"seconds": 1}), "[DONE]") == Answer(" good")
    assert streamed(event(choices=[{"message": {"content": "good"}, "finish_reason": "stop"}])) == Answer("good")
    assert streamed(event(choices=[{"text": "good", "finish_reason": "stop"}])) == Answer("good")
    assert streamed(chunk(None), "[DONE]") == Answer("")


def test_chunks_that_stop_short_are_broken() -> None:
    assert streamed(chunk(" good")) == Broken(" good", "The stream of text ended before its end")
    assert streamed(chunk(" good", "length"), "[DONE]") == Broken(
        " good", "The server reported “finish_reason: length”"
    )
    assert streamed(chunk(" good"), event(error={"message": "no memory"}), "[DONE]") == Broken(
        " good", "The server reported “no memory”"
    )


def test_pieces_without_a_type_are_text_whose_end_is_not_known() -> None:
    assert streamed(event(text=" good"), event(text=" morning")) == Broken(
        " good morning", "The stream of text ended before its end"
    )


@pytest.mark.parametrize("data", [event(type="segment", value="good"), "good morning", "null", "[1]"])
def test_a_stream_of_another_kind_is_named(data: str) -> None:
    outcome = streamed(data, "", data)
    assert isinstance(outcome, Refused)
    assert data in str(outcome.error)
    assert 'use transport="chunked"' in str(outcome.error)
    assert outcome.severity == "single"


def test_the_key_is_left_out_of_what_a_server_says_of_itself_and_of_no_text() -> None:
    said, refused = "it is no secret", "No secret is good"
    assert read_answer(json.dumps({"text": said}).encode(), "secret") == Answer(said)
    broken = read_answer(json.dumps({"error": {"message": refused}}).encode(), "secret")
    assert broken == Broken("", "The server reported “No … is good”")
    for last in ({"error": {"message": refused}}, {"error": {"why": refused}}):
        streamed = StreamedText("secret")
        streamed.receive(json.dumps({"type": "transcript.text.delta", "delta": said}))
        streamed.receive(json.dumps(last))
        end = streamed.end()
        assert isinstance(end, Broken)
        assert end.text == said
        assert "No … is good" in end.reason
    streamed = StreamedText("secret")
    streamed.receive('{"type": "other", "of": "secret"}')
    assert "secret" not in repr(streamed.end())


@pytest.mark.parametrize(
    "delta", [{"text": "good"}, {"content": "good"}, [{"text": "go"}, {"type": "text", "text": "od"}]]
)
def test_deltas_that_are_wrapped_are_read(delta: Any) -> None:
    streamed = StreamedText()
    streamed.receive(event(type="transcript.text.delta", delta=delta))
    streamed.receive(event(type="transcript.text.done"))
    assert streamed.end() == Answer("good")


def test_an_end_that_has_less_than_its_deltas_takes_nothing_back() -> None:
    streamed = StreamedText()
    for piece in ("good ", "morning"):
        streamed.receive(event(type="transcript.text.delta", delta=piece))
    streamed.receive(event(type="transcript.text.done", text="good"))
    assert streamed.end() == Answer("good morning")


@pytest.mark.parametrize("reason", ["length", "content_filter", "abort"])
def test_chunks_that_are_cut_short_are_broken(reason: str) -> None:
    streamed = StreamedText()
    streamed.receive(event(choices=[{"delta": {"content": "good"}, "finish_reason": reason}]))
    streamed.receive("[DONE]")
    assert streamed.end() == Broken("good", f"The server reported “finish_reason: {reason}”")
