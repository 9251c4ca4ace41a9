"""Both ends of a WebRTC connection in one process, and an HTTP server between them that a test can make fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.local.dispatcher import ClientRecogniser
from ipyspeaches.local.realtime_events import event
from ipyspeaches.local.rtc_peer import RtcPeer
from ipyspeaches.local.session_settings import SessionSettings
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.transports.webrtc import RtcEndpoint, WebRtcTransport, prepare_webrtc

KEY = "sesame-1234"


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = "text/plain charset=utf-8"  # as malformed as that of a Speaches server


@dataclass
class HeardSession:
    """Stands for the session behind a peer: notes what comes, in its order.

    Attributes
    ----------
    pieces
        The audio.
    messages
        Each with the number of samples that had come before it.
    """

    emit: Callable[[dict[str, Any]], None]
    pieces: list[NDArray[np.int16]] = field(default_factory=list)
    messages: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, messages: int) -> None:
        """Wait until so many messages have come."""
        async with asyncio.timeout(15):
            while len(self.messages) < messages:
                self.changed.clear()
                await self.changed.wait()

    @property
    def audio(self) -> NDArray[np.int16]:
        return np.concatenate(self.pieces) if self.pieces else np.empty(0, np.int16)

    def start(self) -> None:
        self.emit(event("session.created", session={"id": "sess_1", "instructions": "…" * 1000}))

    async def receive_stream(self, samples: NDArray[np.int16]) -> None:
        self.pieces.append(samples)

    async def receive(self, message: str | bytes) -> None:
        assert isinstance(message, str), "the client sent a binary message"
        self.messages.append((message, sum(map(len, self.pieces))))
        self.changed.set()

    async def close(self) -> None:
        self.closed = True


class LossySound:
    """What Speaches makes of a track: a new resampler for every frame, and appends of at least 200 ms."""

    def __init__(self) -> None:
        self._gathered = np.empty(0, np.int16)

    def append(self, frame: AudioFrame) -> NDArray[np.int16] | None:
        from av import AudioResampler

        for part in AudioResampler(format="s16", layout="mono", rate=24_000).resample(frame):
            self._gathered = np.append(self._gathered, part.to_ndarray().flatten())
        if len(self._gathered) < 4800:
            return None
        full, self._gathered = self._gathered, np.empty(0, np.int16)
        return full

    def flush(self) -> NDArray[np.int16] | None:
        return None


def silence(milliseconds: int) -> StreamAudio:
    """Return silence that the protocol adds."""
    return StreamAudio(np.zeros(milliseconds * SESSION_RATE_HZ // 1000, np.int16), padding=True)


def heard_by(peer: RtcPeer) -> HeardSession:
    """Put a session that only notes behind a peer, and return it."""
    session = HeardSession(peer._emit)
    peer._session = session  # type: ignore[assignment]
    return session


def new_peer() -> RtcPeer:
    """Return the server's end, with a session that would need a recogniser."""
    prepare_webrtc()
    recogniser: ClientRecogniser = None  # type: ignore[assignment]
    return RtcPeer(SessionSettings("test/model"), recogniser)


Handler = Callable[[str, dict[str, str]], Awaitable[Answer]]


@asynccontextmanager
async def offer_server(handler: Handler) -> AsyncIterator[str]:
    """Serve ``POST`` with a handler that gets body and headers; yields the base address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
        }
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        answer = await handler(body, {**headers, ":path": head.split(" ")[1]})
        data = answer.body.encode()
        lines = (
            f"HTTP/1.1 {answer.status} Whatever",
            f"content-type: {answer.content_type}",
            f"content-length: {len(data)}",
            "connection: close",
        )
        writer.write("\r\n".join((*lines, "", "")).encode() + data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def connected(peer: RtcPeer | None = None) -> AsyncIterator[tuple[WebRtcTransport, RtcPeer, HeardSession]]:
    """Yield a connected transport, the server's end, and what that heard."""
    peer = peer or new_peer()
    heard = heard_by(peer)

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        return Answer(200, await peer.answer(offer))

    async with offer_server(answer) as url:
        transport = WebRtcTransport(RtcEndpoint(url, {"model": "test/model"}, KEY))
        serving = asyncio.create_task(peer.serve())
        try:
            await transport.connect()
            yield transport, peer, heard
        finally:
            await transport.close()
            await asyncio.wait_for(serving, 10)  # it ends because the client has gone
            await peer.close()
