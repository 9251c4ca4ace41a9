"""Loudness of int16 sound: the numbers that meters and energy detectors use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32_768.0
SILENCE_DB = -96.0
"""Floor of all levels: the step of 16 bits, so that digital silence is a number and not minus infinity."""


@dataclass(frozen=True, slots=True)
class Level:
    """Level of a stretch of sound in dBFS, and whether it touched full scale."""

    rms_db: float
    peak_db: float
    clipped: bool


def mean_abs(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the mean absolute value of each row.

    Parameters
    ----------
    frames
        int16, shape ``(frames, samples)``.

    Returns
    -------
    NDArray[np.float32]
        Shape ``(frames,)``, in int16 units (0 to 32,768): the ``threshold=500`` scale of the field's tutorials.
    """
    # In int32, because |-32768| does not fit int16.
    mean: NDArray[np.float64] = np.abs(frames, dtype=np.int32).mean(axis=-1, dtype=np.float64)
    return mean.astype(np.float32)


def to_db(amplitude: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Return amplitudes in int16 units as dBFS, not below `SILENCE_DB`."""
    floor = FULL_SCALE * 10 ** (SILENCE_DB / 20)
    return (20 * np.log10(np.maximum(amplitude, floor) / FULL_SCALE)).astype(np.float32)


def measure(samples: NDArray[np.int16]) -> Level:
    """Return the level of a stretch of int16 sound, shape ``(n,)``; an empty one is silence."""
    if not len(samples):
        return Level(SILENCE_DB, SILENCE_DB, clipped=False)
    wide = samples.astype(np.float32)
    rms = np.sqrt(np.mean(wide * wide, dtype=np.float64))
    peak = float(np.abs(wide).max())
    rms_db, peak_db = to_db(np.array([rms, peak]))
    return Level(float(rms_db), float(peak_db), clipped=peak >= FULL_SCALE - 1)
