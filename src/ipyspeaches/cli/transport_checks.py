"""Which ways to a server work, found out without sound: no model is loaded for it and no text is made.

So it stays untold whether a server fails at its first utterance, as one without LOOPBACK_HOST_URL does.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from ipyspeaches.cli.checks import Check, check_webrtc
from ipyspeaches.errors import SpeachesError

if TYPE_CHECKING:
    from ipyspeaches.server import Server

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
REALTIME: Final = "/v1/realtime"
ANOTHER: Final = "Until then, take another --transport."


def check_transports(url: str, api_key: str | None, model: str | None) -> list[Check]:
    """Look at every transport to a server that answers.

    Parameters
    ----------
    url
        The server's address.
    api_key
        Its key; it appears in no result.
    model
        The model that is wanted, None for the server's first.
    """
    from ipyspeaches.server import Server

    server = Server(url, api_key)
    return [
        _check("realtime", _session_opens(url, api_key, model)),
        _check("chunked", _endpoint_is_there(server, TRANSCRIPTIONS)),
        _check("sse", _endpoint_is_there(server, TRANSCRIPTIONS)),
        _check_webrtc(server),
    ]


def _check_webrtc(server: Server) -> Check:
    offered = _check("webrtc", _endpoint_is_there(server, REALTIME))
    here = check_webrtc()
    if not offered.ok or here.ok:
        return offered
    return Check(offered.name, False, f"{offered.found}; here: {here.found}", f"{here.cure}. A browser needs nothing.")


def _check(name: str, trial: Coroutine[Any, Any, str]) -> Check:
    from ipyspeaches.session import run

    try:
        return Check(f"Transport {name}", True, run(trial))
    except SpeachesError as exc:
        return Check(f"Transport {name}", False, str(exc), ANOTHER)


async def _endpoint_is_there(server: Server, path: str) -> str:
    await server.require_endpoint(path)
    return f"POST {path} is there; no sound was sent"


async def _session_opens(url: str, api_key: str | None, model: str | None) -> str:
    from ipyspeaches.protocol import RealtimeOptions, RealtimeProtocol
    from ipyspeaches.server import check
    from ipyspeaches.session.link import Link
    from ipyspeaches.transports import WebSocketTransport

    info = await check(url, api_key=api_key, model=model)
    protocol = RealtimeProtocol(RealtimeOptions(model=info.model))
    link = Link(protocol, WebSocketTransport(url, protocol.query(), api_key), lambda _event: None)
    try:
        await link.open()
    finally:
        await link.close()
    return "the WebSocket opens a session; no sound was sent"
