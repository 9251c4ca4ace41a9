"""The messages that wait to be sent, and the samples that wait for an append.

A server resamples every append on its own, two samples out of three, and rounds down: an append that is no multiple
of three samples makes its clock run slow. So up to two samples are carried over to the next append.

Where audio travels as a media stream, it waits here in its place among the messages.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.protocol.realtime.timeline import Timeline

ALIGNMENT: Final = 3
MIN_COMMIT_SAMPLES: Final = SESSION_RATE_HZ // 10
"""100 ms: servers refuse to commit less."""
MAX_APPEND_SAMPLES: Final = 60 * SESSION_RATE_HZ
"""A minute, 3.8 MB as a message; servers end the session at 16 MiB."""

_PCM: Final = np.dtype("<i2")
_SAMPLE_BYTES: Final = _PCM.itemsize


class Outbox:
    """Turns samples into aligned append messages, keeps all messages in order, and tells the timeline of them."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._waiting: list[bytes | StreamAudio] = []
        self._carried = b""

    def append(self, samples: NDArray[np.int16], start: int) -> None:
        """Queue samples from session sample ``start`` on; an `InputError` if they are not one-dimensional int16."""
        if samples.dtype != _PCM or samples.ndim != 1:
            raise InputError(
                f"An append got {samples.dtype} samples with shape {samples.shape}: "
                "give mono int16 at 24,000 Hz (Recording.samples has them)."
            )
        length = samples.size
        if not length:
            return
        self._timeline.append(start, length)
        if self._timeline.media is not None:
            self._waiting.append(StreamAudio(samples))
            return
        # The way that nearly every append takes, without a copy.
        if not self._carried and not length % ALIGNMENT and length <= MAX_APPEND_SAMPLES:
            self._waiting.append(wire.append(np.ascontiguousarray(samples).data))
        else:
            self._append_bytes(samples.tobytes())

    def pad(self, minimum: int) -> None:
        """Queue what is carried over, filled up with at least ``minimum`` zeros to whole triples.

        A media stream gets its own padding, whatever the minimum: more than that is held back on its way.
        """
        media = self._timeline.media
        if media is not None:
            if not media.continuous:
                self._timeline.pad(media.padding_samples)
            self._waiting.append(StreamAudio(np.zeros(media.padding_samples, _PCM), padding=True))
            return
        carried = len(self._carried) // _SAMPLE_BYTES
        zeros = minimum + -(carried + minimum) % ALIGNMENT
        if zeros:
            self._timeline.pad(zeros)
            self._append_bytes(bytes(zeros * _SAMPLE_BYTES))

    def drop_carried(self) -> None:
        """Forget the samples that wait for an append."""
        self._carried = b""

    def put(self, message: bytes) -> None:
        """Queue a message."""
        self._waiting.append(message)

    def drain(self) -> list[bytes | StreamAudio]:
        """Return what is queued, in order, and forget it; without media it is messages only."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def _append_bytes(self, pcm: bytes) -> None:
        pcm = self._carried + pcm
        whole = len(pcm) - len(pcm) % (ALIGNMENT * _SAMPLE_BYTES)
        longest = MAX_APPEND_SAMPLES * _SAMPLE_BYTES
        for begin in range(0, whole, longest):
            self._waiting.append(wire.append(pcm[begin : min(begin + longest, whole)]))
        self._carried = pcm[whole:]
