"""Edit labels: pure functions from segments to segments.

All take segments in order and disjoint (`Segments.normalised`) and keep them so.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import row_position
from ipyspeaches.vad import intervals
from ipyspeaches.vad.segments import Segments

Edge: TypeAlias = Literal["start", "end"]

SHORTEST_S: Final = 0.01
"""A region is never made shorter by moving an edge: it could not be grasped again."""


def paint(segments: Segments, start: float, end: float) -> Segments:
    """Make ``start`` to ``end`` speech (in either order); regions that it overlaps or touches grow together with it."""
    low, high = min(start, end), max(start, end)
    near = (segments.start <= high) & (segments.end >= low)
    if near.any():
        low = min(low, float(segments.start[near][0]))
        high = max(high, float(segments.end[near][-1]))
    begins, ends = np.append(segments.start[~near], low), np.append(segments.end[~near], high)
    return Segments.from_arrays(*intervals.merged(begins, ends, touching=False))


def erase(segments: Segments, start: float, end: float) -> Segments:
    """Make ``start`` to ``end`` silence (in either order); a region around it becomes two."""
    low, high = min(start, end), max(start, end)
    free = intervals.complement((np.array([low]), np.array([high])), -np.inf, np.inf)
    return Segments.from_arrays(*intervals.intersected((segments.start, segments.end), free))


def move_edge(segments: Segments, index: int, edge: Edge, time: float) -> Segments:
    """Move one edge of a region; it stops at the neighbour and 10 ms from the region's other edge.

    Raises
    ------
    IndexError
        If there is no such region.
    """
    at = row_position(index, len(segments))
    start, end = segments.start.copy(), segments.end.copy()
    if edge == "start":
        lowest = float(end[at - 1]) if at else 0.0
        start[at] = max(lowest, min(time, float(end[at]) - SHORTEST_S))
    else:
        highest = float(start[at + 1]) if at + 1 < len(start) else np.inf
        end[at] = min(highest, max(time, float(start[at]) + SHORTEST_S))
    return Segments.from_arrays(start, end)


def split(segments: Segments, time: float) -> Segments:
    """Cut the region that is there in two, which touch.

    Raises
    ------
    InputError
        If no speech is there.
    """
    at = segments.at(time)
    if at is None or time == segments.start[at]:
        raise InputError(f"There is nothing to split at {time:g} s: choose a time inside a region of speech.")
    start, end = np.insert(segments.start, at + 1, time), np.insert(segments.end, at, time)
    return Segments.from_arrays(start, end)


def merge(segments: Segments, first: int, last: int | None = None) -> Segments:
    """Join regions ``first`` to ``last`` (the next one if not given), with the silence between them.

    Raises
    ------
    IndexError
        If there are no such regions.
    """
    low = row_position(first, len(segments))
    high = row_position(low + 1 if last is None else last, len(segments))
    keep = np.ones(len(segments), dtype=np.bool_)
    keep[low + 1 : high + 1] = False
    end = segments.end.copy()
    end[low] = end[max(low, high)]
    return Segments.from_arrays(segments.start[keep], end[keep])


def remove(segments: Segments, index: int) -> Segments:
    """Drop a region.

    Raises
    ------
    IndexError
        If there is no such region.
    """
    at = row_position(index, len(segments))
    return Segments.from_arrays(np.delete(segments.start, at), np.delete(segments.end, at))
