"""Uploads over real sockets, answered as a real server once answered, or worse."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.decoding import wav
from ipyspeaches.errors import (
    ConnectionLostError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerUnreachableError,
    Severity,
)
from ipyspeaches.protocol.http.transcriptions import Answer, Broken, Outcome, Refused, form_of
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.transports import http_requests
from ipyspeaches.transports.http_requests import RequestTransport
from scripted_http import Reply, deltas, document, recorded

ASKED = RecognitionOptions(model="test/model", language="en")
FILE = ("utterance_7.wav", wav(np.arange(-12_000, 12_000, dtype=np.int16), 24_000))


@pytest.fixture
async def transport(http_script: Any) -> AsyncIterator[RequestTransport]:
    carrier = RequestTransport(http_script.url, "very-secret")
    yield carrier
    await carrier.close()


@pytest.fixture
async def streaming(http_script: Any) -> AsyncIterator[RequestTransport]:
    carrier = RequestTransport(http_script.url, "very-secret", stream=True)
    yield carrier
    await carrier.close()


async def post(transport: RequestTransport, options: RecognitionOptions) -> tuple[Outcome, list[str]]:
    texts: list[str] = []
    return await transport.post(options, FILE, texts.append), texts


async def test_the_form_and_the_file_arrive_whole(http_script: Any, transport: RequestTransport) -> None:
    await post(transport, ASKED)
    (posted,) = http_script.posted
    assert posted.path == "/v1/audio/transcriptions"
    assert posted.fields == form_of(ASKED, stream=False)
    assert (posted.name, posted.sound) == FILE
    assert posted.headers["authorization"] == "Bearer very-secret"


async def test_translations_go_to_their_own_endpoint(http_script: Any, transport: RequestTransport) -> None:
    await post(transport, RecognitionOptions(model="test/model", task="translate"))
    assert http_script.posted[0].path == "/v1/audio/translations"


async def test_a_recorded_answer_with_words(http_script: Any, transport: RequestTransport) -> None:
    http_script.script(recorded("transcription-verbose_json-words"))
    outcome, texts = await post(transport, ASKED)
    assert isinstance(outcome, Answer)
    assert outcome.language == "en"
    assert len(outcome.words) == 16
    assert (outcome.words[0].start, outcome.words[0].end) == (0.6, 0.74)
    assert texts == []


async def test_recorded_streams(http_script: Any, streaming: RequestTransport) -> None:
    http_script.script(recorded("sse"), recorded("sse-long"))
    outcome, texts = await post(streaming, ASKED)
    assert isinstance(outcome, Answer)
    assert texts == [outcome.text]
    outcome, texts = await post(streaming, ASKED)
    assert isinstance(outcome, Answer)
    assert len(texts) == 3
    assert texts[-1] == outcome.text
    assert all(longer.startswith(shorter) for shorter, longer in itertools.pairwise(texts))


@pytest.mark.parametrize(("name", "deltas"), [("sse-broken", 1), ("sse-broken-at-once", 0), ("sse-bad-language", 0)])
async def test_recorded_streams_that_break(
    http_script: Any, streaming: RequestTransport, name: str, deltas: int
) -> None:
    http_script.script(recorded(name))
    outcome, texts = await post(streaming, ASKED)
    assert isinstance(outcome, Broken)
    assert len(texts) == deltas
    assert outcome.text == "".join(texts)


async def test_a_stream_without_its_end_is_broken_even_if_the_body_is_whole(
    http_script: Any, streaming: RequestTransport
) -> None:
    http_script.script(Reply(content_type="text/event-stream"))
    outcome, _ = await post(streaming, ASKED)
    assert outcome == Broken("", "The stream of text ended before its end")


async def test_a_stream_that_drips_has_an_end(
    http_script: Any, streaming: RequestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.transports.http_requests.STREAM_TIMEOUT_S", 0.5)
    dripping = (deltas("good").pieces[0], *[": still here\n\n"] * 1_000)
    http_script.script(Reply(content_type="text/event-stream", pieces=dripping, between_s=0.05))
    outcome, _ = await post(streaming, ASKED)
    assert outcome == Broken("good", "The stream of text did not end within 0 s")


async def test_an_answer_that_drips_has_an_end(
    http_script: Any, transport: RequestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.transports.http_requests.ANSWER_TIMEOUT_S", 0.5)
    http_script.script(Reply(pieces=('{"text": "', *["a"] * 1_000), between_s=0.05))
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert "did not answer within" in str(outcome.error)


@pytest.mark.parametrize("begin", ["", "\ufeff", "\ufeff: hello\n\n"])
@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_a_stream_may_begin_with_a_mark_and_end_without_its_blank_line(
    http_script: Any, streaming: RequestTransport, begin: str, taken: int
) -> None:
    whole = deltas("good", " morning")
    first, *between, last = whole.pieces
    pieces = (begin + first, *between, last[: len(last) - taken])
    http_script.script(Reply(content_type=whole.content_type, pieces=pieces))
    assert await post(streaming, ASKED) == (Answer("good morning"), ["good", "good morning"])


async def test_the_name_of_an_event_tells_an_error(http_script: Any, streaming: RequestTransport) -> None:
    died = 'event: error\ndata: {"message": "engine died"}\n\n'
    whole = deltas("good")
    http_script.script(Reply(content_type=whole.content_type, pieces=(whole.pieces[0], died, whole.pieces[1])))
    assert (await post(streaming, ASKED))[0] == Broken("good", "The server reported “engine died”")


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        ('{"detail":"Out of memory"}', "Out of memory"),
        ("Worker died", "Worker died"),
    ],
)
async def test_what_stands_behind_a_stream_tells_why_it_ended(
    http_script: Any, streaming: RequestTransport, rest: str, said: str
) -> None:
    whole = deltas("good")
    http_script.script(Reply(content_type=whole.content_type, pieces=(whole.pieces[0], rest)))
    assert (await post(streaming, ASKED))[0] == Broken("good", f"The server reported “{said}”")


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json", '{"detail": "busy"}', "an error in place of a text (HTTP 200: busy)"),
        ("application/json", '{"message": "no room"}', "an error in place of a text (HTTP 200: no room)"),
        ("text/html", "<title>Please log in</title>", "(HTTP 200: Please log in, text/html)"),
        ("text/plain", "<p>try later", "(HTTP 200: try later, text/plain)"),
        ("application/json", '{"status": "queued"}', '(HTTP 200: {"status": "queued"}, application/json)'),
    ],
)
async def test_what_stands_in_place_of_a_text_is_told(
    http_script: Any, transport: RequestTransport, kind: str, body: str, said: str
) -> None:
    http_script.script(Reply(content_type=kind, pieces=(body,)))
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert said in str(outcome.error)


async def test_a_plain_text_counts(http_script: Any, transport: RequestTransport) -> None:
    http_script.script(Reply(content_type="text/plain; charset=utf-8", pieces=("早上好\n",)))
    assert (await post(transport, ASKED))[0] == Answer("早上好")


async def test_a_document_where_a_stream_was_asked_for_is_understood(
    http_script: Any, streaming: RequestTransport
) -> None:
    http_script.script(recorded("transcription-json"))
    outcome, _ = await post(streaming, ASKED)
    assert isinstance(outcome, Answer)
    assert outcome.text.startswith("in being")


async def test_a_stream_where_a_document_was_asked_for_is_understood(
    http_script: Any, transport: RequestTransport
) -> None:
    http_script.script(deltas(" good", " morning"))
    outcome, _ = await post(transport, ASKED)
    assert outcome == Answer(" good morning")


@pytest.mark.parametrize(
    ("name", "kind", "severity", "cure"),
    [
        ("error-403-no-key", ServerAuthError, Severity.FATAL, "SPEACHES_API_KEY"),
        ("error-403-wrong-key", ServerAuthError, Severity.FATAL, "SPEACHES_API_KEY"),
        ("error-404-model", ModelNotFoundError, Severity.FATAL, "no/such"),
        ("error-404-model-stream", ModelNotFoundError, Severity.FATAL, "no/such"),
        ("error-415-junk", ProtocolError, Severity.SINGLE, "proxy that changes uploads"),
        ("error-415-empty", ProtocolError, Severity.SINGLE, "proxy that changes uploads"),
        ("error-422-format", ProtocolError, Severity.SINGLE, "response_format: Input should be"),
        ("error-422-no-file", ProtocolError, Severity.SINGLE, "correct the option"),
        ("error-500-engine", ProtocolError, Severity.SINGLE, "server's log"),
        ("error-500-language", ProtocolError, Severity.SINGLE, "knows the language"),
        ("error-500-header-only", ProtocolError, Severity.SINGLE, "Failed to decode audio"),
    ],
)
async def test_recorded_refusals(
    http_script: Any, transport: RequestTransport, name: str, kind: type, severity: Severity, cure: str
) -> None:
    http_script.script(recorded(name))
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert type(outcome.error) is kind
    assert outcome.severity is severity
    assert cure in str(outcome.error)
    assert "very-secret" not in repr(outcome)


@pytest.mark.parametrize(
    "message",
    [
        "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'. Use 'json' instead.",
        "timestamp_granularities is not supported by this model",
    ],
)
async def test_a_model_that_knows_no_times_is_asked_for_the_text_alone(
    http_script: Any, transport: RequestTransport, message: str
) -> None:
    refusal = Reply(400, "application/json", (json.dumps({"error": {"message": message}}),))
    http_script.answer = lambda posted: document(text="good") if posted.fields["response_format"] == "json" else refusal
    for _ in range(2):
        outcome, _ = await post(transport, ASKED)
        assert outcome == Answer("good")
    formats = [posted.fields["response_format"] for posted in http_script.posted]
    assert formats == ["verbose_json", "json", "json"]
    assert "timestamp_granularities[]" not in http_script.posted[-1].fields


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_server_may_be_asked_again(http_script: Any, transport: RequestTransport, status: int) -> None:
    http_script.script(Reply(status, "text/html", ("<html>busy</html>",)))
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ServerUnreachableError)
    assert outcome.severity is Severity.PASSING


@pytest.mark.parametrize(
    "reply",
    [
        Reply(content_type="text/html", pieces=("<html>hello</html>",)),
        Reply(content_type="application/json", pieces=("[1, 2]",)),
        Reply(content_type="application/json", pieces=('{"text": 7}',)),
        Reply(404, pieces=('{"detail":"Not Found"}',)),
        document(hello="world"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_no_recogniser_says(
    http_script: Any, transport: RequestTransport, streaming: RequestTransport, reply: Reply, stream: bool
) -> None:
    http_script.script(reply)
    outcome, _ = await post(streaming if stream else transport, ASKED)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, NotSpeachesError)
    assert outcome.severity is Severity.SINGLE


async def test_an_endpoint_that_has_worked_and_is_not_there_may_come_back(
    http_script: Any, transport: RequestTransport
) -> None:
    http_script.script(document(text="good"), Reply(404, pieces=('{"detail":"Not Found"}',)))
    await post(transport, ASKED)
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert outcome.severity is Severity.PASSING
    assert "it has worked until now" in str(outcome.error)


@pytest.mark.parametrize("reply", [None, Reply(pieces=('{"text": "half',), cut=True)])
async def test_a_connection_that_drops_may_be_tried_again(
    http_script: Any, transport: RequestTransport, reply: Reply | None
) -> None:
    http_script.script(reply)
    outcome, _ = await post(transport, ASKED)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ConnectionLostError)
    assert outcome.severity is Severity.PASSING


async def test_a_server_that_has_gone_may_come_back() -> None:
    carrier = RequestTransport("http://127.0.0.1:9")
    outcome, _ = await post(carrier, ASKED)
    await carrier.close()
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ServerUnreachableError)
    assert outcome.severity is Severity.PASSING


async def test_a_server_that_says_nothing_is_not_asked_again(http_script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_requests, "ANSWER_TIMEOUT_S", 0.2)
    carrier = RequestTransport(http_script.url)
    http_script.script(Reply(after_s=30))
    outcome, _ = await post(carrier, ASKED)
    await carrier.close()
    assert isinstance(outcome, Refused)
    assert outcome.severity is Severity.SINGLE
    assert "did not answer" in str(outcome.error)


async def test_a_stream_without_bounds_is_refused(
    http_script: Any, streaming: RequestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_requests, "MAX_STREAM", 2**20)
    http_script.script(deltas(*["word " * 1000] * 300))
    outcome, _ = await post(streaming, ASKED)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ProtocolError)
    assert outcome.severity is Severity.SINGLE
    assert "more than 1 MiB of text for one utterance" in str(outcome.error)
