"""Whisper itself, with the smallest model of the set-up: words, guesses, and nothing where nobody speaks."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from human_speech import words
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ModelNotFoundError
from ipyspeaches.local.engines import DecodingOptions
from ipyspeaches.local.recogniser import GuessingRecogniser, transcribe
from ipyspeaches.local.whisper import WhisperEngine, _load
from ipyspeaches.results.accuracy import wer
from model_hub import HEAD

TINY = "Systran/faster-whisper-tiny.en"
SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en"
ENGLISH = DecodingOptions("en")


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return WhisperEngine(TINY, english_only=True)


@pytest.fixture(scope="module")
def sentence() -> NDArray[np.int16]:
    """Half a second of silence, a sentence of six seconds, and the silence that ends it."""
    spoken = Recording.load(SPEECH / "LJ001-0004.wav").to_rate(SESSION_RATE_HZ).samples
    return np.concatenate((np.zeros(12_000, np.int16), spoken, np.zeros(14_400, np.int16)))


def said(engine: WhisperEngine, samples: NDArray[np.int16]) -> str:
    return "".join(segment.text for segment in transcribe(engine, samples, ENGLISH) if segment is not None)


def test_human_speech_becomes_words_with_times_and_probabilities(
    engine: WhisperEngine, sentence: NDArray[np.int16]
) -> None:
    [segment] = [one for one in transcribe(engine, sentence, ENGLISH) if one is not None]
    assert wer((SPEECH / "LJ001-0004.txt").read_text(), segment.text).rate < 0.2
    assert [word.word for word in segment.words] == segment.text.split()
    assert 0.3 < segment.words[0].start < segment.words[-1].end < len(sentence) / SESSION_RATE_HZ
    assert all(word.probability is not None and 0 < word.probability <= 1 for word in segment.words)


def test_words_come_while_somebody_speaks_and_the_final_is_there_at_its_end(
    engine: WhisperEngine, sentence: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = GuessingRecogniser(engine, ENGLISH)
    texts = []
    for start in range(0, len(sentence), 2_400):
        live.append(sentence[start : start + 2_400])
        live._rest_until_s = 0  # the audio comes faster than anybody speaks
        texts.append(live.advance())
    settled = "".join(texts)
    assert any(texts[:-10]), "nothing was said while somebody spoke"  # the last 10 are silence
    final = said(engine, sentence).strip()
    assert words(final).startswith(words(settled))
    monkeypatch.setattr(engine, "_decode", lambda *_: pytest.fail("what was recognised in the silence is not used"))
    assert said(engine, sentence).strip() == final


def test_a_sentence_that_goes_on_is_recognised_as_a_whole(engine: WhisperEngine, sentence: NDArray[np.int16]) -> None:
    live = GuessingRecogniser(engine, ENGLISH)
    twice = np.concatenate((sentence, sentence))
    for start in range(0, len(twice), 2_400):
        live.append(twice[start : start + 2_400])
        live.advance()
    assert len(re.findall("block", said(engine, twice).lower())) == 2


@pytest.mark.parametrize("level", [0, 1, 30, 1_000])
def test_where_nobody_speaks_there_are_no_words(engine: WhisperEngine, level: float) -> None:
    noise = np.random.default_rng(1).normal(0, level, 5 * SESSION_RATE_HZ).astype(np.int16)
    assert said(engine, noise) == ""


def test_an_english_model_hears_english_whatever_is_asked(engine: WhisperEngine, sentence: NDArray[np.int16]) -> None:
    asked = DecodingOptions(task="translate")
    [segment] = [one for one in transcribe(engine, sentence, asked) if one is not None]
    assert segment.language == "en"


def test_weights_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.bin").write_bytes(HEAD + b"cut off")
    with pytest.raises(
        InputError, match=r"could not be loaded \(.+\): it is damaged or no Whisper model; get it again"
    ):
        WhisperEngine(str(tmp_path))


def test_a_model_that_is_not_here_is_not_downloaded() -> None:
    with pytest.raises(ModelNotFoundError, match=r"no/such is not on this machine: allow its download with auto_down"):
        WhisperEngine("no/such")


@pytest.mark.parametrize("said", ["The CPU does not support AVX2", "Invalid CPU ISA: X", "No SGEMM backend on CPU"])
def test_a_processor_that_is_too_old_is_named(tmp_path: Path, said: str) -> None:
    def too_old(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    with pytest.raises(InputError, match=rf"does not work on this processor \({said}\): use --engine pocketsphinx"):
        _load(too_old, TINY, tmp_path)


def test_a_processor_without_quick_integers_computes_with_floats(tmp_path: Path) -> None:
    asked = []

    def model(*_: object, compute_type: str, **__: object) -> str:
        asked.append(compute_type)
        if compute_type == "int8":
            raise ValueError("Requested int8 compute type, but the target device or backend do not support it.")
        return "a model"

    assert _load(model, TINY, tmp_path) == "a model"
    assert asked == ["int8", "default"]


def test_whisper_is_told_what_it_should_know(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, sentence: NDArray[np.int16]
) -> None:
    told: dict[str, Any] = {}

    def transcribe(_audio: object, **options: object) -> tuple[list[Any], Any]:
        told.update(options)
        return [], SimpleNamespace(language="zh")

    monkeypatch.setattr(engine, "_english_only", False)
    monkeypatch.setattr(engine._model, "transcribe", transcribe)
    engine.recognise(sentence, DecodingOptions("zh-TW", "translate", "Lecture.", "city", 0.3, without_timestamps=True))
    names = ("language", "task", "initial_prompt", "hotwords", "temperature", "without_timestamps")
    assert [told[name] for name in names] == ["zh", "translate", "Lecture.", "city", 0.3, True]
