"""What browsers ask before a page may use a server of another origin (CORS), answered for pages that are trusted.

Who is trusted is for `AccessControl` to say; nobody else gets any of these headers.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Scope, Send

MAX_AGE_S: Final = 600
_METHODS: Final = "GET, POST, DELETE"


def preflight(scope: Scope) -> Response | None:
    """Return the answer to the question whether a request may be made; None if this is none."""
    asked = Headers(scope=scope)
    if scope["type"] != "http" or scope["method"] != "OPTIONS" or "access-control-request-method" not in asked:
        return None
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": asked.get("access-control-request-headers", ""),
        "Access-Control-Max-Age": str(MAX_AGE_S),
    }
    if asked.get("access-control-request-private-network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=headers)


def readable_by(origin: str, send: Send) -> Send:
    """Return a ``send`` whose answers a page of ``origin`` may read."""

    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers.add_vary_header("Origin")
        await send(message)

    return send_readable
