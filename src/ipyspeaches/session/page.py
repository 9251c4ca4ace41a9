"""A conversation whose sound a page sends to the server by itself, all of it, speech and silence.

Three clocks tell of the same sound. Measured from Chromium to an aiortc server on one computer, a page's sound is
with the kernel some 10 to 50 ms after it was spoken, and out of the server's decoder after some 70 ms more; Speaches
then gathers 220 ms before it looks. Messages of the page overtake the sound on the same way. So whatever the kernel
wants done now is done by a server that has heard *less* than the kernel has, by at most the padding of its `Media`.

- A commit waits until the server must have heard the end of the utterance: `TAIL_MS` and the padding behind it. With
  the usual 550 ms of silence that end an utterance, that time has passed when the end is certain.
- A clear throws away what the server has heard; that must not be the onset of the next utterance. The kernel asks for
  one when its detector has heard silence, nothing that may turn out to be speech, up to a sample. What was spoken
  behind that sample only the page knows: it sends the clear if that was no louder than the silence before. It has
  captured more than the server has heard, so that nothing else can be thrown away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ipyspeaches.audio import SESSION_RATE_HZ, to_seconds
from ipyspeaches.protocol import Committed, Failed, Media, Noticed, ProtocolEvent, RealtimeProtocol, requests
from ipyspeaches.protocol.state import AUDIO_FLOWS
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.link import Link
from ipyspeaches.session.media import MediaConversation, MediaLink, Patience
from ipyspeaches.transports import PageTransport, Transport
from ipyspeaches.vad import Commit, GateAction

TAIL_MS: Final = 100
"""Sound behind the end of an utterance that the server should have heard, too."""
CLEAR_EVERY_S: Final = 2.0
"""Silence that may gather at the server: recognisers invent words in more of it, and its work grows with it."""

_JOINED: Final = (
    "{count} utterances have one text, because their sound came to the kernel late or close together, and the server "
    "had heard all of it by then: run no long cell while you record, or use a longer min_silence_duration_ms."
)


class PageLink(MediaLink):
    """A link whose messages the page passes on, which a cell that runs may hold up for as long as it likes."""

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: PageTransport,
        on_event: Callable[[ProtocolEvent], None],
        patience: Patience,
    ) -> None:
        super().__init__(protocol, transport, on_event, patience)
        self._page = transport

    async def _answers(self) -> bool:
        # The server's time begins when the page has passed the question on, and counts when its word has come.
        asked_at_s = asyncio.get_running_loop().time()
        self.protocol.ping()
        await self.send()
        await self._page.caught_up()
        await asyncio.sleep(self._patience.answer_s)
        await self._page.caught_up()
        return self.heard_at_s >= asked_at_s


class PageConversation(MediaConversation):
    """Commits what the server hears from the page, and has it forget silence.

    Parameters
    ----------
    protocol
        With continuous `Media` in its options, not opened yet.
    transport
        Through the page.
    hearing
        Keeps the same sound, and knows where there is speech.
    on_event
        Called on the loop with each protocol event.
    way
        How the sound gets to this server: its padding is how much the kernel is ahead of the server at most.
    patience
        How long to wait for a silent server.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: PageTransport,
        hearing: Hearing,
        on_event: Callable[[ProtocolEvent], None],
        way: Media,
        patience: Patience | None = None,
    ) -> None:
        self._page = transport
        self._hearing = hearing
        self._way = way
        self._padding = way.padding_samples
        self._flowed = 0
        self._quiet_from = 0  # since there, all is silence that belongs to no utterance
        self._due: deque[tuple[float, Commit]] = deque()
        self._joined: dict[int, int] = {}  # how many utterances are in the one whose number was committed
        self._committer: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None
        transport.on_silence = self._note_silence
        super().__init__(protocol, transport, hearing.store, on_event, patience)

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return super().pending + len(self._due)

    async def carry(self, actions: Sequence[GateAction]) -> None:
        """Note what has flowed to the server meanwhile, and end utterances."""
        self._note_flow()
        now_s = asyncio.get_running_loop().time()
        for action in actions:
            if isinstance(action, Commit):
                heard_by = action.end + TAIL_MS * SESSION_RATE_HZ // 1000 + self._padding
                self._due.append((now_s + max(to_seconds(heard_by - self._flowed), 0.0), action))
        if self._due and (self._committer is None or self._committer.done()):
            self._committer = asyncio.create_task(self._commit_due())
        elif not self._due:
            self._watch_silence()
        await self._link.send()

    async def flush(self) -> None:
        """End what is being said, once the server has heard it."""
        if self._committer is not None:
            await self._committer
        if not self._protocol.options.client_cuts:
            await asyncio.sleep(to_seconds(self._padding))
        await super().flush()

    async def close(self) -> None:
        """Close the connection."""
        started = [task for task in (self._committer, self._clearing) if task is not None]
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)
        await super().close()

    def _note_flow(self) -> None:
        heard = len(self._hearing.store)
        self._protocol.append(self._hearing.store.read(self._flowed, heard), self._flowed)
        self._flowed = heard

    def _note_silence(self, seconds: float) -> None:
        if self._protocol.state in AUDIO_FLOWS:
            self._note_flow()
            self._protocol.stream.fell_silent(round(seconds * SESSION_RATE_HZ))

    async def _commit_due(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._due:
            wait_s = self._due[-1][0] - clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            if self._clearing is not None:
                await self._clearing  # it comes first, and so it must be noted first
            if self.lost.done():
                return
            self._note_flow()
            # What ended before the first of them could be committed is in the same buffer, and cannot be cut off.
            joined, last = len(self._due), self._due[-1][1].utterance
            self._due.clear()
            self._protocol.commit(last)
            self._quiet_from = self._flowed
            if joined > 1:
                self._joined[last] = joined
                self._on_event(Noticed("joined", _JOINED.format(count=joined)))
            await self._link.send()

    def _watch_silence(self) -> None:
        if self._hearing.in_speech:
            self._quiet_from = self._flowed
        quiet_s = to_seconds(self._hearing.judged - self._quiet_from)
        idle = self._clearing is None or self._clearing.done()
        safe = self._protocol.options.client_cuts and self._protocol.stream.may_be_cleared
        if quiet_s >= CLEAR_EVERY_S and idle and safe:
            self._clearing = asyncio.create_task(self._clear(self._hearing.judged))

    async def _clear(self, judged: int) -> None:
        cleared_s = await self._page.clear(requests.CLEAR, to_seconds(judged))
        if cleared_s is not None and self._protocol.state in AUDIO_FLOWS:
            # The page knows when that was; the server had not heard what was on its way to it then.
            spoken = round(cleared_s * SESSION_RATE_HZ) - self._flowed
            self._protocol.stream.cleared(self._way.held_ms * SESSION_RATE_HZ // 1000 - spoken)
        self._quiet_from = judged

    def _take(self, event: ProtocolEvent) -> None:
        if isinstance(event, Committed | Failed) and event.utterance in self._joined:
            event = replace(event, joined=self._joined.pop(event.utterance))
        super()._take(event)

    def _linked(self, transport: Transport) -> Link:
        del transport
        return PageLink(self._protocol, self._page, self._take, self._patience)
