"""Sets of time as arrays of starts and ends: union, intersection, complement, coverage.

All functions take and return float64 arrays in seconds, shape ``(n,)``. Where a function asks for *disjoint* stretches,
they are sorted and do not overlap; they may touch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Times: TypeAlias = NDArray[np.float64]
Spans: TypeAlias = tuple[Times, Times]


def merged(start: Times, end: Times, *, touching: bool) -> Spans:
    """Return any stretches, in any order, as disjoint ones in order of time; those without length are dropped.

    With ``touching``, stretches that only touch become one, as they are in a set; else they stay two, as in a list of
    labels.
    """
    filled = end > start
    order = np.argsort(start[filled], kind="stable")
    start, end = start[filled][order], end[filled][order]
    if not len(start):
        return start, end
    reach = np.maximum.accumulate(end)
    begins = start[1:] > reach[:-1] if touching else start[1:] >= reach[:-1]
    first = np.flatnonzero(np.concatenate(([True], begins)))
    return start[first], reach[np.append(first[1:], len(start)) - 1]


def intersected(a: Spans, b: Spans) -> Spans:
    """Return what two lists of disjoint stretches have in common, cut at the edges of both."""
    low = np.searchsorted(b[1], a[0], side="right")
    count = np.maximum(np.searchsorted(b[0], a[1], side="left") - low, 0)
    left = np.repeat(np.arange(len(a[0])), count)
    right = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    return np.maximum(a[0][left], b[0][right]), np.minimum(a[1][left], b[1][right])


def touched(spans: Spans, start: float, end: float) -> Spans:
    """Return those of disjoint stretches that have anything between ``start`` and ``end``, as they are."""
    first, behind = np.searchsorted(spans[1], start, side="right"), np.searchsorted(spans[0], end)
    return spans[0][first:behind], spans[1][first:behind]


def complement(spans: Spans, start: float, end: float) -> Spans:
    """Return what disjoint stretches leave free between ``start`` and ``end``."""
    begins = np.concatenate(([start], np.clip(spans[1], start, end)))
    ends = np.concatenate((np.clip(spans[0], start, end), [end]))
    free = ends > begins
    return begins[free], ends[free]


def without(
    stretches: Iterable[tuple[float, float]], others: Iterable[tuple[float, float]], shortest_s: float
) -> list[tuple[float, float]]:
    """Return what stretches have apart from others, in order, if it is so long; both may come in any order."""
    free = complement(merged(*_spans(others), touching=True), -np.inf, np.inf)
    start, end = intersected(merged(*_spans(stretches), touching=False), free)
    long = end - start >= shortest_s
    return list(zip(start[long].tolist(), end[long].tolist(), strict=True))


def _spans(stretches: Iterable[tuple[float, float]]) -> Spans:
    edges = np.array(list(stretches), dtype=np.float64).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]


def covered(spans: Spans, time: Times) -> Times:
    """Return how many seconds of disjoint stretches lie before each time."""
    total = np.concatenate(([0.0], np.cumsum(spans[1] - spans[0])))
    index = np.searchsorted(spans[0], time, side="right")
    last_end = np.concatenate(([-np.inf], spans[1]))[index]
    return total[index] - np.maximum(last_end - time, 0.0)


def length_s(spans: Spans) -> float:
    """Return the length of disjoint stretches together."""
    return float((spans[1] - spans[0]).sum())
