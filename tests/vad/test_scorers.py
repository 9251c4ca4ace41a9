"""Loudness scorers are exact, whatever the length of a frame."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from weakref import ref

import numpy as np
import pytest

from ipyspeaches.audio.levels import measure
from ipyspeaches.vad.scorers import FrameScorer, NoiseFloor, SileroScorer, WebRtcScorer, rms_db


def test_rms_is_the_level_that_meters_show() -> None:
    audio = (8_000 * np.sin(np.arange(3_200))).astype(np.int16)
    (level,) = rms_db(audio[np.newaxis])
    assert level == pytest.approx(measure(audio).rms_db, abs=1e-4)
    assert rms_db(np.zeros((1, 10), np.int16)).tolist() == [-96.0]


def test_the_noise_floor_is_the_least_of_the_window() -> None:
    rng = np.random.default_rng(2)
    power_in = rng.random(500) * 1e6
    window, keep = 40, 0.8
    floor = NoiseFloor(window, keep, floor_db=-96)
    found = np.concatenate([floor.follow(part) for part in np.split(power_in, [1, 7, 300])])
    smoothed = [power_in[0]]
    for value in power_in[1:]:
        smoothed.append(keep * smoothed[-1] + (1 - keep) * value)
    expected = [min(smoothed[max(0, frame - window + 1) : frame + 1]) for frame in range(500)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_speech_is_scored_in_db_above_the_noise() -> None:
    hop = 320
    noise = np.tile(np.array([50, -50], np.int16), 100 * hop // 2)
    speech = np.tile(np.array([500, -500], np.int16), 20 * hop // 2)
    scorer = FrameScorer(hop, NoiseFloor(150, 0.8, -70).db_above)
    scores = scorer.score(np.concatenate((noise, speech, noise)))
    assert scores[:100].max() == 0
    assert scores[100:120] == pytest.approx([20.0] * 20, abs=0.01)
    assert scores[120:].max() < 0.01


def test_digital_silence_is_no_noise() -> None:
    hop = 320
    scorer = FrameScorer(hop, NoiseFloor(150, 0.8, -70).db_above)
    hiss = np.tile(np.array([8, -8], np.int16), 10 * hop // 2)
    scores = scorer.score(np.concatenate((np.zeros(50 * hop, np.int16), hiss)))
    assert scores.max() == 0
    assert math.isfinite(scores.min())


@pytest.mark.parametrize("make", [lambda: SileroScorer(16_000), lambda: WebRtcScorer(16_000, 2, 20)])
def test_the_memory_of_a_model_goes_with_its_scorer(make: Callable[[], FrameScorer]) -> None:
    """Not when cycles are collected: a server makes two scorers for each utterance, of 3 MB each."""
    gc.disable()
    try:
        scorer = make()
        gone = ref(scorer)
        del scorer
        assert gone() is None
    finally:
        gc.enable()
