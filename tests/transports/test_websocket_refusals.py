"""Every way in which a connection can be refused has a sentence with its cause and its cure."""

from __future__ import annotations

import json
import os
import socket
import ssl
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection

from ipyspeaches.errors import (
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerUnreachableError,
)
from ipyspeaches.server.client import Server
from ipyspeaches.transports import websocket
from ipyspeaches.transports.websocket import WebSocketTransport
from replay import EXCHANGES
from websocket_servers import KEY, QUERY, answering, raw, server


async def refusal(url: str, kind: type[Exception], api_key: str | None = None) -> str:
    """Return the one sentence with which a connection is refused."""
    with pytest.raises(kind) as caught:
        await WebSocketTransport(url, QUERY, api_key).connect()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert KEY not in text + repr(caught.value)
    return text


async def test_nothing_listening_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        text = await refusal(f"http://{host}:{port}", ServerUnreachableError)
        assert text == (
            f"Nothing is listening at http://{host}:{port}: start the server, or correct the address or the port."
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
    assert "it requires an API key" in without_key
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


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (403, '{"detail": "Your IP is not allowed."}', ServerAuthError, "(HTTP 403: Your IP is not allowed)"),
        (401, f'{{"detail": "Incorrect key {KEY}"}}', ServerAuthError, "(HTTP 401: Incorrect key …)"),
        (401, '{"detail": "Incorrect key SK-V***"}', ServerAuthError, "(HTTP 401): the API key is wrong"),
        (401, '{"error": {"message": "Token expired."}}', ServerAuthError, "(HTTP 401: Token expired): if that is"),
        (404, "<title>404 page &amp; co</title>", NotSpeachesError, "(HTTP 404: 404 page & co), but has no realtime"),
        (404, '{"detail": "Model \'x\' is not installed"}', ModelNotFoundError, "Model 'x' is not installed"),
        (400, '{"error": {"message": "No intent."}}', NotSpeachesError, "(HTTP 400: No intent)"),
        (413, "", ProtocolError, "(HTTP 413): "),
        (415, '{"message": "no"}', ProtocolError, "(HTTP 415: no): "),
        (
            422,
            '{"detail": [{"loc": ["query", "model"], "msg": "missing"}]}',
            ProtocolError,
            "(HTTP 422: model: missing)",
        ),
        (429, f'{{"error": "{KEY} is too fast"}}', ServerUnreachableError, "(HTTP 429: … is too fast)"),
        (429, '{"error": {"code": "insufficient_quota"}}', ProtocolError, "plan and billing"),
        (500, '{"detail": "CUDA out of memory"}', ServerUnreachableError, "(HTTP 500: CUDA out of memory)"),
        (503, '{"detail": "loading"}', ServerUnreachableError, "(HTTP 503: loading)"),
    ],
)
async def test_the_reason_of_a_refusal_is_quoted(status: int, body: str, kind: type[Exception], words: str) -> None:
    async with answering(status, body) as url:
        assert words in await refusal(url, kind, KEY)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://127.0.0.1/v1/realtime", "has moved to https://127.0.0.1 (HTTP 307)"),
        ("wss://127.0.0.1/v1/realtime", "has moved to https://127.0.0.1 (HTTP 307)"),
        ("/login", "/login instead of answering (HTTP 307)"),
        ("/gäste", "/gäste instead of answering (HTTP 307)"),
    ],
)
async def test_where_a_refusal_leads_is_said(location: str, words: str) -> None:
    async with answering(307, location=location) as url:
        assert words in await refusal(url, NotSpeachesError, KEY)


async def test_nobody_else_gets_the_key_by_a_redirect() -> None:
    keys: list[str | None] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        keys.append(connection.request.headers.get("Authorization"))

    async with server(note) as other, answering(307, location=other.replace("http:", "ws:")) as url:
        assert f"leads to {other} instead" in await refusal(url, NotSpeachesError, KEY)
    assert keys == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("ftp://me:hunter2@proxy", "because HTTPS_PROXY names no proxy"),
        ("socks5://me:hunter2@proxy:1080", "because HTTPS_PROXY names no proxy"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_named(value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    text = await refusal("https://speaches.example", ServerUnreachableError)
    assert words in text
    assert "hunter2" not in text


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
async def test_a_websocket_takes_the_same_proxy_as_a_request(
    variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    async with raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv(variable, proxy.removeprefix("http://"))
        text = await refusal(f"{scheme}://speaches.invalid", ServerUnreachableError)
        with pytest.raises(ServerUnreachableError) as refused:
            await Server(f"{scheme}://speaches.invalid").models()
    assert text == str(refused.value)
    used = variable.lower().removesuffix("_proxy") in (scheme, "all")
    assert ("requires a user and a password (HTTP 407)" in text) is used


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
        assert "is not a Speaches server" in await refusal(url, NotSpeachesError)


def test_an_untrusted_certificate_says_why() -> None:
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_message = "self-signed certificate"
    error = websocket.explain_refusal(exc, "https://host", timeout_s=10, api_key=None)
    assert isinstance(error, ServerUnreachableError)
    assert "self-signed certificate" in str(error)


def test_what_is_no_refusal_is_not_explained() -> None:
    assert websocket.explain_refusal(ValueError("other"), "http://host", timeout_s=10, api_key=None) is None
