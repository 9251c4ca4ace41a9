"""Scorers that measure how loud a frame is: mean absolute value, level, level above the noise.

All sums are of whole numbers and exact, so that a frame has the same score in every chunking.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.levels import FULL_SCALE, SILENCE_DB
from ipyspeaches.vad.scorers import Framer

_BLOCK_SAMPLES: Final = 1 << 18
"""Samples at a time: half a megabyte, which stays in the processor's cache between one step and the next."""
_UINT32_FRAME: Final = (1 << 32) // 32_768 - 1
"""Longest frame whose sum fits 32 bits whatever is in it."""


def energy(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the mean absolute value of each row, as `ipyspeaches.audio.mean_abs` does, four times faster.

    Parameters
    ----------
    frames
        int16, shape ``(frames, samples)``.

    Returns
    -------
    NDArray[np.float32]
        Shape ``(frames,)``, in int16 units.
    """
    count, hop = frames.shape
    result = np.empty(count, dtype=np.float32)
    step = max(1, _BLOCK_SAMPLES // hop)
    buffer = np.empty((min(step, count), hop), dtype=np.int16)
    total = np.uint32 if hop <= _UINT32_FRAME else np.uint64
    for begin in range(0, count, step):
        block = frames[begin : begin + step]
        # |-32768| does not fit int16, but the same bits read as uint16 are 32768.
        magnitude = np.abs(block, out=buffer[: len(block)]).view(np.uint16)
        result[begin : begin + step] = np.add.reduce(magnitude, axis=1, dtype=total) / hop
    return result


def power(frames: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the mean square of each row in int16 units squared, shape ``(frames,)``."""
    count, hop = frames.shape
    result = np.empty(count, dtype=np.float64)
    step = max(1, _BLOCK_SAMPLES // hop)
    for begin in range(0, count, step):
        square = np.square(frames[begin : begin + step], dtype=np.int32)
        result[begin : begin + step] = np.add.reduce(square, axis=1, dtype=np.int64) / hop
    return result


class EnergyScorer:
    """Mean absolute value of each frame, in int16 units.

    Parameters
    ----------
    hop
        Samples a frame.
    """

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self._framer = Framer(hop)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the energy of the frames that these samples complete."""
        return energy(self._framer.push(samples))


class RmsScorer:
    """Root mean square of each frame in dBFS, not below -96.

    Parameters
    ----------
    hop
        Samples a frame.
    """

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self._framer = Framer(hop)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the levels of the frames that these samples complete."""
        return _level_db(power(self._framer.push(samples)), SILENCE_DB)


def _level_db(mean_square: NDArray[np.float64], floor_db: float) -> NDArray[np.float32]:
    return (10 * np.log10(np.maximum(mean_square, _power_of(floor_db)) / FULL_SCALE**2)).astype(np.float32)


def _power_of(level_db: float) -> float:
    return float(FULL_SCALE**2 * 10 ** (level_db / 10))


class NoiseFloor:
    """Follow the power of the noise: the least smoothed power of the last frames.

    Parameters
    ----------
    window
        Frames to look back.
    smoothing
        What is kept of the smoothed power from one frame to the next, 0 to 1.
    floor_db
        Lowest floor, in dBFS.
    """

    def __init__(self, window: int, smoothing: float, floor_db: float) -> None:
        self._window = window
        self._smoothing = smoothing
        self._lowest = _power_of(floor_db)
        self._smoothed = math.nan
        self._frame = 0
        # Candidates, rising: a power is out of the race as soon as a lower one follows.
        self._least: deque[tuple[int, float]] = deque()

    def push(self, mean_square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power of the noise at each of these frames, shape ``(frames,)``."""
        least, keep = self._least, self._smoothing
        smoothed = self._smoothed
        floors = []
        for frame, value in enumerate(mean_square.tolist(), start=self._frame):
            smoothed = value if smoothed != smoothed else keep * smoothed + (1 - keep) * value
            while least and least[-1][1] >= smoothed:
                least.pop()
            least.append((frame, smoothed))
            if least[0][0] <= frame - self._window:
                least.popleft()
            floors.append(least[0][1])
        self._frame += len(mean_square)
        self._smoothed = smoothed
        return np.maximum(np.array(floors, dtype=np.float64), self._lowest)


class NoiseFloorScorer:
    """How many dB each frame is above the noise floor, at least 0.

    Parameters
    ----------
    hop
        Samples a frame.
    floor
        Follows the noise.
    """

    def __init__(self, hop: int, floor: NoiseFloor) -> None:
        self.hop = hop
        self._framer = Framer(hop)
        self._floor = floor

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these samples complete."""
        mean_square = power(self._framer.push(samples))
        floor = self._floor.push(mean_square)
        return (10 * np.log10(np.maximum(mean_square / floor, 1.0))).astype(np.float32)
