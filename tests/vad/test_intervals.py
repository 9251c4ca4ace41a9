"""Set operations on time agree with the same operations on a grid of milliseconds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ipyspeaches.vad import intervals
from ipyspeaches.vad.segments import Segments

END_MS = 300
spans_ms = st.lists(st.tuples(st.integers(0, END_MS), st.integers(0, 60)), max_size=12).map(
    lambda pairs: [(start, min(END_MS, start + length)) for start, length in pairs]
)


def segments(spans: list[tuple[int, int]]) -> Segments:
    return Segments((start / 1000, end / 1000) for start, end in spans)


def grid(spans: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which milliseconds are speech."""
    speech = np.zeros(END_MS, dtype=np.bool_)
    for start, end in spans:
        speech[start:end] = True
    return speech


def painted(result: Segments) -> NDArray[np.bool_]:
    return grid([(round(s.start * 1000), round(s.end * 1000)) for s in result])


@settings(deadline=None)
@given(a=spans_ms, b=spans_ms)
def test_set_operations(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    left, right = segments(a), segments(b)
    assert np.array_equal(painted(left | right), grid(a) | grid(b))
    assert np.array_equal(painted(left & right), grid(a) & grid(b))
    assert np.array_equal(painted(left - right), grid(a) & ~grid(b))
    assert np.array_equal(painted(left.complement(END_MS / 1000)), ~grid(a))
    assert abs(left.speech_s - grid(a).sum() / 1000) < 1e-9


@settings(deadline=None)
@given(a=spans_ms, b=spans_ms)
def test_results_are_in_order_disjoint_and_filled(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    left, right = segments(a), segments(b)
    for result in (left | right, left & right, left - right, left.complement(END_MS / 1000), left.normalised()):
        assert result.check(END_MS / 1000) is result


@settings(deadline=None)
@given(spans=spans_ms, time_ms=st.integers(-10, END_MS + 10))
def test_coverage(spans: list[tuple[int, int]], time_ms: int) -> None:
    disjoint = segments(spans).normalised()
    before = intervals.covered((disjoint.start, disjoint.end), np.array([time_ms / 1000]))[0]
    assert abs(before - grid(spans)[: max(time_ms, 0)].sum() / 1000) < 1e-9


def test_touching_stretches_are_one_set_but_two_labels() -> None:
    start, end = np.array([1.0, 0.0]), np.array([2.0, 1.0])
    assert [len(part) for part in intervals.merged(start, end, touching=True)] == [1, 1]
    assert [len(part) for part in intervals.merged(start, end, touching=False)] == [2, 2]


@given(spans_ms, spans_ms)
def test_what_is_apart_from_others_is_told_if_it_is_long_enough(
    a: list[tuple[int, int]], b: list[tuple[int, int]]
) -> None:
    one, other = ([(start / 1000, end / 1000) for start, end in spans] for spans in (a, b))
    apart = intervals.without(one, other, 0.0)
    assert (grid([(round(1000 * start), round(1000 * end)) for start, end in apart]) == grid(a) & ~grid(b)).all()
    assert intervals.without(one, other, 0.02) == [(start, end) for start, end in apart if end - start >= 0.02]
