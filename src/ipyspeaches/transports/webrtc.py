"""The realtime protocol over WebRTC: messages over a data channel, sound as a media stream.

    Sound and messages, in the order in which they were handed over
        │
      writer ──sound──► SpeechTrack ──Opus, in real time──►
        └──message, once the sound before it has gone out──► data channel

This is the one place that keeps a commit behind the sound that it is about.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ipyspeaches.audio import to_seconds
from ipyspeaches.errors import StateError
from ipyspeaches.protocol import Sound
from ipyspeaches.transports.base import TransportClosed
from ipyspeaches.transports.rtc_offer import RtcOffer
from ipyspeaches.transports.rtc_support import prepare

if TYPE_CHECKING:
    from ipyspeaches.transports.peer import Peer

CONNECT_TIMEOUT_S: Final = 10.0
"""For the two sides to find each other once the offer was answered; mostly it takes a tenth of a second."""
ARRIVAL_S: Final = 0.12
"""What a sent frame may take until it is decoded and in the server's buffer, where other work goes on, too. A message
that overtakes sound cuts the end off an utterance, so this errs on the side of a later text."""


class WebRtcTransport:
    """Carries the realtime protocol's messages and the sound over WebRTC; needs the extra ``webrtc``.

    Sound goes out in real time, and at twice that while it is behind: a recording at ``pace=0`` takes half its length.

    Parameters
    ----------
    offer
        How to ask the server.
    """

    def __init__(self, offer: RtcOffer) -> None:
        self._offer = offer
        self._peer: Peer | None = None
        self._writer: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[bytes | Sound] = asyncio.Queue()
        self._queued_samples = 0
        self._taken = asyncio.Event()

    def __repr__(self) -> str:
        return f"WebRtcTransport({self._offer.address!r})"

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        MissingExtraError
            If aiortc is not installed.
        ServerUnreachableError
            If nothing answers there in time, or no UDP packets get through.
        ServerAuthError
            If the server refuses the key.
        ProtocolError
            If the server has no WebRTC, or does not take the offer.
        NotSpeachesError
            If something else answers.
        """
        prepare()
        from ipyspeaches.transports.peer import Peer

        peer = Peer()
        try:
            answer = await self._offer.exchange(await peer.offer())
            await peer.connect(answer, self._offer.address, CONNECT_TIMEOUT_S)
        except BaseException:
            await peer.close()
            raise
        self._peer = peer
        self._writer = asyncio.create_task(self._write(peer))

    async def send(self, message: bytes) -> None:
        """Hand over a message; it leaves behind all sound that was handed over before.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        StateError
            If it was never opened.
        """
        if self._opened().ended:
            raise TransportClosed(None, close_frame=False)
        self._queue.put_nowait(message)

    def play(self, sound: Sound) -> None:
        """Hand over sound; it goes out in real time.

        Raises
        ------
        StateError
            If the connection was never opened.
        """
        if not self._opened().ended:
            self._queued_samples += len(sound.samples)
            self._queue.put_nowait(sound)

    async def drained(self, seconds: float) -> None:
        """Wait until at most so many seconds of sound have not gone out yet, or the connection has ended."""
        peer = self._opened()
        while not peer.ended and to_seconds(self._queued_samples) > seconds:
            self._taken.clear()
            await self._taken.wait()
        await peer.track.played(max(seconds - to_seconds(self._queued_samples), 0))

    async def receive(self) -> str | bytes:
        """Return the next message of the channel, as it is wrapped.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        StateError
            If it was never opened.
        """
        return await self._opened().receive()

    async def close(self) -> None:
        """End the connection; what has not gone out is dropped."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        if self._peer is not None:
            await self._peer.close()
        self._taken.set()

    async def _write(self, peer: Peer) -> None:
        """Keep the order: sound to the track at once, a message when the sound before it has arrived."""
        with suppress(TransportClosed):  # whoever receives learns of it
            while True:
                entry = await self._queue.get()
                if isinstance(entry, Sound):
                    peer.track.push(entry.samples)
                    self._queued_samples -= len(entry.samples)
                    self._taken.set()
                    continue
                await peer.track.played()
                await asyncio.sleep(max(0.0, peer.track.last_at_s + ARRIVAL_S - asyncio.get_running_loop().time()))
                peer.send(entry.decode())

    def _opened(self) -> Peer:
        if self._peer is None:
            raise StateError("The transport is not connected: await connect() first.")
        return self._peer
