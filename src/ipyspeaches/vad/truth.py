"""A truth made ready: what is asked about every segmentation is computed once, and one search an edge finds it."""

from __future__ import annotations

from typing import Final

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.vad import intervals
from ipyspeaches.vad.evaluation import Durations, Evaluation
from ipyspeaches.vad.intervals import Spans, Times
from ipyspeaches.vad.overlaps import Indices, Overlaps
from ipyspeaches.vad.segments import Segments

_NOTHING_S: Final = 1e-9
"""Sums of seconds are exact to much less than this; what is less is nothing."""


class Truth:
    """A truth made ready to be compared with many segmentations of the same sound.

    Parameters
    ----------
    truth
        Where speech is.
    collar
        Seconds around each boundary of the truth that are not evaluated, half before and half behind.
    duration
        Length of the sound in seconds.

    Raises
    ------
    InputError
        If the truth cannot be one (see `Segments.check`), or the collar or the duration is no length.
    """

    def __init__(self, truth: Segments, collar: float, duration: float) -> None:
        if not 0 <= collar < np.inf:
            raise InputError(f"collar is {collar}: give seconds from 0 up.")
        if not 0 <= duration < np.inf:
            raise InputError(f"duration is {duration}: give the length of the sound in seconds.")
        truth.check(duration, what="region of the truth")
        regions = truth.normalised(duration)
        self._regions = regions.start, regions.end
        edges = np.concatenate(self._regions) if collar else np.empty(0)
        collars = intervals.merged(edges - collar / 2, edges + collar / 2, touching=True)
        evaluated = intervals.complement(collars, 0.0, duration)
        speech = intervals.intersected(intervals.merged(*self._regions, touching=True), evaluated)
        self._evaluated_s = intervals.length_s(evaluated)
        self._speech_s = intervals.length_s(speech)
        self._edges = np.unique(np.concatenate(([0.0], *self._regions, *evaluated, *speech)))
        self._before_evaluated = _Before(evaluated, self._edges)
        self._before_speech = _Before(speech, self._edges)
        self._started = _counted(self._regions[0], self._edges)
        self._ended = _counted(self._regions[1], self._edges)

    def evaluate(self, start: Times, end: Times) -> Evaluation:
        """Return how disjoint segments, in order, agree with the truth."""
        at_start = np.searchsorted(self._edges, start, side="right")
        at_end = np.searchsorted(self._edges, end, side="left")
        found_s = self._before_evaluated.between_s(start, at_start, end, at_end)
        hit_s = self._before_speech.between_s(start, at_start, end, at_end)
        overlaps = Overlaps(self._regions, (start, end), self._ended[at_start], self._started[at_end])
        return Evaluation(self._durations(found_s, hit_s), overlaps.boundaries())

    def _durations(self, found_s: float, hit_s: float) -> Durations:
        false_alarm_s, missed_s = found_s - hit_s, self._speech_s - hit_s
        silence_s = self._evaluated_s - self._speech_s - false_alarm_s
        return Durations(*(s if s > _NOTHING_S else 0.0 for s in (hit_s, false_alarm_s, missed_s, silence_s)))


class _Before:
    """How many seconds of disjoint stretches lie before a time: a line between any two edges.

    Times are told with their place: how many edges are before them.
    """

    def __init__(self, spans: Spans, edges: Times) -> None:
        total = intervals.covered(spans, edges)
        inside = _counted(spans[0], edges) - _counted(spans[1], edges)
        # Behind an edge inside of a stretch, each second counts.
        self._rise = inside.astype(np.float64)
        self._from = np.concatenate(([0.0], total - self._rise[1:] * edges))

    def between_s(self, start: Times, at_start: Indices, end: Times, at_end: Indices) -> float:
        """Return how many seconds lie between starts and ends, all together."""
        before_end = self._from[at_end] + self._rise[at_end] * end
        return float((before_end - (self._from[at_start] + self._rise[at_start] * start)).sum())


def _counted(times: Times, edges: Times) -> Indices:
    """Return how many of the times are at most the edge before each place; nothing is before the first."""
    return np.concatenate(([0], np.searchsorted(times, edges, side="right")))
