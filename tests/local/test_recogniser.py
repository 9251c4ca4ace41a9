"""An engine hears speech as Silero bounds it, and nothing else; what it says while somebody speaks only grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.audio.clock import Resampler
from ipyspeaches.local.engines import ENGINE_RATE_HZ, LONGEST_S, DecodingOptions, EngineResult
from ipyspeaches.local.recogniser import (
    BLOCK_S,
    CONTEXT_MS,
    LIVE_PIECE,
    SEGMENT_OPTIONS,
    GuessingRecogniser,
    LiveRecogniser,
    PaddedSegment,
    ScoredStart,
    ScoredStarts,
    padded_segments,
    transcribe,
)
from ipyspeaches.vad.scorers import SileroScorer
from ipyspeaches.words import Word

CONTEXT = CONTEXT_MS * 16


def at_16k(audio: NDArray[np.int16]) -> NDArray[np.int16]:
    return Resampler(24_000, 16_000).resample(audio, last=True)


def segments_in(audio: NDArray[np.int16]) -> list[PaddedSegment]:
    return [segment for segment in padded_segments(audio) if segment is not None]


def test_silence_and_noise_hold_no_segment() -> None:
    noise = np.random.default_rng(0).normal(0, 300, 48_000).astype(np.int16)
    assert segments_in(np.zeros(48_000, dtype=np.int16)) == []
    assert segments_in(noise) == []
    assert segments_in(np.empty(0, dtype=np.int16)) == []


def test_each_sentence_is_a_segment_with_its_context(quickstart: NDArray[np.int16]) -> None:
    audio = at_16k(quickstart)
    segments = segments_in(audio)
    sentences = samples.info("quickstart").sentences
    assert len(segments) == len(sentences)
    for segment, sentence in zip(segments, sentences, strict=True):
        assert abs(segment.speech_start / 16_000 - sentence.start) < 0.2
        assert abs(segment.speech_end / 16_000 - sentence.end) < 0.3
        np.testing.assert_array_equal(segment.samples, audio[segment.start :][: len(segment.samples)])


def test_speech_at_the_edges_of_a_buffer_is_surrounded_by_silence(quickstart: NDArray[np.int16]) -> None:
    sentence = samples.info("quickstart").sentences[0]
    audio = at_16k(quickstart)[round(sentence.start * 16_000) + 800 : round(sentence.end * 16_000) - 1600]
    (segment,) = segments_in(audio)
    assert segment.start == segment.speech_start - CONTEXT
    assert len(segment.samples) == segment.speech_end - segment.speech_start + 2 * CONTEXT
    before = max(0, -segment.start)
    assert before > 0
    assert not segment.samples[:before].any()
    np.testing.assert_array_equal(segment.samples[before : before + 1000], audio[segment.start + before :][:1000])


def test_endless_speech_is_cut(quickstart: NDArray[np.int16]) -> None:
    sentence = samples.info("quickstart").sentences[1]
    speech = at_16k(quickstart)[round((sentence.start + 0.1) * 16_000) : round((sentence.end - 0.3) * 16_000)]
    segments = segments_in(np.tile(speech, 20))
    assert len(segments) > 1
    longest = max(segment.speech_end - segment.speech_start for segment in segments)
    assert longest <= SEGMENT_OPTIONS.max_speech_duration_s * 16_000


def test_how_quiet_speech_begins_is_heard(quickstart: NDArray[np.int16]) -> None:
    as_it_is, quiet = Asked(), Asked()
    list(transcribe(as_it_is, quickstart, DecodingOptions("en")))
    list(transcribe(quiet, np.rint(quickstart * 0.002).astype(np.int16), DecodingOptions("en")))
    assert len(quiet.recognised) == len(as_it_is.recognised)
    assert sum(quiet.recognised) == pytest.approx(sum(as_it_is.recognised), rel=0.05)


def test_a_long_silence_gives_turns_to_others() -> None:
    assert list(padded_segments(np.zeros(5 * BLOCK_S * 16_000, dtype=np.int16))) == [None] * 6


def test_segments_do_not_depend_on_where_blocks_end(quickstart: NDArray[np.int16]) -> None:
    audio = at_16k(quickstart)
    here = segments_in(audio)
    for shift_s in (4, 8, 9):
        shift = shift_s * 16_000 // 512 * 512
        later = segments_in(np.concatenate((np.zeros(shift, dtype=np.int16), audio)))
        assert len(later) == len(here)
        for before, after in zip(here, later, strict=True):
            assert abs(after.speech_start - shift - before.speech_start) <= 1024
            assert abs(after.speech_end - shift - before.speech_end) <= 1024


class Scripted:
    """Stands for an engine's live decoder: gives one hypothesis after the other, words of half a second each."""

    def __init__(self, *hypotheses: str) -> None:
        self.hypotheses = list(hypotheses)
        self.closed = False

    def follow(self, samples: NDArray[np.int16]) -> list[Word]:
        assert len(samples) == 3200
        words = self.hypotheses.pop(0).split()
        return [Word(word, index / 2, (index + 1) / 2) for index, word in enumerate(words)]

    def close(self) -> None:
        self.closed = True


def live_texts(audio: NDArray[np.int16], *hypotheses: str) -> list[tuple[str, str]]:
    """Return what is new, settled and tentative, with each of these hypotheses, until there are no more."""
    decoder = Scripted(*hypotheses)
    live = LiveRecogniser(decoder)
    live.append(audio)
    texts = []
    while decoder.hypotheses:
        assert len(live.backlog), "the decoder got too little"
        texts.append(live.advance())
    live.close()
    assert decoder.closed
    return [(news.settled, news.tentative) for news in texts if news is not None]


@pytest.mark.parametrize(
    ("hypotheses", "texts"),
    [
        # A word is settled when two hypotheses agree and another word follows.
        (
            ("good", "good morning", "good morning every", "good morning everyone here"),
            [("", "good"), ("good", " morning"), (" morning", " every"), ("", " everyone here")],
        ),
        (("a b c", "x y z", "x y z"), [("", "a b c"), ("", "x y z"), ("x y", " z")]),
        # A change of mind about words that are settled does not hold up the rest.
        (("a b c", "a b c d", "q r c d", "q r c d e"), [("", "a b c"), ("a b c", " d"), (" d", " e")]),
        (("", "", "a", ""), [("", "a"), ("", "")]),
    ],
)
def test_what_is_settled_of_live_text_only_grows(
    quickstart: NDArray[np.int16], hypotheses: tuple[str, ...], texts: list[tuple[str, str]]
) -> None:
    sentence = samples.info("quickstart").sentences[1]
    assert live_texts(quickstart[round(sentence.start * 24_000) :], *hypotheses) == texts


def test_words_lie_within_their_segment(quickstart: NDArray[np.int16]) -> None:
    class Careless:
        def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
            words = (Word("from", 0.0, 0.1), Word("to", 0.05, len(samples) / ENGINE_RATE_HZ))
            return EngineResult(" from to", words, "en")

    for segment in transcribe(Careless(), quickstart, DecodingOptions("en")):
        if segment is not None:
            first, last = segment.words
            assert (first.start, last.end) == (segment.start, segment.end)


def test_before_somebody_speaks_nothing_is_decoded() -> None:
    live = LiveRecogniser(Scripted())  # would fail on any audio
    live.append(np.zeros(20 * LIVE_PIECE, dtype=np.int16))
    while len(live.backlog):
        assert live.advance() is None


class Asked:
    """Stands for an engine that is asked again and again: notes what for, and what time it is when it has answered."""

    def __init__(self, took_s: float = 0.0) -> None:
        self.took_s = took_s
        self.now_s = 0.0
        self.guessed_at_s: list[float] = []
        self.recognised: list[int] = []  # samples

    def guess(self, samples: NDArray[np.int16], options: DecodingOptions) -> tuple[Word, ...]:
        self.guessed_at_s.append(self.now_s)
        self.now_s += self.took_s
        return ()

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        self.recognised.append(len(samples))
        return EngineResult("", (), "en")


Follow: TypeAlias = Callable[..., GuessingRecogniser]


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Follow audio at 24 kHz, in pieces, by a clock that runs with the audio and stands while nothing is guessed."""

    def follow(engine: Asked, audio: NDArray[np.int16], scored: ScoredStart | None = None) -> GuessingRecogniser:
        scored = scored or ScoredStart()
        monkeypatch.setattr("ipyspeaches.local.recogniser.time.monotonic", lambda: engine.now_s)
        live = GuessingRecogniser(engine, DecodingOptions("en"), scored)
        for start in range(0, len(audio), LIVE_PIECE):
            engine.now_s = max(engine.now_s, start / 24_000)
            live.append(audio[start : start + LIVE_PIECE])
            live.advance()
        return live

    return follow


def spoken(quickstart: NDArray[np.int16], count: int) -> NDArray[np.int16]:
    """Return a sentence without a pause in it, that many times, and a second of silence."""
    sentence = samples.info("quickstart").sentences[1]
    speech = quickstart[round((sentence.start + 0.1) * 24_000) : round((sentence.end - 0.3) * 24_000)]
    return np.concatenate((np.tile(speech, count), np.zeros(24_000, np.int16)))


def test_speech_is_guessed_at_and_what_may_be_its_end_is_recognised_once(
    quickstart: NDArray[np.int16], follow: Follow
) -> None:
    engine = Asked()
    audio = spoken(quickstart, 2)
    follow(engine, audio)
    end_s = len(audio) / 24_000 - 1
    assert engine.guessed_at_s[0] < 1
    assert engine.guessed_at_s[-1] < end_s + 0.2, "the final text would have to wait for a guess in the silence"
    [segment] = segments_in(at_16k(audio))
    assert engine.recognised[-1] == len(segment.samples)


def test_guesses_take_half_of_the_time_and_less_on_a_slow_machine(
    quickstart: NDArray[np.int16], follow: Follow
) -> None:
    shares = []
    for took_s in (0.3, 2.0):
        engine = Asked(took_s)
        audio = spoken(quickstart, 6)
        follow(engine, audio)
        shares.append(len(engine.guessed_at_s) * took_s * 24_000 / len(audio))
    assert 0.3 < shares[0] <= 0.6
    assert shares[1] < 0.4


def test_the_audio_of_a_long_utterance_is_not_kept(quickstart: NDArray[np.int16], follow: Follow) -> None:
    live = follow(Asked(), spoken(quickstart, 20)[:-24_000])
    assert len(live._audio) < LONGEST_S * 16_000
    live = follow(Asked(), np.zeros(60 * 24_000, np.int16))
    assert len(live._audio) < 16_000


@pytest.mark.parametrize("followed_s", [1.3, 4.0, 99.0])
def test_what_was_scored_while_it_was_spoken_is_not_scored_again(
    quickstart: NDArray[np.int16], follow: Follow, monkeypatch: pytest.MonkeyPatch, followed_s: float
) -> None:
    audio = spoken(quickstart, 2)
    scored, engine, score = ScoredStarts(), Asked(), SileroScorer.score
    follow(engine, audio[: round(followed_s * 24_000)], scored.new())
    frames = []

    def counted(self: SileroScorer, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        frames.append(len(samples) / 512)
        return score(self, samples)

    monkeypatch.setattr(SileroScorer, "score", counted)
    asked = len(engine.recognised)
    list(transcribe(engine, audio, DecodingOptions("en"), scored))
    assert sum(frames) == pytest.approx(max(0.0, len(audio) / 24_000 - followed_s) / 0.032, abs=3)
    assert engine.recognised[asked:] == [len(segment.samples) for segment in segments_in(at_16k(audio))]


def test_other_audio_is_scored_for_itself(quickstart: NDArray[np.int16], follow: Follow) -> None:
    audio = spoken(quickstart, 2)
    scored, engine = ScoredStarts(), Asked()
    follow(engine, audio, scored.new())
    asked = len(engine.recognised)
    assert list(transcribe(engine, np.zeros(24_000, np.int16), DecodingOptions("en"), scored)) == [None]
    assert list(
        transcribe(
            engine, np.concatenate((audio[:-1], [1])).astype(np.int16)[: len(audio) // 2], DecodingOptions("en"), scored
        )
    )
    assert len(engine.recognised) == asked + 1
    assert scored.take(audio) is not None
    assert scored.take(audio) is None
