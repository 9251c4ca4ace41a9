"""The realtime session as a state machine without I/O: messages in, events out, messages to send in a list.

Rules that it keeps, because servers drop the connection or mistake the time where they are broken:

- An append carries a multiple of three samples (the server resamples each on its own, 24 to 16 kHz), never none.
- ``turn_detection`` is sent as a whole and what the server confirms is compared with what was asked.
- With server VAD nothing is committed; the end is a barrier (`flush.py`): messages are handled in order, so its last
  answer tells what is still to come.
- With client cuts, a commit holds at least 100 ms.
- Nothing is cleared while an item is on its way into the conversation.

The states and the ways between them are in `state.py`.
"""

from __future__ import annotations

import secrets
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import requests
from ipyspeaches.protocol.configuration import UNSET, Configuration, Unset
from ipyspeaches.protocol.events import Disconnected, Flushed, ProtocolEvent, Ready
from ipyspeaches.protocol.failure import Diagnosis
from ipyspeaches.protocol.flush import Flush
from ipyspeaches.protocol.fragments import FragmentJoiner
from ipyspeaches.protocol.inbox import Inbox
from ipyspeaches.protocol.items import Pending
from ipyspeaches.protocol.ledger import Ledger
from ipyspeaches.protocol.media import Sound
from ipyspeaches.protocol.options import RealtimeOptions, ServerTurnDetection
from ipyspeaches.protocol.outbox import MIN_COMMIT_SAMPLES, Outbox
from ipyspeaches.protocol.postponed import Postponed
from ipyspeaches.protocol.state import AUDIO_FLOWS, ENDED, TRANSITIONS, ProtocolState, Trigger, follow, wrong_state
from ipyspeaches.protocol.stream import Stream
from ipyspeaches.protocol.timeline import Timeline


class RealtimeProtocol:
    """One realtime session over one connection; a reconnect takes a new one.

    Parameters
    ----------
    options
        What the session is asked to be.
    start_sample
        Session sample at which this connection begins to listen (0 unless it continues another one).

    Attributes
    ----------
    state
        Where the session stands.
    stream
        Takes reports of a continuous media stream.
    """

    def __init__(self, options: RealtimeOptions, *, start_sample: int = 0) -> None:
        self.state = ProtocolState.CONNECTING
        self._configuration = Configuration(options)
        self._timeline = Timeline(start_sample, options.media)
        self._outbox = Outbox(self._timeline)
        self._ledger = Ledger(self._timeline)
        self.stream = Stream(self._timeline, self._ledger)
        self._diagnosis = Diagnosis(model=options.model, client_cuts=options.client_cuts)
        self._flush = Flush(self._configuration, self._ledger, self._outbox)
        self._inbox = Inbox(self._configuration, self._ledger, self._diagnosis, self._outbox.put, self._flush)
        self._inbox.joiner = None if options.media is None else FragmentJoiner()
        self._postponed = Postponed(self._configuration, self._ledger, self._timeline, self._outbox)
        self._events: list[ProtocolEvent] = []

    @property
    def options(self) -> RealtimeOptions:
        """What the session is asked to be now."""
        return self._configuration.options

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Utterances that were committed, or whose commit was sent, and have no text yet; in commit order.

        While a flush is under way, one more stands for what it may bring: when nothing is pending, nothing comes.
        """
        unknown = (Pending(None, None, None),) if self.state is ProtocolState.FLUSHING else ()
        return (*self._ledger.pending, *unknown)

    @property
    def speaking(self) -> bool:
        """Whether the server's VAD is inside an utterance."""
        return self._ledger.speaking

    @property
    def buffer_grows(self) -> bool:
        """Whether the server cuts by itself and keeps all silence that it was sent: `clear` helps it then."""
        return not self.options.client_cuts and self._configuration.shape.buffer_grows

    @property
    def unsettled_from(self) -> int:
        """First session sample whose text would be lost if the connection broke now: replay from here."""
        return self._ledger.unsettled_from(client_cuts=self.options.client_cuts)

    def query(self) -> dict[str, str]:
        """Return the query of the connection's address."""
        return self.options.query()

    # Connection

    def connection_opened(self) -> None:
        """Note that messages can be exchanged now."""
        self.state = follow(self.state, Trigger.OPENED)

    def receive(self, message: str | bytes) -> list[ProtocolEvent]:
        """Take a message of the server and return what it means; odd messages are reported, never raised.

        Raises
        ------
        StateError
            If the connection is not open yet.
        """
        if self.state is ProtocolState.CONNECTING:
            raise wrong_state("receive", self.state)
        if self.state in ENDED:
            return []
        for event in self._inbox.read(message):
            if isinstance(event, Ready | Flushed):
                self._settle(Trigger.CONFIRMED if isinstance(event, Ready) else Trigger.FLUSHED)
            self._events.append(event)
        if self.state in AUDIO_FLOWS:
            self._postponed.release()
        return self.poll()

    def poll(self) -> list[ProtocolEvent]:
        """Return the events that wait, without a message of the server."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Note that this side ends the connection; what still comes is taken."""
        self.state = follow(self.state, Trigger.CLOSE)

    def connection_lost(
        self, code: int | None, reason: str, *, close_frame: bool, idle_s: float | None = None
    ) -> list[ProtocolEvent]:
        """Note the end of the connection and return why it ended, unless this side wanted it.

        Parameters
        ----------
        code, reason
            Of the close frame; 1006 or None if there was none.
        close_frame
            Whether a close frame came from the server.
        idle_s
            Seconds since the server's last message, if known: it keeps a network failure from being mistaken for a
            crash of the server.
        """
        return self._lost(self._diagnosis.explain(code, reason, close_frame=close_frame, idle_s=idle_s))

    def session_died(self) -> list[ProtocolEvent]:
        """Note that no ping is answered any more, although the connection is up, and return why."""
        return self._lost(self._diagnosis.explain_silence())

    def data_to_send(self) -> list[bytes]:
        """Return the messages to send as text frames, in order, and forget them."""
        return cast("list[bytes]", self._outbox.drain())  # without media, there is no sound among them

    def outgoing(self) -> list[bytes | Sound]:
        """Return messages and sound for a media stream, in the order in which they must reach the server."""
        return self._outbox.drain()

    def ping(self) -> None:
        """Ask for a sign of life; the answer counts as a message and is no event."""
        self._check_audio_flows("ping")
        self._inbox.pings.add(item_id := f"ping_{secrets.token_hex(8)}")
        self._outbox.put(requests.delete_item(item_id))

    # Audio

    def append(self, samples: NDArray[np.int16], start: int) -> None:
        """Send sound.

        Parameters
        ----------
        samples : int16, shape (n,)
            Mono PCM at 24,000 Hz; none is no message. Up to two samples wait for the next append.
        start
            Session sample of the first one.

        Raises
        ------
        InputError
            If the samples are not one-dimensional int16.
        StateError
            If audio may not flow yet or any more.
        """
        if self.state not in AUDIO_FLOWS:
            raise wrong_state("append audio", self.state)
        self._outbox.append(samples, start)

    def commit(self, utterance: int) -> None:
        """End an utterance with all that was appended since the last commit, filled up to 100 ms.

        Raises
        ------
        StateError
            If the server cuts (a commit would crash it), or nothing was appended.
        """
        self._check_audio_flows("commit")
        if not self.options.client_cuts:
            raise StateError("Cannot commit while the server cuts the utterances: use flush() instead.")
        sent = self._timeline.position - self._timeline.current.begin
        if not sent:
            raise StateError("Cannot commit an empty buffer: append the utterance's audio first.")
        self._outbox.pad(max(MIN_COMMIT_SAMPLES - sent, 0))
        self._outbox.put(requests.COMMIT)
        self._ledger.commit_sent(utterance)

    def clear(self) -> None:
        """Throw away what was appended and not committed; a server's buffer grows costly with silence.

        Raises
        ------
        StateError
            If an item is on its way: the server would drop the connection.
        """
        self._check_audio_flows("clear")
        if not self._ledger.nothing_on_its_way:
            raise StateError("Cannot clear while an utterance is on its way into the conversation: flush first.")
        if self._timeline.position == self._timeline.current.begin:
            return
        self._outbox.drop_carried()
        self._outbox.put(requests.CLEAR)
        if self.options.client_cuts:
            self._ledger.cleared(self._timeline.position)
        else:
            # The server may still end an utterance before it reads this: its buffer restarts when it says so.
            self._inbox.clears.append(self._timeline.position)

    def flush(self) -> None:
        """Ask for the end of what is being said; `Flushed` answers, once, with the items still to come.

        With client cuts there is nothing to ask for: commit, and watch `pending`.
        """
        if self.state is ProtocolState.FLUSHING:
            return
        self._check_audio_flows("flush")
        if self.options.client_cuts:
            self._events.append(self._inbox.flushed())
            return
        self.state = follow(self.state, Trigger.FLUSH)
        self._flush.begin()

    def update(
        self,
        *,
        turn_detection: ServerTurnDetection | None = None,
        language: str | Unset | None = UNSET,
        model: str | None = None,
    ) -> None:
        """Change the running session; `Mismatch` tells where the server does otherwise.

        Model and language count from the next utterance on: the one under way keeps those that it began with.

        Parameters
        ----------
        turn_detection
            The server's VAD.
        language
            ISO 639-1 code; None unsets it.
        model
            Recognition model.

        Raises
        ------
        StateError
            If the session is not ready, or a language is given and no model was ever named.
        """
        self._check_audio_flows("update")
        if turn_detection is not None and (message := self._configuration.change(turn_detection, UNSET, None)):
            self._outbox.put(message)
        self._postponed.add(language, model)
        self._diagnosis.model = model or self._diagnosis.model

    def _lost(self, reason: Disconnected) -> list[ProtocolEvent]:
        if self.state in ENDED:
            return []
        wanted = self.state is ProtocolState.CLOSING
        self.state = follow(self.state, Trigger.LOST)
        if not wanted:
            self._events.append(reason)
        return self.poll()

    def _settle(self, trigger: Trigger) -> None:
        # While this side is closing, answers still come but lead nowhere.
        if trigger in TRANSITIONS[self.state]:
            self.state = follow(self.state, trigger)

    def _check_audio_flows(self, action: str) -> None:
        if self.state not in AUDIO_FLOWS:
            raise wrong_state(action, self.state)
