"""Which samples go to the server, and where an utterance ends: by a detector (`Gate`) or by the clock (`WindowGate`).

With client cuts only speech is sent: from `pre_roll_ms` before its onset to `hangover_ms` behind its end, then a
commit. The gate decides about sample ranges only; the session reads them from its store. It never sends a sample
twice and never goes back before what it has sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.checks import check_fields, number
from ipyspeaches.vad.segmenter import Closed, Opened, OpenSpeech, SegmenterEvent

OVERLAP_S: Final = 1.5
"""Words rarely last longer than three quarters of a second: one in the middle of the overlap is whole on both sides.

Measured with the embedded recogniser (26 s of human speech, seven lengths of windows from 3.5 to 7 s): against the text
of the whole file, 1 s gave 7.8 % of other words (11.6 % in event streams, which have no times), 1.5 s 4.7 % (8.5 %),
2 s 5.4 % (8.0 %). The audio that is sent grows with it: by 30 % at 1.5 s in windows of 5 s.
"""


class Cut(StrEnum):
    """Who ended an utterance."""

    DETECTOR = "detector"
    CLOCK = "clock"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech that becomes one text: it is committed, recognised, and becomes a `Segment`."""

    number: int  # counts from 0, in the order of speech
    start: int  # session samples of the speech
    end: int
    cut: Cut = Cut.DETECTOR  # who ended it
    counts_until: int | None = None  # where its words end to count, if the next utterance repeats the audio around that
    # Where its audio ends, if more than that is sent already; the rest is the next utterance's.
    audio_end: int | None = None
    parts: tuple[Utterance, ...] = ()  # the utterances that were joined in it, if it is not one

    @property
    def start_s(self) -> float:
        """Where it begins, in session seconds."""
        return to_seconds(self.start)

    @property
    def end_s(self) -> float:
        """Where it ends, in session seconds."""
        return to_seconds(self.end)

    @property
    def first(self) -> Utterance:
        """The first of its parts."""
        return self.parts[0] if self.parts else self

    def joined_with(self, following: Utterance) -> Utterance:
        """Return this utterance and the one that follows as one; it has the number of the last."""
        parts = (*(self.parts or (self,)), *(following.parts or (following,)))
        return replace(following, start=self.start, parts=parts)


@dataclass(frozen=True, slots=True)
class Send:
    """Send the samples from ``start`` to ``end``."""

    start: int
    end: int


GateAction = Send | Utterance
"""What is to be done: send audio, or commit an utterance, all of whose audio was to be sent before."""


@dataclass(frozen=True, slots=True)
class GateOptions:
    """How much is sent around speech.

    Parameters
    ----------
    pre_roll_ms
        Audio before the onset: recognisers lose words that begin abruptly.
    hangover_ms
        Audio behind the end, as far as it was heard when the end was certain.
    """

    pre_roll_ms: float = 300
    hangover_ms: float = 300

    def __post_init__(self) -> None:
        duration = number(0, 10_000, "from 0 to 10000 milliseconds")
        check_fields(self, pre_roll_ms=duration, hangover_ms=duration)


class Gate:
    """Turn a segmenter's decisions into audio to send and utterances to commit."""

    def __init__(self, options: GateOptions, rate: int) -> None:
        self._pre_roll = round(options.pre_roll_ms * rate / 1000)
        self._hangover = round(options.hangover_ms * rate / 1000)
        self._sent = 0
        self._open = False
        self._number = 0

    @property
    def sent(self) -> int:
        """Up to where samples were sent or passed over for good."""
        return self._sent

    def advance(self, events: Iterable[SegmenterEvent], position: int, silence_start: int | None) -> list[GateAction]:
        """Take what the segmenter decided since the last call and return what to do.

        ``position`` is how many samples were judged so far, ``silence_start`` where the silence began that may end the
        open segment, if there is one.
        """
        actions: list[GateAction] = []
        for event in events:
            if isinstance(event, Opened):
                self._open = True
                self._sent = max(self._sent, event.start - self._pre_roll)
            else:
                self._close(event, position, actions)
        if self._open:
            # Silence that may end the utterance is held back beyond the hangover: if speech goes on, it follows.
            limit = position if silence_start is None else min(position, silence_start + self._hangover)
            self._send(limit, actions)
        return actions

    def _close(self, event: Closed, position: int, actions: list[GateAction]) -> None:
        end = min(position, event.end + self._hangover)
        self._send(end, actions)
        # Speech without an end is split where it paused, after what follows that pause was sent.
        audio_end = end if end < self._sent else None
        actions.append(Utterance(self._number, event.start, event.end, audio_end=audio_end))
        self._number += 1
        self._open = False

    def _send(self, end: int, actions: list[GateAction]) -> None:
        if end > self._sent:
            actions.append(Send(self._sent, end))
            self._sent = end


class WindowGate:
    """Turn the clock, and what a segmenter hears, into audio to send and utterances to commit.

    A cut may run through a word. So, where speech goes on at a cut, the next window repeats the last `OVERLAP_S` of
    this one, and the utterance names the middle of what both hold: up to there the words of this window count, from
    there on those of the next one. A word of up to half the overlap on each side of that middle is whole in both.

    Silence makes recognisers invent words: a window in which the detector has heard no speech is not sent.

    ::

        audio     ~~~~~speech~~~~~~~~~~~~~~~~~~~~~~~
        window 0  |---------------------|
        window 1                  |----------------------|
                                counts_until

    What a window is answerable for is its *share*: from the end of the share before to that middle, or to the cut where
    nobody speaks.

    Parameters
    ----------
    chunk_s
        Seconds from cut to cut.
    rate
        Samples per second.
    pre_roll_ms
        Audio before an onset that was noticed too late for its own window.
    overlap_s
        What a window repeats of the one before where speech goes on; at most half of ``chunk_s`` is used.
    """

    def __init__(self, chunk_s: float, rate: int, *, pre_roll_ms: float = 300, overlap_s: float = OVERLAP_S) -> None:
        self._chunk = round(chunk_s * rate)
        self._overlap = round(min(overlap_s, chunk_s / 2) * rate)
        self._pre_roll = round(pre_roll_ms * rate / 1000)
        self._number = 0
        self._closed: list[tuple[int, int]] = []  # speech that is over, and not yet behind the last share
        self._restart(0)

    def _restart(self, position: int) -> None:
        self._start = self._shared = self._earliest = position
        self._next = position + self._chunk
        self._closed.clear()

    def advance(
        self, events: Iterable[SegmenterEvent], position: int, speech: OpenSpeech | None, *, last: bool = False
    ) -> list[GateAction]:
        """Take what the segmenter decided since the last call and return what to do.

        ``position`` is how many samples were judged so far; with ``last``, the audio ends there, and what comes later
        begins anew. ``speech`` is under way; at the end of the audio, as it was before the segmenter finished.
        """
        self._closed += [
            (event.start, event.end)
            for event in events
            if isinstance(event, Closed) and (speech is None or event.start != speech.start)
        ]
        actions: list[GateAction] = []
        while self._next <= position and not (last and self._next == position):
            self._cut(self._next, speech, actions, ends=False)
            self._next += self._chunk
        if last:
            self._cut(position, speech, actions, ends=True)
            self._restart(position)
        return actions

    def _cut(self, at: int, speech: OpenSpeech | None, actions: list[GateAction], *, ends: bool) -> None:
        certain, possible = self._spoken(at, speech)
        middle = at - self._overlap // 2
        # What begins right at the cut may be a click, and no window follows that could tell the last word of this one.
        begun = [*certain, *((start, end) for start, end in possible if start < at - self._pre_roll)]
        goes_on = not ends and any(start < at and end > middle for start, end in begun)
        share_end = middle if goes_on else at
        next_start = at - self._overlap if goes_on else middle
        if self._within(certain, share_end):
            # A window that is sent is answerable also for speech that may yet be too short: it will not be asked again.
            self._send(at, self._within(possible, share_end), middle if goes_on else None, actions)
            self._shared, self._earliest = share_end, next_start
        self._start = next_start
        self._closed = [(start, end) for start, end in self._closed if end > self._shared]

    def _within(self, spoken: list[tuple[int, int]], share_end: int) -> list[tuple[int, int]]:
        """Return the part of speech that lies in the share."""
        return [
            (max(start, self._shared), min(end, share_end))
            for start, end in spoken
            if start < share_end and end > self._shared
        ]

    def _spoken(self, at: int, speech: OpenSpeech | None) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return what certainly was speech up to a cut, and what may have been."""
        if speech is None or speech.start >= at:
            return self._closed, self._closed
        under_way = (speech.start, at if speech.silence_start is None else min(at, speech.silence_start))
        possible = [*self._closed, under_way]
        return (possible if speech.certain else self._closed), possible

    def _send(self, at: int, share: list[tuple[int, int]], counts_until: int | None, actions: list[GateAction]) -> None:
        first, last = share[0][0], share[-1][1]
        # Speech that was noticed only after the cut before, which held nothing else, is fetched from there.
        start = min(self._start, max(first - self._pre_roll, self._earliest))
        actions += [Send(start, at), Utterance(self._number, first, last, Cut.CLOCK, counts_until)]
        self._number += 1
