"""A connection in the realtime protocol, over whichever transport carries its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.protocol.protocol_events import (
    AudioSent,
    Disconnected,
    Flushed,
    ItemCompleted,
    ItemDelta,
    ProtocolEvent,
    Ready,
)
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import Changes
from ipyspeaches.session.connection import Connection
from ipyspeaches.transports.transport import Transport, TransportClosed
from ipyspeaches.vad.gate import GateAction, Send, Utterance

READY_TIMEOUT_S: Final = 10.0
BEGIN_TIMEOUT_S: Final = 3.0
"""A server that has said something else by then is not busy: it speaks another protocol, or refuses."""
SHORT_SAMPLES: Final = SESSION_RATE_HZ * 200 // 1000
"""200 ms: half the server's work of 100 ms, and still no audible wait for a partial."""
LONG_SAMPLES: Final = SESSION_RATE_HZ * 2
"""2 s: a seventh of the server's work. The rest of an utterance goes with its commit, so no text comes later."""
QUIET_S: Final = 30
KEPT_S: Final = 3

_QUIET: Final = QUIET_S * SESSION_RATE_HZ
_KEPT: Final = KEPT_S * SESSION_RATE_HZ


class RealtimeConnection(Connection):
    """Sends audio as appends and utterances as commits, in order; reads; says when the connection is lost.

    The protocol is not opened yet. ``hears_speech`` says whether the detector on this side is inside speech; without it
    a server that cuts keeps its silence.
    """

    def __init__(
        self,
        protocol: RealtimeProtocol,
        transport: Transport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
        hears_speech: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(on_event)
        self._protocol = protocol
        self._transport = transport
        self._store = store
        self._buffer = None if protocol.options.client_cuts else ServerBuffer(protocol, store, hears_speech)
        self._sends_deltas = self._completes_without = False  # what the server has been seen to do
        self._gathered: Send | None = None  # audio that waits until there is enough for an append
        self._sending = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._received_at_s = 0.0  # on the loop's clock

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return self._protocol.pending

    @property
    def one_at_a_time(self) -> bool:
        """Whether the server has not shown yet how it answers."""
        return self._protocol.one_at_a_time

    @property
    def names(self) -> frozenset[str]:
        """What items were called on this connection, and on those before."""
        return self._protocol.names

    @property
    def append_samples(self) -> int:
        """How many samples to gather for an append: long ones are cheap, short ones bring partial text earlier.

        A server that sends no deltas gains nothing from short ones; whether it does is known after the first utterance.
        """
        # Where the server cuts, its VAD looks at the last 3 s only, and notices the end of speech only at an append.
        if self._buffer is not None or self._sends_deltas:
            return SHORT_SAMPLES
        return LONG_SAMPLES if self._completes_without else SHORT_SAMPLES

    async def open(self) -> None:
        """Connect and wait until the server has confirmed the configuration, or raise a `ServerError`."""
        await self._connect()
        self._protocol.connection_opened()
        self._reader = self._run(self._read())
        await self._transmit()
        ready = asyncio.create_task(self._ready.wait())
        awaited: set[asyncio.Future[Any]] = {ready, self.lost}
        try:
            await asyncio.wait(awaited, timeout=BEGIN_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._protocol.began_otherwise:
                rest_s = READY_TIMEOUT_S - BEGIN_TIMEOUT_S
                await asyncio.wait(awaited, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.lost.done():
            raise self.lost.result()
        if not self._ready.is_set():
            raise self._protocol.not_ready(READY_TIMEOUT_S)

    async def _connect(self) -> None:
        await self._transport.connect()

    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Append and commit, in order."""
        for action in actions:
            if isinstance(action, Send):
                self._gather(action)
            else:
                self._append_rest(action.audio_end)
                if self._protocol.uncommitted:  # else, all of its audio went with the one before, as its hangover
                    await self._commit(action)
        if last and self._buffer is not None:
            self._append_rest()
        if actions or last:
            await self._transmit()

    async def flush(self) -> None:
        """Ask the server to end what is being said, if it cuts."""
        if self._buffer is None:
            self._protocol.send_flush()
        else:
            self._buffer.flush()
        await self._transmit()

    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else; the server's answer comes as an event."""
        self._protocol.reconfigure(changes)
        await self._transmit()

    async def close(self) -> None:
        """Close the connection and stop reading."""
        if self._protocol.state not in {ProtocolState.CLOSED, ProtocolState.FAILED}:
            self._protocol.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._transport.close()

    async def _commit(self, utterance: Utterance) -> None:
        self._protocol.send_commit(utterance)

    def _gather(self, audio: Send) -> None:
        """Append as much as makes whole appends."""
        waiting = self._gathered
        # What waits and does not adjoin it was left over by an utterance, and belongs to none.
        start = waiting.start if waiting is not None and waiting.end == audio.start else audio.start
        while audio.end - start >= (length := self.append_samples):
            self._append(start, start + length)
            start += length
        self._gathered = Send(start, audio.end) if start < audio.end else None

    def _append_rest(self, until: int | None = None) -> None:
        """Append what was gathered, as far as ``until``."""
        if self._gathered is None:
            return
        start, end = self._gathered.start, self._gathered.end
        until = end if until is None else min(max(start, until), end)
        if start < until:
            self._append(start, until)
        self._gathered = Send(until, end) if until < end else None

    def _append(self, start: int, end: int) -> None:
        if self._buffer is None:
            self._protocol.send_append(self._store.read(start, end), start)
        else:
            self._buffer.send(Send(start, end))
        self._receive([AudioSent(start, end)])

    async def _transmit(self) -> None:
        """Send what the protocol has queued; messages never overtake each other."""
        async with self._sending:
            for message in self._protocol.messages_to_send():
                try:
                    await self._transport.send(message)
                except TransportClosed:
                    return  # the reader sees the same end, with its reason

    async def _read(self) -> None:
        clock = asyncio.get_running_loop().time
        self._received_at_s = clock()
        try:
            while True:
                message = await self._transport.receive()
                self._received_at_s = clock()
                self._receive(self._protocol.receive_message(message))
                await self._transmit()
        except TransportClosed as closed:
            # How long the server was silent before tells a fault in the server from one on the way to it.
            idle_s = clock() - self._received_at_s
            self.silent = closed.code is None and idle_s >= self.patience_s
            events = self._protocol.connection_lost(closed.code, closed.reason, idle_s=idle_s)
            if events and closed.error is not None:
                events = [Disconnected(closed.error)]
            self._receive(events)

    def _receive_event(self, event: ProtocolEvent) -> None:
        if isinstance(event, Ready):
            self._ready.set()
        self._sends_deltas |= isinstance(event, ItemDelta)
        self._completes_without |= isinstance(event, ItemCompleted)
        if self._buffer is not None:
            self._buffer.receive_event(event)
            self.cleared = self._buffer.cleared
        super()._receive_event(event)


class ServerBuffer:
    """Appends audio, and empties the buffer of a server that cuts by itself after long silence.

    Such a server gets everything, silence too, and never trims it while nobody speaks: every append copies the whole
    buffer, so that a quiet half hour makes each four times as dear. Nothing spoken may be lost by a clear; how that is
    made sure of stands at each step. Without ``hears_speech``, the detector on this side, the buffer is left alone.
    """

    def __init__(
        self, protocol: RealtimeProtocol, store: AudioStore, hears_speech: Callable[[], bool] | None = None
    ) -> None:
        self._protocol = protocol
        self._store = store
        self._hears_speech = hears_speech
        self._begin: int | None = None  # session sample from which this server has heard
        self._sent = 0  # session sample behind the last one that was appended
        self._quiet_from = 0
        self.cleared = 0  # session sample before which nothing is left for the server to say
        self._held: list[Send] | None = None  # while the barrier is on its way
        self._flush_again = False

    def send(self, action: Send) -> None:
        """Append a stretch of the session, or hold it back until the buffer is empty."""
        if self._held is not None:
            self._held.append(action)
            return
        self._append(action.start, action.end)
        if self._is_long_quiet():
            # A clear while an utterance is on its way into the conversation crashes Speaches. So first comes a barrier,
            # and audio is held back until it returns: between the barrier and the clear the server hears nothing, and
            # what the barrier says of it is still true when it reads the clear.
            self._held = []
            self._protocol.send_flush()

    def flush(self) -> None:
        """End what is being said, with all that was sent before; an emptying under way is given up for that."""
        if self._held is None:
            self._protocol.send_flush()
            return
        self._release(self._held)
        self._held = None
        self._flush_again = True  # the barrier that is on its way knows nothing of what was held

    def receive_event(self, event: ProtocolEvent) -> None:
        """Take note of an event: the end of a barrier is the moment to clear."""
        if not isinstance(event, Flushed) or self._protocol.state is not ProtocolState.READY:
            return
        if self._flush_again:
            self._flush_again = False
            self._protocol.send_flush()
        elif self._held is not None:
            held, self._held = self._held, None
            if not event.pending and not self._speech():
                self._protocol.send_clear()
                # Somebody may just have begun to speak, too late for either VAD to be sure. So the last of it is sent
                # once more; a server's VAD looks at no more than that, and judges as if nothing had been cleared. The
                # timeline knows both pieces, so that the times of what they hold are right.
                self.cleared = max(self._begin or 0, self._sent - _KEPT)
                self._append(self.cleared, self._sent)
            self._quiet_from = self._sent
            self._release(held)

    def _speech(self) -> bool:
        assert self._hears_speech is not None
        return self._hears_speech() or self._protocol.speaking or bool(self._protocol.pending)

    def _is_long_quiet(self) -> bool:
        protocol = self._protocol
        if self._hears_speech is None or not protocol.buffer_grows or protocol.state is not ProtocolState.READY:
            return False
        if self._speech():
            self._quiet_from = self._sent
        return self._sent - self._quiet_from >= _QUIET

    def _release(self, held: list[Send]) -> None:
        """Append what was held back in as few messages as the server's VAD can see at once: bursts confuse it."""
        if held:
            for begin in range(held[0].start, held[-1].end, _KEPT):
                self._append(begin, min(begin + _KEPT, held[-1].end))

    def _append(self, start: int, end: int) -> None:
        if self._begin is None:
            self._begin = self._quiet_from = start
        self._protocol.send_append(self._store.read(start, end), start)
        self._sent = max(self._sent, end)
