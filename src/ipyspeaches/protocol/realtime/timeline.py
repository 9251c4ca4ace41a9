"""From the server's clock to the session clock.

The server counts milliseconds from the start of its current buffer (GA servers from the start of the first one), and a
buffer ends at every commit, at every ``speech_stopped`` and at every clear. What it was sent is a *stream*: pieces of
the session with gaps between them (silence that was not sent) and zeros that belong to no session time (padding). The
timeline keeps both maps:

    (buffer, ms)  ──begin of the buffer──►  position in the stream  ──piece──►  sample of the session

A media stream is on its way for a while, and some servers lose samples of it: there the server's own count, times its
clock's factor, says where a buffer ends, as far as that agrees with what was sent.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol.realtime.media import HELD_SAMPLES, Media

_SAMPLES_PER_MS: Final = SESSION_RATE_HZ // 1000
# Speaches ends a buffer only where an append ended, so that its ends, cut to whole milliseconds, can be put right;
# otherwise the cuts would add up to a drift. Only the last appends can matter.
_REMEMBERED_ENDS: Final = 1024
# Further away than rounding explains, a server ends buffers within an append, and means what it says.
_SNAP_SAMPLES: Final = 2 * _SAMPLES_PER_MS
# With this many appends of which most do not join, the caller's clock runs at another rate than the samples.
_APPENDS_TO_JUDGE: Final = 10


@dataclass(slots=True)
class Piece:
    """Samples that are next to each other in the stream and in the session."""

    position: int
    start: int
    length: int
    appends: int = 1


@dataclass(slots=True, eq=False)
class Buffer:
    """A buffer of the server: stream positions, ``end`` None while it is open.

    ``sent_begin`` and ``sent_end`` are how much had been sent when it began and ended, ``counted`` whether its end is
    what the server said.
    """

    begin: int
    end: int | None = None
    chained: bool = True
    sent_begin: int = 0
    sent_end: int = 0
    counted: bool = False


class Timeline:
    """Keeps what was sent and where the server's buffers begin."""

    def __init__(self, media: Media | None = None) -> None:
        self.position = 0  # samples in the stream so far
        # Whether the server's times count from the start of its current buffer. On GA servers they count from the start
        # of all that was written to its buffers.
        self.restarts = True
        self.media = media  # how audio travels, if not in messages
        self._per_ms = _SAMPLES_PER_MS * (1.0 if media is None else media.clock_factor)
        self._held = 0 if media is None else media.held_samples
        self._cuts_here = False  # whether this side ends buffers, and knows what it had sent by then
        self._pieces: list[Piece] = []
        self._ends: deque[int] = deque(maxlen=_REMEMBERED_ENDS)
        self._buffers: list[Buffer] = [Buffer(0)]

    @property
    def current(self) -> Buffer:
        """The buffer that the server fills now."""
        return self._buffers[-1]

    def append(self, start: int, length: int) -> None:
        """Note ``length`` samples from session sample ``start`` as sent."""
        pieces = self._pieces
        if pieces:
            last = pieces[-1]
            if last.start + last.length == start and last.position + last.length == self.position:
                last.length += length
                last.appends += 1
                self.position += length
                self._ends.append(self.position)
                return
        pieces.append(Piece(self.position, start, length))
        self.position += length
        self._ends.append(self.position)

    def pad(self, length: int) -> None:
        """Note ``length`` zeros as sent; they take no session time."""
        self.position += length
        self._ends.append(self.position)

    def cut(self) -> Buffer:
        """End the current buffer with all that was sent (commit of the client) and return it.

        Of a media stream, that is all but what is held back on the way.
        """
        self._cuts_here = True
        return self._end(max(self.position - self._held, self.current.begin))

    def cut_at(self, milliseconds: float) -> Buffer:
        """End the current buffer where the server says that it ended, and return it."""
        return self._end(self._snapped(self.current.begin, milliseconds), counted=True)

    def restart_at(self, position: int) -> None:
        """Begin a new buffer at a stream position (clear); what was in the old one is nobody's any more."""
        self._buffers[-1] = Buffer(max(position, self.current.begin), chained=False, sent_begin=self.position)
        self._prune()

    def extend(self, buffer: Buffer, milliseconds: float) -> None:
        """Move the end of a finished buffer back, and with it all that follow without a clear between.

        A server that is late puts more appends into a buffer than the first ``speech_stopped`` knew of; it says so
        in the later ones and in ``usage.seconds``. An end never moves forward, but in a media stream: there, a part
        of what was sent may not have been there yet when the server ended the buffer.
        """
        if buffer.end is None or buffer not in self._buffers:
            return
        end = self._snapped(buffer.begin, milliseconds)
        if self.media is not None:
            if not buffer.counted:
                end = min(max(end, buffer.sent_end - HELD_SAMPLES), self.position)
            buffer.counted = True
        elif end <= buffer.end:
            return
        shift = end - buffer.end
        buffer.end = end
        for later in self._buffers[self._buffers.index(buffer) + 1 :]:
            if not later.chained:
                break
            later.begin += shift
            if later.end is None:
                break
            if self.media is not None and not later.counted:
                break  # where it ends is known from what was sent, wherever it began
            later.end += shift

    def recount(self, clock_factor: float) -> None:
        """Use another factor for the clock of a media stream, as the old one has proved wrong."""
        assert self.media is not None
        ratio = clock_factor / self.media.clock_factor
        self.media = replace(self.media, clock_factor=clock_factor)
        self._per_ms = _SAMPLES_PER_MS * clock_factor
        # All that was counted before, and with it the begin of the buffer that is open, was counted wrongly.
        current, latest = self.current, self.current.sent_begin
        begin = latest - self._held if self._cuts_here else round(current.begin * ratio)
        current.begin = min(max(begin, latest - HELD_SAMPLES, 0), latest)

    def forget(self, buffer: Buffer) -> None:
        """Drop what is only needed for ``buffer``, once its final text is there."""
        if buffer in self._buffers and buffer is not self.current:
            self._buffers.remove(buffer)
        self._prune()

    def in_buffer(self, buffer: Buffer, milliseconds: float) -> float:
        """Return milliseconds from the start of ``buffer`` for a time as the server's VAD gives it."""
        return milliseconds if self.restarts else max(milliseconds - buffer.begin / _SAMPLES_PER_MS, 0)

    def sample_at(self, position: int, *, ending: bool = False) -> int:
        """Return the session sample at a stream position.

        Between two pieces, the position is the end of one and the start of the other: ``ending`` says which is meant.
        """
        if not self._pieces:
            return 0
        reached = position - 1 if ending else position
        index = bisect_right(self._pieces, reached, key=lambda piece: piece.position) - 1
        piece = self._pieces[max(index, 0)]
        return piece.start + min(max(position - piece.position, 0), piece.length)

    def at(self, buffer: Buffer, milliseconds: float, *, ending: bool = False) -> float:
        """Return session seconds of a time in a buffer; times outside of it count as its nearest edge."""
        return self.sample_at(self._inside(buffer, milliseconds), ending=ending) / SESSION_RATE_HZ

    def span(self, buffer: Buffer, start_ms: float = 0.0, end_ms: float = math.inf) -> tuple[int, int]:
        """Return the session samples from ``start_ms`` to ``end_ms`` of a buffer."""
        start = self.sample_at(self._inside(buffer, start_ms))
        return start, max(start, self.sample_at(self._inside(buffer, end_ms), ending=True))

    def sent_seconds(self, buffer: Buffer) -> float:
        """Return how much of the session a buffer holds, in seconds.

        That is what was sent, unless most appends do not join on the session clock: then the samples run at another
        rate than that clock, and the stretch on the clock is what should have been sent.
        """
        end = self.position if buffer.end is None else buffer.end
        first = max(bisect_right(self._pieces, buffer.begin, key=lambda piece: piece.position) - 1, 0)
        inside = [p for p in self._pieces[first:] if p.position < end and p.position + p.length > buffer.begin]
        appends = sum(piece.appends for piece in inside)
        if appends >= _APPENDS_TO_JUDGE and len(inside) > appends // 2:
            begin, end = self.span(buffer)
            return (end - begin) / SESSION_RATE_HZ
        return (end - buffer.begin) / SESSION_RATE_HZ

    def _prune(self) -> None:
        oldest = self._buffers[0].begin
        kept = max(bisect_right(self._pieces, oldest, key=lambda piece: piece.position) - 1, 0)
        del self._pieces[:kept]

    def _end(self, position: int, *, counted: bool = False) -> Buffer:
        ended = self.current
        ended.end, ended.sent_end, ended.counted = position, self.position, counted
        self._buffers.append(Buffer(position, sent_begin=self.position))
        return ended

    def _inside(self, buffer: Buffer, milliseconds: float) -> int:
        end = self.position if buffer.end is None else buffer.end
        position = min(max(buffer.begin + milliseconds * self._per_ms, buffer.begin), end)
        return round(position)

    def _snapped(self, begin: int, milliseconds: float) -> int:
        """Return the stream position of an end that a server reports in whole milliseconds."""
        if math.isinf(milliseconds):
            return self.position
        wanted = begin + max(milliseconds, 0) * self._per_ms
        if self.media is not None:
            return round(wanted)  # no appends whose ends could put it right
        wanted = min(wanted, self.position)
        nearest = min(self._ends, key=lambda end: abs(end - wanted), default=self.position)
        return nearest if abs(nearest - wanted) <= _SNAP_SAMPLES and nearest >= begin else round(wanted)
