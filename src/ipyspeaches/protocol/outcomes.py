"""What became of a request for one utterance: an answer, half of one, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ipyspeaches.errors import ServerError
from ipyspeaches.words import Word


class Severity(StrEnum):
    """What a refusal means for the rest of the session."""

    FATAL = "fatal"
    """Every other request would be refused, too."""
    PASSING = "passing"
    """The same request may succeed in a while."""
    SINGLE = "single"
    """This utterance gets no text; others may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the recogniser heard; the times of the words count from the first sample that was sent."""

    text: str
    language: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """The stream ended before its end; ``text`` is what had come until then."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no answer, and why."""

    error: ServerError
    severity: Severity


Outcome = Answer | Broken | Refused
