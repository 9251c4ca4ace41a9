"""When a live detector knows what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.vad import EnergyVad, Scores, Segments, decision_latency, decisions

FRAME_S = 0.02


def scored(*runs: tuple[float, int]) -> Scores:
    value = np.repeat(np.array([score for score, _ in runs], np.float32), [times for _, times in runs])
    return Scores(value, 320, 16_000, 320 * len(value))


def test_a_decision_falls_when_its_last_frame_is_complete() -> None:
    vad = EnergyVad(min_speech_duration_ms=250, min_silence_duration_ms=550)
    made = decisions(vad, scored((0, 50), (900, 50), (0, 100), (900, 50)))
    assert made.start == pytest.approx([1.0, 4.0])
    assert made.end == pytest.approx([2.0, 5.0])
    # More than 250 ms of speech lie before the start of frame 13: after it, speech is certain.
    assert made.opened_at == pytest.approx([1.0 + 14 * FRAME_S, 4.0 + 14 * FRAME_S])
    # 550 ms of silence are there at the start of frame 28; the last segment ends with the sound.
    assert made.closed_at == pytest.approx([2.0 + 29 * FRAME_S, 5.0])


def test_latency_is_counted_from_the_truth() -> None:
    vad = EnergyVad(min_speech_duration_ms=250, min_silence_duration_ms=550)
    truth = Segments([(0.9, 2.1), (2.5, 2.7)])
    late = decision_latency(vad, scored((0, 50), (900, 50), (0, 100)), truth)
    assert late.detection_latency_s == pytest.approx([0.1 + 14 * FRAME_S, math.nan], nan_ok=True)
    assert late.endpoint_latency_s == pytest.approx([29 * FRAME_S - 0.1, math.nan], nan_ok=True)
    assert list(late.to_pandas()) == ["start", "end", "detection_latency_s", "endpoint_latency_s"]


def test_endpoints_of_real_speech_come_after_the_silence_that_the_detector_waits_for() -> None:
    truth = Segments(samples.info().sentences)
    talk = Recording.sample()
    short = decision_latency(EnergyVad(min_silence_duration_ms=300), talk, truth)
    long = decision_latency(EnergyVad(min_silence_duration_ms=900), talk, truth)
    waited = np.median(long.endpoint_latency_s - short.endpoint_latency_s)
    assert waited == pytest.approx(0.6, abs=0.05)
    assert len(decisions(EnergyVad(), talk)) == len(truth)
