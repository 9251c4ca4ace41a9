"""The options that turn scores into segments, under Silero's names."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ipyspeaches.errors import InputError


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """How scores become segments; the names and meanings of silero-vad's ``get_speech_timestamps``.

    Parameters
    ----------
    threshold
        A frame with at least this score is speech.
    neg_threshold
        Inside speech, a frame below this score is silence; between the two nothing changes.
    min_speech_duration_ms
        Segments not longer than this are dropped.
    min_silence_duration_ms
        Silence of this length ends a segment.
    speech_pad_ms
        Segments are widened by this on each side; neighbours share what is between them.
    max_speech_duration_s
        Longer segments are cut, at their longest pause above 98 ms if there is one.

    Raises
    ------
    InputError
        If a value is not finite where it must be, a duration is negative, or ``neg_threshold`` is above ``threshold``.
    """

    threshold: float
    neg_threshold: float
    min_speech_duration_ms: float
    min_silence_duration_ms: float
    speech_pad_ms: float
    max_speech_duration_s: float = math.inf

    def __post_init__(self) -> None:
        for name in ("threshold", "neg_threshold"):
            # Levels in dBFS are negative.
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} is {getattr(self, name)}: give a number.")
        for name in ("min_speech_duration_ms", "min_silence_duration_ms", "speech_pad_ms"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} is {value}: give milliseconds from 0 up.")
        if not self.max_speech_duration_s > 0:
            raise InputError(
                f"max_speech_duration_s is {self.max_speech_duration_s}: give seconds above 0, or math.inf."
            )
        if self.neg_threshold > self.threshold:
            raise InputError(
                f"neg_threshold ({self.neg_threshold}) is above threshold ({self.threshold}): "
                "speech must end at or below the score at which it begins."
            )
