"""Cut speech that is too long: rule 5 of `segmenter`, from one cut to the next."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.segmenter import MIN_SILENCE_AT_MAX_SPEECH_MS

if TYPE_CHECKING:
    from ipyspeaches.vad.batch import Runs

Indices: TypeAlias = NDArray[np.int64]
"""Of frames or of samples."""


class Rules:
    """The durations of the options, those between frames in frames.

    With whole frames, ``frames * hop >= samples`` is decided once and exactly.
    """

    def __init__(self, options: SegmentOptions, hop: int, rate: int) -> None:
        per_ms = rate / 1000
        self.min_speech = options.min_speech_duration_ms * per_ms
        # Silence ends speech from this many frames on.
        self.min_silence = -whole_frames(-options.min_silence_duration_ms * per_ms, hop)
        self.min_pause = whole_frames(MIN_SILENCE_AT_MAX_SPEECH_MS * per_ms, hop) + 1
        longest = options.max_speech_duration_s * rate - hop - 2 * options.speech_pad_ms * per_ms
        # Speech is too long in a frame that is more than this behind its start.
        self.longest = longest if math.isinf(longest) else whole_frames(longest, hop)


def whole_frames(samples: float, hop: int) -> int:
    """Return the most frames that are not longer than so many samples, whatever division rounds to."""
    frames = math.floor(samples / hop)
    while frames * hop > samples:
        frames -= 1
    while (frames + 1) * hop <= samples:
        frames += 1
    return frames


@dataclass(frozen=True, slots=True)
class _State:
    """Open speech: the frame where it started, that from which silence counts, and the loud run in or before it."""

    start: int
    since: int
    run: int


class LongSpeech:
    """Speech that is cut for its length.

    A cut forgets the silences before it, so that what follows depends on where it was. From such speech on, the rules
    are followed segment by segment, until a segment starts where it would have without the cuts.
    """

    def __init__(self, runs: Runs, rules: Rules, ending: Indices, first_runs: Indices) -> None:
        self._runs = runs
        self._rules = rules
        # As memory views, in which single numbers are found ten times faster than in arrays.
        self._ending = ending.data
        self._first_runs = first_runs.data
        self._loud_start, self._loud_end = runs.loud_start.data, runs.loud_end.data
        self._quiet_start, self._quiet_end = runs.quiet_start.data, runs.quiet_end.data
        self._silence, self._pause = runs.silence.data, runs.pause.data
        self._spans: list[tuple[int, int]] = []

    def splice(self, start: Indices, end: Indices, kept: NDArray[np.bool_], long: Indices) -> tuple[Indices, Indices]:
        """Return the segments, in samples, with those that are too long replaced by what the rules make of them.

        Parameters
        ----------
        start, end
            What the segments would be if none were too long.
        kept
            Which of them are long enough.
        long
            Indices of those that are too long.
        """
        starts, ends = [], []
        taken = 0
        for index in long.tolist():
            if index < taken:
                continue
            before = np.flatnonzero(kept[taken:index]) + taken
            self._spans = []
            taken = self._follow(index)
            spans = np.array(self._spans, dtype=np.int64).reshape(-1, 2)
            starts += [start[before], spans[:, 0]]
            ends += [end[before], spans[:, 1]]
        rest = np.flatnonzero(kept[taken:]) + taken
        return np.concatenate([*starts, start[rest]]), np.concatenate([*ends, end[rest]])

    def _follow(self, index: int) -> int:
        """Follow the rules from a segment on; return the first later one that is not touched."""
        run = self._first_runs[index]
        state = self._fresh(run)
        while state is not None:
            state = self._advance(state)
            if state is not None and state.start == state.since == self._loud_start[state.run]:
                later = bisect_left(self._first_runs, state.run)
                if later < len(self._first_runs) and self._first_runs[later] == state.run:
                    return later
        return len(self._first_runs)

    def _fresh(self, run: int) -> _State | None:
        """Return the state of speech that starts with a loud run."""
        if run >= len(self._loud_start):
            return None
        start = self._loud_start[run]
        return _State(start, start, run)

    def _advance(self, state: _State) -> _State | None:
        """End or cut the open speech, whichever comes first, and return what is open next."""
        runs, rules = self._runs, self._rules
        cut = max(state.start + int(rules.longest) + 1, state.since + 1)
        silence, judged, run = self._end(state)
        if judged < min(cut, runs.frames):
            if (silence - state.start) * runs.hop > rules.min_speech:
                self._spans.append((state.start * runs.hop, silence * runs.hop))
            return self._fresh(run + 1)
        if cut < runs.frames:
            return self._cut(state, cut)
        if runs.length - state.start * runs.hop > rules.min_speech:
            self._spans.append((state.start * runs.hop, runs.length))
        return None

    def _next_quiet(self, frame: int) -> int:
        """Return the first quiet frame from one on; the number of frames if there is none."""
        run = bisect_right(self._quiet_end, frame)
        return max(frame, self._quiet_start[run]) if run < len(self._quiet_start) else self._runs.frames

    def _end(self, state: _State) -> tuple[int, int, int]:
        """Return where silence ends the speech, the frame that decides it, and the loud run before it."""
        runs = self._runs
        run = state.run
        if state.since > self._loud_end[run]:
            # In the middle of a gap, of which only the rest counts.
            silence = self._next_quiet(state.since)
            judged = self._next_quiet(silence + self._rules.min_silence)
            if judged < runs.gap_end[run]:
                return silence, judged, run
            run += 1
        at = bisect_left(self._ending, run)
        if at == len(self._ending):
            return runs.frames, runs.frames, run
        run = self._ending[at]
        silence = self._silence[run]
        return silence, self._next_quiet(silence + self._rules.min_silence), run

    def _cut(self, state: _State, cut: int) -> _State | None:
        """Cut at the longest pause before frame ``cut``, or there; return what is open next."""
        runs = self._runs
        last = bisect_right(self._loud_start, cut) - 1
        pause, speech = self._longest_pause(state, last)
        if pause >= self._rules.min_pause:
            self._spans.append((state.start * runs.hop, (speech - pause) * runs.hop))
            return _State(speech, cut, last)
        self._spans.append((state.start * runs.hop, cut * runs.hop))
        if cut + 1 < self._loud_end[last]:
            return _State(cut + 1, cut + 1, last)
        return self._fresh(last + 1)

    def _longest_pause(self, state: _State, last: int) -> tuple[int, int]:
        """Return how long the longest pause is before loud run ``last``, the first of equals, and where it ends."""
        first = state.run
        longest, end = 0, 0
        if first < last and state.since > self._loud_end[first]:
            # Of the gap that speech was cut in, only the rest counts.
            end = self._loud_start[first + 1]
            longest = max(0, end - self._next_quiet(state.since))
            first += 1
        if first < last:
            at = first + int(self._runs.pause[first:last].argmax())
            if self._pause[at] > longest:
                return self._pause[at], self._loud_start[at + 1]
        return longest, end
