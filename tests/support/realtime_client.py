"""A bare client of `/v1/realtime`, which sends what it is told and keeps what comes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect

MODEL = "pocketsphinx/en-us"
Event = dict[str, Any]
DEADLINE_S = 120.0
"""Ends a test that would hang; nothing is measured by it."""


class RealtimeClient:
    """One connection and its events so far."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.events: list[Event] = []

    async def send(self, kind: str, **fields: object) -> None:
        """Send an event."""
        await self.websocket.send(json.dumps({"type": kind, **fields}))

    async def append(self, samples: NDArray[np.int16], step: int = 4800) -> None:
        """Send sound, int16 at 24 kHz, as fast as it is taken."""
        for start in range(0, len(samples), step):
            audio = base64.b64encode(samples[start : start + step].astype("<i2").tobytes()).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def update(self, **session: object) -> Event:
        """Change settings and return the session as confirmed."""
        await self.send("session.update", session=session)
        updated = await self.until("session.updated")
        session_now: Event = updated["session"]
        return session_now

    async def until(self, kind: str, accept: Callable[[Event], bool] = lambda _event: True) -> Event:
        """Receive up to the next event of a type (ending) that is accepted, and return it."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                event: Event = json.loads(await self.websocket.recv())
                self.events.append(event)
                if event["type"].endswith(kind) and accept(event):
                    return event

    async def error(self) -> Event:
        """Receive up to the next error and return what it says."""
        detail: Event = (await self.until("error"))["error"]
        return detail

    def all(self, kind: str) -> list[Event]:
        """Return the events received so far whose type ends like this."""
        return [event for event in self.events if event["type"].endswith(kind)]


@asynccontextmanager
async def realtime_client(
    url: str, query: str = f"model={MODEL}&intent=transcription"
) -> AsyncIterator[RealtimeClient]:
    """Connect, and receive the greeting."""
    address = url.replace("http", "ws", 1) + f"/v1/realtime?{query}"
    async with connect(address, compression=None, max_size=None, proxy=None) as websocket:
        client = RealtimeClient(websocket)
        await client.until("session.created")
        yield client
