"""Every way in which a connection can be refused has a sentence with its cause and its cure."""

from __future__ import annotations

import json
import socket
import ssl
from http import HTTPStatus

import pytest

from ipyspeaches.errors import NotSpeachesError, ServerAuthError, ServerUnreachableError
from ipyspeaches.transports import WebSocketTransport, websocket
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
    error = websocket.explain_refusal(exc, "https://host", timeout_s=10, key_given=False)
    assert isinstance(error, ServerUnreachableError)
    assert "self-signed certificate" in str(error)


def test_what_is_no_refusal_is_not_explained() -> None:
    assert websocket.explain_refusal(ValueError("other"), "http://host", timeout_s=10, key_given=False) is None
