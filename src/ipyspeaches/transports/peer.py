"""The client's side of a WebRTC connection: a track that speaks, a channel for messages, and how both of them end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamTrack

from ipyspeaches.errors import NotSpeachesError, ServerError, ServerUnreachableError, UdpBlockedError
from ipyspeaches.transports.base import TransportClosed
from ipyspeaches.transports.speech_track import SpeechTrack

CHANNEL: Final = "oai-events"
CLOSE_TIMEOUT_S: Final = 2.0


class Peer:
    """An `RTCPeerConnection` with one track and one channel. Without STUN and TURN: servers are near, or have a name.

    Attributes
    ----------
    track
        Takes what is to be heard.
    """

    def __init__(self) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._settled = asyncio.Event()  # the channel is open, or will never be
        self._ended = False
        self._blackhole = MediaBlackhole()
        self.track = SpeechTrack()
        self._connection.addTrack(self.track)
        [transceiver] = self._connection.getTransceivers()
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "audio/opus"])
        # Servers talk on the channel that the offer has in it; they open none themselves.
        self._channel = self._connection.createDataChannel(CHANNEL)
        self._channel.on("open", self._settled.set)
        self._channel.on("message", self._messages.put_nowait)
        self._channel.on("close", self._end)
        self._connection.on("track", self._ignore)
        self._connection.on("connectionstatechange", self._state_changed)

    @property
    def ended(self) -> bool:
        """Whether the connection is gone."""
        return self._ended

    async def offer(self) -> str:
        """Return the offer, complete with the addresses of this side."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def connect(self, answer: str, address: str, timeout_s: float) -> None:
        """Take the server's answer and wait until the channel is open.

        Parameters
        ----------
        answer
            SDP.
        address
            Of the server, fit to be shown.
        timeout_s
            How long to wait.

        Raises
        ------
        NotSpeachesError
            If the answer is none.
        ServerUnreachableError
            If the two sides find no way to each other.
        """
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as exc:  # aiortc raises whatever its parser runs into
            raise NotSpeachesError(
                f"{address} answered the WebRTC offer with something that is no fitting answer: give the base "
                'address of a Speaches server, or use transport="realtime".'
            ) from exc
        await self._blackhole.start()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        if self._channel.readyState != "open":
            raise self._failure(address, timeout_s)

    def send(self, message: str) -> None:
        """Send a message.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        """
        try:
            self._channel.send(message)
        except (InvalidStateError, ConnectionError) as exc:
            raise TransportClosed(None, close_frame=False) from exc

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        """
        message = await self._messages.get()
        if message is None:
            self._messages.put_nowait(None)  # for whoever asks again
            raise TransportClosed(None, close_frame=False)
        return message

    async def close(self) -> None:
        """End the connection, within `CLOSE_TIMEOUT_S`."""
        self._end()
        self.track.stop()
        await self._blackhole.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connection.close(), CLOSE_TIMEOUT_S)

    def _ignore(self, track: MediaStreamTrack) -> None:
        # Somebody has to take what a server says, or aiortc would keep all of it.
        self._blackhole.addTrack(track)

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._settled.set()
            self._messages.put_nowait(None)

    def _failure(self, address: str, timeout_s: float) -> ServerError:
        if self._connection.iceConnectionState in ("completed", "connected"):
            return ServerUnreachableError(
                f"{address} took the WebRTC connection, but its channel did not open within {timeout_s:.0f} s: "
                'see the server\'s log, or use transport="realtime".'
            )
        return UdpBlockedError(
            f"{address} took the WebRTC offer, but no UDP packets get through between it and this machine (a firewall, "
            'a container without its ports, or no common network): use transport="realtime", which needs TCP only.'
        )
