"""What was said and when: words and utterances as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ipyspeaches.checks import EXACT, check_fields, instance, number, seconds, text
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Rows
from ipyspeaches.terminal import printable
from ipyspeaches.words import Word

_WORDS: Final = instance(tuple, "a tuple of Word(…)")
_PLACE: Final = number(-1, EXACT, "the place of the utterance, or -1", whole=True)


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

    def __post_init__(self) -> None:
        check_fields(self, start=seconds, end=seconds, text=text("text"), words=_WORDS, latency_s=seconds)
        check_fields(self, language=text("a code such as 'en', or None"), item_id=text(), id=_PLACE)
        if self.end < self.start:
            raise InputError(f"A segment ends at {self.end:g} s, before it starts at {self.start:g} s: swap them.")
        object.__setattr__(self, "text", printable(self.text))


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of audio that has no text although it should: from ``start`` to ``end`` (s), and the reason."""

    start: float
    end: float
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", printable(self.reason))


class Gaps(Rows[Gap]):
    """Stretches without text, in order; columns ``start``, ``end`` (s) and ``reason``."""

    _row_type: ClassVar = Gap


class Words(Rows[Word]):
    """Words in the order in which they were said; columns ``word``, ``start``, ``end`` (s) and ``probability``."""

    _row_type: ClassVar = Word
