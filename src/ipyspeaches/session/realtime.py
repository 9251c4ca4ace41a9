"""A conversation in the realtime protocol, over whichever transport carries its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ipyspeaches.audio import AudioStore
from ipyspeaches.errors import ServerError
from ipyspeaches.protocol import AppendLength, ProtocolEvent, RealtimeProtocol
from ipyspeaches.session.conversation import Changes
from ipyspeaches.session.link import Link
from ipyspeaches.session.server_buffer import ServerBuffer
from ipyspeaches.transports import Transport
from ipyspeaches.vad import GateAction, Send


class RealtimeConversation:
    """Sends sound as appends and cuts as commits, and learns how long appends should be.

    Parameters
    ----------
    protocol
        Not opened yet.
    transport
        Carries its messages.
    store
        The session's sound.
    on_event
        Called on the loop with each protocol event.
    hears_speech
        Whether the detector on this side is inside speech; without it a server that cuts keeps its silence.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: Transport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
        hears_speech: Callable[[], bool] | None = None,
    ) -> None:
        self._protocol = protocol
        self._buffer = ServerBuffer(protocol, store, hears_speech)
        self._on_event = on_event
        self._append = AppendLength(client_cuts=protocol.options.client_cuts)
        self._link = self._linked(transport)

    @property
    def lost(self) -> asyncio.Future[ServerError]:
        """Done when the connection is lost, with the reason."""
        return self._link.lost

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return len(self._protocol.pending)

    @property
    def append_samples(self) -> int:
        """How many samples to gather before they are sent."""
        return self._append.samples

    async def open(self) -> None:
        """Connect, and wait until the server has confirmed the configuration."""
        await self._link.open()

    async def carry(self, actions: Sequence[GateAction]) -> None:
        """Send and commit, in order."""
        for action in actions:
            if isinstance(action, Send):
                self._buffer.send(action)
            else:
                self._protocol.commit(action.utterance)
        if actions:
            await self._link.send()

    async def flush(self) -> None:
        """Ask the server to end what is being said, if it cuts."""
        self._buffer.flush()
        await self._link.send()

    async def settle(self, silence_s: float) -> bool:
        """Wait until no text is pending; False when the server said nothing for ``silence_s`` seconds."""
        return await self._link.settle(silence_s)

    async def wait_below(self, pending: int) -> None:
        """Wait until fewer than ``pending`` utterances have no text."""
        await self._link.wait_below(pending)

    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else; the server's answer comes as an event."""
        self._protocol.update(turn_detection=changes.turn_detection, language=changes.language, model=changes.model)
        await self._link.send()

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    def _linked(self, transport: Transport) -> Link:
        return Link(self._protocol, transport, self._take)

    def _take(self, event: ProtocolEvent) -> None:
        self._append.observe(event)
        self._buffer.take(event)
        self._on_event(event)
