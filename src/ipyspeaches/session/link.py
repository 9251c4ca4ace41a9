"""A protocol and the transport that carries it: the only place where the two meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ipyspeaches.errors import ServerError, ServerUnreachableError
from ipyspeaches.protocol import Disconnected, ProtocolEvent, ProtocolState, Ready, RealtimeProtocol
from ipyspeaches.session.progress import Progress
from ipyspeaches.transports import Transport, TransportClosed

READY_TIMEOUT_S = 10.0


class Link:
    """Runs one connection: reads, sends in order, and says when it is lost.

    Parameters
    ----------
    protocol
        The realtime protocol, not opened yet.
    transport
        Carries its messages.
    on_event
        Called on the loop with each of the protocol's events.
    """

    def __init__(
        self, protocol: RealtimeProtocol, transport: Transport, on_event: Callable[[ProtocolEvent], None]
    ) -> None:
        self.protocol = protocol
        self._transport = transport
        self._on_event = on_event
        self._sending = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.heard_at_s = 0.0  # on the loop's clock
        self.lost: asyncio.Future[ServerError] = asyncio.get_running_loop().create_future()
        self._progress = Progress(lambda: len(protocol.pending), self.lost)

    async def open(self) -> None:
        """Connect and wait until the server has confirmed the configuration.

        Raises
        ------
        ServerError
            If there is no connection, or it is lost before the server was ready.
        """
        await self._transport.connect()
        self.protocol.connection_opened()
        self._reader = asyncio.create_task(self._read())
        await self.send()
        ready = asyncio.create_task(self._ready.wait())
        awaited: set[asyncio.Future[Any]] = {ready, self.lost}
        try:
            await asyncio.wait(awaited, timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.lost.done():
            raise self.lost.result()
        if not self._ready.is_set():
            raise ServerUnreachableError(
                f"The server accepted the connection but did not answer within {READY_TIMEOUT_S:.0f} s: "
                "check that it is a Speaches server and not overloaded, then start again."
            )

    async def send(self) -> None:
        """Send what the protocol has queued; messages never overtake each other."""
        async with self._sending:
            for message in self.protocol.data_to_send():
                try:
                    await self._transport.send(message)
                except TransportClosed:
                    return  # the reader sees the same end, with its reason

    async def settle(self, silence_s: float) -> bool:
        """Wait until no text is pending; give up when the server has said nothing for ``silence_s`` seconds."""
        return await self._progress.settle(silence_s)

    async def wait_below(self, pending: int) -> None:
        """Wait until fewer than ``pending`` utterances are without text."""
        await self._progress.wait_below(pending)

    async def close(self) -> None:
        """Close the connection and stop reading."""
        if self.protocol.state not in {ProtocolState.CLOSED, ProtocolState.FAILED}:
            self.protocol.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._transport.close()

    async def _read(self) -> None:
        clock = asyncio.get_running_loop().time
        self.heard_at_s = clock()
        try:
            while True:
                message = await self._transport.receive()
                self.heard_at_s = clock()
                self._dispatch(self.protocol.receive(message))
                await self.send()
        except TransportClosed as closed:
            # How long the server was silent before tells a fault in the server from one on the way to it.
            events = self.protocol.connection_lost(
                closed.code, closed.reason, close_frame=closed.close_frame, idle_s=clock() - self.heard_at_s
            )
            if events and closed.error is not None:
                events = [Disconnected(closed.error, fatal=True)]
            self._dispatch(events)

    def _dispatch(self, events: list[ProtocolEvent]) -> None:
        for event in events:
            if isinstance(event, Ready):
                self._ready.set()
            elif isinstance(event, Disconnected) and not self.lost.done():
                self.lost.set_result(event.error)
            self._on_event(event)
        self._progress.made()
