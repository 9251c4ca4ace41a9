"""What a scorer can do at every threshold: ROC and precision-recall curves, frame by frame.

These judge the scores alone, before any rule about durations: each frame is speech in truth if the truth covers more
than half of it. The curves are those of scikit-learn (``roc_curve`` with ``drop_intermediate=False``, and
``precision_recall_curve``), to which the tests hold them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.checks import checked
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Columns
from ipyspeaches.vad import intervals
from ipyspeaches.vad.intervals import Times
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments


def frame_labels(scores: Scores, truth: Segments) -> NDArray[np.bool_]:
    """Return whether each frame is speech: whether the truth covers more than half of it, shape ``(frames,)``."""
    spans = intervals.merged(truth.start, truth.end, touching=True)
    edges = np.arange(len(scores.value) + 1, dtype=np.float64) * scores.hop_s
    covered: NDArray[np.bool_] = np.diff(intervals.covered(spans, edges)) > scores.hop_s / 2
    return covered


@dataclass(frozen=True, eq=False, repr=False)
class RocCurve(Columns):
    """Columns ``threshold`` (falling), ``false_positive_rate`` and ``true_positive_rate`` (both rising), float64."""

    threshold: Times
    false_positive_rate: Times
    true_positive_rate: Times

    def plot(self) -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure of the curve."""
        from ipyspeaches.vad.figures import plot_roc

        return plot_roc(self)

    @property
    def auc(self) -> float:
        """Area under the curve, 0.5 for guessing and 1 for always right."""
        return _area(self.false_positive_rate, self.true_positive_rate)

    @property
    def eer(self) -> float:
        """Equal error rate: where misses and false alarms are equally frequent, between two points on their line."""
        at, part = self._crossing()
        rate = self.false_positive_rate
        return float(rate[at] + part * (rate[at + 1] - rate[at]))

    @property
    def eer_threshold(self) -> float:
        """The threshold nearest to the equal error rate."""
        at, part = self._crossing()
        return float(self.threshold[at + round(part)])

    def _crossing(self) -> tuple[int, float]:
        """Return the point before misses and false alarms are equal, and which part of the way to the next they are."""
        balance = self.false_positive_rate + self.true_positive_rate - 1  # from -1 to 1, never falling
        after = int(np.searchsorted(balance, 0.0, side="left"))
        at = max(after - 1, 0)
        return at, float(-balance[at] / (balance[at + 1] - balance[at]))


@dataclass(frozen=True, eq=False, repr=False)
class PrecisionRecallCurve(Columns):
    """Columns ``threshold`` (rising), ``precision`` and ``recall`` (falling), float64.

    The last point has no threshold (NaN).
    """

    threshold: Times
    precision: Times
    recall: Times

    def plot(self) -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure of the curve."""
        from ipyspeaches.vad.figures import plot_precision_recall

        return plot_precision_recall(self)

    @property
    def auc(self) -> float:
        """Area under the curve, by trapezoids."""
        return _area(self.recall[::-1], self.precision[::-1])

    @property
    def average_precision(self) -> float:
        """Mean of the precision over the recall, by steps (scikit-learn's ``average_precision_score``)."""
        return float(-np.sum(np.diff(self.recall) * self.precision[:-1]))


@checked
def roc_curve(scores: Scores | Sequence[Scores], truth: Segments | Sequence[Segments]) -> RocCurve:
    """Return false alarms against hits at every threshold.

    It is an `InputError` if the truth is all speech or all silence, or there is not one for each recording.

    Parameters
    ----------
    scores
        Scores of a recording, or of several.
    truth
        Where speech is, for each of them.
    """
    threshold, hits, false_alarms = _counts(scores, truth)
    zero = np.zeros(1)
    return RocCurve(
        np.concatenate(([np.inf], threshold)),
        np.concatenate((zero, false_alarms / false_alarms[-1])),
        np.concatenate((zero, hits / hits[-1])),
    )


@checked
def precision_recall_curve(
    scores: Scores | Sequence[Scores], truth: Segments | Sequence[Segments]
) -> PrecisionRecallCurve:
    """Return precision against recall at every threshold.

    It is an `InputError` if the truth is all speech or all silence, or there is not one for each recording.

    Parameters
    ----------
    scores
        Scores of a recording, or of several.
    truth
        Where speech is, for each of them.
    """
    threshold, hits, false_alarms = _counts(scores, truth)
    return PrecisionRecallCurve(
        np.concatenate((threshold[::-1], [np.nan])),
        np.concatenate(((hits / (hits + false_alarms))[::-1], [1.0])),
        np.concatenate(((hits / hits[-1])[::-1], [0.0])),
    )


def _counts(scores: Scores | Sequence[Scores], truth: Segments | Sequence[Segments]) -> tuple[Times, Times, Times]:
    """Return all thresholds, falling, with how many frames of speech and of silence have at least that score."""
    all_scores = [scores] if isinstance(scores, Scores) else list(scores)
    truths = [truth] if isinstance(truth, Segments) else list(truth)
    if len(all_scores) != len(truths) or not all_scores:
        raise InputError(
            f"There are scores of {len(all_scores)} recordings and {len(truths)} truths: give one for each."
        )
    value = np.concatenate([one.value for one in all_scores]).astype(np.float64)
    speech = np.concatenate([frame_labels(one, labels) for one, labels in zip(all_scores, truths, strict=True)])
    if speech.all() or not speech.any():
        kind = "speech" if len(speech) and speech.all() else "silence"
        raise InputError(f"The truth is all {kind}: a curve needs frames of speech and frames of silence.")
    order = np.argsort(-value, kind="stable")
    value, speech = value[order], speech[order]
    last_of_each = np.append(np.flatnonzero(np.diff(value)), len(value) - 1)
    hits = np.cumsum(speech, dtype=np.float64)[last_of_each]
    return value[last_of_each], hits, last_of_each + 1.0 - hits


def _area(x: Times, y: Times) -> float:
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2)
