"""The client's end of a WebRTC connection, as aiortc has it: a track for the audio and a channel for the messages.

This is the only module of the client that imports aiortc.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from fractions import Fraction
from typing import Any, Final

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioCodecContext, AudioFrame, CodecContext, Packet
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.errors import NotSpeachesError, ServerUnreachableError, UdpBlockedError
from ipyspeaches.transports.transport import TransportClosed

CHANNEL: Final = "oai-events"
CLOSE_TIMEOUT_S: Final = 2.0

RATE_HZ: Final = 48_000
FRAME_SAMPLES: Final = 960
"""20 ms, what Opus is made for and receivers expect."""
FRAME_S: Final = FRAME_SAMPLES / RATE_HZ
AT_EASE_FRAMES: Final = 5
"""Frames that may wait before the track is behind: 100 ms, what comes from the session at a time."""
HURRY: Final = 2
"""How much faster than real time a track plays that is behind.

The beginning of an utterance comes in a lump, once it is sure to be speech, and so does its end. At real time the
text would come later by all of that. Faster than this, a busy server would find several appends in its queue at
once, and Speaches then reports one utterance many times.
"""
_LATE_S: Final = 0.1
_TIME_BASE: Final = Fraction(1, RATE_HZ)
_BITS_PER_S: Final = 128_000
"""Next to nothing on a local network, and a third of what the same audio takes in messages."""
_EFFORT: Final = "5"  # of 10: more changes nothing that could be measured


class RtcConnection:
    """An `RTCPeerConnection` with one track, which takes the audio, and one channel."""

    def __init__(self) -> None:
        # Without STUN and TURN: servers are near, or have a name.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._settled = asyncio.Event()  # the channel is open, or will never be
        self._blackhole = MediaBlackhole()
        self.ended = False  # the connection is gone
        self.track = AudioTrack()
        self._peer.addTrack(self.track)
        [transceiver] = self._peer.getTransceivers()
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "audio/opus"])
        # Servers use the channel that is in the offer; they open none themselves.
        self._channel = self._peer.createDataChannel(CHANNEL)
        self._channel.on("open", self._settled.set)
        self._channel.on("message", self._messages.put_nowait)
        self._channel.on("close", self._end)
        # What a server says has to go somewhere, or aiortc would keep all of it.
        self._peer.on("track", self._blackhole.addTrack)
        self._peer.on("connectionstatechange", self._state_changed)

    async def offer(self) -> str:
        """Return the offer, complete with the addresses of this side."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return str(self._peer.localDescription.sdp)

    async def connect(self, answer: str, address: str, timeout_s: float) -> None:
        """Apply the server's answer (SDP) and wait until the channel is open; the address is fit to be shown.

        It is a `NotSpeachesError` if the answer is none, and a `ServerUnreachableError` if the sides find no way to
        each other.
        """
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as exc:  # aiortc raises whatever its parser runs into
            raise NotSpeachesError(
                f"{address} gave no usable answer to the WebRTC offer: give the base address of a Speaches server, or "
                'use transport="realtime".'
            ) from exc
        await self._blackhole.start()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        if self._channel.readyState == "open":
            return
        if self._peer.iceConnectionState in ("completed", "connected"):
            raise ServerUnreachableError(
                f"{address} accepted the WebRTC connection, but its channel did not open within {timeout_s:.0f} s: "
                'see the server\'s log, or use transport="realtime".'
            )
        raise UdpBlockedError(
            f"{address} accepted the WebRTC offer, but no UDP packets get through between it and this machine (a "
            'firewall, a container with unpublished ports, or no common network): use transport="realtime", which '
            "needs only TCP."
        )

    def send(self, message: str) -> None:
        """Send a message; it is `TransportClosed` if the connection has ended."""
        try:
            self._channel.send(message)
        except (InvalidStateError, ConnectionError) as exc:
            raise TransportClosed from exc

    async def receive(self) -> str | bytes:
        """Return the next message; `TransportClosed` if the connection has ended and every message was received."""
        message = await self._messages.get()
        if message is None:
            self._messages.put_nowait(None)  # for whoever asks again
            raise TransportClosed
        return message

    async def close(self) -> None:
        """Close the connection, within `CLOSE_TIMEOUT_S`."""
        self._end()
        self.track.stop()
        await self._blackhole.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._peer.close(), CLOSE_TIMEOUT_S)

    def _state_changed(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._settled.set()
            self._messages.put_nowait(None)


class AudioTrack(MediaStreamTrack):
    """A track fed with int16 samples at 24 kHz; it sends exactly those, one after the other, and nothing in a pause.

    aiortc's receivers count what arrives and do not look at the clock, so that a pause takes no time of the stream.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._resampler = Resampler(SESSION_RATE_HZ, RATE_HZ)
        self._encoder = _encoder()
        self._pieces: deque[NDArray[np.int16]] = deque()
        self._unsent = 0  # samples at 48 kHz
        self._sent = 0
        self._due_s = self.last_at_s = 0.0  # last_at_s: when the last frame went out, on the loop's clock
        self._changed = asyncio.Event()
        self._awaited = 0
        self.on("ended", self._changed.set)

    @property
    def unsent_s(self) -> float:
        """Seconds of whole frames that have not gone out."""
        return self._unsent // FRAME_SAMPLES * FRAME_S

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio; it goes out in frames, and what fills none waits for the next samples."""
        resampled = self._resampler.resample(samples)
        self._pieces.append(resampled)
        self._unsent += len(resampled)
        self._changed.set()

    async def drain(self, unsent_s: float = 0.0) -> None:
        """Wait, in a hurry, until at most so many seconds of whole frames are left, or the track has ended."""
        self._awaited += 1
        try:
            while self.unsent_s > unsent_s and self.readyState == "live":
                await self._change()
        finally:
            self._awaited -= 1

    async def recv(self) -> Packet[Any]:
        """Return the next frame in Opus when its time has come; a `MediaStreamError` if the track has ended."""
        while self._unsent < FRAME_SAMPLES:
            if self.readyState != "live":
                raise MediaStreamError
            await self._change()
        now = asyncio.get_running_loop().time()
        if now - self._due_s > _LATE_S:
            self._due_s = now  # after a pause, or a moment in which nothing ran: no burst to make up for it
        elif self._due_s > now:
            await asyncio.sleep(self._due_s - now)
        behind = self._awaited or self._unsent > AT_EASE_FRAMES * FRAME_SAMPLES
        self._due_s += FRAME_S / HURRY if behind else FRAME_S
        self.last_at_s = asyncio.get_running_loop().time()
        return self._packet()

    def _packet(self) -> Packet[Any]:
        first = self._pieces.popleft()
        while len(first) < FRAME_SAMPLES:
            first = np.concatenate((first, self._pieces.popleft()))
        self._pieces.appendleft(first[FRAME_SAMPLES:])
        self._unsent -= FRAME_SAMPLES
        frame = AudioFrame.from_ndarray(first[np.newaxis, :FRAME_SAMPLES], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._sent, _TIME_BASE
        [packet] = self._encoder.encode(frame)
        packet.pts, packet.time_base = self._sent, _TIME_BASE  # Opus itself counts from before its first sample
        self._sent += FRAME_SAMPLES
        self._changed.set()
        return packet

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _encoder() -> AudioCodecContext:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.bit_rate = _BITS_PER_S
    encoder.format = "s16"
    encoder.layout = "mono"
    encoder.sample_rate = RATE_HZ
    encoder.time_base = _TIME_BASE
    # aiortc's own encoder is set to telephony (voip), which reshapes speech for ears: what comes out has a
    # signal-to-noise ratio of 10 dB. For music and in one channel it is 26 dB, at a quarter of a millisecond a frame.
    encoder.options = {"application": "audio", "compression_level": _EFFORT}
    return encoder
