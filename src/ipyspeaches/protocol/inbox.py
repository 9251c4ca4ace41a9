"""Reads the server's messages: each goes to the part that keeps account of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ipyspeaches.protocol import notices, wire
from ipyspeaches.protocol.asked import Barrier
from ipyspeaches.protocol.configuration import Configuration
from ipyspeaches.protocol.events import Flushed, MessageLost, ProtocolEvent, Reported, Unknown
from ipyspeaches.protocol.failure import Diagnosis
from ipyspeaches.protocol.flush import Flush
from ipyspeaches.protocol.fragments import FragmentJoiner
from ipyspeaches.protocol.ledger import Ledger

# Speaches says this at every complete turn_detection, and applies the rest of it.
_UNSUPPORTED_PADDING: Final = "Specifying `session.turn_detection.prefix_padding_ms` is not supported"
# A server that is late says this once for every repetition of an item.
_REPEATED_ITEM: Final = re.compile(r"Error adding item: the item with id '.*' already exists")
_REFUSED_COMMIT: Final = "Error committing input audio buffer"
_EMPTY_COMMIT_CODE: Final = "input_audio_buffer_commit_empty"

Handler = Callable[[Any], Iterable[ProtocolEvent]]


class Inbox:
    """Turns messages into events and keeps configuration, ledger and diagnosis up to date.

    Parameters
    ----------
    configuration, ledger, diagnosis
        What keeps account.
    put
        Queues a message for the server.
    flush
        Is told when its barrier has opened.

    Attributes
    ----------
    clears
        Stream positions of the clears that wait for their answer.
    pings
        Ids of items that were asked after only to hear the server say that there are none.
    joiner
        Puts messages together where a channel delivers them in pieces.
    """

    def __init__(
        self,
        configuration: Configuration,
        ledger: Ledger,
        diagnosis: Diagnosis,
        put: Callable[[bytes], None],
        flush: Flush,
    ) -> None:
        self.clears: deque[int] = deque()
        self.pings: set[str] = set()
        self.joiner: FragmentJoiner | None = None
        self._configuration = configuration
        self._ledger = ledger
        self._diagnosis = diagnosis
        self._put = put
        self._flush = flush
        self._opened = self._ready = False
        self._handlers: dict[type, Handler] = {
            wire.SessionCreated: self._session_created,
            wire.SessionUpdated: lambda event: self._answered(event.session),
            wire.SpeechStarted: lambda event: ledger.started(event.item_id, event.audio_start_ms),
            wire.SpeechStopped: lambda event: ledger.stopped(event.item_id, event.audio_end_ms),
            wire.BufferCommitted: lambda event: ledger.committed(event.item_id),
            wire.BufferCleared: self._cleared,
            wire.ItemCreated: self._item_created,
            wire.ItemAdded: self._item_created,
            wire.ItemDone: self._item_created,
            wire.TranscriptionDelta: self._delta,
            wire.ResponseDelta: self._delta,
            wire.TranscriptionSegment: ledger.segment,
            wire.TranscriptionCompleted: ledger.completed,
            wire.ResponseDone: lambda event: ledger.completed(event, older=True),
            wire.TranscriptionFailed: self._failed,
            wire.ErrorEvent: self._error,
            wire.Unrecognised: lambda event: [Unknown(event.type, event.data)],
        }

    def read(self, message: str | bytes) -> list[ProtocolEvent]:
        """Return what a message of the server means; odd messages are reported, never raised."""
        if self.joiner is None:
            return self._read_event(message)
        events: list[ProtocolEvent] = []
        for joined in self.joiner.take(message):
            events += [joined] if isinstance(joined, MessageLost) else self._read_event(joined)
        return events

    def _read_event(self, message: str | bytes) -> list[ProtocolEvent]:
        event = wire.decode(message)
        if _is_expected(event) or self._answers_ping(event):
            return []
        self._diagnosis.observe(event)
        return list(self._handlers[type(event)](event))

    def _answers_ping(self, event: wire.KnownEvent | wire.Unrecognised) -> bool:
        if not self.pings or not isinstance(event, wire.ErrorEvent):
            return False
        answered = {item_id for item_id in self.pings if item_id in (event.error.message or "")}
        self.pings -= answered
        return bool(answered)

    def flushed(self) -> Flushed:
        """Return the end of a flush, with the items that have no text yet."""
        return Flushed(tuple(item.item_id for item in self._ledger.pending if item.item_id is not None))

    def _session_created(self, event: wire.SessionCreated) -> Iterator[ProtocolEvent]:
        if self._opened:
            return
        self._opened = True
        update = self._configuration.begin(event.session)
        self._ledger.clock_restarts(self._configuration.shape.clock_restarts)
        self._diagnosis.chat = self._configuration.is_chat
        if update is None:
            yield from self._is_ready()
        else:
            self._put(update)

    def _is_ready(self) -> Iterator[ProtocolEvent]:
        self._ready = True
        yield self._configuration.ready()
        without_effect = self._configuration.without_effect
        if without_effect:
            yield notices.not_in_realtime(without_effect)

    def _answered(self, session: wire.SessionInfo | None) -> Iterator[ProtocolEvent]:
        """Take the answer to an update; the first one ends the configuration, whatever it says."""
        was_asked = not self._configuration.settled
        barrier, news = self._configuration.answered(session)
        self._diagnosis.chat = self._configuration.is_chat
        if self._opened and not self._ready:
            yield from self._is_ready()
        elif was_asked and barrier is Barrier.NONE:
            yield self._configuration.reconfigured()
        yield from news
        if barrier is Barrier.OPENS:
            self._flush.opened()
        elif barrier is Barrier.CLOSES:
            yield self.flushed()

    def _cleared(self, _: wire.BufferCleared) -> Iterable[ProtocolEvent]:
        if self.clears:
            self._ledger.cleared(self.clears.popleft())
        return ()

    def _item_created(self, event: wire.ItemCreated | wire.ItemAdded | wire.ItemDone) -> Iterable[ProtocolEvent]:
        self._ledger.created(event.item.id or "")
        return ()

    def _delta(self, event: wire.TranscriptionDelta | wire.ResponseDelta) -> Iterable[ProtocolEvent]:
        text = event.delta.text if isinstance(event.delta, wire.DeltaText) else event.delta or ""
        return self._ledger.delta(event.item_id, text, older=isinstance(event, wire.ResponseDelta))

    def _failed(self, event: wire.TranscriptionFailed) -> Iterable[ProtocolEvent]:
        message = (event.error and event.error.message) or "The server gave no reason."
        return self._ledger.failed(event.item_id, message)

    def _error(self, event: wire.ErrorEvent) -> Iterator[ProtocolEvent]:
        error = event.error
        message = error.message or ""
        code = None if error.code is None else str(error.code)
        yield Reported(message, error.type or "", code)
        if self._configuration.refuses(error):
            yield from self._answered(None)
        elif message.startswith(_REFUSED_COMMIT) or code == _EMPTY_COMMIT_CODE:
            refused = self._ledger.commit_refused(message)
            if refused is not None:
                yield refused


def _is_expected(event: wire.KnownEvent | wire.Unrecognised) -> bool:
    """Return whether an event is an error that comes in the ordinary course of things."""
    if not isinstance(event, wire.ErrorEvent):
        return False
    message = event.error.message or ""
    return message.startswith(_UNSUPPORTED_PADDING) or _REPEATED_ITEM.match(message) is not None
