"""Where in a buffer somebody speaks, and the stretches of it that an engine is given.

Every text of this server comes through `stretches_of_speech`, whether the sound came as a file or as a stream that
was cut somewhere: an engine only ever hears speech as Silero bounds it, with a fixed surrounding. So the same words
give the same text on every way in, and silence gives none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.local.engine import ENGINE_RATE_HZ
from ipyspeaches.vad import Closed, Segmenter, SegmentOptions, pad_segments
from ipyspeaches.vad.scorers import SILERO_FRAME, SileroScorer

CONTEXT_MS: Final = 200
"""Sound around speech that goes to the engine; zeros where there is none."""
BLOCK_S: Final = 10
STRETCH_OPTIONS: Final = SegmentOptions(
    threshold=0.5,
    neg_threshold=0.35,
    min_speech_duration_ms=60,  # two frames: "no" is a word, a click is not
    min_silence_duration_ms=500,
    speech_pad_ms=0,
    max_speech_duration_s=30,
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound for an engine: int16 at 16 kHz; ``start`` is where it begins in the buffer (may be below 0)."""

    start: int
    samples: NDArray[np.int16]
    speech_start: int
    speech_end: int


def speech_scores(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return Silero's probability of speech of each 32 ms frame (int16 at 16 kHz); the last one is filled up."""
    return SileroScorer(ENGINE_RATE_HZ).push(_filled_up(samples))


def speech_spans(
    scores: Sequence[float] | NDArray[np.float32], length: int, options: SegmentOptions
) -> list[tuple[int, int]]:
    """Return the stretches of speech as pairs of sample indices at 16 kHz, padded as the options say."""
    segmenter = Segmenter(options, SILERO_FRAME, ENGINE_RATE_HZ)
    events = [*segmenter.push([float(score) for score in scores]), *segmenter.finish(length)]
    closed = [event for event in events if isinstance(event, Closed)]
    return pad_segments(closed, options.speech_pad_ms * ENGINE_RATE_HZ / 1000, length)


def stretches_of_speech(samples: NDArray[np.int16]) -> Iterator[Stretch | None]:
    """Yield what an engine shall hear of a buffer (int16 at 16 kHz): one stretch an utterance, none for silence.

    Scoring an hour takes minutes; a None comes after every `BLOCK_S` of it, so that somebody else gets a turn.
    """
    context = CONTEXT_MS * ENGINE_RATE_HZ // 1000
    scorer = SileroScorer(ENGINE_RATE_HZ)
    segmenter = Segmenter(STRETCH_OPTIONS, SILERO_FRAME, ENGINE_RATE_HZ)
    padded = _filled_up(samples)
    block = BLOCK_S * ENGINE_RATE_HZ // SILERO_FRAME * SILERO_FRAME
    for start in range(0, len(padded), block):
        events = segmenter.push(scorer.push(padded[start : start + block]).tolist())
        if start + block >= len(padded):
            events += segmenter.finish(len(samples))
        for event in events:
            if isinstance(event, Closed):
                first, last = event.start - context, event.end + context
                yield Stretch(first, _cut(samples, first, last), event.start, event.end)
        yield None


def _filled_up(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the samples with zeros behind them, in whole frames."""
    return np.pad(samples, (0, -len(samples) % SILERO_FRAME))


def _cut(samples: NDArray[np.int16], start: int, end: int) -> NDArray[np.int16]:
    """Return ``samples[start:end]`` with zeros where that goes beyond the buffer."""
    inside = samples[max(0, start) : max(0, end)]
    return np.pad(inside, (max(0, -start), max(0, end - max(len(samples), start))))
