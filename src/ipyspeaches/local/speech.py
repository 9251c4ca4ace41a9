"""Where in a buffer somebody speaks, and the stretches of it that an engine is given.

Every text of this server comes through `stretches_of_speech`, whether the sound came as a file or as a stream that
was cut somewhere: an engine only ever hears speech as Silero bounds it, with a fixed surrounding. So the same words
give the same text on every way in, and silence gives none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.local.engine import ENGINE_RATE_HZ
from ipyspeaches.vad import Closed, Segmenter, SegmentOptions, pad_segments
from ipyspeaches.vad.scorers import SILERO_FRAME, SileroScorer

CONTEXT_MS: Final = 200
"""Sound around speech that goes to the engine; zeros where there is none."""
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
    padding = np.zeros(-len(samples) % SILERO_FRAME, dtype=np.int16)
    return SileroScorer(ENGINE_RATE_HZ).push(np.concatenate((samples, padding)))


def speech_spans(
    scores: Sequence[float] | NDArray[np.float32], length: int, options: SegmentOptions
) -> list[tuple[int, int]]:
    """Return the stretches of speech as pairs of sample indices at 16 kHz, padded as the options say."""
    segmenter = Segmenter(options, SILERO_FRAME, ENGINE_RATE_HZ)
    events = [*segmenter.push([float(score) for score in scores]), *segmenter.finish(length)]
    closed = [event for event in events if isinstance(event, Closed)]
    return pad_segments(closed, options.speech_pad_ms * ENGINE_RATE_HZ / 1000, length)


def stretches_of_speech(samples: NDArray[np.int16]) -> list[Stretch]:
    """Return what an engine shall hear of a buffer (int16 at 16 kHz): one stretch an utterance, none for silence."""
    context = CONTEXT_MS * ENGINE_RATE_HZ // 1000
    spans = speech_spans(speech_scores(samples), len(samples), STRETCH_OPTIONS)
    return [Stretch(start - context, _cut(samples, start - context, end + context), start, end) for start, end in spans]


def _cut(samples: NDArray[np.int16], start: int, end: int) -> NDArray[np.int16]:
    """Return ``samples[start:end]`` with zeros where that goes beyond the buffer."""
    inside = samples[max(0, start) : max(0, end)]
    return np.pad(inside, (max(0, -start), max(0, end - max(len(samples), start))))
