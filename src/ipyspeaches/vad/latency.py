"""How late a detector is in live use: it must have heard enough before it can say that speech began or ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ipyspeaches.tables import Table
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.intervals import Times
from ipyspeaches.vad.metrics import segment_of_edge
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed
from ipyspeaches.vad.segments import Segments

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording


class Decisions(Table):
    """One row a segment: where speech is (without padding), and when a live detector knew that.

    Columns ``start``, ``end``, ``opened_at`` and ``closed_at``, in seconds: a decision is made when the last frame that
    it needs is complete.
    """

    def __init__(self, start: Times, end: Times, opened_at: Times, closed_at: Times) -> None:
        self.start = start
        self.end = end
        self.opened_at = opened_at
        self.closed_at = closed_at

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, float64 of shape ``(segments,)``."""
        return {"start": self.start, "end": self.end, "opened_at": self.opened_at, "closed_at": self.closed_at}


class DecisionLatency(Table):
    """One row a region of the truth: how long after its beginning and its end a live detector says so.

    Columns ``start``, ``end``, ``detection_latency_s`` and ``endpoint_latency_s``; NaN where there is nothing to
    compare, as in `BoundaryErrors`.
    """

    def __init__(self, truth: Segments, detection_latency_s: Times, endpoint_latency_s: Times) -> None:
        self.truth = truth
        self.detection_latency_s = detection_latency_s
        self.endpoint_latency_s = endpoint_latency_s

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, float64 of shape ``(regions,)``."""
        return {
            "start": self.truth.start,
            "end": self.truth.end,
            "detection_latency_s": self.detection_latency_s,
            "endpoint_latency_s": self.endpoint_latency_s,
        }


def decisions(vad: Detector, sound: Recording | Scores) -> Decisions:
    """Return what a detector decides in live use, and when.

    Parameters
    ----------
    vad
        The detector.
    sound
        A recording, or its scores by this detector.
    """
    scores = sound if isinstance(sound, Scores) else vad.score(sound)
    segmenter = vad.segmenter(scores.hop, scores.rate)
    opened: list[int] = []
    rows: list[tuple[int, int, int, int]] = []
    for score in scores.value.tolist():
        for event in segmenter.push((score,)):
            if isinstance(event, Closed):
                rows.append((event.start, event.end, opened[-1], segmenter.position))
            else:
                opened.append(segmenter.position)
    for event in segmenter.finish(scores.length):
        if isinstance(event, Closed):
            rows.append((event.start, event.end, opened[-1], scores.length))
        else:
            opened.append(scores.length)
    return Decisions(*(np.array(rows, dtype=np.float64).reshape(-1, 4).T / scores.rate))


def decision_latency(vad: Detector, sound: Recording | Scores, truth: Segments) -> DecisionLatency:
    """Return how late a detector is in live use.

    Parameters
    ----------
    vad
        The detector.
    sound
        A recording, or its scores by this detector.
    truth
        Where speech is.

    Raises
    ------
    InputError
        If the truth cannot be one, see `Segments.check`.
    """
    made = decisions(vad, sound)
    truth = truth.check(what="region of the truth")
    onset, offset = segment_of_edge(truth, Segments.from_arrays(made.start, made.end))
    return DecisionLatency(
        truth,
        np.append(made.opened_at, np.nan)[onset] - truth.start,
        np.append(made.closed_at, np.nan)[offset] - truth.end,
    )
