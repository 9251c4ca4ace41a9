"""What clients of a server are told that has no room for them, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from fake_workers import fake_spec, install_fake_workers, speech
from ipyspeaches.local import forms
from ipyspeaches.local.asgi_app import create_app
from ipyspeaches.local.dispatcher import Dispatcher
from ipyspeaches.local.engines import DecodingOptions
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.local.model_memory import ModelMemory
from ipyspeaches.local.realtime_routes import RtcPeers

ONE, TWO, BROKEN = fake_spec("fake/one"), fake_spec("fake/two"), fake_spec("fake/broken")
PATH = "/v1/audio/transcriptions"


@pytest.fixture
async def dispatcher(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dispatcher]:
    """One that has room for one session, and lets nothing wait for long."""
    install_fake_workers(monkeypatch)
    limits = ServerLimits(max_sessions=1, max_wait_s=5)
    memory = ModelMemory(ONE, limits, 2, lambda: [TWO, BROKEN])
    yield Dispatcher(memory, 2, limits)
    await memory.close()


@pytest.fixture
def app(dispatcher: Dispatcher) -> ASGIApp:
    return create_app(dispatcher, RtcPeers(), "127.0.0.1", None)


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def form(model: str = ONE.model, **fields: str) -> dict[str, Any]:
    return {"data": {"model": model, **fields}, "files": {"file": ("a.raw", speech(2).tobytes(), "audio/pcm")}}


def fill(dispatcher: Dispatcher) -> None:
    """Give a server more to do than it lets others wait for."""
    for number in range(3):
        dispatcher.transcribe(f"user {number}", ONE, speech(10), DecodingOptions())


async def test_both_models_answer_and_stay(client: httpx2.AsyncClient) -> None:
    for spec in (ONE, TWO, ONE):
        assert (await client.post(PATH, **form(spec.model))).json()["text"] == "word0 word1 word2"
    assert (await client.get("/api/ps")).json()["models"] == [ONE.model, TWO.model]


async def test_a_model_that_cannot_be_loaded_says_why_in_an_answer_and_in_a_stream(client: httpx2.AsyncClient) -> None:
    answer = await client.post(PATH, **form(BROKEN.model))
    assert (answer.status_code, answer.json()) == (500, {"detail": "fake/broken is broken: take another."})
    streamed = await client.post(PATH, **form(BROKEN.model, stream="true"))
    [told] = [json.loads(line.removeprefix("data: ")) for line in streamed.text.split("\n\n") if line]
    assert (told["type"], told["error"]["message"]) == ("error", "fake/broken is broken: take another.")


@pytest.mark.parametrize("stream", ["false", "true"])
async def test_a_file_is_refused_with_429_and_the_time_to_come_back(
    dispatcher: Dispatcher, client: httpx2.AsyncClient, stream: str
) -> None:
    dispatcher.memory.pool(ONE).work_per_audio = 0.0
    fill(dispatcher)
    dispatcher.memory.pool(ONE).work_per_audio = 2.0
    refused = await client.post(PATH, **form(stream=stream))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert f"try again in {refused.headers['retry-after']} s" in refused.json()["detail"]


async def test_a_server_that_ends_says_503(dispatcher: Dispatcher, client: httpx2.AsyncClient) -> None:
    await dispatcher.finish(lambda: True)
    refused = await client.post(PATH, **form())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")


async def test_a_model_at_work_is_not_unloaded(dispatcher: Dispatcher, client: httpx2.AsyncClient) -> None:
    dispatcher.memory.pool(ONE).work_per_audio = 0.0
    fill(dispatcher)
    async with asyncio.timeout(10):
        await dispatcher.memory.load(dispatcher.memory.pool(ONE))
    refused = await client.delete(f"/api/ps/{ONE.model}")
    assert refused.status_code == 409
    assert refused.json() == {"message": f"Model {ONE.model} is still in use. self.ref_count=3"}


async def test_a_session_too_many_gets_an_error_event(dispatcher: Dispatcher, app: ASGIApp) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/v1/realtime",
        "query_string": f"model={ONE.model}".encode(),
        "headers": [(b"host", b"127.0.0.1")],
        "subprotocols": [],
    }
    with dispatcher.session():
        await app(scope, receive, send)
    accepted, told, closed = sent
    assert accepted["type"] == "websocket.accept"
    error = json.loads(told["text"])["error"]
    assert (error["type"], error["code"], error["retry_after_s"]) == ("rate_limit_error", "rate_limit_exceeded", 10)
    assert "has all the sessions that it takes (1): try again in 10 s" in error["message"]
    assert closed["code"] == 1013


async def never() -> Any:
    return await asyncio.Event().wait()


async def gone() -> Any:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize(("receive", "status"), [(never, 408), (gone, 400)])
async def test_a_body_that_never_ends_is_given_up(
    app: ASGIApp, monkeypatch: pytest.MonkeyPatch, receive: Any, status: int
) -> None:
    monkeypatch.setattr(forms, "MAX_STALL_S", 0.01)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert sent[0]["status"] == status


async def test_a_file_whose_sender_has_gone_is_given_up(dispatcher: Dispatcher, app: ASGIApp) -> None:
    request = httpx2.Request("POST", f"http://127.0.0.1{PATH}", **form())
    await request.aread()
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    messages = [{"type": "http.request", "body": request.content}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        while not dispatcher.unfinished:  # noqa: ASYNC110  the file is decoded first
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        pass

    async with asyncio.timeout(10):
        await app(scope, receive, send)
    assert dispatcher.unfinished == 0
    assert dispatcher.tally.jobs == {(ONE.model, "given up"): 1}


def metrics(text: str) -> Iterator[tuple[str, float]]:
    """Yield the values; whatever is not in the format fails."""
    for line in text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            name, value = line.rsplit(" ", 1)
            yield name, float(value)


async def test_metrics_tell_what_the_server_holds_and_has_done(
    dispatcher: Dispatcher, client: httpx2.AsyncClient
) -> None:
    await client.post(PATH, **form())
    with dispatcher.session():
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = dict(metrics(answer.text))
    expected = {
        "ipyspeaches_sessions": 1,
        "ipyspeaches_sessions_max": 1,
        "ipyspeaches_queue_jobs": 0,
        'ipyspeaches_jobs_total{model="fake/one",outcome="done"}': 1,
        'ipyspeaches_audio_seconds_total{model="fake/one"}': 3,
        'ipyspeaches_refused_total{what="job"}': 0,
        'ipyspeaches_lag_seconds_bucket{le="+Inf"}': 1,
        "ipyspeaches_lag_seconds_count": 1,
        'ipyspeaches_model_processes{model="fake/one"}': 1,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["ipyspeaches_memory_bytes"] > 1e6
    assert told['ipyspeaches_cpu_seconds_total{of="server"}'] > 0
