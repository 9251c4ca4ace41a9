"""Audio in, decisions out: clock, frames and utterances agree whatever the blocks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.vad.detectors import Detector, EnergyVad, RmsVad, SileroVad
from ipyspeaches.vad.gate import Send, Utterance
from ipyspeaches.vad.segmenter import Closed
from sessions import ENERGY


def bursts(rate: int, seconds: list[tuple[float, float]], length_s: float) -> NDArray[np.int16]:
    """Return silence with noise bursts, at ``rate``."""
    audio = np.random.default_rng(3).normal(0, 10, round(length_s * rate))
    for start, end in seconds:
        a, b = round(start * rate), round(end * rate)
        audio[a:b] = np.random.default_rng(4).normal(0, 4_000, b - a)
    return audio.astype(np.int16)


def play(pipeline: Pipeline, audio: NDArray[np.int16], rate: int, splits: list[int]) -> list[Processed]:
    pieces = np.split(audio, sorted(splits))
    return [pipeline.process(AudioBlock(piece, rate)) for piece in pieces] + [pipeline.end_segment()]


def utterances(processed: list[Processed]) -> list[Utterance]:
    return [action for one in processed for action in one.actions if isinstance(action, Utterance)]


SPEECH = [(1.0, 2.0), (3.5, 4.2)]


@settings(max_examples=20, deadline=None)
@given(rate=st.sampled_from([16_000, 24_000, 44_100]), splits=st.lists(st.integers(0, 80_000), max_size=30))
def test_utterances_do_not_depend_on_the_blocks(rate: int, splits: list[int]) -> None:
    pipeline = Pipeline(ENERGY)
    found = utterances(play(pipeline, bursts(rate, SPEECH, 5.5), rate, splits))
    edges_s = [edge / SESSION_RATE_HZ for one in found for edge in (one.start, one.end)]
    assert edges_s == pytest.approx([edge for span in SPEECH for edge in span], abs=0.021)
    assert len(pipeline.store) == pytest.approx(5.5 * SESSION_RATE_HZ, abs=2)


def test_frames_cover_the_audio_in_step() -> None:
    pipeline = Pipeline(ENERGY)
    play(pipeline, bursts(24_000, SPEECH, 5.5), 24_000, list(range(0, 132_000, 2_400)))
    frames = pipeline.frames
    assert len(frames) == 275
    assert np.allclose(np.diff(frames.time), 0.02)
    assert np.array_equal(frames.score, frames.energy)
    loud = frames.score >= 500
    assert loud.sum() == pytest.approx(85, abs=2)
    assert np.all(frames.is_speech[loud])


def test_lost_audio_is_kept_as_a_gap() -> None:
    pipeline = Pipeline(ENERGY)
    second = np.ones(16_000, dtype=np.int16)
    pipeline.process(AudioBlock(second, 16_000))
    processed = pipeline.process(AudioBlock(second, 16_000, lost=8_000))
    pipeline.end_segment()
    assert processed.lost_s == pytest.approx(0.5)
    assert pipeline.store.duration_s == pytest.approx(2.5, abs=0.001)


@pytest.mark.parametrize("detector", [EnergyVad(threshold=500), RmsVad(), SileroVad()])
def test_a_long_hole_ends_the_utterance_and_is_as_silence_without_being_listened_to(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(TurnDetection.client(detector))
    block, silence = bursts(24_000, [(0.5, 1.0)], 1.0), np.zeros(24_000, np.int16)
    pipeline.process(AudioBlock(block, 24_000))
    first = utterances([pipeline.end_segment()])
    listen = pipeline._score
    heard = 0

    def score(samples: NDArray[np.int16]) -> Any:
        nonlocal heard
        heard += len(samples)
        return listen(samples)

    monkeypatch.setattr(pipeline, "_score", score)
    processed = pipeline.process(AudioBlock(silence, 24_000, lost=3600 * 24_000))
    assert [one.end for one in first] == ([24_000] if detector.name != "silero" else [])
    assert processed.lost_s == 3600
    assert pipeline.store.duration_s == 3602
    assert heard == len(silence)
    frames = pipeline.frames
    assert np.allclose(np.diff(frames.time), pipeline.frame_s, atol=pipeline.frame_s)
    assert not frames.is_speech[frames.time >= 1].any()
    assert frames.score[-1] == pytest.approx(frames.score[len(frames) // 2], abs=0.05)
    behind = 24_000 // pipeline._scorer.hop
    assert pipeline.tracks[-1].first_row == pytest.approx(len(frames) - behind, abs=1)


def test_a_rate_that_changes_on_the_way_keeps_time() -> None:
    pipeline = Pipeline(ENERGY)
    pipeline.process(AudioBlock(np.ones(16_000, dtype=np.int16), 16_000))
    pipeline.process(AudioBlock(np.ones(48_000, dtype=np.int16), 48_000))
    pipeline.end_segment()
    assert pipeline.store.duration_s == pytest.approx(2.0, abs=0.001)


def test_the_end_of_a_segment_ends_the_open_utterance_and_the_next_one_begins_there() -> None:
    pipeline = Pipeline(ENERGY)
    audio = bursts(24_000, [(0.5, 3.0)], 3.0)
    half = len(audio) // 2
    first = [pipeline.process(AudioBlock(audio[:half], 24_000)), pipeline.end_segment()]
    second = [pipeline.process(AudioBlock(audio[half:], 24_000)), pipeline.end_segment()]
    (one,), (two,) = utterances(first), utterances(second)
    assert one.end == two.start == half
    sends = [a for processed in first + second for a in processed.actions if isinstance(a, Send)]
    assert all(left.end <= right.start for left, right in itertools.pairwise(sends))
    assert [processed.ends for processed in first + second] == [False, True, False, True]


def test_moving_the_threshold_counts_from_the_next_frame() -> None:
    pipeline = Pipeline(ENERGY)
    audio = bursts(24_000, SPEECH, 5.5)
    at = 3 * 24_000
    processed = [pipeline.process(AudioBlock(audio[:at], 24_000))]
    pipeline.set_detector(EnergyVad(threshold=20_000))
    processed += [pipeline.process(AudioBlock(audio[at:], 24_000)), pipeline.end_segment()]
    assert len(utterances(processed)) == 1


def test_another_detector_takes_over_where_the_first_stopped() -> None:
    pipeline = Pipeline(ENERGY)
    audio = bursts(24_000, SPEECH, 5.5)
    pipeline.process(AudioBlock(audio[: 3 * 24_000], 24_000))
    pipeline.set_detector(SileroVad())
    pipeline.process(AudioBlock(audio[3 * 24_000 :], 24_000))
    pipeline.end_segment()
    time = pipeline.frames.time
    assert np.all(np.diff(time) > 0)
    assert time[-1] == pytest.approx(5.5, abs=0.07)


def test_server_cuts_send_everything_and_commit_nothing() -> None:
    pipeline = Pipeline(TurnDetection.server(0.9, 550, detector=EnergyVad()))
    processed = play(pipeline, bursts(24_000, SPEECH, 5.5), 24_000, [50_000])
    sends = [action for one in processed for action in one.actions if isinstance(action, Send)]
    assert sum(send.end - send.start for send in sends) == len(pipeline.store)
    assert all(left.end == right.start for left, right in itertools.pairwise(sends))
    assert not utterances(processed)
    assert sum(isinstance(event, Closed) for one in processed for event in one.events) == 2


@settings(max_examples=20, deadline=None)
@given(splits=st.lists(st.integers(0, 130_000), max_size=30))
def test_windows_are_cut_by_the_clock_whatever_the_blocks(splits: list[int]) -> None:
    pipeline = Pipeline(ENERGY, chunk_s=3.0)
    processed = play(pipeline, bursts(24_000, SPEECH, 5.5), 24_000, splits)
    found = utterances(processed)
    edges_s = [edge / SESSION_RATE_HZ for one in found for edge in (one.start, one.end)]
    assert edges_s == pytest.approx([1.0, 2.0, 3.5, 4.2], abs=0.021)
    # The detector goes on as it does where it ends the utterances.
    assert sum(isinstance(event, Closed) for one in processed for event in one.events) == 2


def test_speech_that_runs_through_a_cut_is_divided_in_the_middle_of_the_overlap() -> None:
    pipeline = Pipeline(ENERGY, chunk_s=2.0)
    found = utterances(play(pipeline, bursts(24_000, [(0.5, 3.5)], 4.0), 24_000, [40_000]))
    assert [utterance.counts_until for utterance in found] == [36_000, None]
    assert [utterance.end for utterance in found[:1]] == [36_000]
    assert found[1].start == 36_000
