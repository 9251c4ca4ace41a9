"""What the failures of single endpoints mean, against the answers that the source of Speaches gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import (
    InputError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
)
from ipyspeaches.local import LocalServer
from ipyspeaches.server.client import Server

URL = "http://speaches.example:8000"
SOUND = Recording(np.zeros(100, dtype=np.int16), 16_000)
GATED = (
    "Model 'pyannote/x' is a gated repository and requires authentication. Set the HF_TOKEN environment variable to a "
    "valid Hugging Face token with access to this model."
)
Answer = tuple[int, Any]


def server(answer: Answer | type[httpx2.TransportError]) -> Server:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if not isinstance(answer, tuple):
            raise answer("", request=request)
        status, body = answer
        if isinstance(body, str):
            return httpx2.Response(status, text=body, headers={"content-type": "text/plain"})
        return httpx2.Response(status, json=body)

    return Server(URL, transport=httpx2.MockTransport(handler))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((500, "Internal Server Error"), ProtocolError, "Hugging Face hub"),
        (httpx2.ReadTimeout, ProtocolError, "no answer.*Installed models work"),
        ((404, {"detail": "Not Found"}), ProtocolError, "no list of models to download"),
        ((405, {"detail": "Method Not Allowed"}), ProtocolError, "no list of models to download"),
        ((404, "<html>"), NotSpeachesError, "HTTP 404"),
        (httpx2.ConnectError, ServerUnreachableError, "start the server"),
        ((403, {"detail": "API key required."}), ServerAuthError, "API key"),
    ],
)
async def test_a_registry_that_cannot_be_had(answer: Any, error: type[ServerError], words: str) -> None:
    with pytest.raises(error, match=words) as failed:
        await server(answer).registry()
    assert type(failed.value) is error
    assert URL in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((401, {"detail": GATED}), ModelNotFoundError, "https://huggingface.co/pyannote/x.*HF_TOKEN"),
        ((401, {"detail": "Invalid API key"}), ServerAuthError, "API key"),
        ((404, {"detail": "Model 'pyannote/x' not found"}), ModelNotFoundError, "no model 'pyannote/x'.*registry"),
        ((404, {"detail": "Not Found"}), ProtocolError, "no endpoint .* be downloaded .HTTP 404.*model="),
        ((500, "Internal Server Error"), ProtocolError, "huggingface.co and space on its disk"),
        (httpx2.ReadTimeout, ServerUnreachableError, "within 3600 s.*probably still at it"),
        ((504, "<html>"), ServerUnreachableError, "HTTP 504.*probably still at it"),
    ],
)
async def test_a_download_that_fails(answer: Any, error: type[ServerError], words: str) -> None:
    with pytest.raises(error, match=words) as failed:
        await server(answer).download("pyannote/x")
    assert type(failed.value) is error


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((202, {"status": "queued"}), ProtocolError, "HTTP 202, status queued.*look later"),
        ((202, ""), ProtocolError, "does not say .*HTTP 202"),
        ((200, {"status": "pulling manifest"}), ProtocolError, "status pulling manifest"),
        ((200, {"error": "disk full"}), ProtocolError, "has not .*disk full"),
        ((200, {"status": "failed", "message": "no space"}), ProtocolError, "no space, status failed"),
        ((201, {"success": False, "message": "no space"}), ProtocolError, "has not .*no space"),
        ((200, {"error": {"message": "no space"}}), ProtocolError, "has not .*no space"),
    ],
)
async def test_only_what_is_done_is_done(answer: Answer, error: type[ServerError], words: str) -> None:
    one = server(answer)
    for ask in (one.download, one.load, one.unload):
        with pytest.raises(error, match=words) as failed:
            await ask("some/model")
        assert "some/model" in str(failed.value)


@pytest.mark.parametrize(
    "answer", [(200, {"status": "success"}), (200, ""), (200, {"error": None, "status": "completed"}), (201, "loaded")]
)
async def test_what_is_done_is_done(answer: Answer) -> None:
    one = server(answer)
    await one.download("some/model")
    await one.load("some/model")
    await one.unload("some/model")


async def test_a_conflict_that_is_another_one_is_told() -> None:
    with pytest.raises(ProtocolError, match=r"has not loaded some/model .*busy"):
        await server((409, {"detail": "busy with another model"})).load("some/model")


@pytest.mark.parametrize("name", ["", " ", "../../v1/models/x", "a/..", "."])
async def test_no_model_is_refused_before_anything_is_sent(name: str) -> None:
    one = server((200, ""))
    for ask in (one.download, one.load, one.unload):
        with pytest.raises(InputError, match="No model was given"):
            await ask(name)


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"detail": "Not Found"}),
        (404, {"error": {"message": "Invalid URL (POST /api/ps/some/model)", "type": "invalid_request_error"}}),
        (404, {"error": {"code": 404, "message": "File Not Found"}}),
        (404, "404 page not found"),
        (405, ""),
    ],
)
async def test_a_server_that_manages_no_models_is_no_stranger(answer: Answer) -> None:
    one = server(answer)
    for ask, cure in ((one.download, "own tools"), (one.load, "first audio"), (one.unload, "own tools")):
        with pytest.raises(ProtocolError, match=f"has no endpoint .*HTTP 40[45].*{cure}") as failed:
            await ask("some/model")
        assert "not a Speaches server" not in str(failed.value)
    assert await one.refusal("whisper-1") is None


@pytest.mark.parametrize(
    "answer",
    [(404, {"detail": "Not Found"}), (405, {"detail": "Method Not Allowed"})],
)
async def test_a_server_without_diarization_says_so(answer: Answer) -> None:
    with pytest.raises(ProtocolError, match="cannot tell speakers apart"):
        await server(answer).diarize(SOUND, model="some/model")


async def test_a_diarization_model_that_is_not_installed_is_named() -> None:
    detail = "Model 'some/model' is not installed locally. You can download the model using `POST /v1/models`"
    with pytest.raises(ModelNotFoundError, match="some/model"):
        await server((404, {"detail": detail})).diarize(SOUND, model="some/model")


@pytest.mark.parametrize("ask", [lambda one: one.diarize(SOUND), lambda one: one.diarize(SOUND, model="some/model")])
async def test_the_local_server_tells_no_speakers_apart(ask: Callable[[Server], Any]) -> None:
    with pytest.raises(ModelNotFoundError, match=r"speakers apart|some/model"):
        await ask(Server(LocalServer.shared().url))
