"""One request from its first try to its end."""

from __future__ import annotations

from dataclasses import dataclass

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.protocol.backlog import Utterance
from ipyspeaches.protocol.events import Span
from ipyspeaches.protocol.outcomes import Outcome
from ipyspeaches.protocol.seams import Told
from ipyspeaches.protocol.transcription_form import TranscriptionOptions


@dataclass(frozen=True, slots=True)
class Request:
    """One utterance as it goes out; ``start`` and ``end`` are the samples to send."""

    item_id: str
    order: int
    utterance: Utterance

    @property
    def start(self) -> int:
        """Session sample of its first sample."""
        return self.utterance.start

    @property
    def end(self) -> int:
        """Session sample after its last sample."""
        return self.utterance.end

    @property
    def options(self) -> TranscriptionOptions:
        """What is asked."""
        return self.utterance.options

    @property
    def span(self) -> Span:
        """The sound in session seconds."""
        return Span(to_seconds(self.start), to_seconds(self.end))


@dataclass(slots=True, eq=False)
class Item:
    """A request that has gone out, and what has come of it so far.

    Parameters
    ----------
    request
        The request.
    before
        The one whose end it repeats, until both have ended.
    refusals, breaks
        How often it was refused for a while, and how often its stream broke.
    longest, shown
        The longest text of a broken stream, and the longest that was told.
    outcome
        Its end, while it waits for the one before.
    told
        What was told at its end; None if it got no text.
    ended
        Whether its end was told.
    """

    request: Request
    before: Item | None
    refusals: int = 0
    breaks: int = 0
    longest: str = ""
    shown: str = ""
    outcome: Outcome | None = None
    told: Told | None = None
    ended: bool = False


def item_id(utterance: Utterance) -> str:
    """Return the name of an utterance: stable, and readable in tables."""
    return f"utterance_{utterance.number}"
