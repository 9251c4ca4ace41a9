"""Who may talk to the server, an ASGI middleware in front of everything, and how long they may take to begin.

Pages of this machine may use the server, and read what it answers; pages from elsewhere may not, even if they are
open in a browser on this machine.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ipyspeaches.protocol.address import is_loopback

OPEN_PATHS: Final = frozenset({"/health", "/openapi.json"})
WILDCARD_HOSTS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


FIRST_REQUEST_S: Final = 30.0
"""How long a client may take to ask for something, from when it has connected."""


class PromptProtocol(H11Protocol):
    """HTTP that closes connections without a request: they would stay for ever, until there is room for no others."""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  as uvicorn has it
        """Begin, and look again in a while."""
        super().connection_made(transport)
        asyncio.get_running_loop().call_later(FIRST_REQUEST_S, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        upgraded = self.transport.get_protocol() is not self
        if self.cycle is None and not upgraded:
            self.transport.close()


class AccessControl:
    """Refuse what may not get in with 403."""

    def __init__(self, app: ASGIApp, host: str, api_key: str | None) -> None:
        self._app = app
        self._host = host.strip("[]").lower()
        self._api_key = api_key
        # Behind the check of origins, so that every origin that gets here is trusted; in front of the check of the
        # key, because a browser asks (preflight) without it, and a page shall be able to read why it was refused.
        self._cors = CORSMiddleware(
            self._check_key,
            allow_origin_regex=".*",
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            allow_private_network=True,
        )

    def __repr__(self) -> str:
        return f"AccessControl(host={self._host!r}, api_key={'set' if self._api_key else None})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif (reason := self._stranger(Headers(scope=scope))) is not None:
            await _refuse(reason, {}, scope, receive, send)
        else:
            await self._cors(scope, receive, send)

    def _stranger(self, headers: Headers) -> str | None:
        """Return why nobody from there gets in, or None."""
        # A web page whose name was rebound to the loopback address still carries its own name in ``Host``.
        host_header = headers.get("host", "")
        if not self._is_own(host_header):
            return "The Host header does not name this server. Use its address, such as http://127.0.0.1."
        origin = headers.get("origin")  # sent by browsers only; "null" is nobody's
        # Without one they say at least that they ask for another site, unless somebody follows a link.
        crossed = headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        if crossed if origin is None else not _is_trusted(origin, host_header):
            return "Pages from other sites may not use this server. Open it from a page on this machine."
        return None

    def _is_own(self, host_header: str) -> bool:
        try:
            host = urlsplit(f"//{host_header}").hostname or ""
        except ValueError:
            host = ""
        # A server on all addresses cannot know its names; it has a key, which a rebound page does not know.
        return is_loopback(host) or host == self._host or self._host in WILDCARD_HOSTS

    async def _check_key(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._key_problem(scope)
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(reason, {"WWW-Authenticate": "Bearer"}, scope, receive, send)

    def _key_problem(self, scope: Scope) -> str | None:
        if self._api_key is None or scope["path"] in OPEN_PATHS:
            return None
        given = _given_key(scope)
        if given is None:
            return "API key required. Please provide an API key using the Authorization header with Bearer scheme."
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            return "Invalid API key. The provided API key is incorrect."
        return None


def _is_trusted(origin: str, host_header: str) -> bool:
    """Whether a page is of this machine, or of the server itself."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    return is_loopback(parts.hostname or "") or parts.netloc.lower() == host_header.lower()


def _given_key(scope: Scope) -> str | None:
    """Return the key where a Speaches server takes it: as a Bearer token; for a WebSocket also in two other places."""
    headers = Headers(scope=scope)
    websocket = scope["type"] == "websocket"
    query = QueryParams(scope["query_string"])
    if websocket and "api_key" in query:
        return query["api_key"]  # the query wins
    authorization = headers.get("authorization", "")
    if authorization.startswith("Bearer "):
        return authorization.removeprefix("Bearer ")
    return headers.get("x-api-key") if websocket else None


async def _refuse(reason: str, headers: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": reason})  # before the upgrade: HTTP 403
    else:
        await JSONResponse({"detail": reason}, status_code=403, headers=headers)(scope, receive, send)
