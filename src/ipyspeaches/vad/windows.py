"""Cuts by the clock: a window every few seconds, whatever the detector hears.

A cut may run through a word. So, where speech goes on at a cut, the next window repeats the last `OVERLAP_S` of this
one, and the commit names the *seam*, the middle of what both hold: up to there the words of this window count, from
there on those of the next one. A word of up to half the overlap on each side of the seam is whole in both.

Silence makes recognisers invent words: a window in which the detector has heard no speech is not sent.

::

    sound     ~~~~~speech~~~~~~~~~~~~~~~~~~~~~~~
    window 0  |---------------------|
    window 1                  |----------------------|
                            seam

What a window is answerable for is its *share*: from the end of the share before to the seam, or to the cut where
nobody speaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ipyspeaches.vad.gate import Commit, GateAction, Send
from ipyspeaches.vad.segmenter import Closed, OpenSpeech, SegmenterEvent

OVERLAP_S: Final = 1.5
"""Words rarely last longer than three quarters of a second: one that lies on the seam is whole on both sides of it.

Measured with the embedded recogniser (26 s of human speech, seven lengths of windows from 3.5 to 7 s): against the text
of the whole file, 1 s gave 7.8 % of other words (11.6 % in event streams, which have no times), 1.5 s 4.7 % (8.5 %),
2 s 5.4 % (8.0 %). The sound that is sent grows with it: by 30 % at 1.5 s in windows of 5 s.
"""


class WindowGate:
    """Turn the clock, and what a segmenter hears, into sends and commits.

    Parameters
    ----------
    chunk_s
        Seconds from cut to cut.
    rate
        Samples per second.
    pre_roll_ms
        Sound before an onset that was noticed too late for its own window.
    overlap_s
        What a window repeats of the one before where speech goes on; at most half of ``chunk_s`` is used.
    """

    def __init__(self, chunk_s: float, rate: int, *, pre_roll_ms: float = 300, overlap_s: float = OVERLAP_S) -> None:
        self._chunk = round(chunk_s * rate)
        self._overlap = round(min(overlap_s, chunk_s / 2) * rate)
        self._pre_roll = round(pre_roll_ms * rate / 1000)
        self._utterance = 0
        self._closed: list[tuple[int, int]] = []  # speech that is over, and not yet behind the last share
        self._restart(0)

    def _restart(self, position: int) -> None:
        self._start = self._shared = self._earliest = position
        self._next = position + self._chunk
        self._closed.clear()

    def advance(
        self,
        events: Iterable[SegmenterEvent],
        position: int,
        speech: OpenSpeech | None,
        *,
        last: bool = False,
    ) -> list[GateAction]:
        """Take what the segmenter decided and return what to do.

        Parameters
        ----------
        events
            The segmenter's decisions since the last call.
        position
            Samples judged so far.
        speech
            Speech that is under way; at the end of the sound, as it was before the segmenter finished.
        last
            Whether the sound ends at ``position``; what comes later begins anew.
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
        seam = at - self._overlap // 2
        goes_on = not ends and any(start < at and end > seam for start, end in possible)
        share_end = seam if goes_on else at
        next_start = at - self._overlap if goes_on else seam
        if self._within(certain, share_end):
            # A window that is sent is answerable also for speech that may yet be too short: it will not be asked again.
            self._send(at, self._within(possible, share_end), seam if goes_on else None, actions)
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

    def _send(self, at: int, share: list[tuple[int, int]], seam: int | None, actions: list[GateAction]) -> None:
        first, last = share[0][0], share[-1][1]
        # Speech that was noticed only after the cut before, which held nothing else, is fetched from there.
        start = min(self._start, max(first - self._pre_roll, self._earliest))
        actions += [Send(start, at), Commit(self._utterance, first, last, seam)]
        self._utterance += 1
