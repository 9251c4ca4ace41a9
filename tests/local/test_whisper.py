"""Whisper itself, with the smallest model of the set-up: words, guesses, and nothing where nobody speaks."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from numpy.typing import NDArray

from human_speech import words
from ipyspeaches import transcribe as transcribe_file
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ModelNotFoundError
from ipyspeaches.local.engines import ENGINE_RATE_HZ, DecodingOptions, EngineResult, engine_spec
from ipyspeaches.local.local_server import LocalServer
from ipyspeaches.local.recogniser import SEGMENT_OPTIONS, GuessingRecogniser, ScoredStart, transcribe
from ipyspeaches.local.weights import local_folder
from ipyspeaches.local.whisper import FRAMES_PER_S, WhisperEngine, _load, most_tokens, said_twice, whole_words
from ipyspeaches.results.accuracy import wer
from ipyspeaches.vad.noise import mix
from ipyspeaches.vad.segments import Segments
from model_hub import HEAD

TINY = "Systran/faster-whisper-tiny.en"
SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en"
ENGLISH = DecodingOptions("en")
PIECE = 4_800


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    return WhisperEngine(TINY, english_only=True)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(model=TINY) as local:
        yield local


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


def test_an_english_word_in_chinese_text_is_one_word() -> None:
    tokens = ("我", "用", " Py", "thon", "3", " co", "ding", "，", "二", "十", "a", "b")
    pieces = [{"word": token, "start": n, "end": n + 1, "probability": 1 / (n + 1)} for n, token in enumerate(tokens)]
    words = whole_words(pieces)
    assert [word.word for word in words] == ["我", "用", "Python3", "coding", "，", "二", "十", "ab"]
    assert (words[2].start, words[2].end, words[2].probability) == (2, 5, 1 / 5)


def test_words_come_while_somebody_speaks_and_the_final_is_there_at_its_end(
    engine: WhisperEngine, sentence: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = GuessingRecogniser(engine, ENGLISH, ScoredStart())
    texts = []
    for number, start in enumerate(range(0, len(sentence), PIECE)):
        live.append(sentence[start : start + PIECE])
        live._rest_until_s = 0 if number % 3 == 0 else math.inf  # the audio comes faster than anybody speaks
        texts.append(live.advance())
    settled = "".join(news.settled for news in texts if news is not None)
    first = next(news for news in texts if news is not None)
    assert not first.settled
    assert first.tentative, "words are shown before anything agrees with them"
    assert any(news and news.settled for news in texts[:-5]), (
        "nothing was said while somebody spoke, before the silence"
    )
    final = said(engine, sentence).strip()
    assert words(final).startswith(words(settled))
    monkeypatch.setattr(engine, "_hear", lambda *_: pytest.fail("what was recognised in the silence is not used"))
    assert said(engine, sentence).strip() == final


def test_a_sentence_that_goes_on_is_recognised_as_a_whole(engine: WhisperEngine, sentence: NDArray[np.int16]) -> None:
    live = GuessingRecogniser(engine, ENGLISH, ScoredStart())
    twice = np.concatenate((sentence, sentence))
    for start in range(0, len(twice), PIECE):
        live.append(twice[start : start + PIECE])
        live.advance()
    assert len(re.findall("block", said(engine, twice).lower())) == 2


@pytest.mark.parametrize("level", [0, 1, 30, 1_000, 10_000])
def test_where_nobody_speaks_there_are_no_words(engine: WhisperEngine, level: float) -> None:
    noise = np.random.default_rng(1).normal(0, level, 2 * SESSION_RATE_HZ).astype(np.int16)
    assert said(engine, noise) == ""
    assert engine.recognise(noise, ENGLISH).text == "", "it must not hang on what Silero hears alone"
    assert engine.guess(noise, ENGLISH) == ()


def test_a_short_word_in_noise_is_heard(engine: WhisperEngine) -> None:
    spoken = Recording.load(SPEECH / "LJ001-0004.wav").slice(4.2, 5.1)  # "printed book"
    noisy = mix(spoken, Segments([(0.1, 0.8)]), "pink", 5).to_rate(SESSION_RATE_HZ)
    assert said(engine, noisy.samples) != ""


def test_a_text_that_is_said_over_and_over_is_heard_again_in_a_whole_window(
    engine: WhisperEngine, sentence: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, windows = engine._decode, []

    def repeat_in_a_short_window(encoded: Any, *options: Any, **more: Any) -> Any:
        windows.append(encoded.features.shape[1])
        heard = decode(encoded, *options, **more)
        return heard if windows[-1] == 1500 else replace(heard, text=2 * heard.text)

    monkeypatch.setattr(engine, "_decode", repeat_in_a_short_window)
    text = engine.recognise(sentence[: 5 * SESSION_RATE_HZ], ENGLISH).text
    assert windows == [1000, 1500]
    assert text
    assert not said_twice(text)


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("in being modern. In being modern.", True),
        ("and so on, and so on", True),
        ("广州市广州市", True),
        ("no, no, no", False),
        ("that was very very good", False),
        ("广州市房地产", False),
        ("", False),
    ],
)
def test_a_phrase_that_is_said_twice_is_told_from_a_word_that_is(text: str, twice: bool) -> None:
    assert said_twice(text) is twice


@pytest.mark.parametrize("seconds", [2, SEGMENT_OPTIONS.max_speech_duration_s])
def test_chinese_spoken_fast_is_not_taken_for_a_text_that_repeats_itself(seconds: float) -> None:
    said = (
        "今天我们来讲一讲语音识别的基本原理以及它在日常生活当中的应用，人工智慧與語音辨識的發展趨勢讓聽障人士也能即時看見演講的內容，"
        "麦克风先把空气的振动变成电信号，计算机再把它切成很短的帧，逐帧计算频谱，最后由神经网络给出最有可能的文字，"
        "老师在课堂上按下按钮，屏幕上马上就会出现波形、门限和每一个字，下课之后还可以把全部结果保存成表格慢慢研究，也可以发给没有来上课的同学看看"
    )[: int(8 * seconds)]
    assert len(said) == int(8 * seconds)
    folder = local_folder("Systran/faster-whisper-base")
    assert folder is not None
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert len(tokenizer.encode(said, add_special_tokens=False).ids) < most_tokens(int(seconds * FRAMES_PER_S))


def test_a_guess_in_a_language_that_is_not_sure_says_nothing(
    engine: WhisperEngine, sentence: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.guess(sentence[: 3 * SESSION_RATE_HZ], ENGLISH)
    monkeypatch.setattr(engine, "_language", lambda *_: ("cy", 0.4))
    assert engine.guess(sentence[: 3 * SESSION_RATE_HZ], ENGLISH) == ()


@pytest.mark.parametrize(
    "advised", [DecodingOptions("en", hotwords="Concord"), DecodingOptions("en", prompt="We were talking of Concord.")]
)
def test_whisper_is_told_what_to_expect(engine: WhisperEngine, advised: DecodingOptions) -> None:
    spoken = Recording.load(SPEECH / "6930-75918-0000.flac").to_rate(ENGINE_RATE_HZ).samples
    assert engine.recognise(spoken, ENGLISH).text.startswith(" Concorde ")
    assert engine.recognise(spoken, advised).text.startswith(" Concord ")


def test_what_whisper_is_told_may_be_long(engine: WhisperEngine) -> None:
    spoken = Recording.load(SPEECH / "LJ001-0008.wav").to_rate(ENGINE_RATE_HZ).samples
    assert (
        "surpassed" in engine.recognise(spoken, DecodingOptions("en", prompt=400 * "word ", hotwords=400 * "a ")).text
    )


@pytest.mark.parametrize("transport", ["realtime", "chunked"])
async def test_words_reach_the_transcript_with_their_probabilities(server: LocalServer, transport: Any) -> None:
    transcript = await transcribe_file(SPEECH / "LJ001-0008.wav", server=server.url, transport=transport, language="en")
    assert words(transcript.text) == "has never been surpassed"
    assert [word.word for word in transcript.words] == transcript.text.split()
    assert all(word.probability is not None and 0.1 < word.probability <= 1 for word in transcript.words)


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


def test_what_is_behind_the_last_word_is_heard_too(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = Recording.load(SPEECH / "LJ001-0004.wav").to_rate(ENGINE_RATE_HZ).samples
    whole = engine.recognise(spoken, ENGLISH)
    hear, lengths = engine._hear_once, []

    def stops_in_the_middle(samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        lengths.append(len(samples))
        heard = hear(samples, options)
        if len(lengths) > 1:
            return heard
        kept = heard.words[: len(heard.words) // 2]
        return replace(heard, text="".join(f" {word.word}" for word in kept), words=kept)

    monkeypatch.setattr(engine, "_hear_once", stops_in_the_middle)
    heard = engine._hear(spoken, ENGLISH)
    assert len(lengths) == 2
    assert wer(whole.text, heard.text).rate < 0.2
    assert heard.words[-1].end == pytest.approx(whole.words[-1].end, abs=0.2)


@pytest.mark.parametrize(("tokens", "languages"), [(51_864, 1), (51_865, 99)])
def test_what_a_model_in_a_folder_understands_is_in_its_vocabulary(tmp_path: Path, tokens: int, languages: int) -> None:
    for name, content in (("base.en", "a\n" * tokens), ("any", json.dumps(["a"] * tokens))):
        (tmp_path / name).mkdir()
        (tmp_path / name / ("vocabulary.txt" if name == "base.en" else "vocabulary.json")).write_text(content)
        found = engine_spec("faster-whisper", str(tmp_path / name)).languages
        assert len(found) >= languages
        assert ("zh" in found) == (languages > 1)
