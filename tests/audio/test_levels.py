"""Levels are right at the edges of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

from ipyspeaches.audio import mean_abs, measure


def test_the_lowest_sample_does_not_overflow() -> None:
    frames = np.full((2, 10), -32_768, dtype=np.int16)
    assert mean_abs(frames).tolist() == [32_768, 32_768]


def test_a_full_scale_sine_is_minus_three_db() -> None:
    sine = (np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 32_767).astype(np.int16)
    level = measure(sine)
    assert level.rms_db == pytest.approx(-3.01, abs=0.02)
    assert level.peak_db == pytest.approx(0, abs=0.01)
    assert level.clipped


@pytest.mark.parametrize("samples", [np.zeros(100, dtype=np.int16), np.empty(0, dtype=np.int16)])
def test_silence_has_a_finite_level(samples: np.ndarray) -> None:
    level = measure(samples)
    assert level.rms_db == level.peak_db == pytest.approx(-96)
    assert not level.clipped
