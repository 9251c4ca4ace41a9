"""From sound at the session clock to text: resampling, finding speech, the engine. Runs in a worker process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ, Resampler
from ipyspeaches.local.engine import ENGINE_RATE_HZ, NO_ADVICE, Advice, Engine, LiveDecoder
from ipyspeaches.local.messages import StretchText
from ipyspeaches.local.speech import CONTEXT_MS, STRETCH_OPTIONS, stretches_of_speech
from ipyspeaches.local.stable_text import StableText
from ipyspeaches.vad.scorers import SileroScorer
from ipyspeaches.words import Word

LIVE_STEP_MS: Final = 200
"""Sound between two hypotheses that are compared."""


def transcribe(
    engine: Engine, samples: NDArray[np.int16], language: str | None, job: int, advice: Advice = NO_ADVICE
) -> Iterator[StretchText | None]:
    """Yield the text of each stretch of speech, and None where others may have a turn.

    Parameters
    ----------
    engine
        What recognises.
    samples
        int16 mono at 24 kHz, shape ``(n,)``.
    language
        Language code, or None.
    job
        Number that the messages carry.
    advice
        What else the engine is told.
    """
    heard = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ).push(samples, last=True)
    for stretch in stretches_of_speech(heard):
        if stretch is None:
            yield None
            continue
        recognition = engine.recognise(stretch.samples, language, advice)
        if not recognition.text.strip():
            continue
        offset_s = stretch.start / ENGINE_RATE_HZ
        words = tuple(
            Word(
                word.word,
                round(max(0.0, offset_s + word.start), 3),
                round(max(0.0, offset_s + word.end), 3),
                None if word.probability is None else round(word.probability, 4),
            )
            for word in recognition.words
        )
        start_s, end_s = stretch.speech_start / ENGINE_RATE_HZ, stretch.speech_end / ENGINE_RATE_HZ
        yield StretchText(job, recognition.text, round(start_s, 3), round(end_s, 3), words, recognition.language)


class LiveRecogniser:
    """Stable text of an utterance while it is spoken; says nothing before somebody speaks.

    Parameters
    ----------
    decoder
        Lent by the engine for this utterance.
    """

    def __init__(self, decoder: LiveDecoder) -> None:
        self._decoder = decoder
        self._resampler = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ)
        self._scorer: SileroScorer | None = SileroScorer(ENGINE_RATE_HZ)
        self._waiting = np.empty(0, dtype=np.int16)
        self._text = StableText()

    def feed(self, samples: NDArray[np.int16]) -> str:
        """Take more sound (int16 at 24 kHz) and return the text to add, often empty."""
        heard = self._resampler.push(samples)
        self._waiting = np.concatenate((self._waiting, heard))
        if self._scorer is not None:
            if not np.any(self._scorer.push(heard) >= STRETCH_OPTIONS.threshold):
                self._waiting = self._waiting[-CONTEXT_MS * ENGINE_RATE_HZ // 1000 :]
                return ""
            self._scorer = None
        step = LIVE_STEP_MS * ENGINE_RATE_HZ // 1000
        added = ""
        while len(self._waiting) >= step:
            piece, self._waiting = self._waiting[:step], self._waiting[step:]
            added += self._text.update(self._decoder.feed(piece))
        return added

    def close(self) -> None:
        """Give the decoder back."""
        self._decoder.close()
