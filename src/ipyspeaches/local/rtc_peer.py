"""One client over WebRTC: its audio and its messages, in the order they come, go to a `RealtimeSession`."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.audio.decoding import to_mono
from ipyspeaches.errors import InputError
from ipyspeaches.local.dispatcher import ClientRecogniser
from ipyspeaches.local.realtime_events import Event, error
from ipyspeaches.local.realtime_session import RealtimeSession
from ipyspeaches.local.session_settings import SessionSettings

CONNECT_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 2.0
MAX_WAITING_FRAMES: Final = 30_000
"""Ten minutes of audio that the session has not handled: beyond that it is dropped, and the client gets an error."""
MAX_UNSENT_BYTES: Final = 2**20
PIECE_SAMPLES: Final = SESSION_RATE_HZ // 10
"""100 ms: frames of 20 ms one by one would make five times the work."""
WHOLE_CHARACTERS: Final = 900
"""An event up to this length goes as one message."""
FRAGMENT_CHARACTERS: Final = 800
"""Of base64, in each fragment of a longer one."""


class RtcPeer:
    """A peer connection and the session behind it; ``on_close`` is called when both have ended."""

    def __init__(
        self, settings: SessionSettings, recogniser: ClientRecogniser, on_close: Callable[[], None] = lambda: None
    ) -> None:
        self._on_close = on_close
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._session = RealtimeSession(settings, recogniser, self._emit)
        self._audio = TrackAudio()
        self._arrived: asyncio.Queue[str | bytes | AudioFrame | None] = asyncio.Queue()
        self._channel: RTCDataChannel | None = None
        self._channel_there = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._dropping = self._ended = False
        self._room = asyncio.Event()
        self._connection.on("datachannel", self._use_channel)
        self._connection.on("track", self._use_track)
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer, complete with the addresses of this side.

        It is an `InputError` if the offer is none, or has no audio or no channel in it.
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
                    await self._receive_audio(self._audio.append(arrived))
                else:
                    # What was spoken before the message comes before it for the session, too.
                    await self._receive_audio(self._audio.flush())
                    await self._session.receive(arrived)
                await self._wait_for_room()
        except TimeoutError:
            return  # it has never come

    async def _receive_audio(self, piece: NDArray[np.int16] | None) -> None:
        if piece is not None:
            await self._session.receive_stream(piece)

    async def close(self) -> None:
        """End the connection and the session."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._session.close()
        self._on_close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connection.close(), CLOSE_TIMEOUT_S)

    def _use_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._arrived.put_nowait)
        channel.on("close", self._end)
        channel.bufferedAmountLowThreshold = MAX_UNSENT_BYTES // 2
        channel.on("bufferedamountlow", self._room.set)
        self._channel_there.set()

    def _use_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._listener is None:
            self._listener = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)  # aiortc decodes what it receives
                full = self._arrived.qsize() >= MAX_WAITING_FRAMES
                if full and not self._dropping:
                    self._emit(error("Audio comes faster than it is recognised; some of it was dropped."))
                self._dropping = full
                if not full:
                    self._arrived.put_nowait(frame)

    def _emit(self, event: Event) -> None:
        if self._channel is not None and self._channel.readyState == "open":
            for message in wrapped(event):
                self._channel.send(message)

    async def _wait_for_room(self) -> None:
        """Receive nothing more while too much waits for a slow client."""
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


class TrackAudio:
    """Turns the frames of one track into pieces of mono int16 at 24 kHz.

    One resampler sees the whole stream: a new one for each frame would lose samples at every edge, and with them
    three hundredths of the time.
    """

    def __init__(self) -> None:
        self._resampler: Resampler | None = None
        self._gathered: list[NDArray[np.int16]] = []
        self._length = 0

    def append(self, frame: AudioFrame) -> NDArray[np.int16] | None:
        """Add a frame; return the next piece if it is full."""
        if self._resampler is None or self._resampler.rate != frame.sample_rate:
            self._resampler = Resampler(frame.sample_rate)
        samples = self._resampler.resample(_mono(frame))
        self._gathered.append(samples)
        self._length += len(samples)
        return self.flush() if self._length >= PIECE_SAMPLES else None

    def flush(self) -> NDArray[np.int16] | None:
        """Return what is gathered, if anything is."""
        if not self._length:
            return None
        gathered = np.concatenate(self._gathered)
        self._gathered, self._length = [], 0
        return gathered


def _mono(frame: AudioFrame) -> NDArray[np.int16]:
    # Packed: the channels of one moment are next to each other.
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    return to_mono(samples.astype(np.int16, copy=False))[0]


def wrapped(event: Event) -> list[str]:
    """Return the messages that carry an event over a data channel: base64 in one, or in numbered fragments."""
    text = msgspec.json.encode(event)
    data = b64encode(text).decode()
    common: dict[str, Any] = {"id": event["event_id"]}
    if len(text.decode()) <= WHOLE_CHARACTERS:
        return [_message({**common, "type": "full_message", "data": data})]
    pieces = [data[start : start + FRAGMENT_CHARACTERS] for start in range(0, len(data), FRAGMENT_CHARACTERS)]
    common |= {"type": "partial_message", "total_fragments": len(pieces)}
    return [_message({**common, "data": piece, "fragment_index": index}) for index, piece in enumerate(pieces)]


def _message(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
