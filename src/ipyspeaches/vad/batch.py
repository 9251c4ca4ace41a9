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
        self.loud_start, self.loud_end = _runs(scores.value >= float32_above(threshold))
        self.quiet_start, self.quiet_end = _runs(scores.value < float32_above(neg_threshold))
        # The gap behind each loud run goes to the next one, or to the end.
        self.gap_end = np.append(self.loud_start[1:], self.frames)[: len(self.loud_start)]
        first = np.searchsorted(self.quiet_start, self.loud_end)
        last = np.searchsorted(self.quiet_end, self.gap_end, side="right") - 1
        quiet = last >= first
        # First and last quiet frame of each gap; -1 and -2 where there is none, so that their distance is negative.
        self.silence = np.where(quiet, np.append(self.quiet_start, -1)[first], -1)
        self.last_quiet = np.where(quiet, np.append(self.quiet_end, -1)[last] - 1, -2)

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
        ending = np.flatnonzero(self.last_quiet - self.silence >= rules.min_silence)
        first_runs = np.concatenate(([0], ending + 1))
        first_runs = first_runs[first_runs < len(self.loud_start)]
        start = self.loud_start[first_runs]
        # Without an ending gap behind it, the last segment is open until the end.
        open_end = len(start) > len(ending)
        end_samples = self.silence[ending] * self.hop
        judged = self.quiet_from(self.silence[ending] + rules.min_silence)
        if open_end:
            end_samples, judged = np.append(end_samples, self.length), np.append(judged, self.frames - 1)
        start_samples = start * self.hop
        kept = end_samples - start_samples > rules.min_speech
        long = np.flatnonzero((judged - start > rules.longest) & (judged > start))
        if not len(long):
            return start_samples[kept], end_samples[kept]
        return LongSpeech(self, rules, ending, first_runs).splice(start_samples, end_samples, kept, long)

    def quiet_from(self, frame: Indices) -> Indices:
        """Return the first quiet frame from each of these on; the number of frames if there is none."""
        run = np.searchsorted(self.quiet_end, frame, side="right")
        found: Indices = np.maximum(frame, np.append(self.quiet_start, self.frames)[run])
        return found


def float32_above(value: float) -> np.float32:
    """Return the least float32 that is not below a number.

    Scores are float32 and thresholds are not: ``score >= value`` in exact arithmetic is ``score >= this`` in float32,
    and the streaming segmenter, which compares exactly, sees the same.
    """
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return near if float(near) >= value else np.nextafter(near, np.float32(np.inf))


def _runs(true: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Return where runs of true begin, and where they have ended."""
    changes = np.flatnonzero(true[1:] != true[:-1]) + 1
    if len(true) and true[0]:
        changes = np.concatenate(([0], changes))
    if len(true) and true[-1]:
        changes = np.append(changes, len(true))
    return changes[::2], changes[1::2]


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
