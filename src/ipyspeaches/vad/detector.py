"""What all detectors share: a scorer and its options in one frozen value, ready for a session or a recording."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.score_cache import remembered
from ipyspeaches.vad.scorers import Scorer
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
    remembers: ClassVar[bool] = True
    """Whether scores of a recording are kept: not where to compute them costs less than to know the recording again."""

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
        """Score a recording; its last frame is filled up with zeros.

        Scores of the costlier detectors are remembered by what is in the recording, see `score_cache`.
        """
        if not self.remembers:
            return self._score(recording)
        return remembered(recording, self.scorer_options(), lambda: self._score(recording))

    def _score(self, recording: Recording) -> Scores:
        samples, rate = self.prepare(recording)
        scorer = self.scorer(rate)
        padding = np.zeros(-len(samples) % scorer.hop, dtype=np.int16)
        value = np.concatenate((scorer.push(samples), scorer.push(padding)))
        value.flags.writeable = False
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

    def to_code(self) -> str:
        """Return the call that makes this detector, with what differs from its defaults."""
        given = []
        for one in fields(self):
            value = getattr(self, one.name)
            if one.init and (one.default is MISSING or value != one.default):
                shown = "math.inf" if value == math.inf else repr(value)
                given.append(f"{one.name}={shown}")
        return f"sp.{type(self).__name__}({', '.join(given)})"
