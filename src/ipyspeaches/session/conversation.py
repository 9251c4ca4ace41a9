"""The seam between a run and a recogniser: sound and cuts in, protocol events out, by whatever way.

::

    source ─► Hearing ─► LiveRun ─► Conversation ─► protocol events ─► Scribe
                                    ├── RealtimeConversation   one connection, the realtime protocol
                                    └── RequestConversation    each utterance a request over HTTP
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ipyspeaches.errors import ServerError
from ipyspeaches.protocol import UNSET, ServerTurnDetection
from ipyspeaches.protocol.configuration import Unset
from ipyspeaches.vad import GateAction


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different from the next utterance on.

    Parameters
    ----------
    turn_detection
        The server's VAD; None leaves it.
    model
        Model id; None leaves it.
    language
        Code, or None to let the server find out; ``UNSET`` leaves it.
    """

    turn_detection: ServerTurnDetection | None = None
    model: str | None = None
    language: str | Unset | None = UNSET


class Conversation(Protocol):
    """One run's exchange with a recogniser. All coroutines run on the engine's loop."""

    @property
    def lost(self) -> asyncio.Future[ServerError]:
        """Done when the conversation cannot go on, with the reason."""
        ...

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        ...

    @property
    def append_samples(self) -> int:
        """How many samples of the session to gather before they are sent."""
        ...

    async def open(self) -> None:
        """Connect; returns when sound may flow.

        Raises
        ------
        ServerError
            If the recogniser cannot be reached or refuses.
        """

    async def carry(self, actions: Sequence[GateAction]) -> None:
        """Do what the gate wants, in order: send stretches of the session, end utterances."""

    async def flush(self) -> None:
        """End what is being said, where the other side cuts."""

    async def settle(self, silence_s: float) -> bool:
        """Wait until no text is pending; False when nothing came for ``silence_s`` seconds."""
        ...

    async def wait_below(self, pending: int) -> None:
        """Wait until fewer than ``pending`` utterances have no text."""

    async def reconfigure(self, changes: Changes) -> None:
        """Do something else from the next utterance on; what the server confirms comes as an event."""

    async def close(self) -> None:
        """End the conversation; what is pending gets no text."""
