"""How loud int16 audio is: the numbers that meters and energy detectors use.

All sums over frames are of whole numbers and exact, so that a frame has the same value in every chunking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FULL_SCALE: Final = 32_768.0
SILENCE_DB: Final = -96.0
"""Floor of all levels: the step of 16 bits, so that digital silence is a number and not minus infinity."""

_BLOCK_SAMPLES: Final = 1 << 18
"""Samples at a time: half a megabyte, which stays in the processor's cache between one step and the next."""
_UINT32_FRAME: Final = (1 << 32) // 32_768 - 1
"""Longest frame whose sum fits 32 bits whatever is in it."""


@dataclass(frozen=True, slots=True)
class Level:
    """Level of a stretch of audio in dBFS, and whether it touched full scale."""

    rms_db: float
    peak_db: float
    clipped: bool


def mean_abs(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the mean absolute value of each row, shape ``(frames,)``.

    It is in int16 units (0 to 32,768): the ``threshold=500`` scale of the field's tutorials.
    """
    count, hop = frames.shape
    total = np.uint32 if hop <= _UINT32_FRAME else np.uint64
    step = max(1, _BLOCK_SAMPLES // hop)
    result = np.empty(count, dtype=np.float32)
    for begin in range(0, count, step):
        # |-32768| does not fit int16, but the same bits read as uint16 are 32768.
        magnitude = np.abs(frames[begin : begin + step]).view(np.uint16)
        result[begin : begin + step] = np.add.reduce(magnitude, axis=1, dtype=total) / hop
    return result


def mean_square(frames: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the mean square of each row in int16 units squared, shape ``(frames,)``."""
    count, hop = frames.shape
    result = np.empty(count, dtype=np.float64)
    step = max(1, _BLOCK_SAMPLES // hop)
    for begin in range(0, count, step):
        square = np.square(frames[begin : begin + step], dtype=np.int32)
        result[begin : begin + step] = np.add.reduce(square, axis=1, dtype=np.int64) / hop
    return result


def to_db(amplitude: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Return amplitudes in int16 units as dBFS, not below `SILENCE_DB`."""
    floor = FULL_SCALE * 10 ** (SILENCE_DB / 20)
    return (20 * np.log10(np.maximum(amplitude, floor) / FULL_SCALE)).astype(np.float32)


def measure(samples: NDArray[np.int16]) -> Level:
    """Return the level of a stretch of int16 audio, shape ``(n,)``; an empty one is silence."""
    if not len(samples):
        return Level(SILENCE_DB, SILENCE_DB, clipped=False)
    wide = samples.astype(np.float32)
    rms = np.sqrt(np.mean(wide * wide, dtype=np.float64))
    peak = float(np.abs(wide).max())
    rms_db, peak_db = to_db(np.array([rms, peak]))
    return Level(float(rms_db), float(peak_db), clipped=peak >= FULL_SCALE - 1)
