"""Compare segments with the truth, in the terms of pyannote.metrics.

Durations are those of pyannote.metrics 4 (H. Bredin, "pyannote.metrics: a toolkit for reproducible evaluation,
diagnostic, and error analysis of speaker diarization systems", Interspeech 2017), to which the tests hold them: what is
evaluated is the sound without a *collar* around each boundary of the truth, half of it before and half behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad import intervals
from ipyspeaches.vad.evaluation import Boundaries, Durations, Evaluation
from ipyspeaches.vad.intervals import Spans, Times
from ipyspeaches.vad.segments import Segments

Indices: TypeAlias = NDArray[np.intp]

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
        self.regions = truth.normalised(duration)
        edges = np.concatenate((self.regions.start, self.regions.end)) if collar else np.empty(0)
        collars = intervals.merged(edges - collar / 2, edges + collar / 2, touching=True)
        self._evaluated = intervals.complement(collars, 0.0, duration)
        joined = intervals.merged(self.regions.start, self.regions.end, touching=True)
        self._speech = intervals.intersected(joined, self._evaluated)
        self._total_s = intervals.length_s(self._evaluated)
        self._speech_s = intervals.length_s(self._speech)

    def evaluate(self, start: Times, end: Times) -> Evaluation:
        """Return how disjoint segments, in order, agree with the truth."""
        regions = self.regions
        return Evaluation(self._durations((start, end)), _boundaries((regions.start, regions.end), (start, end)))

    def _durations(self, found: Spans) -> Durations:
        found_s = intervals.overlap_s(found, self._evaluated)
        hit = intervals.overlap_s(found, self._speech)
        false_alarm, missed = found_s - hit, self._speech_s - hit
        silence = self._total_s - self._speech_s - false_alarm
        return Durations(*(value if value > _NOTHING_S else 0.0 for value in (hit, false_alarm, missed, silence)))


def evaluate(segments: Segments, truth: Segments, collar: float = 0.0, duration: float | None = None) -> Evaluation:
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
        Length of the sound in seconds. Without it, what is evaluated ends with the last segment or region, and begins
        with the first, as in pyannote.metrics: accuracy and false alarm rate then know nothing of the silence around.

    Raises
    ------
    InputError
        If the truth is empty, overlaps itself or goes beyond the sound; the message names the region and the cure.
    """
    if not len(truth):
        raise InputError("The truth is empty: label at least one region of speech to compare with.")
    found = segments.normalised(duration)
    if duration is not None:
        return Truth(truth, collar, duration).evaluate(found.start, found.end)
    truth.check(what="region of the truth")
    # From the first edge on, which becomes second 0.
    first = float(np.concatenate((truth.start, found.start)).min())
    last = float(np.concatenate((truth.end, found.end)).max())
    moved = Segments.from_arrays(truth.start - first, truth.end - first)
    return Truth(moved, collar, last - first).evaluate(found.start - first, found.end - first)


class BoundaryErrors(Table):
    """One row a region of the truth: how many segments it has, and by how much they begin and end too early or late.

    Columns ``start``, ``end`` (seconds), ``segments``, ``onset_error_s`` and ``offset_error_s``: signed, negative is
    too early, NaN where there is nothing to compare. A beginning is compared with that of the first segment that
    overlaps the region, unless that segment already began in another region; ends accordingly.
    """

    def __init__(self, segments: Segments, truth: Segments) -> None:
        found = segments.normalised()
        self._truth = truth.check(what="region of the truth")
        match = _Match((truth.start, truth.end), (found.start, found.end))
        self._columns = {
            "start": truth.start,
            "end": truth.end,
            "segments": match.segments_in,
            "onset_error_s": match.onset_error_s,
            "offset_error_s": match.offset_error_s,
        }

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, arrays of shape ``(regions,)``."""
        return self._columns


class _Match:
    """Which segments overlap which regions; both are disjoint and in order, so that each overlaps a range."""

    def __init__(self, regions: Spans, segments: Spans) -> None:
        first_segment, self.segments_in = _overlapping(regions, segments)
        first_region, self.regions_in = _overlapping(segments, regions)
        self.onset_segment = self._own(first_segment, first_region)
        self.offset_segment = self._own(first_segment + self.segments_in - 1, first_region + self.regions_in - 1)
        self.onset_error_s = np.append(segments[0], np.nan)[self.onset_segment] - regions[0]
        self.offset_error_s = np.append(segments[1], np.nan)[self.offset_segment] - regions[1]

    def _own(self, segment: Indices, region: Indices) -> Indices:
        """Return the segment whose edge belongs to each region's edge; -1 for none, or one of another region."""
        own = self.segments_in > 0
        own[own] = region[segment[own]] == np.flatnonzero(own)
        return np.where(own, segment, -1)


def segment_of_edge(truth: Segments, segments: Segments) -> tuple[Indices, Indices]:
    """Return the indices of the segments with which each region begins and ends; -1 where there is none."""
    match = _Match((truth.start, truth.end), (segments.start, segments.end))
    return match.onset_segment, match.offset_segment


def _overlapping(these: Spans, others: Spans) -> tuple[Indices, Indices]:
    """Return the first of the others that each of these overlaps, and how many it overlaps."""
    first = np.searchsorted(others[1], these[0], side="right")
    return first, np.maximum(np.searchsorted(others[0], these[1], side="left") - first, 0)


def _boundaries(regions: Spans, segments: Spans) -> Boundaries:
    match = _Match(regions, segments)
    onsets, offsets = ~np.isnan(match.onset_error_s), ~np.isnan(match.offset_error_s)
    return Boundaries(
        regions=len(regions[0]),
        segments=len(segments[0]),
        missed=int((match.segments_in == 0).sum()),
        false=int((match.regions_in == 0).sum()),
        splits=int(np.maximum(match.segments_in - 1, 0).sum()),
        merges=int(np.maximum(match.regions_in - 1, 0).sum()),
        onsets=int(onsets.sum()),
        onset_error_s=float(match.onset_error_s[onsets].sum()),
        offsets=int(offsets.sum()),
        offset_error_s=float(match.offset_error_s[offsets].sum()),
    )
