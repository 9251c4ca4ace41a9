"""The scores of a recording: computed once, segmented with any threshold."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording

MAX_BYTES: Final = 64_000_000
"""About 140 hours of Silero's scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One score a frame.

    Parameters
    ----------
    value
        float32, shape ``(frames,)``: energy in int16 units, or a probability from 0 to 1.
    hop
        Samples a frame.
    rate
        Samples per second of the audio that was scored.
    length
        Samples of the audio that was scored; the last frame may be shorter.
    """

    value: NDArray[np.float32]
    hop: int
    rate: int
    length: int

    @property
    def hop_s(self) -> float:
        """Seconds a frame."""
        return self.hop / self.rate

    @property
    def time(self) -> NDArray[np.float64]:
        """Where each frame begins, in seconds, shape ``(frames,)``."""
        return np.arange(len(self.value), dtype=np.float64) * self.hop_s


def content_key(recording: Recording) -> str:
    """Return a name for what is in a recording: equal samples at an equal rate have equal names."""
    digest = hashlib.blake2b(recording.samples.data, digest_size=16)
    return f"{recording.rate}:{digest.hexdigest()}"


class ScoreCache:
    """Scores by recording and scorer, the least recently used ones forgotten first, but for the last.

    Recordings are told apart by what is in them: the same file loaded again finds the same scores. Safe to use from
    several threads: at worst, two compute the same.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._scores: OrderedDict[tuple[object, ...], Scores] = OrderedDict()
        self._keys: dict[int, tuple[weakref.ref[Any], str]] = {}

    def get(self, recording: Recording, options: tuple[object, ...], compute: Callable[[], Scores]) -> Scores:
        """Return the scores of a recording, computed if they are not there.

        The options are what scores depend on besides: `Detector.scorer_options`.
        """
        key = (self._key(recording), *options)
        scores = self._scores.pop(key, None) or compute()
        self._scores[key] = scores  # as the latest
        while self.nbytes > self._max_bytes and len(self._scores) > 1:
            self._scores.popitem(last=False)
        return scores

    @property
    def nbytes(self) -> int:
        """Memory that the scores take."""
        return sum(scores.value.nbytes for scores in list(self._scores.values()))

    def clear(self) -> None:
        """Forget everything."""
        self._scores.clear()
        self._keys.clear()

    def _key(self, recording: Recording) -> str:
        """Return the recording's key, computed once for each `Recording` in memory."""
        # Recordings cannot be referred to weakly, the array that each of them holds can.
        identity = id(recording.samples)
        known = self._keys.get(identity)
        if known is not None and known[0]() is recording.samples:
            return known[1]
        key = content_key(recording)
        keys = self._keys
        keys[identity] = (weakref.ref(recording.samples, lambda _: keys.pop(identity, None)), key)
        return key


SCORE_CACHE: Final = ScoreCache()
"""What `Detector.score` remembers in this process."""
