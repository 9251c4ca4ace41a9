"""The segmenter agrees with silero-vad's rules, whatever the chunking."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.vad.segmenter import Closed, Opened, Segmenter, SegmenterEvent, SegmentOptions
from padding import pad_segments
from silero_rules import padded as padded_by_silero
from silero_rules import speech_stretches

HOP, RATE = 512, 16_000

scores_strategy = st.lists(st.floats(0, 1, width=16) | st.sampled_from([0.0, 0.01, 0.4, 0.5, 0.9, 1.0]), max_size=400)
bursts_strategy = st.lists(
    st.tuples(st.sampled_from([0.0, 0.3, 0.45, 0.6, 0.95]), st.integers(1, 40)), max_size=30
).map(lambda runs: [score for score, times in runs for _ in range(times)])
options_strategy = st.builds(
    SegmentOptions,
    threshold=st.sampled_from([0.4, 0.5, 0.6]),
    neg_threshold=st.sampled_from([0.1, 0.35, 0.4]),
    min_speech_duration_ms=st.sampled_from([0, 100, 250]),
    min_silence_duration_ms=st.sampled_from([0, 64, 100, 550]),
    speech_pad_ms=st.sampled_from([0, 30, 100, 400]),
    max_speech_duration_s=st.sampled_from([1.0, 2.5, 30.0, math.inf]),
)


def run(scores: list[float], options: SegmentOptions, chunks: list[int]) -> list[SegmenterEvent]:
    segmenter = Segmenter(options, HOP, RATE)
    events: list[SegmenterEvent] = []
    begin = 0
    for end in [*sorted(min(cut, len(scores)) for cut in chunks), len(scores)]:
        events += segmenter.advance(scores[begin:end])
        begin = end
    return events + segmenter.finish(len(scores) * HOP)


@settings(max_examples=300, deadline=None)
@given(scores=scores_strategy | bursts_strategy, options=options_strategy, chunks=st.lists(st.integers(0, 400)))
def test_streaming_in_any_chunks_equals_the_reference(
    scores: list[float], options: SegmentOptions, chunks: list[int]
) -> None:
    closed = [(e.start, e.end) for e in run(scores, options, chunks) if isinstance(e, Closed)]
    assert closed == speech_stretches(scores, options, len(scores) * HOP)


@settings(max_examples=200, deadline=None)
@given(scores=bursts_strategy, options=options_strategy)
def test_every_segment_opens_before_it_closes_and_nothing_else_opens(
    scores: list[float], options: SegmentOptions
) -> None:
    events = run(scores, options, [])
    assert len(events) % 2 == 0
    for opened, closed in zip(events[::2], events[1::2], strict=True):
        assert isinstance(opened, Opened)
        assert isinstance(closed, Closed)
        assert opened.start == closed.start


@settings(max_examples=200, deadline=None)
@given(scores=bursts_strategy, options=options_strategy)
def test_padding_is_that_of_silero_and_stays_in_order_and_inside(scores: list[float], options: SegmentOptions) -> None:
    length = len(scores) * HOP
    closed = [e for e in run(scores, options, []) if isinstance(e, Closed)]
    padded = pad_segments(closed, options.speech_pad_ms * RATE / 1000, length)
    stretches = [(segment.start, segment.end) for segment in closed]
    assert padded == padded_by_silero(stretches, options.speech_pad_ms * RATE / 1000, length)
    edges = [edge for pair in padded for edge in pair]
    assert edges == sorted(edges)
    assert all(0 <= edge <= length for edge in edges)


def test_speech_opens_as_soon_as_it_is_long_enough() -> None:
    options = SegmentOptions(0.5, 0.35, 250, 550, 0)
    segmenter = Segmenter(options, HOP, RATE)
    opened_at = next(i for i in range(40) if segmenter.advance([1.0]))
    assert opened_at * 32 > 250
    assert (opened_at - 1) * 32 <= 250
