"""The input audio buffer of a realtime session: what was appended and not yet committed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.errors import InputError

BUFFER_LIMIT_S: Final = 600


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a buffer: int16 at 24 kHz, beginning ``start`` samples behind the buffer's start."""

    start: int
    samples: NDArray[np.int16]


class AudioBuffer:
    """Appended sound, counted from the buffer's start.

    Sound that can no longer matter may be dropped from memory; it still counts.

    Parameters
    ----------
    limit_s
        Seconds that are kept at most. Beyond it the oldest sound is kept and new sound is refused, because the words
        that were spoken first are the ones a late commit is about.
    """

    def __init__(self, limit_s: float = BUFFER_LIMIT_S) -> None:
        self._limit_s = limit_s
        self.limit = round(limit_s * SESSION_RATE_HZ)
        self._pieces: deque[NDArray[np.int16]] = deque()
        self._first = 0  # index of the first sample in memory
        self.length = 0

    @property
    def length_ms(self) -> float:
        """Milliseconds appended."""
        return self.length * 1000 / SESSION_RATE_HZ

    @property
    def kept(self) -> int:
        """Samples in memory."""
        return self.length - self._first

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add sound.

        Raises
        ------
        InputError
            If it does not fit; the buffer stays as it is.
        """
        if self.kept + len(samples) > self.limit:
            raise InputError(
                f"Error appending to input audio buffer: it holds {self.kept / SESSION_RATE_HZ:.0f}s of uncommitted "
                f"audio and takes at most {self._limit_s:g}s. This audio was dropped; commit or clear the buffer."
            )
        self._pieces.append(samples)
        self.length += len(samples)

    def excerpt(self, start: int, end: int) -> Excerpt:
        """Return the samples from ``start`` to ``end``, as far as they are in memory."""
        whole = self._whole()
        start = max(start, self._first)
        return Excerpt(start, whole[start - self._first : max(start, end) - self._first])

    def forget(self, before: int) -> None:
        """Drop from memory what lies wholly before this sample."""
        while self._pieces and self._first + len(self._pieces[0]) <= before:
            self._first += len(self._pieces.popleft())

    def split(self, at: int) -> Excerpt:
        """End the buffer at sample ``at`` and return it; what lies behind is the start of the next one."""
        whole = self._whole()
        head, tail = whole[: at - self._first], whole[at - self._first :]
        ended = Excerpt(self._first, head)
        self._pieces = deque([tail]) if len(tail) else deque()
        self._first = 0
        self.length = len(tail)
        return ended

    def _whole(self) -> NDArray[np.int16]:
        if len(self._pieces) != 1:
            empty = np.empty(0, dtype=np.int16)
            self._pieces = deque([np.concatenate(self._pieces) if self._pieces else empty])
        return self._pieces[0]
