"""Noise is as loud as asked for, the truth is exact, and the seed decides everything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.vad.detectors import EnergyVad, SileroVad
from ipyspeaches.vad.noise import NOISES, hard_sample, mix, noise_bench, speech
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweeps import sweep


def marked(recording: Recording, truth: Segments) -> NDArray[np.bool_]:
    inside = np.zeros(len(recording.samples), dtype=np.bool_)
    for segment in truth:
        inside[round(segment.start * recording.rate) : round(segment.end * recording.rate)] = True
    return inside


def test_speech_is_where_the_truth_says_and_nowhere_else() -> None:
    recording, truth = speech(40, seed=3)
    truth.check(recording.duration)
    inside = marked(recording, truth)
    assert not recording.samples[~inside].any()
    assert len(truth) > 8
    for segment in truth:
        part = recording.slice(segment.start, segment.end).samples
        assert np.abs(part[:40]).max() > 100
        assert np.abs(part[-40:]).max() > 100


@pytest.mark.parametrize("kind", list(NOISES))
@pytest.mark.parametrize("snr_db", [20, 0, -10])
def test_the_ratio_of_speech_to_noise_is_exact(kind: str, snr_db: float) -> None:
    clean, truth = speech(20, seed=1)
    noisy = mix(clean, truth, kind, snr_db, seed=5)
    inside = marked(clean, truth)
    signal, total = clean.samples.astype(np.float64), noisy.samples.astype(np.float64)
    # Where it would clip, all of it is turned down: by what the speech is turned down, compared outside and inside.
    gain = (total[inside] @ signal[inside]) / (signal[inside] @ signal[inside])
    added = total / gain - signal
    ratio = 10 * math.log10(np.mean(signal[inside] ** 2) / np.mean(added**2))
    assert ratio == pytest.approx(snr_db, abs=0.6)
    assert np.abs(total).max() <= 32_767


@pytest.mark.parametrize(("kind", "slope_db"), [("white", 0), ("pink", -3)])
def test_the_spectrum_of_noise(kind: str, slope_db: float) -> None:
    audio = NOISES[kind](1 << 18, 16_000, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(audio)) ** 2
    octaves = [np.mean(power[1 << k : 2 << k]) for k in range(9, 17)]
    slope = np.polyfit(range(len(octaves)), 10 * np.log10(octaves), 1)[0]
    assert slope == pytest.approx(slope_db, abs=0.2)


def test_hum_is_the_mains_and_its_harmonics() -> None:
    audio = NOISES["hum"](16_000, 16_000, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(audio)) ** 2
    assert np.argsort(power)[::-1][:3].tolist() == [50, 100, 150]
    assert power[::50].sum() / power.sum() > 0.999


def test_a_seed_gives_the_same_sound_and_another_seed_another() -> None:
    def made(seed: int) -> list[NDArray[np.int16]]:
        return [noisy.recording.samples for noisy in noise_bench(snr_db=(0,), duration_s=8, seed=seed)]

    assert all(np.array_equal(a, b) for a, b in zip(made(4), made(4), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(made(4), made(5), strict=True))


def test_f1_falls_with_the_ratio() -> None:
    bench = noise_bench(["white", "babble"], [30, 5, -10], duration_s=30)
    assert repr(bench) == "NoiseBench(6 recordings: babble, white; from -10 to 30 dB)"
    assert bench[0].noise == "white"
    scores = bench.evaluate(EnergyVad(threshold=500))
    columns = scores.columns()
    f1 = dict(zip(zip(columns["noise"], columns["snr_db"].tolist(), strict=True), columns["f1"], strict=True))
    assert f1["white", 30.0] > 0.85
    for noise in ("white", "babble"):
        assert f1[noise, 30.0] > f1[noise, -10.0]


def test_a_recording_can_be_the_noise() -> None:
    clean, truth = speech(10)
    tone = Recording((3_000 * np.sin(np.arange(8_000) / 5)).astype(np.int16), 8_000)
    noisy = mix(clean, truth, tone, 0)
    assert len(noisy.samples) == len(clean.samples)
    assert noisy.samples[:1_000].any()
    assert mix(clean, truth, tone, math.inf) is clean


def test_what_cannot_be_mixed() -> None:
    clean, truth = speech(10)
    with pytest.raises(InputError, match="no noise 'brown': choose from white, pink, babble, hum"):
        mix(clean, truth, "brown", 0)
    with pytest.raises(InputError, match="noise is silent"):
        mix(clean, truth, Recording(np.zeros(9, np.int16), 16_000), 0)
    with pytest.raises(InputError, match=r"speech \(where the truth marks it\) is silent"):
        mix(clean, Segments([(0, 0.1)]), "white", 0)
    for wrong in (math.nan, -math.inf, 1e308, -4000):
        with pytest.raises(InputError, match=r"snr_db is .*: give (decibels up to 300|a number)"):
            mix(clean, truth, "white", wrong)
    for draw in (lambda: mix(clean, truth, "white", 5, seed=-1), lambda: noise_bench(seed=-1)):
        with pytest.raises(InputError, match="seed is -1: give a whole number from 0"):
            draw()
    with pytest.raises(InputError, match="duration_s is 1"):
        noise_bench(duration_s=1)
    with pytest.raises(InputError, match="nothing to mix"):
        noise_bench([])


def test_no_threshold_of_loudness_hears_the_hard_sample_and_tuning_halves_sileros_errors() -> None:
    recording, truth = hard_sample()
    assert np.array_equal(recording.samples, hard_sample(0)[0].samples)
    assert not np.array_equal(recording.samples, hard_sample(1)[0].samples)
    energy = sweep(recording, truth, EnergyVad(), threshold=[50, 100, 200, 300, 400, 500, 700, 1000, 2000])
    silero = sweep(recording, truth, SileroVad(), threshold=[0.5, 0.7, 0.9], speech_pad_ms=[100, 30])
    untuned = silero.rows[0].evaluation
    at_500 = energy.rows[5].evaluation
    assert at_500.miss_rate > 0.4
    assert at_500.boundaries.false == 2  # breaths
    assert untuned.miss_rate < 0.02
    assert untuned.boundaries.false == 0
    assert at_500.f1 < 0.7 < energy.best().evaluation.f1 < 0.9 < untuned.f1
    assert silero.best("detection_error_rate").evaluation.detection_error_rate < 0.7 * untuned.detection_error_rate
