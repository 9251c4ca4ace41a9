"""Stretches of speech as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ipyspeaches.tables import Table


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Speech from ``start`` to ``end``, in seconds."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


class Segments(Table):
    """Stretches of speech in order of time; columns ``start``, ``end``, ``duration`` in seconds.

    Parameters
    ----------
    spans
        Pairs of start and end in seconds.
    """

    def __init__(self, spans: Iterable[tuple[float, float]] = ()) -> None:
        self._segments = tuple(SpeechSegment(float(start), float(end)) for start, end in spans)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns as float64 arrays of shape ``(len(self),)``."""
        start = np.array([segment.start for segment in self._segments], dtype=np.float64)
        end = np.array([segment.end for segment in self._segments], dtype=np.float64)
        return {"start": start, "end": end, "duration": end - start}

    def __len__(self) -> int:
        return len(self._segments)

    def __iter__(self) -> Iterator[SpeechSegment]:
        return iter(self._segments)

    def __getitem__(self, index: int) -> SpeechSegment:
        return self._segments[index]

    def __repr__(self) -> str:
        speech_s = sum(segment.duration for segment in self._segments)
        return f"Segments({len(self._segments)} with {speech_s:.2f} s of speech)"
