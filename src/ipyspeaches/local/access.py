"""Who may talk to the server: an ASGI middleware in front of everything.

1. The ``Host`` header must name this machine, or the host the server was told to listen on: a web page that was
   rebound to the loopback address still carries its own name there.
2. An ``Origin``, which only browsers send, must be a loopback page or the server itself; ``null`` is refused. Those
   pages may also read the answers (CORS); for others, the browser keeps them closed.
3. With a key, HTTP takes it as ``Authorization: Bearer``, the WebSocket also as ``X-Api-Key`` and ``?api_key=``, as on
   a Speaches server; ``/health`` and ``/openapi.json`` are open.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ipyspeaches.local.cross_origin import preflight, readable_by
from ipyspeaches.protocol.address import is_loopback

OPEN_PATHS: Final = frozenset({"/health", "/openapi.json"})
WILDCARD_HOSTS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


def _host_of(authority: str) -> str:
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


class AccessControl:
    """Refuse what may not get in with 403.

    Parameters
    ----------
    app
        What is behind.
    host
        The host the server listens on.
    api_key
        The key to ask for, or None.
    """

    def __init__(self, app: ASGIApp, host: str, api_key: str | None) -> None:
        self._app = app
        self._host = host.strip("[]").lower()
        self._api_key = api_key

    def __repr__(self) -> str:
        return f"AccessControl(host={self._host!r}, api_key={'set' if self._api_key else None})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a connection on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reason = self._stranger(scope)
        if reason is not None:
            await self._refuse(reason, scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        if origin is not None and scope["type"] == "http":
            send = readable_by(origin, send)
        app: ASGIApp | None = preflight(scope)  # browsers ask without the key
        if app is None:
            reason = self._keyless(scope)
            app = self._app
        if reason is None:
            await app(scope, receive, send)
        else:
            await self._refuse(reason, scope, receive, send)

    @staticmethod
    async def _refuse(reason: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})  # before the upgrade: HTTP 403
        else:
            headers = {"WWW-Authenticate": "Bearer"} if "API key" in reason else None
            await JSONResponse({"detail": reason}, status_code=403, headers=headers)(scope, receive, send)

    def _stranger(self, scope: Scope) -> str | None:
        """Return why nobody from there gets in, or None."""
        headers = Headers(scope=scope)
        host = _host_of(headers.get("host", ""))
        if not self._is_own(host):
            return "The Host header does not name this server. Use its address, such as http://127.0.0.1."
        origin = headers.get("origin")
        if origin is not None and not self._is_trusted(origin, headers.get("host", "")):
            return "Pages from other sites may not use this server. Open it from a page on this machine."
        return None

    def _keyless(self, scope: Scope) -> str | None:
        """Return what is wrong with the key, or None."""
        headers = Headers(scope=scope)
        if self._api_key is None or scope["path"] in OPEN_PATHS:
            return None
        return self._check_key(headers, QueryParams(scope["query_string"]), websocket=scope["type"] == "websocket")

    def _is_own(self, host: str) -> bool:
        # A server on all addresses cannot know its names; it has a key, which a rebound page does not know.
        return is_loopback(host) or host == self._host or self._host in WILDCARD_HOSTS

    def _is_trusted(self, origin: str, host_header: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return False
        return is_loopback(parts.hostname or "") or parts.netloc.lower() == host_header.lower()

    def _check_key(self, headers: Headers, query: QueryParams, *, websocket: bool) -> str | None:
        given: str | None = None
        authorization = headers.get("authorization", "")
        if websocket and "api_key" in query:
            given = query["api_key"]  # the query wins, as on a Speaches server
        elif authorization.startswith("Bearer "):
            given = authorization.removeprefix("Bearer ")
        elif websocket:
            given = headers.get("x-api-key")
        if given is None:
            return "API key required. Please provide an API key using the Authorization header with Bearer scheme."
        assert self._api_key is not None
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            return "Invalid API key. The provided API key is incorrect."
        return None
