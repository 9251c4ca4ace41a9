"""``POST /v1/realtime``: an SDP offer in, an SDP answer out, and a session over WebRTC from then on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ipyspeaches.errors import InputError
from ipyspeaches.local.session_settings import SessionSettings, language_missing_text, model_missing_text
from ipyspeaches.local.worker_pool import WorkerPool
from ipyspeaches.transports.webrtc import missing_webrtc, prepare_webrtc

if TYPE_CHECKING:
    from ipyspeaches.local.rtc_peer import RtcPeer

MAX_PEERS: Final = 32
MAX_OFFER_BYTES: Final = 64 * 1024

_LOG: Final = logging.getLogger(__name__)


class Peers:
    """Owns all peer connections: each is served by a task that ends with it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._tasks)

    def add(self, peer: RtcPeer) -> None:
        """Serve a peer that was answered, and close it when it goes."""
        task = asyncio.create_task(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    async def _serve(peer: RtcPeer) -> None:
        try:
            await peer.serve()
        except Exception:  # noqa: BLE001 - one client's failure is nobody else's
            _LOG.exception("A session over WebRTC failed.")
        finally:
            await peer.close()


async def realtime_offer(request: Request) -> Response:
    """Answer an offer."""
    pool: WorkerPool = request.app.state.pool
    peers: Peers = request.app.state.peers
    query = request.query_params
    model, language = query.get("transcription_model") or query.get("model"), query.get("language") or None
    if not model:
        problem = {"type": "missing", "loc": ["query", "model"], "msg": "Field required", "input": None}
        return JSONResponse({"detail": [problem]}, status_code=422)
    if model != pool.spec.model:
        return _refused(404, model_missing_text(model))
    if language is not None and not pool.spec.understands(language):
        return _refused(422, language_missing_text(pool.spec, language))
    missing = missing_webrtc()
    if missing is not None:
        return _refused(501, f"This server has no WebRTC. {missing}")
    if len(peers) >= MAX_PEERS:
        return _refused(503, f"This server has {MAX_PEERS} WebRTC connections, and takes no more. Close one of them.")
    offer = await _offer(request)
    if offer is None:
        return _refused(400, f"Send the SDP of an offer as the body: UTF-8 text of at most {MAX_OFFER_BYTES} bytes.")
    prepare_webrtc()
    from ipyspeaches.local.rtc_peer import RtcPeer

    peer = RtcPeer(SessionSettings(model, language), pool)
    try:
        answer = await peer.answer(offer)
    except InputError as exc:
        await peer.close()
        return _refused(400, str(exc))
    except BaseException:
        await peer.close()
        raise
    peers.add(peer)
    return PlainTextResponse(answer, media_type="application/sdp")


async def _offer(request: Request) -> str | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_OFFER_BYTES:
            return None
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return None


def _refused(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status)
