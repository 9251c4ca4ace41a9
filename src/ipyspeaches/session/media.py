"""A conversation in the realtime protocol whose sound is a media stream beside the messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ipyspeaches.audio import AudioStore
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol import ProtocolEvent, RealtimeProtocol, Sound
from ipyspeaches.session.link import Link
from ipyspeaches.session.realtime import RealtimeConversation
from ipyspeaches.transports import MediaTransport, Transport, TransportClosed
from ipyspeaches.vad import GateAction

PIECE_SAMPLES: Final = SESSION_RATE_HZ // 10
"""100 ms at a time: a stream flows anyway, so that longer pieces would only come later."""
MAX_AHEAD_S: Final = 3.0
"""Sound of a recording that may wait for its time in the stream."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent while texts are pending.

    Parameters
    ----------
    quiet_s
        Before it is asked for a sign of life.
    answer_s
        Before a session that gives none counts as dead; the question goes out behind the sound that waits.
    """

    quiet_s: float = 5.0
    answer_s: float = 10.0


class MediaLink(Link):
    """A link that also hands sound over, and notices when a session dies behind a connection that lives.

    After a failure, Speaches keeps a WebRTC connection and its channel open and answers nothing any more.

    Parameters
    ----------
    protocol
        With `Media` in its options, not opened yet.
    transport
        Carries messages and sound.
    on_event
        Called on the loop with each of the protocol's events.
    patience
        How long to wait for a server.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: MediaTransport,
        on_event: Callable[[ProtocolEvent], None],
        patience: Patience,
    ) -> None:
        super().__init__(protocol, transport, on_event)
        self._media = transport
        self._patience = patience
        self._watchdog: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, wait until the server has confirmed the configuration, and watch it from then on."""
        await super().open()
        self._watchdog = asyncio.create_task(self._watch())

    async def send(self) -> None:
        """Hand over what the protocol has queued; the transport keeps its order, and nobody waits for it."""
        async with self._sending:
            for entry in self.protocol.outgoing():
                if isinstance(entry, Sound):
                    self._media.send_audio(entry)
                    continue
                try:
                    await self._media.send(entry)
                except TransportClosed:
                    return  # the reader sees the same end, with its reason

    async def close(self) -> None:
        """Close the connection and stop watching."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)
        await super().close()

    async def _watch(self) -> None:
        clock, patience = asyncio.get_running_loop().time, self._patience
        while not self.lost.done():
            waiting = self.protocol.pending or self.protocol.speaking
            left_s = patience.quiet_s - (clock() - self.heard_at_s) if waiting else patience.quiet_s
            if left_s > 0:
                await asyncio.sleep(left_s)
                continue
            if not await self._answers() and not self.lost.done():
                self._dispatch(self.protocol.session_died())

    async def _answers(self) -> bool:
        """Ask for a sign of life and return whether there was one."""
        asked_at_s = asyncio.get_running_loop().time()
        self.protocol.ping()
        await self.send()
        await asyncio.sleep(self._patience.answer_s)
        return self.heard_at_s >= asked_at_s


class MediaConversation(RealtimeConversation):
    """Hands sound over for a media stream, a little ahead of its time at most.

    Parameters
    ----------
    protocol
        With `Media` in its options, not opened yet.
    transport
        Carries messages and sound.
    store
        The session's sound.
    on_event
        Called on the loop with each protocol event.
    patience
        How long to wait for a silent server.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: MediaTransport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
        patience: Patience | None = None,
    ) -> None:
        self._media = transport
        self._patience = patience or Patience()
        super().__init__(protocol, transport, store, on_event)

    @property
    def append_samples(self) -> int:
        """How many samples to gather before they are handed over."""
        return PIECE_SAMPLES

    async def carry(self, actions: Sequence[GateAction]) -> None:
        """Hand over and commit; a recording waits until its sound has nearly gone out."""
        await super().carry(actions)
        await self._media.drain(MAX_AHEAD_S)

    def _linked(self, transport: Transport) -> Link:
        del transport
        return MediaLink(self._protocol, self._media, self._take, self._patience)
