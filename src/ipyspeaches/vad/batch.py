"""Segment whole recordings: the rules of `segmenter`, on runs of frames in place of frames.

A threshold divides the frames into *loud* ones (the threshold or more), *quiet* ones (less than ``neg_threshold``) and
those between, which change nothing. All that the rules ask about is where loud and quiet runs begin and end, and there
are hundreds of times fewer runs than frames. `Runs` finds them once for a pair of thresholds; `Runs.segment` then takes
microseconds for every setting of the durations. `tests/vad/test_batch.py` holds both to the streaming segmenter: same
scores, same options, same segments, to the sample.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import MIN_SILENCE_AT_MAX_SPEECH_MS, Samples, SegmentOptions, pad_edges

Frames: TypeAlias = NDArray[np.int64]
"""Frame indices or counts, shape ``(n,)``."""


class Runs:
    """The loud and quiet runs of a recording under one pair of thresholds."""

    def __init__(self, scores: Scores, threshold: float, neg_threshold: float) -> None:
        self.hop, self.rate, self.length = scores.hop, scores.rate, scores.length
        self.frames = len(scores.value)
        # Frames are 1 (loud), -1 (quiet) or 0; behind a loud run there may be several quiet ones until the next.
        loud, quiet = scores.value >= float32_above(threshold), scores.value < float32_above(neg_threshold)
        start, end, kind = _runs(loud.view(np.int8) - quiet.view(np.int8))
        loud_runs, quiet_runs = np.flatnonzero(kind == 1), np.flatnonzero(kind == -1)
        self.loud_start, self.loud_end = start[loud_runs], end[loud_runs]
        self.quiet_start, self.quiet_end = start[quiet_runs], end[quiet_runs]
        # The gap behind each loud run goes to the next one, or to the end.
        self.gap_end = np.append(self.loud_start[1:], self.frames)[: len(loud_runs)]
        quiet_before = np.zeros(len(kind) + 1, np.int32)
        np.cumsum(kind == -1, out=quiet_before[1:])
        first = quiet_before[loud_runs]
        last = quiet_before[np.append(loud_runs[1:], len(kind))[: len(loud_runs)]] - 1
        quiet = last >= first
        # First and last quiet frame of each gap; -1 and -2 where there is none, so that their distance is negative.
        self.silence = np.where(quiet, np.append(self.quiet_start, -1)[first], -1)
        self.last_quiet = np.where(quiet, np.append(self.quiet_end, -1)[last] - 1, -2)
        self._last: _EndedBySilence | None = None

    @cached_property
    def pause(self) -> Frames:
        """How many frames it is from the first quiet frame of each gap to the next loud one; 0 without one."""
        return np.where(self.silence >= 0, self.gap_end - self.silence, 0)

    def segment(self, options: SegmentOptions) -> tuple[Samples, Samples]:
        """Return where segments start and end, padded; the thresholds must be those of these runs."""
        start, end = self.segment_unpadded(options)
        return pad_edges(start, end, options.speech_pad_ms * self.rate / 1000, self.length)

    def segment_unpadded(self, options: SegmentOptions) -> tuple[Samples, Samples]:
        """Return where segments start and end, without padding."""
        durations = _Durations(options, self.hop, self.rate)
        if self._last is None or self._last.min_silence != durations.min_silence:
            self._last = _EndedBySilence(self, durations.min_silence)
        found = self._last
        kept = found.end - found.start > durations.min_speech
        if found.longest > durations.max_speech:
            long = found.longer_than(durations.max_speech, self)
            if len(long):
                splitter = _Splitter(self, durations, found)
                return splitter.replace(kept, long)
        return found.start[kept], found.end[kept]

    def quiet_from(self, frame: Frames) -> Frames:
        """Return the first quiet frame from each of these on; the number of frames if there is none."""
        run = np.searchsorted(self.quiet_end, frame, side="right")
        found: Frames = np.maximum(frame, np.append(self.quiet_start, self.frames)[run])
        return found


class _Durations:
    """The durations of the options, those between frames in frames.

    With whole frames, ``frames * hop >= samples`` is decided once and exactly.
    """

    def __init__(self, options: SegmentOptions, hop: int, rate: int) -> None:
        per_ms = rate / 1000
        self.min_speech = options.min_speech_duration_ms * per_ms
        # Silence ends speech from this many frames on.
        self.min_silence = -_whole_frames(-options.min_silence_duration_ms * per_ms, hop)
        self.min_pause = _whole_frames(MIN_SILENCE_AT_MAX_SPEECH_MS * per_ms, hop) + 1
        longest = options.max_speech_duration_s * rate - hop - 2 * options.speech_pad_ms * per_ms
        # Speech is too long in a frame that is more than this behind its start.
        self.max_speech = longest if math.isinf(longest) else _whole_frames(longest, hop)


class _EndedBySilence:
    """The segments that silence ends, however short or long they are; settings with as much silence share them."""

    # It does not hold the runs, which hold it: their memory would wait for the collector of cycles.

    def __init__(self, runs: Runs, min_silence: int) -> None:
        self.min_silence = min_silence
        #: Loud runs with a gap behind them that ends speech, and those that speech begins with.
        self.ending = np.flatnonzero(runs.last_quiet - runs.silence >= min_silence)
        first_runs = np.concatenate(([0], self.ending + 1))
        self.first_runs = first_runs[first_runs < len(runs.loud_start)]
        self._first_frames = runs.loud_start[self.first_runs]
        #: In samples.
        self.start, self.end = self._first_frames * runs.hop, runs.silence[self.ending] * runs.hop
        # The last quiet frame of the gap is not before the one in which silence is long enough.
        judged = runs.last_quiet[self.ending]
        # Without an ending gap behind it, the last segment is open until the end.
        self._open_end = len(self.first_runs) > len(self.ending)
        if self._open_end:
            self.end, judged = np.append(self.end, runs.length), np.append(judged, runs.frames - 1)
        #: No segment is longer than this, in frames as the rules count them.
        self.longest = int((judged - self._first_frames).max(initial=0))

    def longer_than(self, max_speech: float, runs: Runs) -> Frames:
        """Return the indices of the segments that are too long in the frame where silence would end them, or before."""
        judged = runs.quiet_from(runs.silence[self.ending] + self.min_silence)
        if self._open_end:
            judged = np.append(judged, runs.frames - 1)
        frames = judged - self._first_frames
        return np.flatnonzero((frames > max_speech) & (frames > 0))


@dataclass(frozen=True, slots=True)
class _OpenSpeech:
    """Open speech: the frame where it started, that from which silence counts, and the loud run in or before it."""

    start: int
    since: int
    run: int


class _Splitter:
    """Split speech that is too long: rule 5 of `segmenter`, from one split to the next.

    A split forgets the silences before it, so that what follows depends on where it was. From such speech on, the rules
    are followed segment by segment, until a segment starts where it would have without the splits.
    """

    def __init__(self, runs: Runs, durations: _Durations, found: _EndedBySilence) -> None:
        self._runs = runs
        self._durations = durations
        self._found = found
        # As memory views, in which single numbers are found ten times faster than in arrays.
        self._ending = found.ending.data
        self._first_runs = found.first_runs.data
        self._loud_start, self._loud_end = runs.loud_start.data, runs.loud_end.data
        self._quiet_start, self._quiet_end = runs.quiet_start.data, runs.quiet_end.data
        self._silence, self._pause = runs.silence.data, runs.pause.data
        self._spans: list[tuple[int, int]] = []

    def replace(self, kept: NDArray[np.bool_], long: Frames) -> tuple[Samples, Samples]:
        """Return the segments that are kept, those that are too long replaced by what the rules make of them."""
        start, end = self._found.start, self._found.end
        starts, ends = [], []
        done = 0
        for index in long.tolist():
            if index < done:
                continue
            before = np.flatnonzero(kept[done:index]) + done
            self._spans = []
            done = self._follow(index)
            spans = np.array(self._spans, dtype=np.int64).reshape(-1, 2)
            starts += [start[before], spans[:, 0]]
            ends += [end[before], spans[:, 1]]
        rest = np.flatnonzero(kept[done:]) + done
        return np.concatenate([*starts, start[rest]]), np.concatenate([*ends, end[rest]])

    def _follow(self, index: int) -> int:
        """Follow the rules from a segment on; return the first later one that is not touched."""
        speech = self._speech_from(self._first_runs[index])
        while speech is not None:
            speech = self._next_speech(speech)
            if speech is not None and speech.start == speech.since == self._loud_start[speech.run]:
                later = bisect_left(self._first_runs, speech.run)
                if later < len(self._first_runs) and self._first_runs[later] == speech.run:
                    return later
        return len(self._first_runs)

    def _speech_from(self, run: int) -> _OpenSpeech | None:
        """Return the speech that starts with a loud run."""
        if run >= len(self._loud_start):
            return None
        start = self._loud_start[run]
        return _OpenSpeech(start, start, run)

    def _next_speech(self, speech: _OpenSpeech) -> _OpenSpeech | None:
        """End or split the open speech, whichever comes first, and return what is open next."""
        runs, durations = self._runs, self._durations
        too_long = max(speech.start + int(durations.max_speech) + 1, speech.since + 1)
        silence, judged, run = self._end(speech)
        if judged < min(too_long, runs.frames):
            if (silence - speech.start) * runs.hop > durations.min_speech:
                self._spans.append((speech.start * runs.hop, silence * runs.hop))
            return self._speech_from(run + 1)
        if too_long < runs.frames:
            return self._split(speech, too_long)
        if runs.length - speech.start * runs.hop > durations.min_speech:
            self._spans.append((speech.start * runs.hop, runs.length))
        return None

    def _next_quiet(self, frame: int) -> int:
        """Return the first quiet frame from one on; the number of frames if there is none."""
        run = bisect_right(self._quiet_end, frame)
        return max(frame, self._quiet_start[run]) if run < len(self._quiet_start) else self._runs.frames

    def _end(self, speech: _OpenSpeech) -> tuple[int, int, int]:
        """Return where silence ends the speech, the frame that decides it, and the loud run before it."""
        run = speech.run
        if speech.since > self._loud_end[run]:
            # In the middle of a gap, of which only the rest counts.
            silence = self._next_quiet(speech.since)
            judged = self._next_quiet(silence + self._durations.min_silence)
            if judged < self._runs.gap_end[run]:
                return silence, judged, run
            run += 1
        at = bisect_left(self._ending, run)
        if at == len(self._ending):
            return self._runs.frames, self._runs.frames, run
        run = self._ending[at]
        silence = self._silence[run]
        return silence, self._next_quiet(silence + self._durations.min_silence), run

    def _split(self, speech: _OpenSpeech, frame: int) -> _OpenSpeech | None:
        """Split at the longest pause before a frame, or there; return what is open next."""
        hop = self._runs.hop
        last = bisect_right(self._loud_start, frame) - 1
        pause, next_start = self._longest_pause(speech, last)
        if pause >= self._durations.min_pause:
            self._spans.append((speech.start * hop, (next_start - pause) * hop))
            return _OpenSpeech(next_start, frame, last)
        self._spans.append((speech.start * hop, frame * hop))
        if frame + 1 < self._loud_end[last]:
            return _OpenSpeech(frame + 1, frame + 1, last)
        return self._speech_from(last + 1)

    def _longest_pause(self, speech: _OpenSpeech, last: int) -> tuple[int, int]:
        """Return how long the longest pause is before loud run ``last``, the first of equals, and where it ends."""
        first = speech.run
        longest, end = 0, 0
        if first < last and speech.since > self._loud_end[first]:
            # Of the gap that speech was split in, only the rest counts.
            end = self._loud_start[first + 1]
            longest = max(0, end - self._next_quiet(speech.since))
            first += 1
        if first < last:
            at = first + int(self._runs.pause[first:last].argmax())
            if self._pause[at] > longest:
                return self._pause[at], self._loud_start[at + 1]
        return longest, end


def float32_above(value: float) -> np.float32:
    """Return the least float32 that is not below a number.

    Scores are float32 and thresholds are not: ``score >= value`` in exact arithmetic is ``score >= this`` in float32,
    and the streaming segmenter, which compares exactly, sees the same.
    """
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return near if float(near) >= value else np.nextafter(near, np.float32(np.inf))


def _whole_frames(samples: float, hop: int) -> int:
    """Return the most frames that are not longer than so many samples, whatever division rounds to."""
    frames = math.floor(samples / hop)
    while frames * hop > samples:
        frames -= 1
    while (frames + 1) * hop <= samples:
        frames += 1
    return frames


def _runs(state: NDArray[np.int8]) -> tuple[Frames, Frames, NDArray[np.int8]]:
    """Return where runs of equal values begin, where they have ended, and what the values are."""
    if not len(state):
        return np.empty(0, np.int64), np.empty(0, np.int64), state
    changes = np.flatnonzero(state[1:] != state[:-1])
    changes += 1
    edges = np.concatenate(([0], changes, [len(state)]))
    return edges[:-1], edges[1:], state[edges[:-1]]
