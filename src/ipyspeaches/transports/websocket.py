"""The realtime protocol over a WebSocket."""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.http11 import Response
from websockets.protocol import State

from ipyspeaches.checks import shown_if_made
from ipyspeaches.errors import NotSpeachesError, ServerAuthError, ServerError, ServerUnreachableError
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.protocol.api_key import bearer, read_key
from ipyspeaches.server.api import trusted_certificates
from ipyspeaches.server.failures import (
    BUSY,
    KEY_REFUSED,
    answered,
    bad_environment,
    explain_status,
    key_cure,
    proxy_of,
    proxy_refused,
    tells_missing_model,
    timed_out,
    unreachable,
)
from ipyspeaches.transports.transport import TransportClosed, not_connected

OPEN_TIMEOUT_S: Final = 10.0
"""A server that has not answered by then is as good as not there."""
CLOSE_TIMEOUT_S: Final = 2.0
"""A server that is busy does not answer a close frame; all texts are there by then, so nobody should wait for it."""
PING_INTERVAL_S: Final = 5.0
PING_TIMEOUT_S: Final = 10.0
"""A busy engine holds a server up for seconds: a late answer to a ping does not mean yet that it is gone."""
MAX_MESSAGE_BYTES: Final = 16 * 2**20

REALTIME_PATH: Final = "/v1/realtime"
_NO_ENDPOINT: Final = frozenset({200, 204, 400, 404, 405, 426})
_SCHEMES: Final = {"http": "ws", "https": "wss"}

# At level DEBUG, websockets logs the request's headers, and so the key.
_LOGGER: Final = logging.getLogger("ipyspeaches.websocket")
_LOGGER.setLevel(logging.INFO)


class _Connection(ClientConnection):
    """A connection that reads to the end: a server that dies may have sent text right before."""

    def connection_lost(self, exc: Exception | None) -> None:
        # When a write fails, asyncio closes without reading what has arrived already.
        if exc is not None:
            with suppress(OSError, NotImplementedError):
                self._read_rest()
        super().connection_lost(exc)

    def _read_rest(self) -> None:
        arrived = self.transport.get_extra_info("socket")
        if arrived is None or self.transport.get_extra_info("ssl_object") is not None:
            return  # TLS keeps its own books
        with arrived.dup() as rest:
            rest.setblocking(False)
            while data := rest.recv(2**16):
                self.data_received(data)


class _Connect(connect):
    """Opens a connection, and nowhere else: what answers with a redirect would get the key there, and the speech."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class WebSocketTransport:
    """Carries the realtime protocol's messages over a WebSocket.

    For the query, see `RealtimeProtocol.query`. The key goes into the ``Authorization`` header and is shown nowhere. It
    is an `InputError` if the address cannot be one of a server.
    """

    def __init__(
        self, url: str, query: dict[str, str], api_key: str | None = None, *, ping_timeout_s: float = PING_TIMEOUT_S
    ) -> None:
        self.address = normalise_base_url(url)
        parts = urlsplit(self.address)
        self._uri = f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path}{realtime_path(query)}"
        self._api_key = read_key(api_key)
        self._ping_timeout_s = ping_timeout_s
        self._connection: ClientConnection | None = None

    @shown_if_made
    def __repr__(self) -> str:
        return f"WebSocketTransport({self.address!r})"

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        ServerUnreachableError
            If nothing answers there in time, the name is unknown, or TLS fails.
        ServerAuthError
            If the server refuses the key, or the model is missing (it does not say which).
        NotSpeachesError
            If what answers has no realtime endpoint.
        """
        tls: dict[str, Any] = {"ssl": trusted_certificates(self.address)} if self._uri.startswith("wss:") else {}
        try:
            self._connection = await _Connect(
                self._uri,
                compression=None,  # it would shrink base64 of speech by a third, at ten times the CPU of all the rest
                additional_headers=bearer(self._api_key),
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=self._ping_timeout_s,
                max_size=MAX_MESSAGE_BYTES,
                logger=_LOGGER,
                create_connection=_Connection,
                proxy=proxy_of(self.address),
                **tls,
            )
        except Exception as exc:
            error = explain_refusal(exc, self.address, timeout_s=OPEN_TIMEOUT_S, api_key=self._api_key)
            if error is None:
                raise
        else:
            return
        raise error  # not from what is behind it, which holds the address of a proxy and the headers, key and all

    async def send(self, message: bytes) -> None:
        """Send UTF-8 text in a text frame; waits while the server is behind."""
        connection = self._opened()
        # While nothing waits to be written, nothing has to be waited for: this saves a third of the CPU of a send.
        if connection.state is State.OPEN and not connection.transport.get_write_buffer_size():
            connection.protocol.send_text(message)
            for data in connection.protocol.data_to_send():
                connection.transport.write(data)
            return
        try:
            await connection.send(message, text=True)
        except ConnectionClosed as exc:
            raise _closed(exc) from exc

    async def receive(self) -> bytes:
        """Return the server's next message, not decoded: JSON is read from bytes."""
        try:
            return await self._opened().recv(decode=False)
        except ConnectionClosed as exc:
            raise _closed(exc) from exc

    async def close(self) -> None:
        """Close the connection in good order, within `CLOSE_TIMEOUT_S`."""
        if self._connection is not None:
            await self._connection.close()

    def _opened(self) -> ClientConnection:
        if self._connection is None:
            raise not_connected()
        return self._connection


def _closed(exc: ConnectionClosed) -> TransportClosed:
    return TransportClosed() if exc.rcvd is None else TransportClosed(exc.rcvd.code, exc.rcvd.reason)


def realtime_path(query: dict[str, str]) -> str:
    """Return the path of the realtime endpoint, with its query."""
    # A slash in a model's name may stay as it is in a query, and reads better in a server's log.
    return f"{REALTIME_PATH}?{urlencode(query, quote_via=quote, safe='/')}"


def explain_refusal(exc: Exception, address: str, *, timeout_s: float, api_key: str | None) -> ServerError | None:
    """Return the error to raise instead of what opening a connection raised; None if it is no failure to connect."""
    match exc:
        case InvalidStatus():
            return _explain_status(_answer(exc.response, address, api_key), address, key_given=bool(api_key))
        case InvalidProxy() | ImportError():  # a SOCKS proxy needs a package
            return bad_environment(exc, address)
        case ProxyError():
            return proxy_refused(exc, address)
        case InvalidHandshake() | InvalidURI():
            tls = isinstance(exc, InvalidMessage) and address.startswith("http://")
            return NotSpeachesError(
                f"Something answers at {address}, but it is not a Speaches server: give the base address of one"
                f"{', with https:// if it speaks TLS' if tls else ''}."
            )
        case TimeoutError():
            return timed_out(address, timeout_s)
        case OSError():
            return unreachable(exc, address)
    return None


def _answer(response: Response, address: str, api_key: str | None) -> httpx2.Response:
    """Return an answer in place of an upgrade as HTTP clients have it."""
    shown = {
        name.encode(): response.headers[name].encode("utf-8", "surrogateescape")
        for name in ("content-type", "location", "retry-after")
        if name in response.headers
    }
    asked = httpx2.Request("GET", address, headers=bearer(api_key))
    return httpx2.Response(response.status_code, headers=shown, content=bytes(response.body or b""), request=asked)


def _explain_status(response: httpx2.Response, address: str, *, key_given: bool) -> ServerError:
    status, said = response.status_code, answered(response)
    if status in KEY_REFUSED:
        told = ": " in said
        silent = "" if told else "; some servers also refuse a session that names no model (model=)"
        return ServerAuthError(
            f"{address} refused the session ({said}): {key_cure(address, key_given=key_given, told=told)}{silent}."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in BUSY:
        return ServerUnreachableError(
            f"{address} failed to open a session ({said}): see the server's log for the cause."
        )
    if status in _NO_ENDPOINT and not tells_missing_model(response):
        return NotSpeachesError(
            f"{address} answers ({said}), but has no realtime endpoint: give the base address of a Speaches server, "
            "and have any proxy in front of it pass WebSockets through."
        )
    return explain_status(response, address, key_given=key_given)
