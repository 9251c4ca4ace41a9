"""Overlaps are those that comparing every segment with every region finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.vad.intervals import Spans
from ipyspeaches.vad.overlaps import Overlaps

# Small whole numbers, so that edges often fall together and stretches often touch.
disjoint = st.lists(st.integers(0, 30), unique=True, max_size=20).map(
    lambda edges: sorted(edges)[: len(edges) // 2 * 2]
)


def spans(edges: list[int]) -> Spans:
    times = np.array(edges, dtype=np.float64)
    return times[::2], times[1::2]


@given(regions=disjoint, segments=disjoint)
def test_all_overlaps_are_found(regions: list[int], segments: list[int]) -> None:
    found = Overlaps.between(spans(regions), spans(segments))
    pairs = [
        (region, segment)
        for region, (start, end) in enumerate(zip(*spans(regions), strict=True))
        for segment, (begin, stop) in enumerate(zip(*spans(segments), strict=True))
        if begin < end and stop > start
    ]
    assert found.segments_in.tolist() == [sum(r == one for r, _ in pairs) for one in range(len(regions) // 2)]
    assert found.regions_in.tolist() == [sum(s == one for _, s in pairs) for one in range(len(segments) // 2)]
    for region in range(len(regions) // 2):
        touching = [s for r, s in pairs if r == region]
        first = touching[0] if touching and min(r for r, s in pairs if s == touching[0]) == region else -1
        last = touching[-1] if touching and max(r for r, s in pairs if s == touching[-1]) == region else -1
        assert (found.onset_segment[region], found.offset_segment[region]) == (first, last)


@given(regions=disjoint, segments=disjoint)
def test_counts_and_errors_are_those_of_the_pairs(regions: list[int], segments: list[int]) -> None:
    found = Overlaps.between(spans(regions), spans(segments))
    counted = found.boundaries()
    assert (counted.regions, counted.segments) == (len(regions) // 2, len(segments) // 2)
    assert counted.missed == found.segments_in.tolist().count(0)
    assert counted.false == found.regions_in.tolist().count(0)
    assert counted.splits == sum(max(0, count - 1) for count in found.segments_in.tolist())
    assert counted.merges == sum(max(0, count - 1) for count in found.regions_in.tolist())
    compared, errors = found.onset_errors_s()
    assert compared.tolist() == [r for r, s in enumerate(found.onset_segment.tolist()) if s >= 0]
    assert errors.tolist() == [
        segments[2 * s] - regions[2 * r] for r, s in enumerate(found.onset_segment.tolist()) if s >= 0
    ]
    assert (counted.onsets, counted.onset_error_s) == (len(errors), errors.sum())
    compared, errors = found.offset_errors_s()
    assert errors.tolist() == [
        segments[2 * s + 1] - regions[2 * r + 1] for r, s in enumerate(found.offset_segment.tolist()) if s >= 0
    ]
    assert (counted.offsets, counted.offset_error_s) == (len(errors), errors.sum())
