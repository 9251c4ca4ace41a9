"""Compare segments with the truth, in the terms of pyannote.metrics.

Durations are those of pyannote.metrics 4 (H. Bredin, "pyannote.metrics: a toolkit for reproducible evaluation,
diagnostic, and error analysis of speaker diarization systems", Interspeech 2017), to which the tests hold them: what is
evaluated is the sound without a *collar* around each boundary of the truth, half of it before and half behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad.evaluation import Evaluation
from ipyspeaches.vad.intervals import Times
from ipyspeaches.vad.overlaps import Indices, Overlaps
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.truth import Truth


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


def segment_of_edge(truth: Segments, segments: Segments) -> tuple[Indices, Indices]:
    """Return the indices of the segments with which each region begins and ends; -1 where there is none."""
    match = Overlaps.between((truth.start, truth.end), (segments.start, segments.end))
    return match.onset_segment, match.offset_segment
