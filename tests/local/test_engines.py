"""The engines by themselves."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from jiwer import wer
from numpy.typing import NDArray

from human_speech import words
from ipyspeaches import samples
from ipyspeaches.audio.clock import Resampler
from ipyspeaches.errors import MissingExtraError
from ipyspeaches.local.engines import (
    MAX_LIVE_DECODERS,
    DecodingOptions,
    PocketSphinxEngine,
    engine_spec,
    prepare,
    with_noise_floor,
)
from ipyspeaches.local.worker import load_engine

SENTENCE = samples.info("quickstart").sentences[1]


@pytest.fixture(scope="module")
def engine() -> PocketSphinxEngine:
    return PocketSphinxEngine()


@pytest.fixture(scope="module")
def spoken(quickstart: NDArray[np.int16]) -> NDArray[np.int16]:
    """The second sentence at 16 kHz."""
    start, end = round((SENTENCE.start - 0.2) * 24_000), round((SENTENCE.end + 0.2) * 24_000)
    return Resampler(24_000, 16_000).resample(quickstart[start:end], last=True)


def test_words_come_with_times_and_probabilities(engine: PocketSphinxEngine, spoken: NDArray[np.int16]) -> None:
    recognition = engine.recognise(spoken, DecodingOptions("en"))
    assert wer(words(SENTENCE.text), recognition.text.strip()) < 0.3
    assert recognition.language == "en"
    assert "".join(f" {word.word}" for word in recognition.words) == recognition.text
    times = [time for word in recognition.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] <= len(spoken) / 16_000
    assert all(word.probability is not None and 0 <= word.probability <= 1 for word in recognition.words)
    assert not any("(" in word.word or "<" in word.word for word in recognition.words)


def test_the_same_audio_gives_the_same_text_whatever_came_before(
    engine: PocketSphinxEngine, spoken: NDArray[np.int16]
) -> None:
    first = engine.recognise(spoken, DecodingOptions())
    engine.recognise(np.random.default_rng(0).normal(0, 3000, 48_000).astype(np.int16), DecodingOptions())
    assert engine.recognise(spoken, DecodingOptions()) == first


def test_loudness_does_not_change_the_text(engine: PocketSphinxEngine, spoken: NDArray[np.int16]) -> None:
    quiet = np.rint(spoken * 0.05).astype(np.int16)
    assert wer(engine.recognise(spoken, DecodingOptions()).text, engine.recognise(quiet, DecodingOptions()).text) < 0.2


def test_preparing_digital_silence_divides_by_nothing() -> None:
    prepared = prepare(np.zeros(1000, dtype=np.int16))
    assert 0 < np.abs(prepared).max() < 100
    np.testing.assert_array_equal(prepared, prepare(np.zeros(1000, dtype=np.int16)))


def test_the_noise_floor_goes_on_where_it_stopped() -> None:
    audio = np.arange(-20_000, 20_000, dtype=np.int16)
    whole = with_noise_floor(audio)
    pieces = [with_noise_floor(audio[start : start + 3333], start) for start in range(0, len(audio), 3333)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert 0 < np.abs(whole.astype(int) - audio).max() < 200


def test_live_decoders_are_lent_and_come_back(engine: PocketSphinxEngine, spoken: NDArray[np.int16]) -> None:
    lent = [engine.live() for _ in range(MAX_LIVE_DECODERS)]
    assert None not in lent
    assert engine.live() is None
    first = lent[0]
    assert first is not None
    heard = first.follow(spoken)
    assert [word.probability for word in heard] == [None] * len(heard)
    assert heard
    first.close()
    again = engine.live()
    assert again is not None
    assert again.follow(spoken) == heard
    for decoder in (again, *lent[1:]):
        assert decoder is not None
        decoder.close()


@pytest.mark.parametrize(
    ("engine", "module", "extra"),
    [("faster-whisper", "faster_whisper", "local"), ("pocketsphinx", "pocketsphinx", "local")],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, engine: str, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'ipyspeaches\[{extra}\]'"):
        load_engine(engine_spec(engine))
