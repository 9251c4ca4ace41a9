"""What vouches for a server counts for HTTP and WebSockets alike, on this machine too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from certificates import localhost_certificate
from ipyspeaches.errors import ServerUnreachableError
from ipyspeaches.server.client import Server
from ipyspeaches.transports.websocket import WebSocketTransport
from websocket_servers import QUERY, echo


def respond(_: ServerConnection, request: Request) -> Response | None:
    if request.path.startswith("/v1/realtime"):
        return None
    body = json.dumps({"data": []}).encode()
    return Response(200, "OK", Headers({"content-length": str(len(body)), "connection": "close"}), body)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """The address of a server, and the file that vouches for it."""
    authority, tls = localhost_certificate(tmp_path)
    async with serve(echo, "localhost", 0, ssl=tls, process_request=respond) as running:
        yield f"https://localhost:{next(iter(running.sockets)).getsockname()[1]}", authority


async def ask(url: str) -> None:
    await Server(url).models()


async def connect(url: str) -> None:
    transport = WebSocketTransport(url, QUERY)
    await transport.connect()
    await transport.close()


WAYS = pytest.mark.parametrize("way", [ask, connect])


@WAYS
async def test_an_authority_of_ones_own_is_trusted(
    way: type, here: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = here
    with pytest.raises(ServerUnreachableError, match=r"cannot be trusted .*SSL_CERT_FILE"):
        await way(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    await way(url)


@WAYS
@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_that_is_none_is_named(
    content: str | None, way: type, here: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ServerUnreachableError, match="because SSL_CERT_FILE names no file of certificates"):
        await way(here[0])
