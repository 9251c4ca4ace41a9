"""Cut whole recordings: the rules of `segmenter`, on runs of frames in place of frames.

A threshold divides the frames into *loud* ones (the threshold or more), *quiet* ones (less than ``neg_threshold``) and
those between, which change nothing. All that the rules ask about is where loud and quiet runs begin and end, and there
are hundreds of times fewer runs than frames. `Runs` finds them once for a pair of thresholds; `Runs.cut` then takes
microseconds for every setting of the durations. `tests/vad/test_batch.py` holds both to the streaming segmenter: same
scores, same options, same segments, to the sample.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.vad.long_speech import Indices, LongSpeech, Rules
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.scores import Scores


class Runs:
    """The loud and quiet runs of a recording under one pair of thresholds.

    Parameters
    ----------
    scores
        Scores of the recording.
    threshold, neg_threshold
        As in `SegmentOptions`.
    """

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
        self._last: _Uncut | None = None

    @cached_property
    def pause(self) -> Indices:
        """How many frames it is from the first quiet frame of each gap to the next loud one; 0 without one."""
        return np.where(self.silence >= 0, self.gap_end - self.silence, 0)

    def cut(self, options: SegmentOptions) -> tuple[Indices, Indices]:
        """Return where segments start and end, in samples, padded.

        Parameters
        ----------
        options
            Their thresholds must be those of these runs.
        """
        start, end = self.cut_unpadded(options)
        return pad(start, end, options.speech_pad_ms * self.rate / 1000, self.length)

    def cut_unpadded(self, options: SegmentOptions) -> tuple[Indices, Indices]:
        """Return where segments start and end, in samples, without padding."""
        rules = Rules(options, self.hop, self.rate)
        if self._last is None or self._last.min_silence != rules.min_silence:
            self._last = _Uncut(self, rules.min_silence)
        uncut = self._last
        kept = uncut.end - uncut.start > rules.min_speech
        if uncut.longest > rules.longest:
            long = uncut.longer_than(rules.longest, self)
            if len(long):
                speech = LongSpeech(self, rules, uncut.ending, uncut.first_runs)
                return speech.splice(uncut.start, uncut.end, kept, long)
        return uncut.start[kept], uncut.end[kept]

    def quiet_from(self, frame: Indices) -> Indices:
        """Return the first quiet frame from each of these on; the number of frames if there is none."""
        run = np.searchsorted(self.quiet_end, frame, side="right")
        found: Indices = np.maximum(frame, np.append(self.quiet_start, self.frames)[run])
        return found


class _Uncut:
    """The segments that silence ends, however short or long they are; settings with as much silence share them.

    It does not hold the runs, which hold it: their memory would wait for the collector of cycles.

    Parameters
    ----------
    runs
        The runs of the recording.
    min_silence
        As in `Rules`.
    """

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

    def longer_than(self, longest: float, runs: Runs) -> Indices:
        """Return the indices of the segments that are too long in the frame where silence would end them, or before."""
        judged = runs.quiet_from(runs.silence[self.ending] + self.min_silence)
        if self._open_end:
            judged = np.append(judged, runs.frames - 1)
        frames = judged - self._first_frames
        return np.flatnonzero((frames > longest) & (frames > 0))


def float32_above(value: float) -> np.float32:
    """Return the least float32 that is not below a number.

    Scores are float32 and thresholds are not: ``score >= value`` in exact arithmetic is ``score >= this`` in float32,
    and the streaming segmenter, which compares exactly, sees the same.
    """
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return near if float(near) >= value else np.nextafter(near, np.float32(np.inf))


def _runs(state: NDArray[np.int8]) -> tuple[Indices, Indices, NDArray[np.int8]]:
    """Return where runs of equal values begin, where they have ended, and what the values are."""
    if not len(state):
        return np.empty(0, np.int64), np.empty(0, np.int64), state
    changes = np.flatnonzero(state[1:] != state[:-1])
    changes += 1
    edges = np.concatenate(([0], changes, [len(state)]))
    return edges[:-1], edges[1:], state[edges[:-1]]


def pad(start: Indices, end: Indices, padding: float, length: int) -> tuple[Indices, Indices]:
    """Return what `pad_segments` does, for arrays."""
    if not len(start):
        return start, end
    silence = start[1:] - end[:-1]
    near = silence < 2 * padding
    # Positive numbers: a cast to integers truncates as int() does.
    right = np.minimum(length, end + padding).astype(np.int64)
    left = np.maximum(0, start - padding).astype(np.int64)
    right[:-1] = np.where(near, end[:-1] + silence // 2, right[:-1])
    left[1:] = np.where(near, np.maximum(0, start[1:] - silence // 2), left[1:])
    return left, right
