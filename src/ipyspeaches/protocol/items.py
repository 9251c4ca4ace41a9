"""One utterance on its way from the first sound to its text."""

from __future__ import annotations

from dataclasses import dataclass

from ipyspeaches.protocol.events import Span
from ipyspeaches.protocol.timeline import Buffer


@dataclass(frozen=True, slots=True)
class Pending:
    """An utterance without its text: ``item_id`` is None while its commit has not been answered."""

    item_id: str | None
    utterance: int | None
    span: Span | None


@dataclass(slots=True)
class Item:
    """What is known of one utterance.

    ``heard`` and ``stopped`` are the verdicts of the server's VAD, ``committed`` says that it is an item, ``created``
    that the item is in the conversation.
    """

    item_id: str
    buffer: Buffer | None = None
    order: int | None = None
    utterance: int | None = None
    span: Span | None = None
    started_ms: float = 0.0
    text: str = ""
    stretches: str = ""
    heard: bool = False
    stopped: bool = False
    committed: bool = False
    created: bool = False

    @property
    def open(self) -> bool:
        """Whether the server's VAD is inside this utterance."""
        return self.heard and not self.stopped and not self.committed

    @property
    def between(self) -> bool:
        """Whether the server is about to put this utterance into the conversation."""
        return (self.stopped or self.committed) and not self.created
