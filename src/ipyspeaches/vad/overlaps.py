"""Which segments overlap which regions of a truth, and how their edges lie to each other."""

from __future__ import annotations

from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.vad.evaluation import Boundaries
from ipyspeaches.vad.intervals import Spans, Times

Indices: TypeAlias = NDArray[np.intp]


class Overlaps:
    """Which segments overlap which regions; both are disjoint and in order, so that each overlaps a range.

    Parameters
    ----------
    regions, segments
        Their starts and ends in seconds.
    first_region
        For each segment, how many regions have ended when it starts: the first that it can overlap.
    next_region
        For each segment, how many regions have started before it ends: the first behind it.
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
