"""From audio to text: where somebody speaks, what an engine is given of that, and what it makes of it.

Every text of this server comes through here, whether the audio came as a file or as a stream that was cut somewhere:
an engine only ever hears speech as Silero bounds it, with a fixed context. So the same words give the same text on
every way in, and silence gives none.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.local.engines import (
    ENGINE_RATE_HZ,
    DecodingOptions,
    GuessingEngine,
    LiveDecoder,
    LiveEngine,
    RecognitionEngine,
)
from ipyspeaches.results.agreement import LocalAgreement
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.scorers import SILERO_FRAME, SileroScorer
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions
from ipyspeaches.words import Word, join_text

CONTEXT_MS: Final = 200
"""Audio around speech that goes to the engine; zeros where there is none."""
CONTEXT: Final = CONTEXT_MS * ENGINE_RATE_HZ // 1000
QUIET: Final = 3_000
"""Peak in int16 units, of audio below which Silero misses how speech begins."""
AUDIBLE: Final = 10_000
"""Peak that such audio is given."""
BLOCK_S: Final = 10
KEPT_STARTS: Final = 4
"""Each holds a model of 3 MB."""
SEGMENT_OPTIONS: Final = SileroVad(
    min_speech_duration_ms=60,  # two frames: "no" is a word, a click is not
    min_silence_duration_ms=500,
    speech_pad_ms=0,
    max_speech_duration_s=20,  # of which Whisper's decoder can hold the text, in Chinese spoken fast, too
).options

LIVE_PIECE: Final = SESSION_RATE_HZ // 5
LIVE_STEP: Final = ENGINE_RATE_HZ // 5
"""Audio between two hypotheses that are compared."""
FIRST_GUESS: Final = ENGINE_RATE_HZ * 7 // 10
"""Audio that the first guess hears, at least: of less, words are made that nobody said."""
QUICK_GUESS_S: Final = 0.5
"""A guess that takes longer is followed by a rest that grows with the square of that: the machine is too slow."""


@dataclass(frozen=True, slots=True)
class PaddedSegment:
    """A segment of speech with its context: int16 at 16 kHz; sample numbers of the buffer.

    ``start`` is where its samples begin; it may lie before the buffer.
    """

    start: int
    samples: NDArray[np.int16]
    speech_start: int
    speech_end: int


@dataclass(frozen=True, slots=True)
class SegmentText:
    """The text of one segment of speech; all times in seconds from the start of the audio that was given."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    language: str


class ScoredStart:
    """The start of an utterance, as Silero heard it while it was spoken."""

    def __init__(self) -> None:
        self.scorer = SileroScorer(ENGINE_RATE_HZ)
        self.scores: list[float] = []  # of whole frames
        self._digest = blake2b()  # of the audio that they come from, int16 at 24 kHz
        self._count = 0

    def add(self, samples: NDArray[np.int16]) -> None:
        """Note the next audio (int16, 24 kHz), which is scored now."""
        self._digest.update(samples.tobytes())
        self._count += len(samples)

    def begins(self, samples: NDArray[np.int16]) -> bool:
        """Return whether these samples (int16, 24 kHz) begin with what was scored."""
        return 0 < self._count <= len(samples) and (
            blake2b(samples[: self._count].tobytes()).digest() == self._digest.digest()
        )


class ScoredStarts:
    """The utterances that were followed last, so that their finals need not score them again."""

    def __init__(self) -> None:
        self._starts: deque[ScoredStart] = deque(maxlen=KEPT_STARTS)

    def new(self) -> ScoredStart:
        """Return what is to be filled while an utterance is spoken."""
        self._starts.append(ScoredStart())
        return self._starts[-1]

    def take(self, samples: NDArray[np.int16]) -> ScoredStart | None:
        """Return what begins these samples (int16, 24 kHz), which is forgotten: its scorer goes on from there."""
        for start in self._starts:
            if start.begins(samples):
                self._starts.remove(start)
                return start
        return None


def speech_spans(samples: NDArray[np.int16], options: SegmentOptions) -> list[tuple[int, int]]:
    """Return where somebody speaks in int16 samples at 24 kHz, as pairs of sample numbers at 16 kHz."""
    audio = _at_engine_rate(samples)
    value = SileroScorer(ENGINE_RATE_HZ).score(_in_whole_frames(audio))
    scores = Scores(value, SILERO_FRAME, ENGINE_RATE_HZ, len(audio))
    start, end = Runs(scores, options.threshold, options.neg_threshold).segment(options)
    return list(zip(start.tolist(), end.tolist(), strict=True))


def padded_segments(samples: NDArray[np.int16], scored: ScoredStart | None = None) -> Iterator[PaddedSegment | None]:
    """Yield the segments of speech in int16 samples at 16 kHz, none for silence; their start may be scored already.

    Scoring an hour takes minutes; a None comes after every `BLOCK_S` of it, so that somebody else gets a turn.
    """
    scored = scored or ScoredStart()
    segmenter = Segmenter(SEGMENT_OPTIONS, SILERO_FRAME, ENGINE_RATE_HZ)
    events = segmenter.advance(scored.scores)
    frames = _in_whole_frames(samples)
    block = BLOCK_S * ENGINE_RATE_HZ // SILERO_FRAME * SILERO_FRAME
    for start in range(segmenter.position, len(frames) + 1, block):
        events += segmenter.advance(scored.scorer.score(frames[start : start + block]).tolist())
        if start + block >= len(frames):
            # In a silence, speech ended where that began: as `GuessingRecogniser` supposed while it lasted.
            events += segmenter.finish(min(len(samples), segmenter.silence_start or len(samples)))
        for event in events:
            if isinstance(event, Closed):
                first, last = event.start - CONTEXT, event.end + CONTEXT
                yield PaddedSegment(first, _zero_padded(samples, first, last), event.start, event.end)
        events = []
        yield None


def _at_engine_rate(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ).resample(samples, last=True)


def _audible(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return audio with its loudest sample where Silero hears it, if it is quiet."""
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    if not 0 < peak < QUIET:
        return samples
    louder: NDArray[np.int16] = np.rint(samples * (AUDIBLE / peak)).astype(np.int16)
    return louder


def _in_whole_frames(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.pad(samples, (0, -len(samples) % SILERO_FRAME))


def _zero_padded(samples: NDArray[np.int16], start: int, end: int) -> NDArray[np.int16]:
    """Return ``samples[start:end]`` with zeros where that goes beyond the buffer."""
    inside = samples[max(0, start) : max(0, end)]
    return np.pad(inside, (max(0, -start), max(0, end - max(len(samples), start))))


def transcribe(
    engine: RecognitionEngine,
    samples: NDArray[np.int16],
    options: DecodingOptions,
    scored: ScoredStarts | None = None,
) -> Iterator[SegmentText | None]:
    """Yield the text of each segment of speech in int16 samples at 24 kHz, and None where others may have a turn."""
    audible = _audible(samples)
    start = None if scored is None or audible is not samples else scored.take(samples)
    for segment in padded_segments(_at_engine_rate(audible), start):
        if segment is None:
            yield None
            continue
        result = engine.recognise(segment.samples, options)
        if not result.text.strip():
            continue
        offset_s = segment.start / ENGINE_RATE_HZ
        start_s, end_s = segment.speech_start / ENGINE_RATE_HZ, segment.speech_end / ENGINE_RATE_HZ
        words = tuple(
            Word(
                word.word,
                round(min(max(start_s, offset_s + word.start), end_s), 3),  # Whisper's may lie in the context
                round(min(max(start_s, offset_s + word.end), end_s), 3),
                None if word.probability is None else round(word.probability, 4),
            )
            for word in result.words
        )
        yield SegmentText(round(start_s, 3), round(end_s, 3), result.text, words, result.language)


@dataclass(frozen=True, slots=True)
class LiveNews:
    """Text to add to what is settled of an utterance, often none, and all that may still change behind it."""

    settled: str
    tentative: str


class SpokenText:
    """The text of an utterance while it is spoken; what is settled is never taken back."""

    def __init__(self) -> None:
        self._agreement = LocalAgreement()
        self._settled = ""
        self._told = ("", "")  # settled, tentative

    def update(self, hypothesis: Sequence[Word]) -> None:
        """Take the present hypothesis."""
        self._settle(self._agreement.update(hypothesis))

    def end_segment(self) -> None:
        """Settle all of it: hypotheses to come are of speech behind a pause."""
        self._settle(self._agreement.settle_until(math.inf))
        self._agreement = LocalAgreement()

    def news(self) -> LiveNews | None:
        """Return what is new since this was asked last, if anything is."""
        told = self._told
        self._told = (self._settled, self._joined(self._agreement.tentative).removeprefix(self._settled))
        return None if told == self._told else LiveNews(self._settled.removeprefix(told[0]), self._told[1])

    def _settle(self, words: Sequence[Word]) -> None:
        self._settled = self._joined(words)

    def _joined(self, words: Sequence[Word]) -> str:
        return join_text((self._settled, *(word.word for word in words)))


class LiveWork(Protocol):
    """Text of an utterance while it is spoken."""

    backlog: NDArray[np.int16]
    """Audio that was not looked at yet, int16 at 24 kHz."""

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio of the utterance to the backlog."""

    def advance(self) -> LiveNews | None:
        """Work on the backlog for a moment and return what is new, if anything is."""

    def close(self) -> None:
        """Give back what was lent."""


def open_live(engine: LiveEngine, options: DecodingOptions, scored: ScoredStarts) -> LiveWork | None:
    """Return what gives live text of an utterance that begins now; None if an engine's decoders are all in use."""
    if not hasattr(engine, "live"):
        return GuessingRecogniser(engine, options, scored.new())
    decoder = engine.live()
    return None if decoder is None else LiveRecogniser(decoder)


class LiveRecogniser:
    """Text of an utterance while it is spoken; none before somebody speaks.

    The decoder is lent for this utterance; ``backlog`` is audio that was not decoded yet, int16 at 24 kHz.
    """

    def __init__(self, decoder: LiveDecoder) -> None:
        self.backlog = np.empty(0, dtype=np.int16)
        self._decoder = decoder
        self._resampler = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ)
        self._scorer: SileroScorer | None = SileroScorer(ENGINE_RATE_HZ)
        self._waiting = np.empty(0, dtype=np.int16)  # at the engine's rate, for the decoder
        self._text = SpokenText()

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio of the utterance to the backlog."""
        self.backlog = np.concatenate((self.backlog, samples))

    def advance(self) -> LiveNews | None:
        """Decode a fifth of a second of the backlog and return what is new, if anything is."""
        piece, self.backlog = self.backlog[:LIVE_PIECE], self.backlog[LIVE_PIECE:]
        audio = self._resampler.resample(piece)
        self._waiting = np.concatenate((self._waiting, audio))
        if self._scorer is not None:
            if not np.any(self._scorer.score(audio) >= SEGMENT_OPTIONS.threshold):
                self._waiting = self._waiting[-CONTEXT:]
                return None
            self._scorer = None
        while len(self._waiting) >= LIVE_STEP:
            step, self._waiting = self._waiting[:LIVE_STEP], self._waiting[LIVE_STEP:]
            self._text.update(self._decoder.follow(step))
        return self._text.news()

    def close(self) -> None:
        """Give the decoder back."""
        self._decoder.close()


class GuessingRecogniser:
    """Live text by an engine that hears an utterance from its start each time.

    While somebody speaks, a guess is made whenever there is new audio, for at most half of the time. In a silence, what
    was said is recognised as if the utterance ended there: if it does, its text is there already. No guess is begun
    then: the final text would have to wait for it.
    """

    def __init__(self, engine: GuessingEngine, options: DecodingOptions, scored: ScoredStart) -> None:
        self.backlog = np.empty(0, dtype=np.int16)
        self._engine = engine
        self._options = options
        self._scored = scored
        self._resampler = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ)
        self._segmenter = Segmenter(SEGMENT_OPTIONS, SILERO_FRAME, ENGINE_RATE_HZ)
        self._audio = np.empty(0, dtype=np.int16)  # at the engine's rate, from the open segment on
        self._first = 0  # sample of the utterance at which it begins
        self._guessed_until = 0  # sample up to which the last guess heard
        self._rest_until_s = 0.0
        self._text = SpokenText()

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio of the utterance to the backlog."""
        self.backlog = np.concatenate((self.backlog, samples))

    def advance(self) -> LiveNews | None:
        """Listen to the backlog, guess if it is time, and return what is new, if anything is."""
        self._scored.add(self.backlog)
        audio, self.backlog = self._resampler.resample(self.backlog), self.backlog[:0]
        self._audio = np.concatenate((self._audio, audio))
        heard = self._segmenter.position - self._first
        whole = (len(self._audio) - heard) // SILERO_FRAME * SILERO_FRAME
        scores = self._scored.scorer.score(self._audio[heard : heard + whole]).tolist()
        self._scored.scores += scores
        for event in self._segmenter.advance(scores):
            if isinstance(event, Closed):
                self._text.end_segment()
        self._forget()
        self._guess()
        return self._text.news()

    @property
    def _end(self) -> int:
        return self._first + len(self._audio)

    def _forget(self) -> None:
        """Drop the audio before the open segment, but for its context; where none is open, one may begin any moment."""
        open_speech = self._segmenter.open_speech
        needed = self._segmenter.position if open_speech is None else open_speech.start
        forgotten = max(0, needed - CONTEXT - self._first)
        self._audio = self._audio[forgotten:]
        self._first += forgotten

    def _guess(self) -> None:
        start, silence = self._segmenter.speech_start, self._segmenter.silence_start
        if start is None:
            return
        if silence is None:
            self._guess_words(start - CONTEXT, self._end)
        elif silence + CONTEXT <= self._end:
            self._recognise(start - CONTEXT, silence + CONTEXT)

    def _recognise(self, first: int, last: int) -> None:
        if last == self._guessed_until:
            return
        self._guessed_until = last
        heard = self._engine.recognise(self._excerpt(first, last), self._options).words
        self._text.update(_moved(heard, first))

    def _guess_words(self, first: int, last: int) -> None:
        begun_s = time.monotonic()
        new = last - max(self._guessed_until, first + FIRST_GUESS - LIVE_STEP)
        if new < LIVE_STEP or begun_s < self._rest_until_s:
            return
        self._guessed_until = last
        heard = self._engine.guess(self._excerpt(first, last), self._options)
        now_s = time.monotonic()
        took_s = now_s - begun_s
        self._rest_until_s = now_s + took_s * max(1.0, took_s / QUICK_GUESS_S)
        self._text.update(_moved(heard, first))

    def _excerpt(self, first: int, last: int) -> NDArray[np.int16]:
        return _zero_padded(self._audio, first - self._first, last - self._first)

    def close(self) -> None:
        """Nothing was lent."""


def _moved(words: Sequence[Word], first: int) -> list[Word]:
    """Return the words of an excerpt that begins at sample ``first``, with times of the whole."""
    offset_s = first / ENGINE_RATE_HZ
    return [replace(word, start=word.start + offset_s, end=word.end + offset_s) for word in words]
