"""What a `VadLab` knows: a recording, detectors with their scores, the truth, and how they compare. No widget here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad import METRICS, Detector, Evaluation, Labels, Scores, Segments, evaluate
from ipyspeaches.widget.lab_server import ServerVerdict


@dataclass
class LabState:
    """A recording under several detectors, and the truth to judge them by.

    Parameters
    ----------
    recording
        What is listened to.
    detectors
        At least one.
    labels
        The truth, with its history.
    active
        Index of the detector that is being tuned.
    collar_s
        Seconds around each boundary of the truth that are not evaluated, half before and half behind.
    pinned
        The detector that the active one is compared with; None for how the active one was at the beginning.
    verdict
        What the server said when it was asked; None before.
    """

    recording: Recording
    detectors: list[Detector]
    labels: Labels
    active: int = 0
    collar_s: float = 0.0
    pinned: Detector | None = None
    verdict: ServerVerdict | None = None
    _scores: dict[tuple[object, ...], Scores] = field(default_factory=dict, repr=False)
    _first: list[Detector] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if not self.detectors:
            raise InputError("There is no detector: give at least one, such as detectors=[sp.SileroVad()].")
        for wrong in (one for one in self.detectors if not isinstance(one, Detector)):
            raise InputError(f"{wrong!r:.80} is no detector: give detectors such as sp.EnergyVad(threshold=500).")
        self._first = list(self.detectors)

    @property
    def vad(self) -> Detector:
        """The active detector as it is set now."""
        return self.detectors[self.active]

    @property
    def compared(self) -> Detector:
        """The detector that the active one is compared with."""
        return self.pinned or self._first[self.active]

    @property
    def truth(self) -> Segments:
        """The truth."""
        return self.labels.segments

    def names(self) -> list[str]:
        """Return the detectors' names; those of one kind are numbered."""
        kinds = [one.name for one in self.detectors]
        counted = [kinds[: index + 1].count(kind) for index, kind in enumerate(kinds)]
        return [
            kind if kinds.count(kind) == 1 else f"{kind} {number}" for kind, number in zip(kinds, counted, strict=True)
        ]

    def index(self, value: object) -> int:
        """Return the index of a detector that a page named.

        Raises
        ------
        InputError
            If there is none.
        """
        if isinstance(value, int) and 0 <= value < len(self.detectors):
            return value
        raise InputError(f"There is no detector {value!r}: there are {len(self.detectors)}, counted from 0.")

    def scored(self, index: int) -> bool:
        """Whether a detector's scores are there."""
        return self.detectors[index].scorer_options() in self._scores

    def scores(self, index: int) -> Scores:
        """Return a detector's scores, computed when they are first asked for."""
        detector = self.detectors[index]
        options = detector.scorer_options()
        if options not in self._scores:
            self._scores[options] = detector.score(self.recording)
        return self._scores[options]

    def segments(self, index: int) -> Segments:
        """Return what a detector finds."""
        return self.detectors[index].segment(self.scores(index))

    def evaluation(self, index: int) -> Evaluation | None:
        """Return how a detector does against the truth; None while there is none."""
        return self._judge(self.segments(index)) if len(self.truth) else None

    def server_evaluation(self) -> Evaluation | None:
        """Return how the server does against the truth; None while there is none, or the server was not asked."""
        return self._judge(self.verdict.segments) if self.verdict and len(self.truth) else None

    def _judge(self, found: Segments) -> Evaluation:
        return evaluate(found, self.truth, self.collar_s, self.recording.duration)

    def errors(self, index: int) -> tuple[Segments, Segments]:
        """Return what a detector missed, and its false alarms, outside the collars; nothing without a truth."""
        if not len(self.truth):
            return Segments(), Segments()
        found, half = self.segments(index), self.collar_s / 2
        edges = np.concatenate((self.truth.start, self.truth.end))
        collars = Segments.from_arrays(np.maximum(edges - half, 0), edges + half).normalised()
        return (self.truth - found) - collars, (found - self.truth) - collars

    def metrics(self) -> LabMetrics:
        """Return all metrics of all detectors, and of the server where it was asked."""
        names, thresholds = self.names(), [one.options.threshold for one in self.detectors]
        evaluations = [self.evaluation(index) for index in range(len(names))]
        if self.verdict is None:
            return LabMetrics(names, thresholds, evaluations)
        return LabMetrics(
            [*names, "server"], [*thresholds, self.verdict.threshold], [*evaluations, self.server_evaluation()]
        )


class LabMetrics(Table):
    """One row a detector: columns ``detector``, ``threshold``, then all metrics; NaN while there is no truth.

    The last row is the server's, where it was asked.
    """

    def __init__(
        self, names: Sequence[str], thresholds: Sequence[float], evaluations: Sequence[Evaluation | None]
    ) -> None:
        self._names = list(names)
        self._thresholds = np.array(thresholds)
        self.evaluations = tuple(evaluations)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, of shape ``(detectors,)``."""
        metrics = {
            name: np.array([np.nan if one is None else float(getattr(one, name)) for one in self.evaluations])
            for name in METRICS
        }
        return {"detector": self._names, "threshold": self._thresholds, **metrics}
