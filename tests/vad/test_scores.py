"""Scores are computed once for what is in a recording."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.vad import detectors
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.scores import ScoreCache, Scores


class Counting:
    """Compute scores of a given size and count how often."""

    def __init__(self, frames: int = 10) -> None:
        self.times = 0
        self._frames = frames

    def __call__(self) -> Scores:
        self.times += 1
        return Scores(np.zeros(self._frames, np.float32), 320, 16_000, 320 * self._frames)


def recording(first: int = 1, rate: int = 16_000) -> Recording:
    return Recording(np.array([first, 2, 3], dtype=np.int16), rate)


def test_equal_audio_is_scored_once() -> None:
    cache, compute = ScoreCache(), Counting()
    audio = recording()
    first = cache.get(audio, ("silero",), compute)
    assert cache.get(audio, ("silero",), compute) is first
    assert cache.get(recording(), ("silero",), compute) is first
    assert compute.times == 1


@pytest.mark.parametrize(
    ("audio", "options"), [(recording(9), ("a",)), (recording(rate=8_000), ("a",)), (recording(), ("a", 30))]
)
def test_other_audio_rates_and_options_are_scored_anew(audio: Recording, options: tuple[object, ...]) -> None:
    cache, compute = ScoreCache(), Counting()
    cache.get(recording(), ("a",), compute)
    cache.get(audio, options, compute)
    assert compute.times == 2


def test_the_least_recently_used_scores_are_forgotten() -> None:
    cache, compute = ScoreCache(max_bytes=100), Counting(frames=10)
    one, two, three = recording(1), recording(2), recording(3)
    for audio in (one, two, one, three):
        cache.get(audio, (), compute)
    assert compute.times == 3
    assert cache.nbytes == 80
    cache.get(one, (), compute)
    assert compute.times == 3
    cache.get(two, (), compute)
    assert compute.times == 4


def test_scores_larger_than_the_memory_are_kept_until_the_next() -> None:
    cache, compute = ScoreCache(max_bytes=1), Counting()
    assert cache.get(recording(), (), compute) is cache.get(recording(), (), compute)
    cache.clear()
    assert cache.nbytes == 0


def test_names_of_recordings_are_not_kept_longer_than_the_recordings() -> None:
    cache = ScoreCache()
    recordings = [recording(first) for first in range(5)]
    for audio in recordings:
        cache.get(audio, (), Counting())
    assert len(cache._keys) == 5
    del recordings, audio
    gc.collect()
    assert len(cache._keys) == 0


def test_silero_scores_a_recording_once_for_all_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "SCORE_CACHE", ScoreCache())
    audio = Recording.sample().slice(0, 2)
    assert SileroVad(threshold=0.9).score(audio) is SileroVad(threshold=0.2).score(Recording.sample().slice(0, 2))
