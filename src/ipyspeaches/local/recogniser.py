"""From audio to text: where somebody speaks, what an engine is given of that, and what it makes of it.

Every text of this server comes through here, whether the audio came as a file or as a stream that was cut somewhere:
an engine only ever hears speech as Silero bounds it, with a fixed context. So the same words give the same text on
every way in, and silence gives none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.local.engines import ENGINE_RATE_HZ, DecodingOptions, LiveDecoder, RecognitionEngine
from ipyspeaches.results.agreement import LocalAgreement
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.scorers import SILERO_FRAME, SileroScorer
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions
from ipyspeaches.words import Word

CONTEXT_MS: Final = 200
"""Audio around speech that goes to the engine; zeros where there is none."""
BLOCK_S: Final = 10
SEGMENT_OPTIONS: Final = SileroVad(
    min_speech_duration_ms=60,  # two frames: "no" is a word, a click is not
    min_silence_duration_ms=500,
    speech_pad_ms=0,
).options

LIVE_PIECE: Final = SESSION_RATE_HZ // 5
LIVE_STEP: Final = ENGINE_RATE_HZ // 5
"""Audio between two hypotheses that are compared."""


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


def speech_spans(samples: NDArray[np.int16], options: SegmentOptions) -> list[tuple[int, int]]:
    """Return where somebody speaks in int16 samples at 24 kHz, as pairs of sample numbers at 16 kHz."""
    audio = _at_engine_rate(samples)
    value = SileroScorer(ENGINE_RATE_HZ).score(_in_whole_frames(audio))
    scores = Scores(value, SILERO_FRAME, ENGINE_RATE_HZ, len(audio))
    start, end = Runs(scores, options.threshold, options.neg_threshold).segment(options)
    return list(zip(start.tolist(), end.tolist(), strict=True))


def padded_segments(samples: NDArray[np.int16]) -> Iterator[PaddedSegment | None]:
    """Yield the segments of speech in int16 samples at 16 kHz, none for silence.

    Scoring an hour takes minutes; a None comes after every `BLOCK_S` of it, so that somebody else gets a turn.
    """
    context = CONTEXT_MS * ENGINE_RATE_HZ // 1000
    scorer = SileroScorer(ENGINE_RATE_HZ)
    segmenter = Segmenter(SEGMENT_OPTIONS, SILERO_FRAME, ENGINE_RATE_HZ)
    frames = _in_whole_frames(samples)
    block = BLOCK_S * ENGINE_RATE_HZ // SILERO_FRAME * SILERO_FRAME
    for start in range(0, len(frames), block):
        events = segmenter.advance(scorer.score(frames[start : start + block]).tolist())
        if start + block >= len(frames):
            events += segmenter.finish(len(samples))
        for event in events:
            if isinstance(event, Closed):
                first, last = event.start - context, event.end + context
                yield PaddedSegment(first, _zero_padded(samples, first, last), event.start, event.end)
        yield None


def _at_engine_rate(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ).resample(samples, last=True)


def _in_whole_frames(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.pad(samples, (0, -len(samples) % SILERO_FRAME))


def _zero_padded(samples: NDArray[np.int16], start: int, end: int) -> NDArray[np.int16]:
    """Return ``samples[start:end]`` with zeros where that goes beyond the buffer."""
    inside = samples[max(0, start) : max(0, end)]
    return np.pad(inside, (max(0, -start), max(0, end - max(len(samples), start))))


def transcribe(
    engine: RecognitionEngine, samples: NDArray[np.int16], options: DecodingOptions
) -> Iterator[SegmentText | None]:
    """Yield the text of each segment of speech in int16 samples at 24 kHz, and None where others may have a turn."""
    for segment in padded_segments(_at_engine_rate(samples)):
        if segment is None:
            yield None
            continue
        result = engine.recognise(segment.samples, options)
        if not result.text.strip():
            continue
        offset_s = segment.start / ENGINE_RATE_HZ
        words = tuple(
            Word(
                word.word,
                round(max(0.0, offset_s + word.start), 3),
                round(max(0.0, offset_s + word.end), 3),
                None if word.probability is None else round(word.probability, 4),
            )
            for word in result.words
        )
        start_s, end_s = segment.speech_start / ENGINE_RATE_HZ, segment.speech_end / ENGINE_RATE_HZ
        yield SegmentText(round(start_s, 3), round(end_s, 3), result.text, words, result.language)


class LiveRecogniser:
    """Text of an utterance while it is spoken, which is never taken back; none before somebody speaks.

    The decoder is lent for this utterance; ``backlog`` is audio that was not decoded yet, int16 at 24 kHz.
    """

    def __init__(self, decoder: LiveDecoder) -> None:
        self.backlog = np.empty(0, dtype=np.int16)
        self._decoder = decoder
        self._resampler = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ)
        self._scorer: SileroScorer | None = SileroScorer(ENGINE_RATE_HZ)
        self._waiting = np.empty(0, dtype=np.int16)  # at the engine's rate, for the decoder
        self._agreement = LocalAgreement()

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio of the utterance to the backlog."""
        self.backlog = np.concatenate((self.backlog, samples))

    def advance(self) -> str:
        """Decode a fifth of a second of the backlog and return the text to add, often empty."""
        piece, self.backlog = self.backlog[:LIVE_PIECE], self.backlog[LIVE_PIECE:]
        audio = self._resampler.resample(piece)
        self._waiting = np.concatenate((self._waiting, audio))
        if self._scorer is not None:
            if not np.any(self._scorer.score(audio) >= SEGMENT_OPTIONS.threshold):
                self._waiting = self._waiting[-CONTEXT_MS * ENGINE_RATE_HZ // 1000 :]
                return ""
            self._scorer = None
        added = ""
        while len(self._waiting) >= LIVE_STEP:
            step, self._waiting = self._waiting[:LIVE_STEP], self._waiting[LIVE_STEP:]
            added += self._settle(self._decoder.follow(step))
        return added

    def _settle(self, hypothesis: list[Word]) -> str:
        """Return the text of the words that this hypothesis settles, with its leading space."""
        lead = "" if self._agreement.last is None else " "
        settled = self._agreement.update(hypothesis)
        return lead + " ".join(word.word for word in settled) if settled else ""

    def close(self) -> None:
        """Give the decoder back."""
        self._decoder.close()
