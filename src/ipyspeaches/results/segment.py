"""What was said and when: words and utterances as frozen values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ipyspeaches.tables import Table
from ipyspeaches.words import Word


@dataclass(frozen=True, slots=True)
class Segment:
    """The final text of one utterance.

    Parameters
    ----------
    start, end
        Seconds on the session clock.
    text
        What was said; empty if the engine heard nothing in it.
    words
        Words with times, where the engine gives them.
    language
        Language code such as ``"en"``, if known.
    item_id
        The server's name for the utterance.
    id
        Place of the utterance in the order of its recording, from 0; ``-1`` lets the transcript number it.
    latency_s
        Seconds from the end of speech to this text.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    language: str | None = None
    item_id: str | None = None
    id: int = -1
    latency_s: float | None = None


class Words(Table):
    """Words in the order in which they were said; columns ``word``, ``start``, ``end`` (s) and ``probability``.

    Parameters
    ----------
    words
        The words.
    """

    def __init__(self, words: Iterable[Word] = ()) -> None:
        self._words = tuple(words)

    def columns(self) -> Mapping[str, Any]:
        """Return the words as a list and the numbers as float64 arrays of shape ``(len(self),)``."""
        return {
            "word": [word.word for word in self._words],
            "start": np.array([word.start for word in self._words], dtype=np.float64),
            "end": np.array([word.end for word in self._words], dtype=np.float64),
            "probability": optional_numbers(word.probability for word in self._words),
        }

    def __len__(self) -> int:
        return len(self._words)

    def __iter__(self) -> Iterator[Word]:
        return iter(self._words)

    def __getitem__(self, index: int) -> Word:
        return self._words[index]


def optional_numbers(values: Iterable[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return numbers as float64, shape ``(n,)``, with NaN for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
