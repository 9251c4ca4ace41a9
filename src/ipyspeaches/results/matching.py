"""Which utterances of several transcripts are the same speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ipyspeaches.results.segment import Segment

SHARED: Final = 0.5
"""Two utterances are the same speech if they overlap by this part of the shorter one or more."""


def match(transcripts: Sequence[Sequence[Segment]]) -> list[list[int]]:
    """Return a number for each utterance: equal for the same speech, from 0, in the order of time.

    Runs cut differently: what one hears as two utterances may be one for another. So utterances that overlap belong
    together, and so do those that overlap with one of them.

    Parameters
    ----------
    transcripts
        Utterances with ``start`` and ``end`` in seconds on one clock, one sequence a run.

    Returns
    -------
    list[list[int]]
        Numbers in the shape of ``transcripts``.
    """
    placed = [(segment, run, row) for run, segments in enumerate(transcripts) for row, segment in enumerate(segments)]
    placed.sort(key=lambda one: one[0].start)
    groups = _Groups(len(placed))
    open_: list[int] = []
    for index, (segment, run, _) in enumerate(placed):
        open_ = [other for other in open_ if placed[other][0].end > segment.start]
        for other in open_:
            if placed[other][1] != run and _shared(placed[other][0], segment) >= SHARED:
                groups.join(other, index)
        open_.append(index)
    numbers: dict[int, int] = {}
    matched = [[0] * len(segments) for segments in transcripts]
    for index, (_, run, row) in enumerate(placed):
        matched[run][row] = numbers.setdefault(groups.of(index), len(numbers))
    return matched


def _shared(one: Segment, other: Segment) -> float:
    """Return which part of the shorter one both cover."""
    shorter = min(one.end - one.start, other.end - other.start)
    if shorter <= 0:
        return 1.0  # a moment inside the other
    return (min(one.end, other.end) - max(one.start, other.start)) / shorter


class _Groups:
    """Sets of indices that are joined two by two (union-find)."""

    def __init__(self, count: int) -> None:
        self._leader = list(range(count))

    def of(self, index: int) -> int:
        while self._leader[index] != index:
            self._leader[index] = self._leader[self._leader[index]]
            index = self._leader[index]
        return index

    def join(self, one: int, other: int) -> None:
        self._leader[self.of(other)] = self.of(one)
