"""The WebSocket ``/v1/realtime``: carries events between a client and its `RealtimeSession`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from ipyspeaches.local import realtime_events as events
from ipyspeaches.local.realtime import RealtimeSession
from ipyspeaches.local.realtime_events import Event
from ipyspeaches.local.session_settings import SessionSettings, language_missing_text, model_missing_text
from ipyspeaches.local.worker_pool import WorkerPool

MAX_UNSENT: Final = 256
"""Events that may wait for a slow client; it is not read while more do."""
POLICY_VIOLATION: Final = 1008


class Outbox:
    """Events on their way to one client, in order, sent by a task of their own."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._task = asyncio.create_task(self._send())

    def put(self, event: Event) -> None:
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

    async def stop(self) -> None:
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
    """Serve one client."""
    pool: WorkerPool = websocket.app.state.pool
    query = websocket.query_params
    model = query.get("transcription_model") or query.get("model")
    if not model:
        await websocket.close()  # before the upgrade: HTTP 403, as from a Speaches server
        return
    await websocket.accept()
    outbox = Outbox(websocket)
    session = RealtimeSession(SessionSettings(model, query.get("language") or None), pool, outbox.put)
    session.start()
    try:
        problem = _problem(session.settings, pool)
        if problem is None:
            await _serve(websocket, session, outbox)
        else:
            outbox.put(events.error(problem))
            await outbox.flush()
            await websocket.close(POLICY_VIOLATION, "See the error event.")
    finally:
        await session.close()
        await outbox.stop()


def _problem(settings: SessionSettings, pool: WorkerPool) -> str | None:
    """Return why nothing can be transcribed with these settings, or None."""
    if settings.model != pool.spec.model:
        return f"Error code: 404 - {{'detail': \"{model_missing_text(settings.model)}\"}}"
    if settings.language is not None and not pool.spec.understands(settings.language):
        return language_missing_text(pool.spec, settings.language)
    return None


async def _serve(websocket: WebSocket, session: RealtimeSession, outbox: Outbox) -> None:
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        if text is None:
            session.refuse_binary()
        else:
            await session.receive(text)
        await outbox.wait_for_room()
