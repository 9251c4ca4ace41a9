"""Settings: all of a grid, or some of it, each once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.vad.detectors import EnergyVad, SileroVad
from ipyspeaches.vad.sweeps import Between, detectors_to_try


def test_a_grid_is_all_combinations_in_order() -> None:
    made = detectors_to_try(
        SileroVad(), {"threshold": [0.3, 0.6], "min_silence_duration_ms": range(100, 300, 100)}, None, 0
    )
    assert made == [SileroVad(threshold=t, min_silence_duration_ms=m) for t in (0.3, 0.6) for m in (100, 200)]
    assert made[1].options.neg_threshold == pytest.approx(0.15)


def test_values_are_tried_once_and_become_plain_numbers() -> None:
    made = detectors_to_try(EnergyVad(), {"threshold": np.array([100.0, 100.0, 200.0])}, None, 0)
    assert [vad.threshold for vad in made] == [100.0, 200.0]
    assert all(type(vad.threshold) is float for vad in made)


def test_a_release_above_the_start_is_left_out() -> None:
    grid: dict[str, Any] = {"threshold": [0.3, 0.6], "neg_threshold": [0.2, 0.5, None]}
    made = [(vad.threshold, vad.neg_threshold) for vad in detectors_to_try(SileroVad(), grid, None, 0)]
    assert made == [(0.3, 0.2), (0.3, None), (0.6, 0.2), (0.6, 0.5), (0.6, None)]


def test_random_settings_are_different_and_the_same_for_a_seed() -> None:
    grid: dict[str, Any] = {"threshold": range(0, 1_000, 10), "min_silence_duration_ms": range(0, 1_000, 10)}
    one = detectors_to_try(EnergyVad(), grid, 200, 7)
    assert len(set(one)) == 200
    assert one == detectors_to_try(EnergyVad(), grid, 200, 7)
    assert one != detectors_to_try(EnergyVad(), grid, 200, 8)
    assert len(detectors_to_try(EnergyVad(), {"threshold": [1, 2, 3]}, 200, 7)) == 3


def test_random_settings_between_two_numbers() -> None:
    grid: dict[str, Any] = {
        "threshold": Between(10, 10_000, log=True),
        "speech_pad_ms": Between(0, 400),
        "frame_ms": [10, 20],
    }
    made = detectors_to_try(EnergyVad(), grid, 400, 1)
    thresholds = np.array([vad.threshold for vad in made])
    assert len(set(made)) == 400
    assert 10 <= thresholds.min() < thresholds.max() <= 10_000
    # Even on a logarithmic scale: half below the geometric mean.
    assert 0.4 < (thresholds < math.sqrt(10 * 10_000)).mean() < 0.6
    assert {vad.scorer_options()[1] for vad in made} == {10, 20}


@pytest.mark.parametrize(
    ("grid", "random", "message"),
    [
        ({}, None, r"The grid is empty: give values to try, such as threshold=\[…\], of threshold, neg_threshold"),
        ({"treshold": [1]}, None, "EnergyVad has no parameter 'treshold': choose from threshold"),
        ({"options": [1]}, None, "has no parameter 'options'"),
        ({"threshold": []}, None, "threshold has no values"),
        ({"threshold": 500}, None, "threshold is 500: give the values to try in a list"),
        ({"threshold": "500"}, None, "threshold is '500': give the values"),
        ({"threshold": [-1]}, None, "threshold is -1: an energy"),
        ({"threshold": Between(1, 2)}, None, "say how many settings to draw, as in random="),
        ({"threshold": range(10_000), "speech_pad_ms": range(1_000)}, None, "10,000,000 settings: draw some"),
        ({"threshold": [500]}, 0, "random is 0"),
        ({"threshold": [1], "neg_threshold": [2]}, None, "In all settings neg_threshold is above threshold"),
    ],
)
def test_grids_with_nothing_to_try(grid: dict[str, Any], random: int | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        detectors_to_try(EnergyVad(), grid, random, 0)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="seed is -1"):
        detectors_to_try(EnergyVad(), {"threshold": [1, 2, 3]}, 2, -1)


@pytest.mark.parametrize(("low", "high", "log"), [(2, 1, False), (1, 1, False), (0, 1, True), (0, math.inf, False)])
def test_between_needs_two_ends(low: float, high: float, log: bool) -> None:
    with pytest.raises(InputError):
        Between(low, high, log)
