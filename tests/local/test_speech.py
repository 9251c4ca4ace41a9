"""An engine hears speech as Silero bounds it, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.audio import Resampler
from ipyspeaches.local.speech import BLOCK_S, CONTEXT_MS, STRETCH_OPTIONS, Stretch, stretches_of_speech

CONTEXT = CONTEXT_MS * 16


def at_16k(sound: NDArray[np.int16]) -> NDArray[np.int16]:
    return Resampler(24_000, 16_000).push(sound, last=True)


def stretches_in(sound: NDArray[np.int16]) -> list[Stretch]:
    return [stretch for stretch in stretches_of_speech(sound) if stretch is not None]


def test_silence_and_noise_hold_no_stretch() -> None:
    noise = np.random.default_rng(0).normal(0, 300, 48_000).astype(np.int16)
    assert stretches_in(np.zeros(48_000, dtype=np.int16)) == []
    assert stretches_in(noise) == []
    assert stretches_in(np.empty(0, dtype=np.int16)) == []


def test_each_sentence_is_a_stretch_with_its_surrounding(quickstart: NDArray[np.int16]) -> None:
    sound = at_16k(quickstart)
    stretches = stretches_in(sound)
    sentences = samples.info("quickstart").sentences
    assert len(stretches) == len(sentences)
    for stretch, sentence in zip(stretches, sentences, strict=True):
        assert abs(stretch.speech_start / 16_000 - sentence.start) < 0.2
        assert abs(stretch.speech_end / 16_000 - sentence.end) < 0.3
        np.testing.assert_array_equal(stretch.samples, sound[stretch.start :][: len(stretch.samples)])


def test_speech_at_the_edges_of_a_buffer_is_surrounded_by_silence(quickstart: NDArray[np.int16]) -> None:
    sentence = samples.info("quickstart").sentences[0]
    sound = at_16k(quickstart)[round(sentence.start * 16_000) + 800 : round(sentence.end * 16_000) - 1600]
    (stretch,) = stretches_in(sound)
    assert stretch.start == stretch.speech_start - CONTEXT
    assert len(stretch.samples) == stretch.speech_end - stretch.speech_start + 2 * CONTEXT
    before = max(0, -stretch.start)
    assert before > 0
    assert not stretch.samples[:before].any()
    np.testing.assert_array_equal(stretch.samples[before : before + 1000], sound[stretch.start + before :][:1000])


def test_endless_speech_is_cut(quickstart: NDArray[np.int16]) -> None:
    sentence = samples.info("quickstart").sentences[1]
    speech = at_16k(quickstart)[round((sentence.start + 0.1) * 16_000) : round((sentence.end - 0.3) * 16_000)]
    stretches = stretches_in(np.tile(speech, 20))
    assert len(stretches) > 1
    longest = max(stretch.speech_end - stretch.speech_start for stretch in stretches)
    assert longest <= STRETCH_OPTIONS.max_speech_duration_s * 16_000


def test_a_long_silence_gives_turns_to_others() -> None:
    assert list(stretches_of_speech(np.zeros(5 * BLOCK_S * 16_000, dtype=np.int16))) == [None] * 6


def test_stretches_do_not_depend_on_where_blocks_end(quickstart: NDArray[np.int16]) -> None:
    sound = at_16k(quickstart)
    here = stretches_in(sound)
    for shift_s in (4, 8, 9):
        shift = shift_s * 16_000 // 512 * 512
        later = stretches_in(np.concatenate((np.zeros(shift, dtype=np.int16), sound)))
        assert len(later) == len(here)
        for before, after in zip(here, later, strict=True):
            assert abs(after.speech_start - shift - before.speech_start) <= 1024
            assert abs(after.speech_end - shift - before.speech_end) <= 1024
