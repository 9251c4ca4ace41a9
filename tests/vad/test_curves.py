"""Curves equal scikit-learn's, which takes seconds to import: no run of other tests shall pay for it."""

from __future__ import annotations

import numpy as np
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.vad.curves import frame_labels, precision_recall_curve, roc_curve
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments

HOP, RATE = 512, 16_000


def drawn(seed: int, digits: int) -> tuple[Scores, Segments]:
    """Return scores with ties, and a truth that they know something of."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(20, 400))
    edges = np.sort(rng.choice(frames * 32, 2 * int(rng.integers(1, 6)), replace=False)).reshape(-1, 2) / 1000
    truth = Segments(edges)
    unscored = Scores(np.zeros(frames, np.float32), HOP, RATE, frames * HOP)
    value = rng.normal(frame_labels(unscored, truth), 0.8).round(digits).astype(np.float32)
    return Scores(value, HOP, RATE, frames * HOP), truth


@pytest.mark.parametrize("digits", [0, 1, 7])
def test_curves_equal_scikit_learn(digits: int) -> None:
    from sklearn import metrics

    compared = 0
    for seed in range(60):
        scores, truth = drawn(seed, digits)
        labels = frame_labels(scores, truth)
        if labels.all() or not labels.any():
            continue
        compared += 1
        fpr, tpr, thresholds = metrics.roc_curve(labels, scores.value, drop_intermediate=False)
        roc = roc_curve(scores, truth)
        np.testing.assert_allclose(roc.false_positive_rate, fpr, atol=1e-12)
        np.testing.assert_allclose(roc.true_positive_rate, tpr, atol=1e-12)
        np.testing.assert_array_equal(roc.threshold, thresholds)
        assert roc.auc == pytest.approx(metrics.roc_auc_score(labels, scores.value), abs=1e-12)
        precision, recall, rising = metrics.precision_recall_curve(labels, scores.value)
        curve = precision_recall_curve(scores, truth)
        np.testing.assert_allclose(curve.precision, precision, atol=1e-12)
        np.testing.assert_allclose(curve.recall, recall, atol=1e-12)
        np.testing.assert_array_equal(curve.threshold[:-1], rising)
        assert np.isnan(curve.threshold[-1])
        assert curve.auc == pytest.approx(metrics.auc(recall, precision), abs=1e-12)
        expected = metrics.average_precision_score(labels, scores.value)
        assert curve.average_precision == pytest.approx(expected, abs=1e-12)
    assert compared > 40


def test_the_equal_error_rate_lies_where_scikit_learns_curve_crosses() -> None:
    from sklearn import metrics

    for seed in range(40):
        scores, truth = drawn(seed, 7)
        labels = frame_labels(scores, truth)
        fpr, tpr, _ = metrics.roc_curve(labels, scores.value, drop_intermediate=False)
        eer = roc_curve(scores, truth).eer
        # On the curve, as a line between its points, where 1 - tpr = fpr.
        along = np.linspace(0, len(fpr) - 1, 40_001)
        gap = np.abs(np.interp(along, np.arange(len(fpr)), 1 - tpr - fpr))
        nearest = np.interp(along[gap.argmin()], np.arange(len(fpr)), fpr)
        assert eer == pytest.approx(nearest, abs=2e-3)


def test_scores_that_know_everything_or_nothing() -> None:
    truth = Segments([(0.32, 0.64)])
    labels = np.repeat([0.0, 1.0, 0.0], 10).astype(np.float32)
    right = roc_curve(Scores(labels, HOP, RATE, 30 * HOP), truth)
    assert (right.auc, right.eer) == (1, 0)
    assert right.eer_threshold == 1
    wrong = roc_curve(Scores(-labels, HOP, RATE, 30 * HOP), truth)
    assert (wrong.auc, wrong.eer) == (0, 1)
    same = roc_curve(Scores(labels * 0, HOP, RATE, 30 * HOP), truth)
    assert (same.auc, same.eer) == (0.5, 0.5)


def test_a_frame_is_speech_if_more_than_half_of_it_is() -> None:
    scores = Scores(np.zeros(4, np.float32), 1_000, 1_000, 4_000)
    assert frame_labels(scores, Segments([(0.4, 1.5), (2.45, 3.0)])).tolist() == [True, False, True, False]
    assert frame_labels(scores, Segments([(0.0, 0.3), (0.6, 0.9)])).tolist() == [True, False, False, False]


def test_curves_of_several_recordings() -> None:
    from sklearn import metrics

    one, two = drawn(1, 2), drawn(2, 2)
    both = roc_curve([one[0], two[0]], [one[1], two[1]])
    labels = np.concatenate([frame_labels(*one), frame_labels(*two)])
    values = np.concatenate([one[0].value, two[0].value])
    assert both.auc == pytest.approx(metrics.roc_auc_score(labels, values))
    assert list(both.to_pandas()) == ["threshold", "false_positive_rate", "true_positive_rate"]
    assert len(precision_recall_curve([one[0]], [one[1]]).to_pandas()) > 2


def test_what_has_no_curve() -> None:
    scores, truth = drawn(1, 2)
    with pytest.raises(InputError, match="all silence"):
        roc_curve(scores, Segments())
    with pytest.raises(InputError, match="all speech"):
        precision_recall_curve(scores, Segments([(0, 1e6)]))
    with pytest.raises(InputError, match="scores of 2 recordings and 1 truths"):
        roc_curve([scores, scores], truth)
