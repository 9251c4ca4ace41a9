"""Figures show what the tables hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.vad.curves import precision_recall_curve, roc_curve
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.vad.noise import noise_bench
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweeps import SweepResult, sweep

TRUTH = Segments(samples.info().sentences)


@pytest.fixture(scope="module")
def swept() -> SweepResult:
    grid: dict[str, Any] = {
        "threshold": [200, 500, 900],
        "min_silence_duration_ms": [100, 550],
        "speech_pad_ms": [0, 100],
    }
    return sweep(Recording.sample(), TRUTH, EnergyVad(), **grid)


def test_a_heat_map_shows_the_best_of_each_cell_and_stars_the_best(swept: SweepResult) -> None:
    heat, star = swept.plot("f1").data
    assert list(heat.x) == [200, 500, 900]
    assert list(heat.y) == [100, 550]
    frame = swept.to_pandas()
    expected = frame.pivot_table(index="min_silence_duration_ms", columns="threshold", values="f1", aggfunc="max")
    np.testing.assert_allclose(np.asarray(heat.z), expected.to_numpy())
    best = swept.best("f1")
    assert (star.x[0], star.y[0]) == (best.settings["threshold"], best.settings["min_silence_duration_ms"])
    lowest, _ = swept.plot("detection_error_rate", x="speech_pad_ms").data
    assert list(lowest.x) == [0, 100]
    errors = frame.pivot_table(index="threshold", columns="speech_pad_ms", values="detection_error_rate", aggfunc="min")
    np.testing.assert_allclose(np.asarray(lowest.z), errors.to_numpy())


def test_one_parameter_is_drawn_as_lines() -> None:
    result = sweep(Recording.sample(), TRUTH, EnergyVad(), threshold=[900, 200, 500])
    figure = result.plot("accuracy")
    assert [line.name for line in figure.data] == ["accuracy", "f1", "precision", "recall"]
    assert list(figure.data[0].x) == [200, 500, 900]
    assert figure.layout.xaxis.title.text == "threshold"


def test_what_was_not_swept_is_not_drawn(swept: SweepResult) -> None:
    with pytest.raises(InputError, match="'frame_ms' was not swept: choose from threshold"):
        swept.plot(x="frame_ms")
    with pytest.raises(InputError, match="no metric 'speed'"):
        swept.plot("speed")


def test_curves_stay_small_and_show_thresholds() -> None:
    scores = EnergyVad(frame_ms=1).score(Recording.sample())
    assert len(scores.value) > 10_000
    for curve in (roc_curve(scores, TRUTH), precision_recall_curve(scores, TRUTH)):
        (line,) = curve.plot().data
        assert len(line.x) <= 2_000
        assert line.name == f"AUC {curve.auc:.3f}"
        assert "threshold" in line.hovertemplate


def test_noise_is_a_line_each() -> None:
    scores = noise_bench(["white", "hum"], [10, -5, 0], duration_s=6).evaluate(EnergyVad())
    figure = scores.plot("recall")
    assert [line.name for line in figure.data] == ["white", "hum"]
    assert list(figure.data[0].x) == [-5, 0, 10]
