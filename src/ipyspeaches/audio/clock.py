"""The session clock counts samples, at the rate that goes over the wire.

Everything a session hears is resampled once to `SESSION_RATE_HZ`; from then on a moment is a sample index and
a duration a number of samples, so that no clock can drift from another.
"""

from __future__ import annotations

from typing import Final

SESSION_RATE_HZ: Final = 24_000
"""Samples per second of the session clock: the only rate that OpenAI-Realtime servers take as ``pcm16``."""


def to_seconds(sample: int) -> float:
    """Return the session time of a sample index, in seconds."""
    return sample / SESSION_RATE_HZ


def to_samples(seconds: float) -> int:
    """Return the sample index nearest to a session time in seconds."""
    return round(seconds * SESSION_RATE_HZ)
