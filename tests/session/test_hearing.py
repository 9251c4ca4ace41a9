"""Sound in, decisions out: the clock, the frames and the cuts agree whatever the blocks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ, AudioBlock
from ipyspeaches.session import TurnDetection
from ipyspeaches.session.hearing import Heard, Hearing
from ipyspeaches.vad import Closed, Commit, EnergyVad, Send, SileroVad
from sessions import ENERGY

APPEND = 4_800


def bursts(rate: int, seconds: list[tuple[float, float]], length_s: float) -> NDArray[np.int16]:
    """Return silence with noise bursts, at ``rate``."""
    sound = np.random.default_rng(3).normal(0, 10, round(length_s * rate))
    for start, end in seconds:
        a, b = round(start * rate), round(end * rate)
        sound[a:b] = np.random.default_rng(4).normal(0, 4_000, b - a)
    return sound.astype(np.int16)


def play(hearing: Hearing, sound: NDArray[np.int16], rate: int, cuts: list[int]) -> list[Heard]:
    pieces = np.split(sound, sorted(cuts))
    return [hearing.push(AudioBlock(piece, rate), APPEND) for piece in pieces] + [hearing.cut(APPEND)]


def commits(heard: list[Heard]) -> list[Commit]:
    return [action for item in heard for action in item.actions if isinstance(action, Commit)]


SPEECH = [(1.0, 2.0), (3.5, 4.2)]


@settings(max_examples=20, deadline=None)
@given(rate=st.sampled_from([16_000, 24_000, 44_100]), cuts=st.lists(st.integers(0, 80_000), max_size=30))
def test_cuts_do_not_depend_on_the_blocks(rate: int, cuts: list[int]) -> None:
    hearing = Hearing(ENERGY)
    found = commits(play(hearing, bursts(rate, SPEECH, 5.5), rate, cuts))
    edges_s = [edge / SESSION_RATE_HZ for commit in found for edge in (commit.start, commit.end)]
    assert edges_s == pytest.approx([edge for span in SPEECH for edge in span], abs=0.021)
    assert len(hearing.store) == pytest.approx(5.5 * SESSION_RATE_HZ, abs=2)


def test_frames_cover_the_sound_in_step() -> None:
    hearing = Hearing(ENERGY)
    play(hearing, bursts(24_000, SPEECH, 5.5), 24_000, list(range(0, 132_000, 2_400)))
    frames = hearing.frames
    assert len(frames) == 275
    assert np.allclose(np.diff(frames.time), 0.02)
    assert np.array_equal(frames.score, frames.energy)
    loud = frames.score >= 500
    assert loud.sum() == pytest.approx(85, abs=2)
    assert np.all(frames.is_speech[loud])


def test_lost_sound_is_kept_as_a_gap() -> None:
    hearing = Hearing(ENERGY)
    second = np.ones(16_000, dtype=np.int16)
    hearing.push(AudioBlock(second, 16_000), APPEND)
    heard = hearing.push(AudioBlock(second, 16_000, lost=8_000), APPEND)
    hearing.cut(APPEND)
    assert heard.lost_s == pytest.approx(0.5)
    assert hearing.store.duration_s == pytest.approx(2.5, abs=0.001)


def test_a_rate_that_changes_on_the_way_keeps_time() -> None:
    hearing = Hearing(ENERGY)
    hearing.push(AudioBlock(np.ones(16_000, dtype=np.int16), 16_000), APPEND)
    hearing.push(AudioBlock(np.ones(48_000, dtype=np.int16), 48_000), APPEND)
    hearing.cut(APPEND)
    assert hearing.store.duration_s == pytest.approx(2.0, abs=0.001)


def test_a_cut_ends_the_open_utterance_and_hearing_goes_on() -> None:
    hearing = Hearing(ENERGY)
    sound = bursts(24_000, [(0.5, 3.0)], 3.0)
    half = len(sound) // 2
    first = [hearing.push(AudioBlock(sound[:half], 24_000), APPEND), hearing.cut(APPEND)]
    second = [hearing.push(AudioBlock(sound[half:], 24_000), APPEND), hearing.cut(APPEND)]
    (one,), (two,) = commits(first), commits(second)
    assert one.end == two.start == half
    sends = [a for heard in first + second for a in heard.actions if isinstance(a, Send)]
    assert all(left.end <= right.start for left, right in itertools.pairwise(sends))


def test_moving_the_threshold_counts_from_the_next_frame() -> None:
    hearing = Hearing(ENERGY)
    sound = bursts(24_000, SPEECH, 5.5)
    at = 3 * 24_000
    heard = [hearing.push(AudioBlock(sound[:at], 24_000), APPEND)]
    hearing.set_detector(EnergyVad(threshold=20_000), APPEND)
    heard += [hearing.push(AudioBlock(sound[at:], 24_000), APPEND), hearing.cut(APPEND)]
    assert len(commits(heard)) == 1


def test_another_detector_takes_over_where_the_first_stopped() -> None:
    hearing = Hearing(ENERGY)
    sound = bursts(24_000, SPEECH, 5.5)
    hearing.push(AudioBlock(sound[: 3 * 24_000], 24_000), APPEND)
    hearing.set_detector(SileroVad(), APPEND)
    hearing.push(AudioBlock(sound[3 * 24_000 :], 24_000), APPEND)
    hearing.cut(APPEND)
    time = hearing.frames.time
    assert np.all(np.diff(time) > 0)
    assert time[-1] == pytest.approx(5.5, abs=0.07)


def test_server_cuts_send_everything_and_commit_nothing() -> None:
    hearing = Hearing(TurnDetection.server(0.9, 550, detector=EnergyVad()))
    heard = play(hearing, bursts(24_000, SPEECH, 5.5), 24_000, [50_000])
    sends = [action for item in heard for action in item.actions if isinstance(action, Send)]
    assert sum(send.end - send.start for send in sends) == len(hearing.store)
    assert max(send.end - send.start for send in sends) == APPEND
    assert not commits(heard)
    assert sum(isinstance(event, Closed) for item in heard for event in item.events) == 2


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 130_000), max_size=30))
def test_windows_are_cut_by_the_clock_whatever_the_blocks(cuts: list[int]) -> None:
    hearing = Hearing(ENERGY, chunk_s=3.0)
    heard = play(hearing, bursts(24_000, SPEECH, 5.5), 24_000, cuts)
    found = commits(heard)
    edges_s = [edge / SESSION_RATE_HZ for commit in found for edge in (commit.start, commit.end)]
    assert edges_s == pytest.approx([1.0, 2.0, 3.5, 4.2], abs=0.021)
    # The detector goes on as it does where it cuts.
    assert sum(isinstance(event, Closed) for item in heard for event in item.events) == 2


def test_speech_that_runs_through_a_cut_is_shared_at_a_seam() -> None:
    hearing = Hearing(ENERGY, chunk_s=2.0)
    found = commits(play(hearing, bursts(24_000, [(0.5, 3.5)], 4.0), 24_000, [40_000]))
    assert [commit.seam for commit in found] == [36_000, None]
    assert [commit.end for commit in found[:1]] == [36_000]
    assert found[1].start == 36_000
