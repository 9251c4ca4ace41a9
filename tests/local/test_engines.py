"""The engines by themselves."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jiwer import wer
from numpy.typing import NDArray

from human_speech import words
from ipyspeaches import samples
from ipyspeaches.audio.clock import Resampler
from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.local.engines import (
    MAX_LIVE_DECODERS,
    DecodingOptions,
    PocketSphinxEngine,
    engine_spec,
    load_engine,
    prepare,
    with_noise_floor,
)

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


class FakeWhisper:
    """Stands for ``faster_whisper.WhisperModel``, in the shapes of faster-whisper 1.1."""

    def __init__(self, model: str, **options: Any) -> None:
        if model == "no/such":
            raise ValueError("Invalid model size 'no/such'")
        self.options = options

    def transcribe(self, audio: NDArray[np.float32], **options: Any) -> tuple[Any, Any]:
        assert audio.dtype == np.float32
        assert float(np.abs(audio).max()) <= 1
        self.options |= options
        heard = [
            SimpleNamespace(word=" Good", start=0.1, end=0.3, probability=0.9),
            SimpleNamespace(word=" morning.", start=0.3, end=0.8, probability=0.8),
        ]
        segments = (SimpleNamespace(text=" Good morning.", words=heard) for _ in range(1))
        return segments, SimpleNamespace(language=options["language"] or "en")


@pytest.fixture
def fake_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("faster_whisper")
    module.WhisperModel = FakeWhisper  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)


@pytest.mark.usefixtures("fake_whisper")
def test_whisper_speaks_the_same_protocol(spoken: NDArray[np.int16]) -> None:
    engine = load_engine(engine_spec("faster-whisper"))
    recognition = engine.recognise(spoken, DecodingOptions("en-GB"))
    assert recognition.text == " Good morning."
    assert [(word.word, word.start, word.end) for word in recognition.words] == [
        ("Good", 0.1, 0.3),
        ("morning.", 0.3, 0.8),
    ]
    assert recognition.language == "en"
    assert engine.live() is None


@pytest.mark.usefixtures("fake_whisper")
def test_whisper_is_told_what_it_should_know(spoken: NDArray[np.int16]) -> None:
    engine: Any = load_engine(engine_spec("faster-whisper"))
    engine.recognise(spoken, DecodingOptions("zh", "translate", "Lecture.", "city", 0.3, without_timestamps=True))
    told = engine._model.options
    assert {name: told[name] for name in ("language", "task", "initial_prompt", "hotwords", "temperature")} == {
        "language": "zh",
        "task": "translate",
        "initial_prompt": "Lecture.",
        "hotwords": "city",
        "temperature": 0.3,
    }
    assert told["without_timestamps"] is True
    engine.recognise(spoken, DecodingOptions())
    assert (told["task"], told["initial_prompt"], told["temperature"][0]) == ("transcribe", None, 0.0)


@pytest.mark.usefixtures("fake_whisper")
def test_a_whisper_model_that_does_not_exist_is_named() -> None:
    with pytest.raises(InputError, match="'no/such' could not be loaded"):
        load_engine(engine_spec("faster-whisper", "no/such"))


@pytest.mark.parametrize(
    ("engine", "module", "extra"),
    [("faster-whisper", "faster_whisper", "whisper"), ("pocketsphinx", "pocketsphinx", "local")],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, engine: str, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'ipyspeaches\[{extra}\]'"):
        load_engine(engine_spec(engine))
