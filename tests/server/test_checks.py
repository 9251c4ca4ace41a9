"""Why a server cannot be used, by cause, in one sentence with the cure."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import httpx2
import pytest

from ipyspeaches.errors import (
    InputError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    Severity,
)
from ipyspeaches.local import LocalServer
from ipyspeaches.protocol.realtime.media import EMBEDDED_MEDIA, SPEACHES_MEDIA
from ipyspeaches.server.client import check

URL = "http://speaches.example:8000"
HTML = "<!doctype html><title>JupyterLab</title>"


def answering(
    status: int, text: str, content_type: str = "application/json"
) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _request: httpx2.Response(status, text=text, headers={"content-type": content_type})


def raising(
    error: type[httpx2.RequestError], cause: OSError | None = None
) -> Callable[[httpx2.Request], httpx2.Response]:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise error("", request=request) from cause

    return handler


def recorded_models(root: Path) -> str:
    exchange = json.loads((root / "tests/data/exchanges/http/models.json").read_text(encoding="utf-8"))
    body: str = exchange["body"]
    return body


async def test_the_first_recognition_model_is_chosen(root: Path) -> None:
    transport = httpx2.MockTransport(answering(200, recorded_models(root)))
    info = await check(URL, transport=transport)
    assert info.model == "Systran/faster-distil-whisper-small.en"
    assert [model.id for model in info.models][-1] == "silero_vad_v5"
    assert (await check(URL, model="Systran/faster-whisper-tiny", transport=transport)).model.endswith("tiny")


async def test_the_version_is_that_of_the_interface(root: Path) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/openapi.json":
            return httpx2.Response(200, json={"openapi": "3.1.0", "info": {"title": "Speaches", "version": "0.9"}})
        return httpx2.Response(200, text=recorded_models(root))

    info = await check(URL, transport=httpx2.MockTransport(handler))
    assert (info.version, info.title) == ("0.9", "Speaches")
    assert info.media == SPEACHES_MEDIA


@pytest.mark.parametrize(("status", "found"), [(404, True), (500, True), (502, False)])
async def test_a_server_that_does_not_tell_its_interface_is_used_and_one_that_is_away_is_not(
    root: Path, status: int, found: bool
) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        interface = request.url.path == "/openapi.json"
        return httpx2.Response(status) if interface else httpx2.Response(200, text=recorded_models(root))

    with nullcontext() if found else pytest.raises(ServerUnreachableError, match="not ready"):
        assert (await check(URL, transport=httpx2.MockTransport(handler))).version is None


@pytest.mark.parametrize("model", ["no/such", "silero_vad_v5"])
async def test_a_model_that_is_not_there_is_answered_with_those_that_are(root: Path, model: str) -> None:
    transport = httpx2.MockTransport(answering(200, recorded_models(root)))
    with pytest.raises(ModelNotFoundError, match=rf"'{model}': choose one of .*tiny"):
        await check(URL, model=model, transport=transport)


@pytest.mark.parametrize(
    ("status", "said", "taken"),
    [
        (200, {"id": "Systran/faster-whisper-large-v3", "task": "automatic-speech-recognition"}, True),
        (200, {"id": "whisper-1", "object": "model"}, True),
        (404, {"detail": "Not Found"}, True),
        (404, "<html>", True),
        (405, {"detail": "Method Not Allowed"}, True),
        (500, "Internal Server Error", True),
        (200, {"id": "silero_vad_v5", "task": "voice-activity-detection"}, False),
        (404, {"error": {"message": "The model 'whisper-1' does not exist", "code": "model_not_found"}}, False),
        (404, {"detail": "Model 'Systran/faster-whisper-large-v3' not found"}, False),
    ],
)
async def test_a_name_that_is_in_no_list_is_the_servers_to_resolve(
    status: int, said: object, taken: bool, root: Path
) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/models/whisper-1":
            return httpx2.Response(status, text=said if isinstance(said, str) else json.dumps(said))
        return httpx2.Response(200, text=recorded_models(root))

    asked = check(URL, model="whisper-1", transport=httpx2.MockTransport(handler))
    if taken:
        assert (await asked).model == "whisper-1"
        return
    with pytest.raises(ModelNotFoundError, match=r"the model 'whisper-1'.*: choose one of") as refused:
        await asked
    assert ("large-v3' not found" in str(refused.value)) is ("large-v3" in str(said))


async def test_a_server_without_models_is_told_to_get_one() -> None:
    transport = httpx2.MockTransport(answering(200, '{"data":[],"object":"list"}'))
    with pytest.raises(ModelNotFoundError, match="download"):
        await check(URL, transport=transport)


@pytest.mark.parametrize(
    ("handler", "error", "words"),
    [
        (answering(200, HTML, "text/html"), NotSpeachesError, "text/html"),
        (answering(404, HTML, "text/html"), NotSpeachesError, "HTTP 404"),
        (answering(404, '{"detail":"Not Found"}'), NotSpeachesError, "HTTP 404"),
        (answering(302, "", "text/html"), NotSpeachesError, "HTTP 302"),
        (answering(405, "", "text/plain"), NotSpeachesError, "HTTP 405"),
        (answering(200, "[]"), NotSpeachesError, "application/json"),
        (answering(200, '{"data": 5}'), NotSpeachesError, "application/json"),
        (answering(403, '{"detail":"API key required."}'), ServerAuthError, "may require an API key"),
        (answering(401, ""), ServerAuthError, "requires an API key"),
        (answering(500, "Internal Server Error", "text/plain"), ProtocolError, "HTTP 500.*log"),
        (answering(500, '{"detail":"Out of memory."}'), ProtocolError, "Out of memory"),
        (answering(503, "", "text/plain"), ServerUnreachableError, "overloaded"),
        (raising(httpx2.ConnectTimeout), ServerUnreachableError, "did not answer within 10 s"),
        (raising(httpx2.ReadTimeout), ServerUnreachableError, "did not answer within 10 s"),
        (raising(httpx2.ConnectError, ConnectionRefusedError()), ServerUnreachableError, "start the server"),
        (raising(httpx2.ConnectError, socket.gaierror()), ServerUnreachableError, "spelling"),
        (raising(httpx2.RemoteProtocolError), NotSpeachesError, "not in HTTP"),
        (raising(httpx2.DecodingError), ProtocolError, "not compressed as it says"),
        (raising(httpx2.ProxyError), ServerUnreachableError, "NO_PROXY"),
    ],
)
async def test_each_cause_has_its_sentence(
    handler: Callable[[httpx2.Request], httpx2.Response], error: type[ServerError], words: str
) -> None:
    with pytest.raises(error, match=words) as failed:
        await check(URL, transport=httpx2.MockTransport(handler))
    assert type(failed.value) is error
    assert URL in str(failed.value)


async def test_who_closes_without_an_answer_may_be_back_soon() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(NotSpeachesError, match="starts or ends") as failed:
            await check(url)
    assert failed.value.severity is Severity.PASSING


async def test_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ServerUnreachableError, match="start the server"):
        await check(f"http://127.0.0.1:{port}")


async def test_something_else_listens_there() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotSpeachesError, match="not in HTTP"):
            await check(f"http://127.0.0.1:{port}")


async def test_a_scheme_that_is_wrong_is_said_before_anything_is_tried() -> None:
    with pytest.raises(InputError, match="use http://"):
        await check("ws://localhost:8000")


async def test_the_local_server_passes() -> None:
    local = LocalServer.shared()
    info = await check(local.url)
    assert info.model == "pocketsphinx/en-us"
    assert info.media == EMBEDDED_MEDIA
    with pytest.raises(ModelNotFoundError, match=r"choose one of .*pocketsphinx/en-us"):
        await check(local.url, model="no/such")
    with pytest.raises(ServerUnreachableError, match="does not speak TLS"):
        await check(local.url.replace("http://", "https://"))
