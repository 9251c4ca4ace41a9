"""What other settings of a detector would do: the curve of its start threshold, and a grid with its silence.

Every point is cut anew with all of the detector's rules, so that the present setting lies on the curve, and a click on
a point gives what the point promised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.vad import Detector, Evaluation
from ipyspeaches.vad.sweeps import evaluate_settings
from ipyspeaches.widget.lab_state import LabState

POINTS: Final = 99
GRID_COLUMNS: Final = 9
SILENCES_MS: Final = (100, 200, 300, 550, 800, 1200)

Points = NDArray[np.float32]


def thresholds(unit: str, highest: float, count: int) -> list[float]:
    """Return start thresholds over the scale of a unit, as fine as they are shown.

    Parameters
    ----------
    unit
        The detector's unit.
    highest
        The highest score: above it, nothing is speech.
    count
        How many at most.
    """
    if unit == "probability":
        values = np.linspace(0, 1, count + 2)[1:-1].round(2)
    elif unit == "energy":
        values = np.geomspace(20, max(highest, 100), count).round()
    elif unit == "dBFS":
        values = np.linspace(-70, min(highest, 0), count).round(1)
    else:
        values = np.linspace(0, max(highest, 10), count).round(1)
    found: list[float] = np.unique(values).tolist()
    return found


def at_threshold(detector: Detector, threshold: float) -> Detector:
    """Return the detector with its start line moved; the release line stays unless it is pushed down."""
    return replace(detector, threshold=threshold, neg_threshold=min(detector.options.neg_threshold, threshold))


def curve(state: LabState, index: int) -> Points:
    """Return what each start threshold would give, float32 of shape ``(points, 4)``.

    Columns are threshold, recall, precision and false alarm rate; none without a truth.
    """
    if not len(state.truth):
        return np.empty((0, 4), dtype=np.float32)
    detector, scores = state.detectors[index], state.scores(index)
    tried = [at_threshold(detector, value) for value in thresholds(detector.unit, float(scores.value.max()), POINTS)]
    found = evaluate_settings(scores, state.truth, state.collar_s, tried)
    rows = [
        (vad.threshold, one.recall, one.precision, one.false_alarm_rate) for vad, one in zip(tried, found, strict=True)
    ]
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def grid(state: LabState, index: int) -> tuple[list[float], list[int], NDArray[np.float32]]:
    """Return start thresholds, silences in ms, and F1 for each pair, float32 of shape ``(silences, thresholds)``.

    Raises
    ------
    InputError
        If there is no truth to compare with.
    """
    if not len(state.truth):
        raise InputError("The truth is empty: paint at least one region of speech to compare with.")
    detector, scores = state.detectors[index], state.scores(index)
    across = thresholds(detector.unit, float(scores.value.max()), GRID_COLUMNS)
    tried = [
        replace(at_threshold(detector, value), min_silence_duration_ms=silence_ms)
        for value in across
        for silence_ms in SILENCES_MS
    ]
    found: list[Evaluation] = evaluate_settings(scores, state.truth, state.collar_s, tried)
    f1 = np.array([one.f1 for one in found], dtype=np.float32).reshape(len(across), len(SILENCES_MS)).T
    return across, list(SILENCES_MS), np.ascontiguousarray(f1)
