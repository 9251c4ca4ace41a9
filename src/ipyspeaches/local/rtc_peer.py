"""One client over WebRTC: its sound and its messages, in the order they come, go to a `RealtimeSession`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from ipyspeaches.errors import InputError
from ipyspeaches.local import realtime_events as events
from ipyspeaches.local.realtime import RealtimeSession
from ipyspeaches.local.realtime_events import Event
from ipyspeaches.local.rtc_messages import wrapped
from ipyspeaches.local.rtc_sound import TrackSound
from ipyspeaches.local.session_settings import SessionSettings
from ipyspeaches.local.worker_pool import WorkerPool

CONNECT_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 2.0
MAX_WAITING_FRAMES: Final = 30_000
"""Ten minutes of sound that the session has not taken: beyond that it is dropped, and the client is told."""
MAX_UNSENT_BYTES: Final = 2**20


class RtcPeer:
    """A peer connection and the session behind it.

    Parameters
    ----------
    settings
        As asked for in the address.
    pool
        Who recognises.
    """

    def __init__(self, settings: SessionSettings, pool: WorkerPool) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._session = RealtimeSession(settings, pool, self._emit)
        self._sound = TrackSound()
        self._arrived: asyncio.Queue[str | bytes | AudioFrame | None] = asyncio.Queue()
        self._channel: RTCDataChannel | None = None
        self._channel_there = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._dropping = self._ended = False
        self._room = asyncio.Event()
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("track", self._take_track)
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer, complete with the addresses of this side.

        Raises
        ------
        InputError
            If the offer is none, or has no sound or no channel in it.
        """
        for line, what in (("m=audio", "an audio track"), ("m=application", "a data channel")):
            if line not in offer:
                raise InputError(f"The offer has no {line} line: create {what} before the offer, and send its SDP.")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as exc:  # aiortc raises whatever its parser runs into
            raise InputError("The offer is no SDP that could be answered: send the offer as it was created.") from exc
        return str(self._connection.localDescription.sdp)

    async def serve(self) -> None:
        """Serve the client until it goes."""
        try:
            await asyncio.wait_for(self._channel_there.wait(), CONNECT_TIMEOUT_S)
            self._session.start()
            while (arrived := await self._arrived.get()) is not None:
                if isinstance(arrived, AudioFrame):
                    await self._hear(arrived)
                else:
                    await self._read(arrived)
                await self._wait_for_room()
        except TimeoutError:
            return  # it has never come

    async def close(self) -> None:
        """End the connection and the session."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._session.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connection.close(), CLOSE_TIMEOUT_S)

    async def _hear(self, frame: AudioFrame) -> None:
        piece = self._sound.push(frame)
        if piece is not None:
            await self._session.hear(piece)

    async def _read(self, message: str | bytes) -> None:
        # What was heard before the message comes before it for the session, too.
        piece = self._sound.take()
        if piece is not None:
            await self._session.hear(piece)
        if isinstance(message, bytes):
            self._session.refuse_binary()
        else:
            await self._session.receive(message)

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._arrived.put_nowait)
        channel.on("close", self._end)
        channel.bufferedAmountLowThreshold = MAX_UNSENT_BYTES // 2
        channel.on("bufferedamountlow", self._room.set)
        self._channel_there.set()

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._listener is None:
            self._listener = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)  # aiortc decodes what it receives
                full = self._arrived.qsize() >= MAX_WAITING_FRAMES
                if full and not self._dropping:
                    self._emit(events.error("Sound comes faster than it is recognised; some of it was dropped."))
                self._dropping = full
                if not full:
                    self._arrived.put_nowait(frame)

    def _emit(self, event: Event) -> None:
        if self._channel is not None and self._channel.readyState == "open":
            for message in wrapped(event):
                self._channel.send(message)

    async def _wait_for_room(self) -> None:
        """Take nothing more in while too much waits to be taken by a slow client."""
        while self._channel is not None and self._channel.bufferedAmount > MAX_UNSENT_BYTES and not self._ended:
            self._room.clear()
            await self._room.wait()

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._channel_there.set()
        self._room.set()
        self._arrived.put_nowait(None)
