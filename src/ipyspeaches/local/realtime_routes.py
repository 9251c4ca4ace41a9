"""``/v1/realtime``: sessions over a WebSocket, and over WebRTC for a POST with an SDP offer, answered in SDP."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from ipyspeaches.errors import InputError
from ipyspeaches.local.dispatcher import FULL_RETRY_S, BusyError, Dispatcher
from ipyspeaches.local.engines import DecodingOptions, model_missing_text
from ipyspeaches.local.forms import limited, refusal
from ipyspeaches.local.realtime_events import Event, busy, error, new_id
from ipyspeaches.local.realtime_session import RealtimeSession
from ipyspeaches.local.session_settings import SessionSettings
from ipyspeaches.transports.webrtc import missing_webrtc, prepare_webrtc

if TYPE_CHECKING:
    from ipyspeaches.local.rtc_peer import RtcPeer

MAX_UNSENT: Final = 256
"""Events that may wait for a slow client; it is not read while more do."""
POLICY_VIOLATION: Final = 1008
TRY_AGAIN_LATER: Final = 1013
SEE_ERROR: Final = "See the error event."
MAX_PEERS: Final = 32
MAX_OFFER_BYTES: Final = 64 * 1024

_LOG: Final = logging.getLogger(__name__)


def _settings(query: QueryParams) -> SessionSettings | None:
    """Return what an address asks for, or None if it names no model."""
    model = query.get("transcription_model") or query.get("model")
    return SessionSettings(model, DecodingOptions(query.get("language") or None)) if model else None


class EventSender:
    """Events on their way to one client, in order, sent by a task of their own."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._task = asyncio.create_task(self._send())

    def send_soon(self, event: Event) -> None:
        """Send an event when its turn comes."""
        self._events.put_nowait(event)

    async def wait_for_room(self) -> None:
        """Wait while too much is unsent."""
        if self._events.qsize() > MAX_UNSENT:
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything is sent or the client is gone."""
        joined = asyncio.create_task(self._events.join())
        await asyncio.wait((joined, self._task), return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()

    async def close(self) -> None:
        """Send no more."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # gone: the reader sees it, too
            while True:
                await self._websocket.send_text(msgspec.json.encode(await self._events.get()).decode())
                self._events.task_done()


async def realtime(websocket: WebSocket) -> None:
    """Serve one client over a WebSocket."""
    dispatcher: Dispatcher = websocket.app.state.dispatcher
    settings = _settings(websocket.query_params)
    if settings is None:
        await websocket.close()  # before the upgrade: HTTP 403, as from a Speaches server
        return
    await websocket.accept()
    try:
        with dispatcher.session():
            await _open(websocket, settings, dispatcher)
    except BusyError as exc:
        await websocket.send_text(msgspec.json.encode(busy(str(exc), exc.retry_after_s)).decode())
        await websocket.close(TRY_AGAIN_LATER, SEE_ERROR)


async def _open(websocket: WebSocket, settings: SessionSettings, dispatcher: Dispatcher) -> None:
    spec = dispatcher.memory.find(settings.model)
    problem = None if spec is None else spec.language_problem(settings.decoding)
    if spec is None:
        problem = f"Error code: 404 - {{'detail': \"{model_missing_text(settings.model)}\"}}"
        spec = dispatcher.memory.default  # greets, as a Speaches server does
    sender = EventSender(websocket)
    recogniser = dispatcher.client(new_id("user"), spec)
    session = RealtimeSession(settings, recogniser, sender.send_soon)
    session.start()
    try:
        if problem is None:
            recogniser.prepare()
            await _serve(websocket, session, sender)
        else:
            sender.send_soon(error(problem))
            await sender.flush()
            await websocket.close(POLICY_VIOLATION, SEE_ERROR)
    finally:
        await session.close()
        await sender.close()


async def _serve(websocket: WebSocket, session: RealtimeSession, sender: EventSender) -> None:
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        await session.receive(message["bytes"] if text is None else text)
        await sender.wait_for_room()


class RtcPeers:
    """Owns all WebRTC connections: each is served by a task that ends with it."""

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
    """Answer an offer of WebRTC."""
    dispatcher: Dispatcher = request.app.state.dispatcher
    peers: RtcPeers = request.app.state.peers
    settings = _settings(request.query_params)
    if settings is None:
        problem = {"type": "missing", "loc": ["query", "model"], "msg": "Field required", "input": None}
        return JSONResponse({"detail": [problem]}, status_code=422)
    spec = dispatcher.memory.find(settings.model)
    if spec is None:
        raise HTTPException(404, model_missing_text(settings.model))
    language_problem = spec.language_problem(settings.decoding)
    if language_problem is not None:
        raise HTTPException(422, language_problem)
    missing = missing_webrtc()
    if missing is not None:
        raise HTTPException(501, f"This server has no WebRTC. {missing}")
    if len(peers) >= MAX_PEERS:
        full = f"This server has {MAX_PEERS} WebRTC connections and takes no more. Close one of them."
        raise HTTPException(429, full, {"Retry-After": str(FULL_RETRY_S)})
    offer = await _offer(request)
    if offer is None:
        raise HTTPException(400, f"Send the SDP of an offer as the body: UTF-8, at most {MAX_OFFER_BYTES} bytes.")
    prepare_webrtc()
    from ipyspeaches.local.rtc_peer import RtcPeer

    recogniser = dispatcher.client(new_id("user"), spec)
    place = ExitStack()
    try:
        place.enter_context(dispatcher.session())
    except BusyError as exc:
        raise refusal(exc) from exc
    peer = RtcPeer(settings, recogniser, place.close)
    try:
        answer = await peer.answer(offer)
    except InputError as exc:
        await peer.close()
        raise HTTPException(400, str(exc)) from exc
    except BaseException:
        await peer.close()
        raise
    peers.add(peer)
    recogniser.prepare()
    return PlainTextResponse(answer, media_type="application/sdp")


async def _offer(request: Request) -> str | None:
    body = bytearray()
    async for part in limited(request).stream():
        body += part
        if len(body) > MAX_OFFER_BYTES:
            return None
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return None
