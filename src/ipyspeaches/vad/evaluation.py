"""How good a detector is: its segments against the truth, in the terms of pyannote.metrics, and how late it is live.

Durations are those of pyannote.metrics 4 (H. Bredin, "pyannote.metrics: a toolkit for reproducible evaluation,
diagnostic, and error analysis of speaker diarization systems", Interspeech 2017), to which the tests hold them: what is
evaluated is the audio without a *collar* around each boundary of the truth, half of it before and half behind, and of
that only the *span* that is labelled (pyannote's ``uem``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from html import escape
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.checks import checked
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad import intervals
from ipyspeaches.vad.intervals import Spans, Times
from ipyspeaches.vad.segments import Segments

Indices: TypeAlias = NDArray[np.intp]

MISS_WEIGHT: Final = 0.75
FALSE_ALARM_WEIGHT: Final = 0.25
_NOTHING_S: Final = 1e-9
"""Sums of seconds are exact to much less than this; what is less is nothing."""

METRICS: Final = (
    "f1",
    "precision",
    "recall",
    "accuracy",
    "detection_error_rate",
    "miss_rate",
    "false_alarm_rate",
    "detection_cost",
    "onset_error_s",
    "offset_error_s",
    "splits",
    "merges",
)
"""All metrics, in the order of tables."""

HIGH_IS_GOOD: Final = frozenset({"f1", "precision", "recall", "accuracy"})
"""Of the others, those nearest to 0 are best."""


def check_metric(metric: str) -> str:
    """Return the name of a metric, or raise an `InputError` if there is none of this name."""
    if metric not in METRICS:
        raise InputError(f"There is no metric {metric!r}: choose from {', '.join(METRICS)}.")
    return metric


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of hits, false alarms, misses and silence in what is evaluated; ``+`` pools recordings.

    Parameters
    ----------
    hit_s
        Speech that was found (true positive).
    false_alarm_s
        Silence that was taken for speech (false positive).
    missed_s
        Speech that was taken for silence (false negative).
    silence_s
        Silence that was left alone (true negative).
    """

    hit_s: float = 0.0
    false_alarm_s: float = 0.0
    missed_s: float = 0.0
    silence_s: float = 0.0

    def __add__(self, other: Durations) -> Durations:
        return Durations(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Boundaries:
    """How segments and the regions of the truth lie to each other; ``+`` pools recordings.

    Parameters
    ----------
    regions, segments
        How many there are.
    missed, false
        Regions that no segment overlaps, and segments that overlap no region.
    splits
        For each region, its segments beyond the first.
    merges
        For each segment, its regions beyond the first.
    onsets, onset_error_s
        How many regions have a beginning to compare with, and the sum of the signed errors: negative is too early.
    offsets, offset_error_s
        The same for their ends.
    """

    regions: int = 0
    segments: int = 0
    missed: int = 0
    false: int = 0
    splits: int = 0
    merges: int = 0
    onsets: int = 0
    onset_error_s: float = 0.0
    offsets: int = 0
    offset_error_s: float = 0.0

    def __add__(self, other: Boundaries) -> Boundaries:
        return Boundaries(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """How well segments agree with the truth: metrics of duration, and what happened at the boundaries.

    Where a metric divides nothing by nothing, it has the value that pyannote.metrics gives it. ``+`` pools recordings
    by their seconds, so that long ones count for more.

    Parameters
    ----------
    durations
        Seconds of hits, false alarms, misses and silence.
    boundaries
        Counts and sums of errors at the boundaries.
    """

    durations: Durations
    boundaries: Boundaries

    def __add__(self, other: Evaluation) -> Self:
        return type(self)(self.durations + other.durations, self.boundaries + other.boundaries)

    @property
    def speech_s(self) -> float:
        """Seconds of speech in the truth."""
        return self.durations.hit_s + self.durations.missed_s

    @property
    def evaluated_s(self) -> float:
        """Seconds that were evaluated."""
        return self.speech_s + self.durations.false_alarm_s + self.durations.silence_s

    @property
    def accuracy(self) -> float:
        """(hits + silence) / everything."""
        return _ratio(self.durations.hit_s + self.durations.silence_s, self.evaluated_s, empty=1.0)

    @property
    def precision(self) -> float:
        """Hits / (hits + false alarms)."""
        return _ratio(self.durations.hit_s, self.durations.hit_s + self.durations.false_alarm_s, empty=1.0)

    @property
    def recall(self) -> float:
        """Hits / (hits + misses)."""
        return _ratio(self.durations.hit_s, self.speech_s, empty=1.0)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall, empty=0.0)

    @property
    def detection_error_rate(self) -> float:
        """(false alarms + misses) / speech in the truth; may exceed 1."""
        wrong = self.durations.false_alarm_s + self.durations.missed_s
        return _ratio(wrong, self.speech_s, empty=float(wrong > 0))

    @property
    def miss_rate(self) -> float:
        """Misses / speech in the truth."""
        return _ratio(self.durations.missed_s, self.speech_s, empty=0.0)

    @property
    def false_alarm_rate(self) -> float:
        """False alarms / silence in the truth."""
        silence = self.durations.false_alarm_s + self.durations.silence_s
        return _ratio(self.durations.false_alarm_s, silence, empty=0.0)

    @property
    def detection_cost(self) -> float:
        """0.75 · miss rate + 0.25 · false alarm rate (DCF of NIST's OpenSAT 2019)."""
        return MISS_WEIGHT * self.miss_rate + FALSE_ALARM_WEIGHT * self.false_alarm_rate

    @property
    def onset_error_s(self) -> float:
        """Mean signed error of beginnings in seconds, negative is too early; NaN if there is none to compare."""
        return _ratio(self.boundaries.onset_error_s, self.boundaries.onsets, empty=math.nan)

    @property
    def offset_error_s(self) -> float:
        """Mean signed error of ends in seconds, negative is too early; NaN if there is none to compare."""
        return _ratio(self.boundaries.offset_error_s, self.boundaries.offsets, empty=math.nan)

    @property
    def splits(self) -> int:
        """For each region of the truth, its segments beyond the first."""
        return self.boundaries.splits

    @property
    def merges(self) -> int:
        """For each segment, its regions of the truth beyond the first."""
        return self.boundaries.merges

    def to_dict(self) -> Mapping[str, float]:
        """Return all metrics by name."""
        return {name: getattr(self, name) for name in METRICS}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name):.3f}" for name in METRICS[:5])
        return f"Evaluation({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{value:.4g}</td></tr>" for name, value in self.to_dict().items()
        )
        return f"<table><caption>Evaluation of {self.evaluated_s:.1f} s</caption><tbody>{rows}</tbody></table>"


def check_span(span: Sequence[float], duration: float) -> tuple[float, float]:
    """Return a part of the audio, cut off at its end; an `InputError` if it is none."""
    if len(span) != 2 or not 0 <= span[0] < min(span[1], duration):
        raise InputError(f"span is {span}: give its start and its end in seconds, inside the audio ({duration:g} s).")
    return float(span[0]), float(min(span[1], duration))


def _ratio(part: float, whole: float, *, empty: float) -> float:
    return part / whole if whole else empty


@checked
def evaluate(
    segments: Segments,
    truth: Segments,
    collar: float = 0.0,
    duration: float | None = None,
    span: tuple[float, float] | None = None,
) -> Evaluation:
    """Return how well segments agree with the truth.

    Parameters
    ----------
    segments
        What a detector found; what overlaps counts once.
    truth
        Where speech is, in order and disjoint.
    collar
        Seconds around each boundary of the truth that are not evaluated, half before and half behind.
    duration
        Length of the audio in seconds. Without it, what is evaluated ends with the last segment or region, and begins
        with the first, as in pyannote.metrics: accuracy and false alarm rate then know nothing of the silence around.
    span
        Start and end of what is labelled, in seconds: nothing else is evaluated. None for all of it.

    Raises
    ------
    InputError
        If the truth is empty, overlaps itself or goes beyond the audio; the message names the region and the cure.
    """
    if not len(truth):
        raise InputError("The truth is empty: label at least one region of speech to compare with.")
    found = segments.normalised(duration)
    if duration is None and span is not None:
        duration = float(max(span[-1], truth.end.max(), *found.end[-1:]))
    if duration is not None:
        return Truth(truth, collar, duration, span).evaluate(found.start, found.end)
    truth.check(what="region of the truth")
    # From the first edge on, which becomes second 0.
    first = float(np.concatenate((truth.start, found.start)).min())
    last = float(np.concatenate((truth.end, found.end)).max())
    moved = Segments.from_arrays(truth.start - first, truth.end - first)
    return Truth(moved, collar, last - first).evaluate(found.start - first, found.end - first)


class Truth:
    """A truth made ready for many segmentations of the same audio; collar and span are as in `evaluate`.

    It is an `InputError` if the truth cannot be one (see `Segments.check`), the collar or the duration is no length, or
    the span is no part of the audio. Boundaries count where any of their region or segment is in the span.

    What does not depend on the segments is computed once, and one search an edge finds it.
    """

    @checked
    def __init__(
        self, truth: Segments, collar: float, duration: float, span: tuple[float, float] | None = None
    ) -> None:
        if not 0 <= collar < np.inf:
            raise InputError(f"collar is {collar}: give 0 seconds or more.")
        if not 0 <= duration < np.inf:
            raise InputError(f"duration is {duration}: give the length of the audio in seconds.")
        truth.check(duration, what="region of the truth")
        self._span = (0.0, duration) if span is None else check_span(span, duration)
        regions = truth.normalised(duration)
        self._regions = intervals.touched((regions.start, regions.end), *self._span)
        edges = np.concatenate((regions.start, regions.end)) if collar else np.empty(0)
        collars = intervals.merged(edges - collar / 2, edges + collar / 2, touching=True)
        evaluated = intervals.complement(collars, *self._span)
        speech = intervals.intersected(intervals.merged(*self._regions, touching=True), evaluated)
        self._evaluated_s = intervals.length_s(evaluated)
        self._speech_s = intervals.length_s(speech)
        self._edges = np.unique(np.concatenate(([0.0], *self._regions, *evaluated, *speech)))
        self._evaluated = _Coverage(evaluated, self._edges)
        self._speech = _Coverage(speech, self._edges)
        self._started = _counted(self._regions[0], self._edges)
        self._ended = _counted(self._regions[1], self._edges)

    def evaluate(self, start: Times, end: Times) -> Evaluation:
        """Return how disjoint segments, in order, agree with the truth."""
        start, end = intervals.touched((start, end), *self._span)
        at_start = np.searchsorted(self._edges, start, side="right")
        at_end = np.searchsorted(self._edges, end, side="left")
        found_s = self._evaluated.between_s(start, at_start, end, at_end)
        hit_s = self._speech.between_s(start, at_start, end, at_end)
        overlaps = Overlaps(self._regions, (start, end), self._ended[at_start], self._started[at_end])
        return Evaluation(self._durations(found_s, hit_s), overlaps.boundaries())

    def _durations(self, found_s: float, hit_s: float) -> Durations:
        false_alarm_s, missed_s = found_s - hit_s, self._speech_s - hit_s
        silence_s = self._evaluated_s - self._speech_s - false_alarm_s
        return Durations(*(s if s > _NOTHING_S else 0.0 for s in (hit_s, false_alarm_s, missed_s, silence_s)))


class _Coverage:
    """How many seconds of disjoint stretches lie before a time, which between two edges is a straight line.

    A time comes with its place: how many edges are before it.
    """

    def __init__(self, spans: Spans, edges: Times) -> None:
        total = intervals.covered(spans, edges)
        inside = _counted(spans[0], edges) - _counted(spans[1], edges)
        # Behind an edge that is inside a stretch, each second counts.
        self._rise = inside.astype(np.float64)
        self._from = np.concatenate(([0.0], total - self._rise[1:] * edges))

    def between_s(self, start: Times, at_start: Indices, end: Times, at_end: Indices) -> float:
        """Return how many seconds the stretches have between starts and ends, all together."""
        before_end = self._from[at_end] + self._rise[at_end] * end
        return float((before_end - (self._from[at_start] + self._rise[at_start] * start)).sum())


def _counted(times: Times, edges: Times) -> Indices:
    """Return how many of the times are at most the edge before each place; nothing is before the first."""
    return np.concatenate(([0], np.searchsorted(times, edges, side="right")))


class Overlaps:
    """Which segments overlap which regions of a truth; both are disjoint and in order, so that each overlaps a range.

    For each segment, ``first_region`` is how many regions have ended when it starts: the first that it can overlap;
    ``next_region`` how many have started before it ends: the first behind it.
    """

    def __init__(self, regions: Spans, segments: Spans, first_region: Indices, next_region: Indices) -> None:
        self._regions, self._segments = regions, segments
        # The same comparisons, counted by region: a segment is before a region if the region is not before its end.
        first_segment = _at_most(next_region, len(regions[0]))
        next_segment = _at_most(first_region, len(regions[0]))
        self.segments_in = np.maximum(next_segment - first_segment, 0)
        self.regions_in = np.maximum(next_region - first_region, 0)
        # The segment whose edge belongs to each region's edge; -1 for none, or one of another region.
        self.onset_segment = self._own(first_segment, first_region)
        self.offset_segment = self._own(next_segment - 1, next_region - 1)

    @classmethod
    def between(cls, regions: Spans, segments: Spans) -> Self:
        """Return how disjoint segments overlap disjoint regions."""
        first = np.searchsorted(regions[1], segments[0], side="right")
        return cls(regions, segments, first, np.searchsorted(regions[0], segments[1], side="left"))

    def _own(self, segment: Indices, region: Indices) -> Indices:
        if not len(region):
            return np.full(len(segment), -1)
        own = (region.take(segment, mode="clip") == np.arange(len(segment))) & (self.segments_in > 0)
        return np.where(own, segment, -1)

    def onset_errors_s(self) -> tuple[Indices, Times]:
        """Return which regions have a beginning to compare with, and its signed errors; negative is too early."""
        return _errors_s(self.onset_segment, self._segments[0], self._regions[0])

    def offset_errors_s(self) -> tuple[Indices, Times]:
        """Return the same for ends."""
        return _errors_s(self.offset_segment, self._segments[1], self._regions[1])

    def boundaries(self) -> Boundaries:
        """Return what happened at the boundaries, counted."""
        onsets, offsets = self.onset_errors_s()[1], self.offset_errors_s()[1]
        return Boundaries(
            regions=len(self.segments_in),
            segments=len(self.regions_in),
            missed=int((self.segments_in == 0).sum()),
            false=int((self.regions_in == 0).sum()),
            splits=int(np.maximum(self.segments_in - 1, 0).sum()),
            merges=int(np.maximum(self.regions_in - 1, 0).sum()),
            onsets=len(onsets),
            onset_error_s=float(onsets.sum()),
            offsets=len(offsets),
            offset_error_s=float(offsets.sum()),
        )


def _errors_s(segment: Indices, segment_edge: Times, region_edge: Times) -> tuple[Indices, Times]:
    compared = np.flatnonzero(segment >= 0)
    return compared, segment_edge[segment[compared]] - region_edge[compared]


def _at_most(ranks: Indices, count: int) -> Indices:
    """Return how many of the ranks are at most 0, 1, … ``count - 1``."""
    at_most: Indices = np.cumsum(np.bincount(ranks, minlength=count + 1))[:count]
    return at_most


class BoundaryErrors(Table):
    """One row a region of the truth: how many segments it has, and by how much they begin and end too early or late.

    Columns ``start``, ``end`` (seconds), ``segments``, ``onset_error_s`` and ``offset_error_s``: signed, negative is
    too early, NaN where there is nothing to compare. A beginning is compared with that of the first segment that
    overlaps the region, unless that segment already began in another region; ends accordingly.
    """

    def __init__(self, segments: Segments, truth: Segments) -> None:
        found = segments.normalised()
        truth.check(what="region of the truth")
        match = Overlaps.between((truth.start, truth.end), (found.start, found.end))
        self._columns = {
            "start": truth.start,
            "end": truth.end,
            "segments": match.segments_in,
            "onset_error_s": _spread(len(truth), *match.onset_errors_s()),
            "offset_error_s": _spread(len(truth), *match.offset_errors_s()),
        }

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, arrays of shape ``(regions,)``."""
        return self._columns


def _spread(count: int, index: Indices, value: Times) -> Times:
    """Return the values at their indices, NaN everywhere else."""
    spread = np.full(count, np.nan)
    spread[index] = value
    return spread
