from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.results.accuracy import wer
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.words import join_text


def test_what_is_known_of_a_sample_fits_its_sound() -> None:
    for name in samples.names():
        sample, recording = samples.info(name), Recording.sample(name)
        assert (sample.rate, sample.duration) == (recording.rate, recording.duration)
        assert join_text(sentence.text for sentence in sample.sentences) == sample.text
        assert samples.path(name).stat().st_size < 300_000


def test_the_mandarin_sample_is_loud_where_it_says_and_quiet_between() -> None:
    recording, sample = Recording.sample("mandarin"), samples.info("mandarin")
    assert (sample.language, len(sample.sentences)) == ("zh-CN", 3)
    found = EnergyVad(threshold=500).segment(recording)
    for said, heard in zip(sample.sentences, found, strict=True):
        assert (said.start, said.end) == pytest.approx((heard.start, heard.end), abs=0.25)
    assert "Apache License" in samples.path("mandarin").with_name("LICENSE-Apache-2.0.txt").read_text(encoding="utf-8")


def test_sentences_are_loud_and_the_pauses_between_them_quiet_and_long() -> None:
    recording = Recording.sample("quickstart")
    sentences = samples.info("quickstart").sentences
    assert len(sentences) == 4
    quiet = [(0.0, sentences[0].start), *((a.end, b.start) for a, b in pairwise(sentences))]
    for start, end in quiet[1:]:
        assert end - start >= 1.0
    for start, end in quiet:
        assert np.abs(recording.slice(start, end).samples).max() < 100
    for sentence in sentences:
        speech = recording.slice(sentence.start, sentence.end).samples
        assert np.abs(speech).max() > 10_000
        # The edges are where speech begins and ends, not somewhere before and after.
        edge = recording.rate // 20
        assert np.abs(speech[:edge]).max() > 150
        assert np.abs(speech[-edge:]).max() > 150


def test_the_embedded_recogniser_understands_the_quickstart() -> None:
    import pocketsphinx

    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(Recording.sample("quickstart").samples.tobytes(), full_utt=True)
    decoder.end_utt()
    assert wer(samples.info("quickstart").text, decoder.hyp().hypstr).rate == 0


def test_an_unknown_sample_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="no sample 'talk': choose one of mandarin, quickstart"):
        samples.info("talk")
