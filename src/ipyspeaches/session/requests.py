"""A conversation in requests: each utterance an upload of its own, a few of them on their way at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ipyspeaches.audio import SESSION_RATE_HZ, AudioStore
from ipyspeaches.audio.decoding import wav
from ipyspeaches.errors import ServerError
from ipyspeaches.protocol import Disconnected, ProtocolEvent, Request, RequestProtocol
from ipyspeaches.session.conversation import Changes
from ipyspeaches.session.progress import Progress
from ipyspeaches.transports import RequestTransport
from ipyspeaches.vad import GateAction, Send

GATHERED_SAMPLES: Final = SESSION_RATE_HZ * 30
"""Nothing leaves before an utterance ends, so nothing is gained by smaller pieces."""


class RequestConversation:
    """Owns a task for each request that is on its way; closing it ends them all.

    Parameters
    ----------
    protocol
        Decides what to send, and what the answers mean.
    transport
        Carries the requests.
    store
        The session's sound.
    on_event
        Called on the loop with each protocol event.
    """

    def __init__(
        self,
        protocol: RequestProtocol,
        transport: RequestTransport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
    ) -> None:
        self._protocol = protocol
        self._transport = transport
        self._store = store
        self._on_event = on_event
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: asyncio.Future[ServerError] = asyncio.get_running_loop().create_future()
        self._progress = Progress(lambda: protocol.pending, self._lost)

    @property
    def lost(self) -> asyncio.Future[ServerError]:
        """Done when every further request would fail, with the reason."""
        return self._lost

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return self._protocol.pending

    @property
    def append_samples(self) -> int:
        """How many samples to gather before they are handed over."""
        return GATHERED_SAMPLES

    async def open(self) -> None:
        """Begin; the server has been asked already whether it is there."""
        self._protocol.open()
        self._advance()

    async def carry(self, actions: Sequence[GateAction]) -> None:
        """Gather what is to be sent; an utterance that ends becomes a request."""
        for action in actions:
            if isinstance(action, Send):
                self._protocol.send(action.start, action.end)
            else:
                self._protocol.commit(action.utterance, action.seam)
        self._advance()

    async def flush(self) -> None:
        """Do nothing: this side has ended every utterance itself."""

    async def settle(self, silence_s: float) -> bool:
        """Wait until no text is pending; False when the server said nothing for ``silence_s`` seconds."""
        return await self._progress.settle(silence_s)

    async def wait_below(self, pending: int) -> None:
        """Wait until fewer than ``pending`` utterances have no text."""
        await self._progress.wait_below(pending)

    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else from the next utterance on."""
        self._protocol.reconfigure(model=changes.model, language=changes.language)
        self._advance()

    async def close(self) -> None:
        """Give up the requests that are on their way, and the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _advance(self) -> None:
        """Send what may be sent now, and tell what has happened."""
        while not self._lost.done() and (request := self._protocol.next_request()) is not None:
            task = asyncio.create_task(self._serve(request))
            self._tasks.add(task)
            task.add_done_callback(self._served)
        for event in self._protocol.events():
            if isinstance(event, Disconnected) and not self._lost.done():
                self._lost.set_result(event.error)
            self._on_event(event)
        self._progress.made()

    async def _serve(self, request: Request) -> None:
        """See a request through to its end, however often it has to be sent."""
        sound = wav(self._store.read(request.start, request.end), SESSION_RATE_HZ)
        file = (f"{request.item_id}.wav", sound)
        wait_s: float | None = 0.0
        while wait_s is not None:
            await asyncio.sleep(wait_s)
            outcome = await self._transport.post(request.options, file, partial(self._grown, request))
            wait_s = self._protocol.take(request, outcome)
            self._advance()

    def _grown(self, request: Request, text: str) -> None:
        self._protocol.grown(request, text)
        self._advance()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None and not self._lost.done():
            # Not the server's doing but a fault in here: the session ends with it instead of waiting for the text.
            self._lost.set_exception(exc)
            self._progress.made()
