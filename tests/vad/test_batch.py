"""The batch form gives the segments of the streaming segmenter, to the sample, for every input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.vad.batch import Runs, float32_above
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions
from padding import pad_segments

LEVELS = [0.0, 0.2, 0.35, 0.4, 0.5, 0.55, 0.9]
noise = st.lists(st.sampled_from(LEVELS), max_size=300)
# Runs with few values between them, so that pauses of all lengths and speech beyond the longest are common.
runs = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.4, 0.9, 0.9]), st.integers(1, 50)), max_size=40).map(
    lambda pairs: [score for score, times in pairs for _ in range(times)]
)
options_strategy = st.builds(
    SegmentOptions,
    threshold=st.sampled_from([0.4, 0.5, 0.9]),
    neg_threshold=st.sampled_from([0.0, 0.2, 0.35, 0.4]),
    min_speech_duration_ms=st.sampled_from([0, 64, 100, 250]),
    min_silence_duration_ms=st.sampled_from([0, 32, 64, 98, 100, 550]),
    speech_pad_ms=st.sampled_from([0, 16, 30, 100, 400]),
    max_speech_duration_s=st.sampled_from([0.1, 0.5, 1.0, 1.056, 2.5, 30.0, math.inf]),
)
frames = st.sampled_from([(512, 16_000), (768, 24_000), (320, 16_000), (441, 22_050), (705, 22_050)])


def streamed(scores: Scores, options: SegmentOptions) -> tuple[list[Closed], list[tuple[int, int]]]:
    """Return the streaming segmenter's segments, without and with padding."""
    segmenter = Segmenter(options, scores.hop, scores.rate)
    events = segmenter.advance(scores.value.tolist()) + segmenter.finish(scores.length)
    closed = [event for event in events if isinstance(event, Closed)]
    return closed, pad_segments(closed, options.speech_pad_ms * scores.rate / 1000, scores.length)


def agree(values: list[float], options: SegmentOptions, hop: int, rate: int, missing: int) -> None:
    length = max(0, len(values) * hop - missing % hop)
    scores = Scores(np.array(values, dtype=np.float32), hop, rate, length)
    found = Runs(scores, options.threshold, options.neg_threshold)
    closed, padded = streamed(scores, options)
    assert list(zip(*(column.tolist() for column in found.segment_unpadded(options)), strict=True)) == [
        (segment.start, segment.end) for segment in closed
    ]
    assert list(zip(*(column.tolist() for column in found.segment(options)), strict=True)) == padded


@settings(max_examples=400, deadline=None)
@given(values=noise | runs, options=options_strategy, frame=frames, missing=st.integers(0, 511))
def test_batch_equals_streaming(
    values: list[float], options: SegmentOptions, frame: tuple[int, int], missing: int
) -> None:
    agree(values, options, *frame, missing)


@settings(max_examples=200, deadline=None)
@given(
    values=noise | runs,
    thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    durations_ms=st.tuples(st.floats(0, 600), st.floats(0, 600), st.floats(0, 600)),
    longest_s=st.floats(0.01, 8),
    frame=frames,
)
def test_batch_equals_streaming_for_odd_numbers(
    values: list[float],
    thresholds: list[float],
    durations_ms: tuple[float, float, float],
    longest_s: float,
    frame: tuple[int, int],
) -> None:
    agree(values, SegmentOptions(thresholds[1], thresholds[0], *durations_ms, longest_s), *frame, 0)


@pytest.mark.parametrize("seed", range(4))
def test_batch_equals_streaming_over_ten_minutes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.random(19_000), np.ones(9) / 9, mode="same")
    values = ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32).tolist()
    for threshold in (0.2, 0.5, 0.7):
        for min_silence, longest in ((0, 1.0), (100, 5.0), (550, 30.0), (2_000, 30.0)):
            options = SegmentOptions(threshold, threshold - 0.15, 250, min_silence, 100, longest)
            agree(values, options, 512, 16_000, 100)


@settings(deadline=None)
@given(value=st.floats(0, 1), scores=st.lists(st.floats(0, 1, width=32)))
def test_float32_scores_are_compared_exactly(value: float, scores: list[float]) -> None:
    compared = np.array(scores, dtype=np.float32) >= float32_above(value)
    assert compared.tolist() == [score >= value for score in scores]
    # The scores next to the threshold are those where rounding would decide otherwise.
    near = np.float32(value)
    for score in (np.nextafter(near, np.float32(-1)), near, np.nextafter(near, np.float32(2))):
        assert (score >= float32_above(value)) == (float(score) >= value)


def test_scores_that_are_no_number_are_neither_speech_nor_silence() -> None:
    options = SegmentOptions(0.5, 0.35, 0, 64, 0)
    agree([0.0, math.nan, 0.9, math.nan, 0.9, 0.0, math.nan, 0.0, 0.0], options, 512, 16_000, 0)
