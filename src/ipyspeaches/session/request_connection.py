"""A connection in requests: each utterance an upload of its own, a few of them on their way at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.decoding import wav
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.protocol.http.request_protocol import Request, RequestProtocol
from ipyspeaches.protocol.protocol_events import ProtocolEvent
from ipyspeaches.protocol.recognition import Changes
from ipyspeaches.session.connection import Connection
from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.vad.gate import GateAction, Send


class RequestConnection(Connection):
    """Owns a task for each request that is on its way; closing it ends them all.

    Parameters
    ----------
    protocol
        Decides what to send, and what the answers mean.
    transport, store, on_event
        As of `RealtimeConnection`.
    """

    def __init__(
        self,
        protocol: RequestProtocol,
        transport: RequestTransport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
    ) -> None:
        super().__init__(on_event)
        self._protocol = protocol
        self._transport = transport
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return self._protocol.pending

    async def open(self) -> None:
        """Begin; the server has been asked already whether it is there."""
        self._protocol.open()
        self._advance()

    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Gather what is to be sent; an utterance that ends becomes a request."""
        del last  # nothing leaves before an utterance ends
        for action in actions:
            if isinstance(action, Send):
                self._protocol.send_audio(action.start, action.end)
            else:
                self._protocol.send_commit(action)
        self._advance()

    async def flush(self) -> None:
        """Do nothing: this side has ended every utterance itself."""

    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else from the next utterance on."""
        self._protocol.reconfigure(changes)
        self._advance()

    async def close(self) -> None:
        """Give up the requests that are on their way, and the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _advance(self) -> None:
        """Send what may be sent now, and tell what has happened."""
        while not self.lost.done() and (request := self._protocol.request_to_send()) is not None:
            task = self._run(self._serve(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._receive(self._protocol.events_received())

    async def _serve(self, request: Request) -> None:
        """See a request through to its end, however often it has to be sent."""
        file = (f"{request.item_id}.wav", wav(self._store.read(request.start, request.end), SESSION_RATE_HZ))
        wait_s: float | None = 0.0
        while wait_s is not None:
            await asyncio.sleep(wait_s)
            outcome = await self._transport.post(request.options, file, partial(self._receive_text, request))
            wait_s = self._protocol.receive_outcome(request, outcome)
            self._advance()

    def _receive_text(self, request: Request, text: str) -> None:
        self._protocol.receive_text(request, text)
        self._advance()
