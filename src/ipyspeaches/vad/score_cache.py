"""Scores are computed once a recording: a memory of them by what is in the recording and how it was scored."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ipyspeaches.vad.scores import Scores

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording

MAX_BYTES: Final = 64_000_000
"""About 140 hours of Silero's scores."""


def content_key(recording: Recording) -> str:
    """Return a name for what is in a recording: equal samples at an equal rate have equal names."""
    digest = hashlib.blake2b(recording.samples.data, digest_size=16)
    return f"{recording.rate}:{digest.hexdigest()}"


class ScoreCache:
    """Scores by recording and scorer, the least recently used ones forgotten first.

    The name of a recording is computed once for each `Recording` in memory; another one with the same samples, such as
    the same file loaded again, finds the same scores. Safe to use from several threads: at worst, two compute the same.

    Parameters
    ----------
    max_bytes
        Memory for scores; the last ones are always kept.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._scores: OrderedDict[tuple[object, ...], Scores] = OrderedDict()
        self._keys: dict[int, tuple[weakref.ref[Any], str]] = {}

    def get(self, recording: Recording, options: tuple[object, ...], compute: Callable[[], Scores]) -> Scores:
        """Return the scores of a recording, computed if they are not there.

        Parameters
        ----------
        recording
            What was or will be scored.
        options
            What scores depend on besides: `Detector.scorer_options`.
        compute
            Scores the recording.
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
        # Recordings cannot be referred to weakly, the array that each of them holds can.
        identity = id(recording.samples)
        known = self._keys.get(identity)
        if known is not None and known[0]() is recording.samples:
            return known[1]
        key = content_key(recording)
        keys = self._keys
        keys[identity] = (weakref.ref(recording.samples, lambda _: keys.pop(identity, None)), key)
        return key


_PROCESS = ScoreCache()


def remembered(recording: Recording, options: tuple[object, ...], compute: Callable[[], Scores]) -> Scores:
    """Return scores from the memory of this process; see `ScoreCache.get`."""
    return _PROCESS.get(recording, options, compute)
