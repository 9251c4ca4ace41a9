"""Levels are right at the edges of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

from ipyspeaches.audio.levels import mean_abs, mean_square, measure


@pytest.mark.parametrize(("frames", "hop"), [(0, 320), (1, 1), (3_000, 320), (700, 1_001), (2, 700_000)])
def test_means_over_frames_are_exact(frames: int, hop: int) -> None:
    audio = np.random.default_rng(0).integers(-32_768, 32_768, (frames, hop), dtype=np.int16)
    audio[:1] = -32_768
    expected = np.abs(audio, dtype=np.int64).sum(axis=1) / hop
    assert np.array_equal(mean_abs(audio), expected.astype(np.float32))
    assert np.array_equal(mean_square(audio), (audio.astype(np.int64) ** 2).sum(axis=1) / hop)


def test_full_scale_does_not_overflow() -> None:
    assert mean_abs(np.full((1, 800_000), -32_768, dtype=np.int16)).tolist() == [32_768.0]


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
