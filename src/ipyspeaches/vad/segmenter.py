"""Scores in, segments out, frame by frame.

The rules are those of silero-vad's ``get_speech_timestamps`` (snakers4/silero-vad, ``utils_vad.py``, 2026-08), with
``use_max_poss_sil_at_max_speech=True``, as a state machine that needs no future, so that it gives the same for every
chunking. `batch` gives the same for whole recordings, faster.

1. A score of ``threshold`` or more starts speech.
2. Inside speech, scores below ``neg_threshold`` are silence; it ends when a score reaches ``threshold`` again.
3. Silence of ``min_silence_duration_ms`` ends the segment where the silence began.
4. A segment not longer than ``min_speech_duration_ms`` is dropped.
5. A segment longer than ``max_speech_duration_s`` (less one frame and the padding) is split at its longest silence
   above 98 ms, or right there.
6. Padding comes last, see `pad_edges`.

Given the same scores and options, the segments are those of silero-vad, to the sample. What differs is around them:
times are not rounded to a tenth of a second, audio of other rates is resampled rather than decimated, and the
detectors have other defaults (550 ms of silence, 100 ms of padding and 30 s at most, for live recognition).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.checks import MOST, check_fields, number
from ipyspeaches.errors import InputError

MIN_SILENCE_AT_MAX_SPEECH_MS: Final = 98.0

Samples: TypeAlias = NDArray[np.int64]
"""Sample indices, shape ``(n,)``."""


SCORE: Final = number(-MOST, cure="a number")
"""Levels in dBFS are negative."""
_DURATION_MS: Final = number(0, cure="0 milliseconds or more")
SHORTEST_S: Final = 1e-9
"""No limit of speech is shorter."""
_LONGEST_S: Final = number(SHORTEST_S, math.inf, "more than 0 seconds, or math.inf")


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """How scores become segments; the names and meanings of silero-vad's ``get_speech_timestamps``.

    Parameters
    ----------
    threshold
        A frame with at least this score is speech.
    neg_threshold
        Inside speech, a frame below this score is silence; between the two nothing changes.
    min_speech_duration_ms
        Segments not longer than this are dropped.
    min_silence_duration_ms
        Silence of this length ends a segment.
    speech_pad_ms
        Segments are widened by this on each side; neighbours share what is between them.
    max_speech_duration_s
        Longer segments are split, at their longest pause above 98 ms if there is one.

    Raises
    ------
    InputError
        If a value is not finite where it must be, a duration is negative, or ``neg_threshold`` is above ``threshold``.
    """

    threshold: float
    neg_threshold: float
    min_speech_duration_ms: float
    min_silence_duration_ms: float
    speech_pad_ms: float
    max_speech_duration_s: float = math.inf

    def __post_init__(self) -> None:
        check_fields(self, threshold=SCORE, neg_threshold=SCORE, speech_pad_ms=_DURATION_MS)
        check_fields(self, min_speech_duration_ms=_DURATION_MS, min_silence_duration_ms=_DURATION_MS)
        check_fields(self, max_speech_duration_s=_LONGEST_S)
        if self.neg_threshold > self.threshold:
            raise InputError(
                f"neg_threshold ({self.neg_threshold}) is above threshold ({self.threshold}): "
                "speech must end at or below the score at which it begins."
            )


@dataclass(frozen=True, slots=True)
class Opened:
    """Speech that began at ``start`` is now long enough to be kept (sample index, without padding)."""

    start: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A segment that is kept, ``start`` to ``end`` (sample indices, without padding)."""

    start: int
    end: int


SegmenterEvent = Opened | Closed


@dataclass(frozen=True, slots=True)
class OpenSpeech:
    """Speech that is under way: since ``start``, in silence since ``silence_start`` if that may be its end.

    It is not ``certain`` while it may still be too short to be kept.
    """

    start: int
    certain: bool
    silence_start: int | None


class Segmenter:
    """Turn scores into segments as they come; ``origin`` is the sample index of the first frame."""

    def __init__(self, options: SegmentOptions, hop: int, rate: int, origin: int = 0) -> None:
        self.hop = hop
        self.rate = rate
        self._position = origin
        self._start: int | None = None
        self._silence_start: int | None = None
        self._pauses: list[tuple[int, int]] = []  # start and length of the silences inside this segment
        self._announced = False
        self.reconfigure(options)

    def reconfigure(self, options: SegmentOptions) -> None:
        """Use other options from the next frame on."""
        per_ms = self.rate / 1000
        self.options = options
        self._min_speech = options.min_speech_duration_ms * per_ms
        self._min_silence = options.min_silence_duration_ms * per_ms
        self._min_pause = MIN_SILENCE_AT_MAX_SPEECH_MS * per_ms
        self._max_speech = options.max_speech_duration_s * self.rate - self.hop - 2 * options.speech_pad_ms * per_ms

    @property
    def position(self) -> int:
        """Sample index up to which frames have been judged."""
        return self._position

    @property
    def in_speech(self) -> bool:
        """Whether the last frame was inside speech (or in a pause too short to end it)."""
        return self._start is not None

    @property
    def speech_start(self) -> int | None:
        """Where the open segment began, once it is certain that it will be kept."""
        return self._start if self._announced else None

    @property
    def open_speech(self) -> OpenSpeech | None:
        """The open segment, certain or not."""
        return None if self._start is None else OpenSpeech(self._start, self._announced, self._silence_start)

    @property
    def silence_start(self) -> int | None:
        """Where the silence began that may end the open segment, if there is one."""
        return self._silence_start

    def advance(self, scores: Iterable[float]) -> list[SegmenterEvent]:
        """Return what these scores decide, one score a frame."""
        events: list[SegmenterEvent] = []
        for score in scores:
            self._step(score, self._position, events)
            self._position += self.hop
        return events

    def finish(self, length: int) -> list[SegmenterEvent]:
        """End an open segment at sample ``length``; frames may go on behind it."""
        events: list[SegmenterEvent] = []
        if self._start is not None and length - self._start > self._min_speech:
            self._close(length, events)
        self._reset()
        return events

    def _step(self, score: float, now: int, events: list[SegmenterEvent]) -> None:
        loud = score >= self.options.threshold
        if loud and self._silence_start is not None:
            self._end_pause(now)
        if self._start is None:
            if loud:
                self._start = now
            return
        if now - self._start > self._max_speech and self._split_long(now, events):
            return
        if score < self.options.neg_threshold:
            self._in_silence(now, events)
        if self._start is not None and self._silence_start is None:
            self._announce(now, events)

    def _end_pause(self, now: int) -> None:
        assert self._silence_start is not None
        if now - self._silence_start > self._min_pause:
            self._pauses.append((self._silence_start, now - self._silence_start))
        self._silence_start = None

    def _in_silence(self, now: int, events: list[SegmenterEvent]) -> None:
        assert self._start is not None
        if self._silence_start is None:
            self._announce(now, events)
            self._silence_start = now
        if now - self._silence_start >= self._min_silence:
            if self._silence_start - self._start > self._min_speech:
                self._close(self._silence_start, events)
            self._reset()

    def _split_long(self, now: int, events: list[SegmenterEvent]) -> bool:
        """Split a segment that is too long; return whether this frame is used up by it."""
        if not self._pauses:
            self._close(now, events)
            self._reset()
            return True
        pause_start, pause_length = max(self._pauses, key=lambda pause: pause[1])
        self._close(pause_start, events)
        self._reset()
        self._start = pause_start + pause_length
        return False

    def _announce(self, now: int, events: list[SegmenterEvent]) -> None:
        assert self._start is not None
        if not self._announced and now - self._start > self._min_speech:
            self._announced = True
            events.append(Opened(self._start))

    def _close(self, end: int, events: list[SegmenterEvent]) -> None:
        assert self._start is not None
        if not self._announced:
            events.append(Opened(self._start))
        events.append(Closed(self._start, end))

    def _reset(self) -> None:
        self._start = None
        self._silence_start = None
        self._pauses.clear()
        self._announced = False


def pad_edges(start: Samples, end: Samples, pad: float, length: int) -> tuple[Samples, Samples]:
    """Return segments in order widened as silero-vad does it: by the pad, or half the silence where two would meet.

    The length is that of the whole recording; all count samples.
    """
    if not len(start):
        return start, end
    silence = start[1:] - end[:-1]
    close = silence < 2 * pad
    # No number here is negative: a cast to integers truncates as int() does.
    padded_end = np.minimum(length, end + pad).astype(np.int64)
    padded_start = np.maximum(0, start - pad).astype(np.int64)
    padded_end[:-1] = np.where(close, end[:-1] + silence // 2, padded_end[:-1])
    padded_start[1:] = np.where(close, np.maximum(0, start[1:] - silence // 2), padded_start[1:])
    return padded_start, padded_end
