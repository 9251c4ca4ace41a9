"""JSON as others write it: one odd field costs no more than itself."""

from __future__ import annotations

import json
import math
from traceback import TracebackException
from typing import Any

import pytest

from ipyspeaches.liberal import fit, parse_json
from ipyspeaches.protocol.http.transcriptions import Answer, StreamedText, read_answer
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.server.models import ModelList
from ipyspeaches.words import Word

GOOD = Word("good", 0.5, 1.0)


@pytest.mark.parametrize(
    "side",
    [
        '"words": [{"word": "good", "start": 0.5, "end": 1.0}, {"word": "morning"}]',
        '"words": [{"word": "good", "start": 0.5, "end": 1.0}, {"word": "x", "start": NaN, "end": 1e999}, null, 5]',
        '"words": [{"word": "good", "start": 0.5, "end": 1.0, "probability": "high"}]',
        '"words": [{"word": "good", "start": 0.5, "end": 1.0}], "avg_logprob": NaN, "language": ["en"]',
    ],
)
def test_what_does_not_fit_is_left_out_and_the_text_counts(side: str) -> None:
    assert read_answer(f'{{"text": "good", {side}}}'.encode()) == Answer("good", None, (GOOD,))


def test_words_inside_of_segments_count_where_there_are_no_others() -> None:
    words = '[{"word": "good", "start": 0.5, "end": 1.0}, {"word": "2"}]'
    inside = f'"segments": [{{"text": " good", "words": {words}}}, {{"text": ""}}]'
    assert read_answer(f'{{"text": "good", {inside}}}'.encode()) == Answer("good", None, (GOOD,))
    other = '"words": [{"word": "g", "start": 0, "end": 1}]'
    assert read_answer(f'{{"text": "good", {inside}, {other}}}'.encode()) == Answer("good", None, (Word("g", 0, 1),))


@pytest.mark.parametrize(
    "side",
    [
        '"words": null',
        '"words": "none"',
        '"words": [{"word": "good"}]',
        '"words": {}',
        '"segments": null, "duration": "1.0"',
    ],
)
def test_words_that_do_not_fit_are_none(side: str) -> None:
    assert read_answer(f'{{"text": "good", {side}}}'.encode()) == Answer("good")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_text_in_another_encoding_counts(encoding: str) -> None:
    assert read_answer('{"text": "schön"}'.encode(encoding)) == Answer("schön")


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b'{"text": ', b"\xff\xfe\x00", b'{"text": null}'])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    assert read_answer(body) is None


def test_numbers_without_end_are_none() -> None:
    assert parse_json('{"a": ' + "9" * 5000 + ', "b": 1e999, "c": NaN}') == {"a": None, "b": None, "c": None}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [(r"\ud800x", "\ufffdx"), (r"\ud83d\ude00", "😀"), (r"\\ud800", r"\ud800"), (r"x\uDFFF\u0041", "x\ufffdA")],
)
def test_half_a_character_becomes_one_that_can_be_written(escaped: str, text: str) -> None:
    assert parse_json(f'{{"a": "{escaped}"}}') == {"a": text}


def test_nesting_that_could_not_be_shown_is_no_json() -> None:
    assert parse_json("[" * 90 + "]" * 90)
    with pytest.raises(ValueError, match="nested"):
        parse_json("[" * 110 + "]" * 110)


def test_deep_nesting_in_a_stream_is_passed_over() -> None:
    text = StreamedText()
    assert not text.receive("[" * 200_000)
    assert text.receive('\ufeff{"type": "transcript.text.delta", "delta": "good", "logprobs": NaN}')
    assert text.text == "good"


def test_one_odd_model_costs_the_list_only_itself() -> None:
    data: list[Any] = [{"id": "a", "language": None}, {"id": 5}, "b", {"id": "c", "task": 1, "language": "en"}]
    assert [model.id for model in fit({"object": "list", "data": data}, ModelList).data] == ["a", "c"]
    with pytest.raises(ValueError, match="no "):
        fit({"data": [{"name": "a"}]}, ModelList)
    with pytest.raises(ValueError, match="no "):
        fit({"data": None}, ModelList)


def event(kind: str, **fields: object) -> wire.KnownEvent | wire.Unrecognised:
    return wire.decode(json.dumps({"type": kind, **fields}))


COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"


@pytest.mark.parametrize(
    "side",
    [
        {"words": [{"word": "good"}]},
        {"usage": "1 s"},
        {"logprobs": float("nan")},
        {"languages": "en", "language": 5},
        {"words": None, "usage": {"seconds": "x"}},
    ],
)
def test_an_event_settles_its_item_whatever_else_it_says(side: dict[str, Any]) -> None:
    read = event(COMPLETED, item_id="a", transcript="good", **side)
    assert isinstance(read, wire.TranscriptionCompleted)
    assert (read.item_id, read.transcript, read.words or None, read.spoken) == ("a", "good", None, None)


@pytest.mark.parametrize(
    ("languages", "code"), [(["en"], "en"), ([{"code": "en"}], "en"), ([{"code": "english"}, 5], "en"), ([], None)]
)
def test_the_first_of_several_languages_counts(languages: list[Any], code: str | None) -> None:
    read = event(COMPLETED, item_id="a", transcript="good", languages=languages)
    assert isinstance(read, wire.TranscriptionCompleted)
    assert read.spoken == code


@pytest.mark.parametrize("transcript", [None, 5, ["good"]])
def test_a_final_without_a_text_is_a_failure(transcript: object) -> None:
    read = event(COMPLETED, item_id="a", transcript=transcript)
    assert isinstance(read, wire.TranscriptionFailed)
    assert (read.item_id, read.error and read.error.message) == ("a", "The server sent no text for it.")


@pytest.mark.parametrize(
    ("error", "message"),
    [("no memory", "no memory"), ({"message": "no memory", "code": [1]}, "no memory"), (None, None), ([1], None)],
)
def test_a_failure_settles_its_item_whatever_its_error(error: object, message: str | None) -> None:
    read = event(FAILED, item_id="a", error=error)
    assert isinstance(read, wire.TranscriptionFailed)
    assert (read.item_id, read.error and read.error.message) == ("a", message)


@pytest.mark.parametrize("fields", [{"error": "no memory"}, {"message": "no memory", "code": 7}])
def test_an_error_is_quoted_in_each_of_its_forms(fields: dict[str, Any]) -> None:
    read = event("error", **fields)
    assert isinstance(read, wire.ErrorEvent)
    assert read.error.message == "no memory"


def test_numbers_beyond_all_times_are_left_out() -> None:
    stopped = event("input_audio_buffer.speech_stopped", item_id="a", audio_end_ms=1e308)
    assert stopped == wire.BufferSpeechStopped("a", math.inf)
    final = event(COMPLETED, item_id=5, transcript="good", usage={"seconds": 1e308})
    assert isinstance(final, wire.TranscriptionCompleted)
    assert (final.item_id, final.usage and final.usage.seconds) == ("5", None)
    updated = event("session.updated", session={"turn_detection": {"threshold": 10**400, "x": [[]], "type": "none"}})
    assert isinstance(updated, wire.SessionUpdated)
    assert updated.session.vad == {"threshold": None, "type": "none"}


def test_an_odd_setting_does_not_cost_the_session() -> None:
    read = event(
        "session.created", session={"id": "s", "turn_detection": "none", "input_audio_transcription": {"model": "m"}}
    )
    assert isinstance(read, wire.SessionCreated)
    assert (read.session.id, read.session.transcription.model, read.session.vad) == ("s", "m", None)


PAGE = b"<html><title>Bearer sk-SECRETsecret12</title>"


def test_no_traceback_shows_the_page_that_came_in_place_of_json() -> None:
    with pytest.raises(ValueError, match="Expecting value") as refused:
        parse_json(PAGE)
    shown = TracebackException.from_exception(refused.value, capture_locals=True).format()
    assert "SECRET" not in "".join(shown)
