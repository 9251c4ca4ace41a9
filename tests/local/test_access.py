"""Who gets in, and which pages may read answers: over real HTTP and WebSockets, and as a Speaches server answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ipyspeaches.local import LocalServer, access
from ipyspeaches.local.access import AccessControl, PromptProtocol

KEY = "secret"
PAGE = "http://localhost:8888"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
ALLOWED = "access-control-allow-origin"


@pytest.fixture(scope="module")
def locked() -> Iterator[LocalServer]:
    """A server with the key of the recordings."""
    with LocalServer(api_key=KEY) as server:
        yield server


def recorded_upgrades() -> list[dict[str, Any]]:
    path = Path(__file__).parents[1] / "data" / "exchanges" / "ws-403.json"
    exchanges: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return exchanges


@pytest.mark.parametrize("recorded", recorded_upgrades(), ids=lambda exchange: exchange["request"]["what"])
async def test_upgrades_are_answered_as_recorded(locked: LocalServer, recorded: dict[str, Any]) -> None:
    request = recorded["request"]
    address = locked.url.replace("http", "ws", 1) + request["path"]
    status, body = 101, b""
    try:
        async with connect(address, additional_headers=request.get("headers"), proxy=None):
            pass
    except InvalidStatus as exc:
        status, body = exc.response.status_code, bytes(exc.response.body or b"")
    assert status == recorded["status"]
    assert body == b""


@pytest.mark.parametrize(
    "name", ["error-403-no-key", "error-403-query-key", "error-403-wrong-key", "error-403-x-api-key"]
)
def test_refusals_are_worded_as_recorded(locked: LocalServer, root: Path, name: str) -> None:
    recorded = json.loads((root / f"tests/data/exchanges/http/{name}.json").read_text(encoding="utf-8"))
    request = recorded["request"]
    answer = httpx2.request(
        request["method"], locked.url + request["path"], headers=request.get("headers"), trust_env=False
    )
    assert answer.status_code == recorded["status"]
    assert answer.json() == json.loads(recorded["body"])
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_right_key_opens_and_health_needs_none(locked: LocalServer) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    assert httpx2.get(f"{locked.url}/v1/models", headers=headers, trust_env=False).status_code == 200
    assert httpx2.get(f"{locked.url}/health", trust_env=False).json() == {"message": "OK"}


async def status_of(
    headers: dict[str, str], *, host: str = "127.0.0.1", key: str | None = None, kind: str = "http"
) -> int:
    """Return the status that a request gets from the access control in front of an application that says 200."""
    statuses: list[int] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif message["type"] == "websocket.close":
            statuses.append(403)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": "/v1/models", "headers": raw, "query_string": b"", "method": "GET"}
    await AccessControl(app, host, key)(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:8000"}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "rebound.example:8000"}, 403),
        ({"Host": "127.0.0.1.rebound.example"}, 403),
        ({"Host": ""}, 403),
        ({}, 403),
        ({"Host": "localhost", "Origin": "http://localhost:8888"}, 200),
        ({"Host": "localhost", "Origin": "https://127.0.0.1:8888"}, 200),
        ({"Host": "localhost", "Origin": "null"}, 403),
        ({"Host": "localhost", "Origin": "https://page.example"}, 403),
        ({"Host": "localhost", "Origin": "https://localhost.page.example"}, 403),
        ({"Host": "localhost", "Origin": "file://"}, 403),
        ({"Host": "localhost", "Origin": "http://[bad"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8888"}, 200),
    ],
)
async def test_only_this_machines_names_and_pages_get_in(headers: dict[str, str], status: int, kind: str) -> None:
    assert await status_of(headers, kind=kind) == status


async def test_a_server_for_the_network_knows_its_own_name_and_page() -> None:
    headers = {"Host": "192.0.2.7:8000", "Origin": "http://192.0.2.7:8000", "Authorization": "Bearer k"}
    assert await status_of(headers, host="192.0.2.7", key="k") == 200
    assert await status_of({**headers, "Host": "other.example:8000"}, host="192.0.2.7", key="k") == 403
    assert (
        await status_of({**headers, "Host": "any.example", "Origin": "http://any.example"}, host="0.0.0.0", key="k")
        == 200
    )
    assert await status_of({"Host": "any.example"}, host="0.0.0.0", key="k") == 403


@pytest.mark.parametrize("given", ["k", "Bearer ", "Bearer K", "bearer k", "Bearer kk", "Bearer \u00fc"])
async def test_only_the_key_itself_opens(given: str) -> None:
    headers = {"Host": "localhost", "Authorization": given}
    assert await status_of(headers, key="k") == 403


def test_the_key_is_not_shown() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    assert KEY not in repr(AccessControl(app, "127.0.0.1", KEY))


def ask(server: LocalServer, method: str, path: str, **headers: str) -> httpx2.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, server.url + path, headers=given, trust_env=False)


@pytest.mark.parametrize("path", ["/v1/realtime?model=m", "/v1/models"])
def test_a_page_of_this_machine_may_ask_before_it_has_the_key(locked: LocalServer, path: str) -> None:
    answer = ask(locked, "OPTIONS", path, Origin=PAGE, **ASKED)
    assert answer.status_code == 200
    assert answer.headers[ALLOWED] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == ASKED["Access-Control-Request-Headers"]
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", ["https://page.example", "null", "http://localhost.page.example"])
def test_nobody_else_may(locked: LocalServer, origin: str) -> None:
    for method, more in (("OPTIONS", ASKED), ("GET", {"Authorization": f"Bearer {KEY}"})):
        answer = ask(locked, method, "/v1/models", Origin=origin, **more)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_answers_and_refusals_can_be_read(locked: LocalServer) -> None:
    for key, status in ((KEY, 200), ("wrong", 403)):
        answer = ask(locked, "GET", "/v1/models", Origin=PAGE, Authorization=f"Bearer {key}")
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, PAGE)


def test_without_a_page_nothing_is_said(locked: LocalServer) -> None:
    answer = ask(locked, "GET", "/health")
    assert ALLOWED not in answer.headers


def test_an_options_request_that_asks_for_nothing_is_an_ordinary_one(locked: LocalServer) -> None:
    assert ask(locked, "OPTIONS", "/v1/models", Origin=PAGE).status_code == 403  # it has no key


async def test_a_connection_that_asks_for_nothing_is_closed_and_one_that_waits_for_its_answer_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    monkeypatch.setattr(access, "FIRST_REQUEST_S", 0.01)
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: PromptProtocol(config, uvicorn.server.ServerState(), {}), "127.0.0.1", 0
    )
    async with listening:
        address = listening.sockets[0].getsockname()
        asks, asks_writer = await asyncio.open_connection(*address)
        asks_writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        drips, drips_writer = await asyncio.open_connection(*address)
        drips_writer.write(b"GET / HTTP/1.1\r\nHost:")
        assert await asyncio.wait_for(drips.read(), 10) == b""
        answer.set()
        assert (await asyncio.wait_for(asks.readline(), 10)).startswith(b"HTTP/1.1 204")
        for writer in (asks_writer, drips_writer):
            writer.close()
