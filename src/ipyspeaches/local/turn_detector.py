"""Server VAD: Silero over a session's sound as it comes, and the turns that it hears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.local.session_settings import TurnDetectionSettings
from ipyspeaches.vad import Opened, Segmenter, SegmentOptions
from ipyspeaches.vad.scorers import SileroScorer

RELEASE_BELOW_THRESHOLD = 0.15
MIN_RELEASE = 0.01
MIN_SPEECH_MS = 60


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """Speech began at sample ``onset``; certain since sample ``position``."""

    onset: int
    position: int


@dataclass(frozen=True, slots=True)
class TurnStopped:
    """The silence that ends an utterance was long enough at sample ``position``."""

    position: int


TurnEvent = TurnStarted | TurnStopped


class TurnDetector:
    """Find turns in 24 kHz sound; samples are counted from the detector's own start.

    Parameters
    ----------
    settings
        Threshold and silence.
    """

    def __init__(self, settings: TurnDetectionSettings) -> None:
        self._options = _options(settings)
        self._scorer = SileroScorer(SESSION_RATE_HZ)
        self._segmenter = self._fresh_segmenter()
        self._base = 0  # samples judged before the present segmenter

    def _fresh_segmenter(self) -> Segmenter:
        return Segmenter(self._options, self._scorer.hop, SESSION_RATE_HZ)

    def push(self, samples: NDArray[np.int16]) -> list[TurnEvent]:
        """Take sound (int16) and return the turns that it decides, in order."""
        turns: list[TurnEvent] = []
        for score in self._scorer.push(samples).tolist():
            for event in self._segmenter.push((score,)):
                position = self._base + self._segmenter.position
                if isinstance(event, Opened):
                    turns.append(TurnStarted(self._base + event.start, position))
                else:
                    turns.append(TurnStopped(position))
        return turns

    def reconfigure(self, settings: TurnDetectionSettings) -> None:
        """Use other settings from now on, without forgetting speech that is under way."""
        self._options = _options(settings)
        self._segmenter.reconfigure(self._options)

    def end_turn(self) -> None:
        """Forget speech that is under way: its utterance was ended by somebody else."""
        self._base += self._segmenter.position
        self._segmenter = self._fresh_segmenter()


def _options(settings: TurnDetectionSettings) -> SegmentOptions:
    release = max(MIN_RELEASE, settings.threshold - RELEASE_BELOW_THRESHOLD)
    return SegmentOptions(
        threshold=settings.threshold,
        neg_threshold=min(release, settings.threshold),
        min_speech_duration_ms=MIN_SPEECH_MS,
        min_silence_duration_ms=settings.silence_duration_ms,
        speech_pad_ms=0,
    )
