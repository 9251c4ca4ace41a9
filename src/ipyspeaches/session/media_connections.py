"""Realtime connections whose audio is a media stream beside the messages: from the kernel, or from the page."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.protocol.protocol_events import AudioSent, Noticed, ProtocolEvent, Reported
from ipyspeaches.protocol.realtime.media import Media, StreamAudio
from ipyspeaches.protocol.realtime.realtime_protocol import AUDIO_FLOWS, RealtimeProtocol
from ipyspeaches.protocol.realtime.wire import CLEAR
from ipyspeaches.session.connection import PATIENCE_S
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.transports.page_webrtc import PageTransport
from ipyspeaches.transports.transport import MediaTransport, TransportClosed
from ipyspeaches.vad.gate import GateAction, Utterance

PIECE_SAMPLES: Final = SESSION_RATE_HZ // 10
"""100 ms at a time: a stream flows anyway, so that longer pieces would only come later."""
MAX_AHEAD_S: Final = 3.0
"""Audio of a recording that may wait for its time in the stream."""
TAIL_MS: Final = 100
"""Audio behind the end of an utterance that the server should have heard, too."""
HEARD_S: Final = 10.0
"""For a busy server to say that it has read what an utterance consists of; it is told the end then anyway."""
RECENTLY_S: Final = 2.0
"""A server that has been silent for so long has decoded what came while it recognised."""
CLEAR_EVERY_S: Final = 2.0
"""Silence that may gather at the server: recognisers invent words in more of it, and its work grows with it."""

_JOINED: Final = (
    "{count} utterances have one text, because their audio came to the kernel late or close together, and the server "
    "had heard all of it by then: run no long cell while you record, or use a longer min_silence_duration_ms."
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent while texts are pending."""

    quiet_s: float = 5.0
    """Before it is asked for a sign of life."""
    answer_s: float = 10.0
    """Before a session that gives none counts as dead; the question goes out behind the audio that waits."""
    error_s: float = 4.0
    """The same after an error, behind which a dead session says nothing, and a living one soon does."""


class MediaConnection(RealtimeConnection):
    """Hands audio over for a media stream, a little ahead of its time at most, and notices when a session dies.

    After a failure, Speaches keeps a WebRTC connection and its channel open and answers nothing any more.

    The protocol has `Media`, and is not opened yet; the transport carries the audio, too.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: MediaTransport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
        patience: Patience | None = None,
    ) -> None:
        super().__init__(protocol, transport, store, on_event)
        self._media = transport
        self._patience = patience or Patience()  # with a silent server
        self._watchdog: asyncio.Task[None] | None = None
        self._error_reported = asyncio.Event()

    @property
    def append_samples(self) -> int:
        """How many samples to gather before they are handed over."""
        return PIECE_SAMPLES

    async def _connect(self) -> None:
        await super()._connect()
        if self._media.writer is not None:
            self._media.writer.add_done_callback(self._has_run)

    async def open(self) -> None:
        """Connect, wait until the server has confirmed the configuration, and watch it from then on."""
        await super().open()
        self._watchdog = self._run(self._watch())

    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Hand over and commit; a recording waits until its audio has nearly gone out."""
        await super().send(actions, last=last)
        await self._media.drain(MAX_AHEAD_S)

    async def _commit(self, utterance: Utterance) -> None:
        if not self._protocol.is_busy:
            await super()._commit(utterance)
            return
        self._protocol.send_padding()
        await self._be_heard(again=True)
        self._protocol.send_commit(utterance, padded=True)

    async def _be_heard(self, *, again: bool = False) -> None:
        """Send a ping, and wait until a busy server has all audio before it."""
        # Packets are read in the order in which they were sent, so that whoever answers has all of the audio; what it
        # has not decoded takes it as long ``again``. In a server at rest that is some milliseconds.
        clock = asyncio.get_running_loop().time
        self._protocol.send_ping()
        await self._transmit()
        await self._media.drain(0)
        asked_at_s = clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_S):
                while self._protocol.pinged and not self.lost.done():
                    self._progress.clear()
                    await self._progress.wait()
                if again:
                    await asyncio.sleep(clock() - asked_at_s)

    async def close(self) -> None:
        """Close the connection and stop watching."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)
        await super().close()

    async def _transmit(self) -> None:
        """Hand over what the protocol has queued; the transport keeps its order, and nobody waits for it."""
        async with self._sending:
            for entry in self._protocol.stream_to_send():
                if isinstance(entry, StreamAudio):
                    self._media.send_audio(entry)
                    continue
                try:
                    await self._media.send(entry)
                except TransportClosed:
                    return  # the reader sees the same end, with its reason

    def _receive_event(self, event: ProtocolEvent) -> None:
        if isinstance(event, Reported):
            self._error_reported.set()
        super()._receive_event(event)

    async def _watch(self) -> None:
        clock, patience = asyncio.get_running_loop().time, self._patience
        while not self.lost.done():
            left_s = patience.quiet_s - (clock() - self._received_at_s) if self._waiting else patience.quiet_s
            try:
                async with asyncio.timeout(max(left_s, 0.0)):
                    await self._error_reported.wait()
                self._error_reported.clear()
                answer_s = patience.error_s
            except TimeoutError:
                answer_s = max(patience.answer_s, self.patience_s if self.patience_s > PATIENCE_S else 0.0)
                if left_s > 0:
                    continue
            if self._waiting and not self.lost.done() and not await self._answers(answer_s):
                self.silent = True
                self._receive(self._protocol.session_died())

    @property
    def _waiting(self) -> bool:
        return self._protocol.pending > 0 or self._protocol.speaking

    async def _answers(self, answer_s: float) -> bool:
        """Ask for a sign of life and return whether there was one."""
        asked_at_s = asyncio.get_running_loop().time()
        self._protocol.send_ping()
        await self._transmit()
        await asyncio.sleep(answer_s)
        return self._received_at_s >= asked_at_s


class PageConnection(MediaConnection):
    """Commits what the server hears from a page, which sends all audio by itself, and has it forget silence.

    Three clocks tell of the same audio. Measured from Chromium to an aiortc server on one computer, a page's audio is
    with the kernel some 10 to 50 ms after it was spoken, and out of the server's decoder after some 70 ms more;
    Speaches then gathers 220 ms before it looks. Messages of the page overtake the audio on the same way. So whatever
    the kernel wants done now is done by a server that has heard *less* than the kernel has, by at most the padding of
    its `Media`, which are continuous: ``way`` is how the audio gets to this server.

    The transport leads through the page; the pipeline keeps the same audio, and knows where there is speech.
    """

    hears_silence = True

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: PageTransport,
        pipeline: Pipeline,
        on_event: Callable[[ProtocolEvent], None],
        way: Media,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(protocol, transport, pipeline.store, on_event, patience)
        self._page = transport
        self._pipeline = pipeline
        self._way = way
        self._padding = way.padding_samples
        self._flowed = 0
        self._quiet_from = 0  # since there, all is silence that belongs to no utterance
        self._due: deque[tuple[float, Utterance]] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None
        transport.on_silence = self._note_silence

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return super().pending + len(self._due)

    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Note what has flowed to the server meanwhile, and end utterances."""
        self._note_flow()
        now_s = asyncio.get_running_loop().time()
        for action in actions:
            if isinstance(action, Utterance):
                self._append_rest()
                # The server must have heard the end, and the padding behind it. With the usual 550 ms of silence at the
                # end of an utterance, that time has passed when the end is certain.
                heard_by = action.end + TAIL_MS * SESSION_RATE_HZ // 1000 + self._padding
                self._due.append((now_s + max(to_seconds(heard_by - self._flowed), 0.0), action))
            else:
                self._gather(action)
        if last:
            self._append_rest()
        if self._due and (self._committer is None or self._committer.done()):
            self._committer = self._run(self._commit_due())
        elif not self._due:
            self._watch_silence()
        await self._transmit()

    def _append(self, start: int, end: int) -> None:
        self._receive([AudioSent(start, end)])  # the page has sent it

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
        heard = len(self._pipeline.store)
        self._protocol.send_append(self._pipeline.store.read(self._flowed, heard), self._flowed)
        self._flowed = heard

    def _note_silence(self, seconds: float) -> None:
        if self._protocol.state in AUDIO_FLOWS:
            self._note_flow()
            self._protocol.silence_sent(round(seconds * SESSION_RATE_HZ))

    async def _commit_due(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._due:
            wait_s = self._due[-1][0] - clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            if self._clearing is not None:
                await self._clearing  # it comes first, and so it must be noted first
            if self._may_be_behind:
                await self._be_heard()  # no longer: what is said next flows on meanwhile
            if self.lost.done():
                return
            self._note_flow()
            # What ended before the first of them could be committed is in the same buffer, and cannot be cut off.
            joined = [utterance for _, utterance in self._due]
            self._due.clear()
            self._protocol.send_commit(reduce(Utterance.joined_with, joined))
            self._quiet_from = self._flowed
            if len(joined) > 1:
                self._on_event(Noticed("joined", _JOINED.format(count=len(joined))))
            await self._transmit()

    @property
    def _may_be_behind(self) -> bool:
        """Whether the server recognises, or just has: at rest, it needs no question, which goes a long way here."""
        recently = asyncio.get_running_loop().time() - self._received_at_s < RECENTLY_S
        return self._protocol.is_busy and (self._protocol.pending > 0 or recently)

    def _watch_silence(self) -> None:
        if self._pipeline.in_speech:
            self._quiet_from = self._flowed
        quiet_s = to_seconds(self._pipeline.judged - self._quiet_from)
        idle = self._clearing is None or self._clearing.done()
        safe = self._protocol.options.client_cuts and self._protocol.may_clear
        if quiet_s >= CLEAR_EVERY_S and idle and safe:
            self._clearing = self._run(self._clear(self._pipeline.judged))

    async def _clear(self, judged: int) -> None:
        # A clear throws away what the server has heard; that must not be the onset of the next utterance. Up to this
        # sample the detector has heard silence, nothing that may turn out to be speech. What was spoken behind it only
        # the page knows: it sends the clear if that was no louder than the silence before. It has captured more than
        # the server has heard, so that nothing else can be thrown away.
        cleared_s = await self._page.clear(CLEAR, to_seconds(judged))
        if cleared_s is not None and self._protocol.state in AUDIO_FLOWS:
            # The page knows when that was; the server had not heard what was on its way to it then.
            spoken = round(cleared_s * SESSION_RATE_HZ) - self._flowed
            self._protocol.clear_sent(self._way.held_ms * SESSION_RATE_HZ // 1000 - spoken)
        self._quiet_from = judged

    async def _answers(self, answer_s: float) -> bool:
        # A cell that runs may hold the page's messages up for as long as it likes: the server's time begins when the
        # page has passed the question on, and counts when its word has come.
        asked_at_s = asyncio.get_running_loop().time()
        self._protocol.send_ping()
        await self._transmit()
        await self._page.caught_up()
        await asyncio.sleep(answer_s)
        await self._page.caught_up()
        return self._received_at_s >= asked_at_s
