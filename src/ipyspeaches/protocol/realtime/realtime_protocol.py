"""The realtime session as a state machine without I/O: messages in, events out, messages to send in a list.

::

    CONNECTING ──opened──► CONFIGURING ──confirmed──► READY ──flush──► FLUSHING
                                                        ▲                 │
                                                        └────flushed──────┘
    any of these ──close──► CLOSING ──lost──► CLOSED        any of these ──lost──► FAILED

Audio may flow in READY and FLUSHING only. CLOSED and FAILED are final: a reconnect is a new protocol.

Servers drop the connection or mistake the time where these rules are broken; each is applied where it is told again:

- An append carries a multiple of three samples, never none (`Outbox`).
- ``turn_detection`` is sent as a whole and what the server confirms is compared with what was asked (`Configuration`).
- With server VAD nothing is committed; the end is a barrier.
- With client cuts, a commit holds at least 100 ms.
- Nothing is cleared while an item is on its way into the conversation.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, cast

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from ipyspeaches.chinese import words_written
from ipyspeaches.errors import ServerError, StateError
from ipyspeaches.liberal import parse_json
from ipyspeaches.protocol.api_key import read_key, without_key
from ipyspeaches.protocol.protocol_events import (
    Disconnected,
    Flushed,
    ItemCompleted,
    ItemDelta,
    MessageLost,
    Noticed,
    ProtocolEvent,
    Ready,
    Reported,
    Unknown,
)
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.commits import Commit
from ipyspeaches.protocol.realtime.configuration import Configuration
from ipyspeaches.protocol.realtime.failure import Diagnosis, denied
from ipyspeaches.protocol.realtime.items import Items
from ipyspeaches.protocol.realtime.media import FragmentJoiner, Media, StreamAudio
from ipyspeaches.protocol.realtime.outbox import MIN_COMMIT_SAMPLES, Outbox
from ipyspeaches.protocol.realtime.shapes import Barrier, FlatShape
from ipyspeaches.protocol.realtime.timeline import Buffer, Timeline
from ipyspeaches.protocol.recognition import Changes, RecognitionOptions
from ipyspeaches.terminal import one_line
from ipyspeaches.vad.gate import Utterance

# Speaches says this at every complete turn_detection, and applies the rest of it.
_UNSUPPORTED_PADDING: Final = "Specifying `session.turn_detection.prefix_padding_ms` is not supported"
# A server that is late says this once for every repetition of an item.
_REPEATED_ITEM: Final = re.compile(r"Error adding item: the item with id '.*' already exists")
_REFUSED_COMMIT: Final = "Error committing input audio buffer"
_NAMES: Final = frozenset({"type", "event_id", "item_id"})
_EMPTY_COMMIT_CODE: Final = "input_audio_buffer_commit_empty"


class ProtocolState(StrEnum):
    """Where a realtime session stands."""

    CONNECTING = "connecting"
    CONFIGURING = "configuring"
    READY = "ready"
    FLUSHING = "flushing"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


class Trigger(StrEnum):
    """What moves a session from one state to the next, in words that follow "cannot"."""

    OPENED = "open the connection"
    CONFIRMED = "confirm the configuration"
    FLUSH = "flush"
    FLUSHED = "end the flush"
    CLOSE = "close"
    LOST = "lose the connection"


_S, _T = ProtocolState, Trigger
_ALWAYS: Final = {_T.CLOSE: _S.CLOSING, _T.LOST: _S.FAILED}
TRANSITIONS: Final[dict[ProtocolState, dict[Trigger, ProtocolState]]] = {
    _S.CONNECTING: {_T.OPENED: _S.CONFIGURING, **_ALWAYS},
    _S.CONFIGURING: {_T.CONFIRMED: _S.READY, **_ALWAYS},
    _S.READY: {_T.FLUSH: _S.FLUSHING, **_ALWAYS},
    _S.FLUSHING: {_T.FLUSHED: _S.READY, **_ALWAYS},
    _S.CLOSING: {_T.CLOSE: _S.CLOSING, _T.LOST: _S.CLOSED},
    _S.CLOSED: {},
    _S.FAILED: {},
}

AUDIO_FLOWS: Final = frozenset({_S.READY, _S.FLUSHING})
ENDED: Final = frozenset({_S.CLOSED, _S.FAILED})

_NEXT_STEP: Final = {
    _S.CONNECTING: "connect first",
    _S.CONFIGURING: "wait for Ready",
    _S.READY: "it is already open",
    _S.FLUSHING: "wait for Flushed",
    _S.CLOSING: "open a new connection",
    _S.CLOSED: "open a new connection",
    _S.FAILED: "open a new connection",
}


def follow(state: ProtocolState, trigger: Trigger) -> ProtocolState:
    """Return the state that ``trigger`` leads to; a `StateError` if it has no place in ``state``."""
    try:
        return TRANSITIONS[state][trigger]
    except KeyError as exc:
        raise wrong_state(trigger.value, state) from exc


def wrong_state(action: str, state: ProtocolState) -> StateError:
    """Return the error for ``action`` at the wrong moment, with what to do instead."""
    return StateError(f"Cannot {action} while the session is {state.value}: {_NEXT_STEP[state]}.")


class RealtimeProtocol:
    """One realtime session over one connection; a reconnect takes a new one."""

    def __init__(
        self,
        options: RecognitionOptions,
        *,
        media: Media | None = None,
        api_key: str | None = None,
        has_worked: bool = False,
        earlier: frozenset[str] = frozenset(),
    ) -> None:
        self.state = ProtocolState.CONNECTING  # where the session stands
        self._api_key = read_key(api_key)  # to leave out of what the server says
        self._configuration = Configuration(options)
        self._timeline = Timeline(media)  # without media, audio travels in messages
        self._outbox = Outbox(self._timeline)
        self._items = items = Items(self._timeline, client_cuts=options.client_cuts, earlier=earlier)
        self._has_worked = has_worked  # whether a text has come over an earlier connection
        self._first: wire.KnownEvent | wire.Unrecognised | None = None
        self._last: wire.KnownEvent | wire.Unrecognised | None = None
        self._answering = False  # with a language model, which nobody asked for
        self._joiner = None if media is None else FragmentJoiner()
        self._events: list[ProtocolEvent] = []
        self._opened = self._ready = False
        self._commits = 0
        self._updated_by = ""  # the name of the last event that answered an update
        self._clears: deque[int] = deque()  # stream positions of the clears that wait for their answer
        self._pings: set[str] = set()  # items that were asked for only to hear the server say that there are none
        self._postponed: RecognitionOptions | None = None
        self._postponed_behind: Buffer | None = None
        self._handlers: dict[type, Callable[[Any], Iterable[ProtocolEvent]]] = {
            wire.SessionCreated: self._session_created,
            wire.SessionUpdated: self._session_updated,
            wire.BufferSpeechStarted: self._server_heard,
            wire.BufferSpeechStopped: self._server_heard,
            wire.BufferCommitted: lambda event: items.committed(event.item_id),
            wire.BufferCleared: self._cleared,
            wire.ItemCreated: self._item_created,
            wire.ItemAdded: self._item_created,
            wire.ItemDone: self._item_created,
            wire.TranscriptionDelta: self._delta,
            wire.ResponseDelta: self._delta,
            wire.TranscriptionSegment: items.segment,
            wire.TranscriptionCompleted: items.completed,
            wire.ResponseDone: lambda event: items.completed(event, older=True),
            wire.TranscriptionFailed: self._failed,
            wire.ErrorEvent: self._error,
            wire.Unrecognised: self._unrecognised,
        }

    @property
    def options(self) -> RecognitionOptions:
        """What the session is asked to be now."""
        return self._configuration.options

    @property
    def names(self) -> frozenset[str]:
        """What items were called on this connection, and on those before: what they are told once more is not new."""
        return self._items.names

    @property
    def one_at_a_time(self) -> bool:
        """Whether no more than one commit should be under way: how the server answers them is not known yet."""
        return self.options.client_cuts and not self._items.fences.known

    @property
    def pending(self) -> int:
        """How many utterances were committed, or had their commit sent, and have no text yet.

        While a flush is under way, one more stands for what it may bring: when nothing is pending, nothing comes.
        """
        return self._items.pending + (self.state is ProtocolState.FLUSHING)

    @property
    def speaking(self) -> bool:
        """Whether the server's VAD is inside an utterance."""
        return self._items.speaking

    @property
    def buffer_grows(self) -> bool:
        """Whether the server cuts by itself and keeps all silence that it was sent: a clear helps it then."""
        return not self.options.client_cuts and self._configuration.shape.buffer_grows

    @property
    def uncommitted(self) -> int:
        """How many samples of audio and padding were sent since the last commit."""
        return self._timeline.position - self._timeline.current.begin

    @property
    def may_clear(self) -> bool:
        """Whether no item is on its way: at a clear, the server would drop the connection."""
        return self._items.nothing_on_its_way

    # Connection

    def connection_opened(self) -> None:
        """Note that messages can be exchanged now."""
        self.state = follow(self.state, Trigger.OPENED)

    def receive_message(self, message: str | bytes) -> list[ProtocolEvent]:
        """Take a message of the server and return what it means; odd messages are reported, never raised.

        It is a `StateError` if the connection is not open yet.
        """
        if self.state is ProtocolState.CONNECTING:
            raise wrong_state("receive", self.state)
        if self.state in ENDED:
            return []
        for event in self._read(message):
            if isinstance(event, Ready | Flushed):
                self._settle(Trigger.CONFIRMED if isinstance(event, Ready) else Trigger.FLUSHED)
            self._events.append(self._written(event))
        if self.state in AUDIO_FLOWS:
            self._send_postponed()
        return self.events_received()

    def events_received(self) -> list[ProtocolEvent]:
        """Return the events that wait, and forget them."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Note that this side ends the connection; what still comes is taken."""
        self.state = follow(self.state, Trigger.CLOSE)

    def connection_lost(
        self, code: int | None, reason: str = "", *, idle_s: float | None = None
    ) -> list[ProtocolEvent]:
        """Note the end of the connection and return why it ended, unless this side wanted it.

        ``code`` and ``reason`` are those of the server's close frame; None if there was none. ``idle_s`` is the time
        since its last message, if known: it keeps a network failure from being mistaken for a crash of the server.
        """
        reason = without_key(reason, self._api_key)
        return self._lost(self._diagnosis().explain(code, reason, idle_s=idle_s))

    def session_died(self) -> list[ProtocolEvent]:
        """Note that no ping is answered any more, although the connection is up, and return why."""
        return self._lost(self._diagnosis().explain_silence())

    @property
    def began_otherwise(self) -> bool:
        """Whether the server has said something, and nothing of a session, or has answered with an error."""
        return isinstance(self._last, wire.ErrorEvent) or (self._first is not None and not self._opened)

    def not_ready(self, waited_s: float) -> ServerError:
        """Return the error for a server that has not confirmed the configuration in so many seconds."""
        return self._diagnosis().explain_unready(waited_s)

    def messages_to_send(self) -> list[bytes]:
        """Return the messages to send as text frames, in order, and forget them."""
        return cast("list[bytes]", self._outbox.drain())  # without media, there is no audio among them

    def stream_to_send(self) -> list[bytes | StreamAudio]:
        """Return messages and audio for a media stream, in the order in which they must reach the server."""
        return self._outbox.drain()

    def send_ping(self) -> None:
        """Ask for a sign of life; the answer counts as a message and is no event."""
        self._check_audio_flows("ping")
        self._pings.add(item_id := f"ping_{secrets.token_hex(8)}")
        self._outbox.put(wire.delete_item(item_id))

    # Audio

    def send_append(self, samples: NDArray[np.int16], start: int) -> None:
        """Send mono int16 samples, shape ``(n,)`` at 24,000 Hz, from session sample ``start`` on; none is no message.

        Up to two samples wait for the next append. It is an `InputError` if they are not one-dimensional int16, and a
        `StateError` if audio may not flow yet or any more.
        """
        if self.state not in AUDIO_FLOWS:
            raise wrong_state("append audio", self.state)
        self._outbox.append(samples, start)

    @property
    def is_busy(self) -> bool:
        """Whether the server recognises where it receives audio, and has to be asked whether it is there."""
        media = self._timeline.media
        return media is not None and media.busy

    @property
    def pinged(self) -> bool:
        """Whether a ping has no answer."""
        return bool(self._pings)

    def send_padding(self) -> None:
        """Send the padding of an utterance ahead of its commit."""
        self._outbox.pad(0)

    def send_commit(self, utterance: Utterance, *, padded: bool = False) -> None:
        """End an utterance with all that was appended since the last commit, filled up to 100 ms.

        With ``padded``, its padding was sent before. It is a `StateError` if the server cuts (a commit would crash it),
        or nothing was appended.
        """
        self._check_audio_flows("commit")
        if not self.options.client_cuts:
            raise StateError("Cannot commit while the server cuts the utterances: use send_flush() instead.")
        sent = self.uncommitted
        if not sent:
            raise StateError("Cannot commit an empty buffer: append the utterance's audio first.")
        if not padded:
            self._outbox.pad(max(MIN_COMMIT_SAMPLES - sent, 0))
        self._commits += 1
        commit_id = f"commit_{self._commits}"
        self._outbox.put(wire.commit(commit_id))
        self._send_fence(self._items.commit_sent(utterance, commit_id))

    def _send_fence(self, behind: Commit | None) -> None:
        if self._items.fences.wanted:
            self._items.fences.sent(behind)
            self._outbox.put(self._configuration.barrier(Barrier.FENCE))

    def send_clear(self) -> None:
        """Throw away what was appended and not committed; a server's buffer grows costly with silence.

        It is a `StateError` if an item is on its way: the server would drop the connection.
        """
        self._check_audio_flows("clear")
        if not self.may_clear:
            raise StateError("Cannot clear while an utterance is on its way into the conversation: flush first.")
        if not self.uncommitted:
            return
        self._outbox.drop_carried()
        self._outbox.put(wire.CLEAR)
        if self.options.client_cuts:
            self._items.cleared(self._timeline.position)
        else:
            # The server may still end an utterance before it reads this: its buffer restarts when it says so.
            self._clears.append(self._timeline.position)

    def clear_sent(self, unheard: int) -> None:
        """Note that a clear went out beside this, when the server lacked the last ``unheard`` appended samples."""
        self._items.cleared(self._timeline.position - unheard)

    def silence_sent(self, length: int) -> None:
        """Note zeros that a media stream carried in place of audio; they belong to no session time."""
        self._timeline.pad(length)

    def send_flush(self) -> None:
        """Ask for the end of what is being said; `Flushed` answers, once, with the items still to come.

        With client cuts there is nothing to ask for: commit, and watch `pending`.
        """
        if self.state is ProtocolState.FLUSHING:
            return
        self._check_audio_flows("flush")
        if self.options.client_cuts:
            self._events.append(Flushed(self._items.pending_ids))
            return
        self.state = follow(self.state, Trigger.FLUSH)
        # A barrier: messages are handled in the order they were sent, so its last answer tells what is still to come.
        self._outbox.put(self._configuration.barrier(Barrier.OPENS))
        if isinstance(self._configuration.shape, FlatShape):
            # A threshold that nothing passes, and 100 ms of zeros to make the VAD look, end an utterance; a commit
            # would crash Speaches.
            self._outbox.pad(MIN_COMMIT_SAMPLES)
            self._outbox.put(self._configuration.barrier(Barrier.CLOSES))

    def reconfigure(self, changes: Changes) -> None:
        """Change the running session; `Mismatch` tells where the server does otherwise.

        The server's VAD changes at once. Model, language and prompt count from the next utterance on. It is a
        `StateError` if the session is not ready, it would change who cuts, or a language is given and no model was ever
        named.
        """
        self._check_audio_flows("reconfigure")
        options = (self._postponed or self.options).changed(changes)
        if options.client_cuts is not self.options.client_cuts:
            raise StateError("Cannot change who cuts while the session is open: open a new connection.")
        if message := self._configuration.change_server_vad(options.server_vad):
            self._outbox.put(message)
        self._configuration.change_script(options)
        if not self._configuration.differs(options):
            self._postponed = None  # a change may have been taken back before it was asked for
            return
        self._configuration.model_for(options.model)
        self._postponed = options
        buffer = self._timeline.current
        filled = self.uncommitted > 0
        self._postponed_behind = buffer if filled and options.client_cuts else None
        self._send_postponed()

    def _send_postponed(self) -> None:
        """Ask for another model or language as soon as the utterance that is under way cannot get it.

        A server reads them when it handles a commit, not when it gets one, so a change right behind a commit could
        still reach that utterance: changes wait until it has become an item of the conversation.
        """
        if self._postponed is None or self._timeline.current is self._postponed_behind or not self.may_clear:
            return
        if message := self._configuration.change_recognition(self._postponed):
            self._outbox.put(message)
        self._postponed = self._postponed_behind = None

    def _diagnosis(self) -> Diagnosis:
        last = self._last
        return Diagnosis(
            self._first,
            last,
            model=(self._postponed and self._postponed.model) or self.options.model,
            client_cuts=self.options.client_cuts,
            chat=self._configuration.is_chat,
            answering=self._answering,
            answered=self._items.any_answer or self._has_worked,
            key_given=self._api_key is not None,
            stopped=isinstance(last, wire.ItemCreated) and self._items.is_stopped(last.item.id or ""),
        )

    def _lost(self, reason: Disconnected) -> list[ProtocolEvent]:
        if self.state in ENDED:
            return []
        wanted = self.state is ProtocolState.CLOSING
        self.state = follow(self.state, Trigger.LOST)
        if not wanted:
            self._events.append(reason)
        return self.events_received()

    def _settle(self, trigger: Trigger) -> None:
        # While this side is closing, answers still come but lead nowhere.
        if trigger in TRANSITIONS[self.state]:
            self.state = follow(self.state, trigger)

    def _check_audio_flows(self, action: str) -> None:
        if self.state not in AUDIO_FLOWS:
            raise wrong_state(action, self.state)

    # What the server says

    def _read(self, message: str | bytes) -> list[ProtocolEvent]:
        events: list[ProtocolEvent] = []
        for joined in [message] if self._joiner is None else self._joiner.receive(message):
            if isinstance(joined, MessageLost):
                self._items.message_lost()
                events.append(joined)
            else:
                events += self._read_event(joined)
        if self._items.doubt is not None:
            events += self._lost(Disconnected(self._items.doubt))
        return events

    def _written(self, event: ProtocolEvent) -> ProtocolEvent:
        """Return an event whose Chinese is in the characters that are wanted, words and text alike."""
        if isinstance(event, ItemDelta):
            stable = None if event.stable is None else len(self.options.written(event.text[: event.stable]))
            return replace(event, text=self.options.written(event.text), stable=stable)
        if isinstance(event, ItemCompleted):
            text = self.options.written(event.text, event.language)
            words = words_written(event.words, event.text, text, self.options.wanted_script)
            return replace(event, text=text, words=tuple(words))
        return event

    def _read_event(self, message: str | bytes) -> list[ProtocolEvent]:
        event = wire.decode(message)
        if isinstance(event, wire.ErrorEvent | wire.TranscriptionFailed | wire.Unrecognised):  # which may be quoted
            event = wire.decode(self._without_key(message))
        if _is_expected(event) or self._answers_ping(event):
            return []
        if not (self._ready and isinstance(event, wire.SessionUpdated)):
            self._last = event
        if self._first is None or isinstance(event, wire.SessionCreated):
            self._first = event
        if isinstance(event, wire.Unrecognised):
            self._answering |= event.type == "response.created"
            self._items.older_are_answers |= event.type == "response.output_item.added"
        events = list(self._handlers[type(event)](event))
        if not self._ready and (refused := self._diagnosis().explain_beginning()) is not None:
            events += self._lost(refused)
        return events

    def _without_key(self, message: str | bytes) -> str | bytes:
        try:
            said = parse_json(message)
        except ValueError:
            return without_key(message, self._api_key)
        return msgspec.json.encode(_cleaned(said, self._api_key))

    def _answers_ping(self, event: wire.KnownEvent | wire.Unrecognised) -> bool:
        if not self._pings or not isinstance(event, wire.ErrorEvent):
            return False
        answered = {item_id for item_id in self._pings if item_id in (event.error.message or "")}
        self._pings -= answered
        return bool(answered)

    def _session_created(self, event: wire.SessionCreated) -> Iterator[ProtocolEvent]:
        if self._opened:
            return
        self._opened = True
        update = self._configuration.begin(event.session)
        self._timeline.restarts = self._configuration.shape.clock_restarts
        if update is None:
            yield from self._is_ready()
        else:
            self._outbox.put(update)

    def _session_updated(self, event: wire.SessionUpdated) -> Iterable[ProtocolEvent]:
        """Take an answer to an update, which may be told twice; some servers give all their events one name."""
        opened_by = self._first.event_id if isinstance(self._first, wire.SessionCreated) else None
        if event.event_id is not None and event.event_id == self._updated_by != opened_by:
            return ()
        self._updated_by = event.event_id or ""
        return self._answered(event.session)

    def _unrecognised(self, event: wire.Unrecognised) -> list[ProtocolEvent]:
        if not event.type and str(event.data.get("text", "")).lstrip().startswith("{"):
            self._items.message_lost()
        return [Unknown(event.type, event.data)]

    def _is_ready(self) -> Iterator[ProtocolEvent]:
        self._ready = True
        if self.options.client_cuts:
            self._send_fence(None)
        yield self._configuration.ready()
        without_effect = self._configuration.without_effect
        if without_effect:
            yield without_effect_here(without_effect)

    def _answered(self, session: wire.SessionInfo | None) -> Iterator[ProtocolEvent]:
        """Take the answer to an update; the first one ends the configuration, whatever it says."""
        was_asked = not self._configuration.settled
        barrier, news = self._configuration.answered(session)
        if self._opened and not self._ready:
            yield from self._is_ready()
        elif barrier is Barrier.FENCE:
            yield from self._items.fence_returned(refused=session is None)
        elif was_asked and barrier is Barrier.NONE:
            yield self._configuration.reconfigured()
        yield from news
        if barrier is Barrier.OPENS:
            self._barrier_opened()
        elif barrier is Barrier.CLOSES:
            yield Flushed(self._items.pending_ids)

    def _barrier_opened(self) -> None:
        """On GA servers the VAD is off now: commit what it can no longer end.

        In silence nothing is committed: recognisers invent words for it.
        """
        if isinstance(self._configuration.shape, FlatShape):
            return
        if self._items.speaking:
            self._outbox.pad(0)
            self._outbox.put(wire.COMMIT)
            self._items.ending_sent()
        self._outbox.put(self._configuration.barrier(Barrier.CLOSES))

    def _server_heard(self, event: wire.BufferSpeechStarted | wire.BufferSpeechStopped) -> Iterable[ProtocolEvent]:
        if (
            self.options.client_cuts
        ):  # the commits say what is an utterance, whatever the server's VAD hears beside them
            self._items.heard_beside(event.item_id)
            return ()
        if isinstance(event, wire.BufferSpeechStarted):
            return self._items.started(event.item_id, event.audio_start_ms)
        return self._items.stopped(event.item_id, event.audio_end_ms)

    def _cleared(self, _: wire.BufferCleared) -> Iterable[ProtocolEvent]:
        if self._clears:
            self._items.cleared(self._clears.popleft())
        return ()

    def _item_created(self, event: wire.ItemCreated | wire.ItemAdded | wire.ItemDone) -> Iterable[ProtocolEvent]:
        return self._items.created(event.item)

    def _delta(self, event: wire.TranscriptionDelta | wire.ResponseDelta) -> Iterable[ProtocolEvent]:
        text = event.delta.text if isinstance(event.delta, wire.DeltaText) else event.delta or ""
        if isinstance(event, wire.ResponseDelta):
            return self._items.delta(event.item_id, text, older=True)
        return self._items.delta(event.item_id, text, event.tentative)

    def _failed(self, event: wire.TranscriptionFailed) -> Iterable[ProtocolEvent]:
        if event.error is not None and (denial := denied(event.error)) is not None:
            return [Disconnected(denial)]
        message = (event.error and event.error.message) or "The server gave no reason."
        return self._items.failed(event.item_id, one_line(message))

    def _error(self, event: wire.ErrorEvent) -> Iterator[ProtocolEvent]:
        error = event.error
        message = error.message or ""
        code = None if error.code is None else str(error.code)
        of_update = self._configuration.refuses(error)
        of_commit = message.startswith(_REFUSED_COMMIT) or code == _EMPTY_COMMIT_CODE
        of_item = error.item_id in self._items.pending_ids
        message = one_line(message)
        yield Reported(message, error.type or "", code, of_update or of_commit or of_item)
        if self.state is ProtocolState.READY and (denial := denied(error)) is not None:
            yield Disconnected(denial)
        elif of_update:
            yield from self._answered(None)
        elif of_item:
            yield from self._items.failed(error.item_id, message)
        elif of_commit:
            yield from self._items.commit_refused(message)
        else:
            self._items.reported(message, error.event_id)


def without_effect_here(names: tuple[str, ...]) -> Noticed:
    """Return the warning about options for which the server's realtime session has no place."""
    *others, last = names
    given = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    return Noticed(
        "no_effect",
        f'{given} no effect in a realtime session of this server: transport="chunked" and transport="sse" send such '
        "options with each request.",
    )


def _cleaned(said: Any, key: str | None) -> Any:  # noqa: ANN401  JSON
    """Return what a server says of itself without the key; what events and items are called is no quotation."""
    if isinstance(said, dict):
        return {name: one if name in _NAMES else _cleaned(one, key) for name, one in said.items()}
    if isinstance(said, list):
        return [_cleaned(one, key) for one in said]
    return without_key(said, key) if isinstance(said, str) else said


def _is_expected(event: wire.KnownEvent | wire.Unrecognised) -> bool:
    """Return whether an event is an error that comes in the ordinary course of things."""
    if not isinstance(event, wire.ErrorEvent):
        return False
    message = event.error.message or ""
    return message.startswith(_UNSUPPORTED_PADDING) or _REPEATED_ITEM.match(message) is not None
