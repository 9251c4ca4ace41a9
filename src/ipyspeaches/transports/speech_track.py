"""A microphone's place in a WebRTC connection: gives out the samples that it was handed, and nothing else.

aiortc's receivers count what arrives and do not look at the clock. So a stream that pauses, instead of sending
silence, is to the server exactly the samples that were handed over, one after the other.

It encodes by itself: aiortc's encoder is set to telephony (``voip``), which filters and reshapes speech for ears; what
comes out has a signal-to-noise ratio of 10 dB. For music (``audio``) and in one channel it is 26 dB, at a quarter of a
millisecond a frame.
"""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any, Final

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioCodecContext, AudioFrame, CodecContext, Packet
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ, Resampler

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
"""Next to nothing on a local network, and a third of what the same sound takes in messages."""
_EFFORT: Final = "5"  # of 10: more changes nothing that could be measured


class SpeechTrack(MediaStreamTrack):
    """An audio track fed with int16 samples at 24 kHz.

    Attributes
    ----------
    last_at_s
        When the last frame went out, on the loop's clock.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._resampler = Resampler(SESSION_RATE_HZ, RATE_HZ)
        self._encoder = _encoder()
        self._pieces: deque[NDArray[np.int16]] = deque()
        self._unsent = 0  # samples at 48 kHz
        self._taken = 0
        self._due_s = self.last_at_s = 0.0
        self._changed = asyncio.Event()
        self._awaited = 0
        self.on("ended", self._changed.set)

    @property
    def waiting_s(self) -> float:
        """Seconds of whole frames that have not gone out."""
        return self._unsent // FRAME_SAMPLES * FRAME_S

    def push(self, samples: NDArray[np.int16]) -> None:
        """Take sound; it goes out in frames, and what fills none waits for the next sound."""
        resampled = self._resampler.push(samples)
        self._pieces.append(resampled)
        self._unsent += len(resampled)
        self._changed.set()

    async def played(self, seconds: float = 0.0) -> None:
        """Wait, in a hurry, until at most so many seconds of whole frames are left, or the track has ended."""
        self._awaited += 1
        try:
            while self.waiting_s > seconds and self.readyState == "live":
                await self._change()
        finally:
            self._awaited -= 1

    async def recv(self) -> Packet[Any]:
        """Return the next frame in Opus when its time has come.

        Raises
        ------
        MediaStreamError
            If the track has ended.
        """
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
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._taken, _TIME_BASE
        [packet] = self._encoder.encode(frame)
        packet.pts, packet.time_base = self._taken, _TIME_BASE  # Opus itself counts from before its first sample
        self._taken += FRAME_SAMPLES
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
    encoder.options = {"application": "audio", "compression_level": _EFFORT}
    return encoder
