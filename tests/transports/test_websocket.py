"""The WebSocket transport against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ipyspeaches.errors import (
    InputError,
    NotSpeachesError,
    ServerAuthError,
    ServerUnreachableError,
    StateError,
)
from ipyspeaches.transports import TransportClosed, WebSocketTransport, refusals, websocket
from replay import EXCHANGES

QUERY = {"model": "Systran/faster-whisper-tiny", "intent": "transcription"}
KEY = "sk-very-secret"

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def server(handler: Handler = echo) -> AsyncIterator[str]:
    """Serve on the loopback interface and give the base address."""
    async with serve(handler, "127.0.0.1", 0) as running:
        yield f"http://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


@asynccontextmanager
async def answering(status: HTTPStatus) -> AsyncIterator[str]:
    """Serve something that answers every request with one status."""

    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(status, "")

    async with serve(echo, "127.0.0.1", 0, process_request=refuse) as running:
        yield f"http://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


@asynccontextmanager
async def raw(answer: bytes | None) -> AsyncIterator[str]:
    """Listen on a port and answer with these bytes and the end, or with nothing for ever."""
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await done.wait()
        else:
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        done.set()
        listening.close()


async def refusal(url: str, kind: type[Exception], api_key: str | None = None) -> str:
    """Return the one sentence with which a connection is refused."""
    with pytest.raises(kind) as caught:
        await WebSocketTransport(url, QUERY, api_key).connect()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert KEY not in text + repr(caught.value)
    return text


async def test_messages_travel_in_text_frames_and_in_order() -> None:
    kinds: list[type] = []

    async def note(connection: ServerConnection) -> None:
        async for message in connection:
            kinds.append(type(message))
            await connection.send(message)

    async with server(note) as url:
        transport = WebSocketTransport(url, QUERY)
        await transport.connect()
        sent = [f'{{"number":{number},"text":"你好"}}'.encode() for number in range(20)]
        for message in sent:
            await transport.send(message)
        received = [await transport.receive() for _ in sent]
        await transport.close()
    assert received == sent
    assert set(kinds) == {str}


async def test_a_server_that_takes_nothing_holds_the_sender_up_and_loses_nothing() -> None:
    taken: list[int] = []
    go = asyncio.Event()

    async def late(connection: ServerConnection) -> None:
        await go.wait()
        async for message in connection:
            taken.append(int(str(message).strip("x")))
            if len(taken) == 200:
                await connection.send("all")

    async with server(late) as url:
        transport = WebSocketTransport(url, QUERY)
        await transport.connect()

        async def flood() -> None:
            for number in range(200):
                await transport.send(str(number).encode() + b"x" * 100_000)

        flooding = asyncio.create_task(flood())
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not flooding.done()
        go.set()
        await flooding
        assert await transport.receive() == b"all"
        await transport.close()
    assert taken == list(range(200))


async def test_the_address_holds_the_query_and_the_header_the_key() -> None:
    seen: list[Request] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)

    async with server(note) as url:
        transport = WebSocketTransport(url + "/", {**QUERY, "language": "zh"}, KEY)
        await transport.connect()
        await transport.close()
        other = WebSocketTransport(url, QUERY)
        await other.connect()
        await other.close()
    with_key, without_key = seen
    parts = urlsplit(with_key.path)
    assert parts.path == "/v1/realtime"
    assert parse_qs(parts.query) == {
        "model": ["Systran/faster-whisper-tiny"],
        "intent": ["transcription"],
        "language": ["zh"],
    }
    assert with_key.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in with_key.path
    assert "Authorization" not in without_key.headers
    assert "Sec-WebSocket-Extensions" not in with_key.headers
    assert KEY not in repr(transport)


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("http://host:8000", "ws://host:8000/v1/realtime?model=m"),
        ("http://host:8000/v1/", "ws://host:8000/v1/realtime?model=m"),
        ("https://host/speaches", "wss://host/speaches/v1/realtime?model=m"),
        ("http://[::1]:8000", "ws://[::1]:8000/v1/realtime?model=m"),
    ],
)
def test_the_base_address_leads_to_the_endpoint(url: str, uri: str) -> None:
    assert WebSocketTransport(url, {"model": "m"})._uri == uri


@pytest.mark.parametrize(
    "url", ["", "host:8000", "ftp://host", "http://", "http://host:0", "http://host:99999", "http://[::1"]
)
def test_an_impossible_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(InputError, match="write it like http://"):
        WebSocketTransport(url, QUERY)


@pytest.mark.parametrize("url", [f"http://user:{KEY}@host", f"http://host?api_key={KEY}", f"http://host#{KEY}"])
def test_a_key_in_the_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InputError, match="key as api_key") as caught:
        WebSocketTransport(url, QUERY)
    assert KEY not in str(caught.value)


async def test_a_debugging_log_does_not_hold_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with server() as url:
            transport = WebSocketTransport(url, QUERY, KEY)
            await transport.connect()
            await transport.close()
    ours = [record for record in caplog.records if record.name == "ipyspeaches.websocket"]
    assert not any(KEY in record.getMessage() for record in ours)


async def test_a_close_frame_tells_code_and_reason() -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(1009, f"too big, {KEY}")

    async with server(close) as url:
        transport = WebSocketTransport(url, QUERY, KEY)
        await transport.connect()
        with pytest.raises(TransportClosed) as caught:
            await transport.receive()
    closed = caught.value
    assert (closed.code, closed.reason, closed.close_frame) == (1009, "too big, …", True)


async def test_a_cut_has_no_close_frame() -> None:
    async def cut(connection: ServerConnection) -> None:
        await connection.send("last words")
        connection.transport.abort()

    async with server(cut) as url:
        transport = WebSocketTransport(url, QUERY)
        await transport.connect()
        with pytest.raises(TransportClosed) as caught:
            while True:
                assert await transport.receive() == b"last words"
        with pytest.raises(TransportClosed):
            await transport.send(b"{}")
        await transport.close()
    assert (caught.value.code, caught.value.close_frame) == (1006, False)


async def test_after_our_own_close_nothing_goes() -> None:
    async with server() as url:
        transport = WebSocketTransport(url, QUERY)
        await transport.connect()
        await transport.close()
        await transport.close()
        with pytest.raises(TransportClosed) as caught:
            await transport.receive()
    assert caught.value.code == 1000


async def test_a_transport_must_be_connected_first() -> None:
    transport = WebSocketTransport("http://127.0.0.1:1", QUERY)
    with pytest.raises(StateError, match=r"connect\(\) first"):
        await transport.send(b"{}")
    with pytest.raises(StateError, match=r"connect\(\) first"):
        await transport.receive()
    await transport.close()


async def test_nothing_listening_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        text = await refusal(f"http://{host}:{port}", ServerUnreachableError)
        assert text == (
            f"Nothing listens at http://{host}:{port}: start the server, or correct the address and its port."
        )


async def test_an_unknown_host_is_named() -> None:
    text = await refusal("http://no-such-host.invalid:8000", ServerUnreachableError)
    assert "no-such-host.invalid" in text
    assert "cannot be found" in text


async def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "OPEN_TIMEOUT_S", 0.2)
    async with raw(None) as url:
        assert "did not answer within 0 s" in await refusal(url, ServerUnreachableError)


async def test_no_tls_where_tls_is_asked_for() -> None:
    async with raw(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        text = await refusal(url.replace("http://", "https://"), ServerUnreachableError)
    assert "does not speak TLS" in text


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED])
async def test_a_refusal_names_both_causes(status: HTTPStatus) -> None:
    async with answering(status) as url:
        with_key = await refusal(url, ServerAuthError, KEY)
        without_key = await refusal(url, ServerAuthError)
    assert "the API key is wrong" in with_key
    assert "it wants an API key" in without_key
    for text in (with_key, without_key):
        assert f"HTTP {status.value}" in text
        assert "model" in text


async def test_every_recorded_upgrade_ends_as_it_did() -> None:
    recorded = json.loads((EXCHANGES / "ws-403.json").read_text(encoding="utf-8"))
    assert {exchange["status"] for exchange in recorded} == {101, 403}
    for exchange in recorded:
        if exchange["status"] == HTTPStatus.SWITCHING_PROTOCOLS:
            async with server() as url:
                transport = WebSocketTransport(url, QUERY, KEY)
                await transport.connect()
                await transport.close()
        else:
            async with answering(HTTPStatus(exchange["status"])) as url:
                await refusal(url, ServerAuthError, KEY)


@pytest.mark.parametrize("status", [HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED])
async def test_another_server_is_no_speaches_server(status: HTTPStatus) -> None:
    async with answering(status) as url:
        assert "no realtime endpoint" in await refusal(url, NotSpeachesError)


@pytest.mark.parametrize("status", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS])
async def test_a_busy_server_may_be_asked_again(status: HTTPStatus) -> None:
    async with answering(status) as url:
        assert "try again" in await refusal(url, ServerUnreachableError)


async def test_a_broken_server_has_a_log() -> None:
    async with answering(HTTPStatus.INTERNAL_SERVER_ERROR) as url:
        assert "log" in await refusal(url, ServerUnreachableError)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
async def test_something_else_on_the_port_is_no_speaches_server(answer: bytes) -> None:
    async with raw(answer) as url:
        assert "not as a Speaches server does" in await refusal(url, NotSpeachesError)


def test_an_untrusted_certificate_says_why() -> None:
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_message = "self-signed certificate"
    error = refusals.explain(exc, "https://host", timeout_s=10, key_given=False)
    assert isinstance(error, ServerUnreachableError)
    assert "self-signed certificate" in str(error)


def test_what_is_no_refusal_is_not_explained() -> None:
    assert refusals.explain(ValueError("other"), "http://host", timeout_s=10, key_given=False) is None
