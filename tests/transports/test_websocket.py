"""The WebSocket transport against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from ipyspeaches.errors import InputError, StateError
from ipyspeaches.transports.transport import TransportClosed
from ipyspeaches.transports.websocket import WebSocketTransport
from websocket_servers import KEY, QUERY, server


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


async def test_what_arrived_before_a_reset_is_read_though_a_write_fails_first(scripted: Any) -> None:
    scripted.cut_after = 1
    transport = WebSocketTransport(scripted.url, QUERY)
    await transport.connect()
    commit = json.dumps({"type": "input_audio_buffer.commit"}).encode()
    await transport.send(commit)
    await transport.send(commit)
    time.sleep(0.5)  # noqa: ASYNC251  the loop shall not read: the answer and the reset wait in the kernel
    for _ in range(5):
        with contextlib.suppress(TransportClosed):
            await transport.send(commit)
    received = b""
    with pytest.raises(TransportClosed):
        while True:
            received += await transport.receive()
    assert b"utterance 1" in received


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
        await connection.close(1009, "too big")

    async with server(close) as url:
        transport = WebSocketTransport(url, QUERY, KEY)
        await transport.connect()
        with pytest.raises(TransportClosed) as caught:
            await transport.receive()
    closed = caught.value
    assert (closed.code, closed.reason) == (1009, "too big")


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
    assert caught.value.code is None


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
