"""What the realtime protocol tells the session: frozen values, times in session seconds.

The wire's own shapes live in `wire.py`; nothing above this room sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipyspeaches.errors import ServerError
from ipyspeaches.words import Word


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of session time.

    Parameters
    ----------
    start_s, end_s
        Seconds on the session clock, ``start_s <= end_s``.
    """

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has confirmed the configuration; audio may flow."""

    session_id: str
    model: str | None
    language: str | None
    turn_detection: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The server has answered a change of the running session: this is what holds now."""

    model: str | None
    language: str | None
    turn_detection: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The server runs with another value than the one asked for."""

    field: str
    asked: object
    confirmed: object


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The server's own VAD heard speech begin."""

    item_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The server's own VAD heard speech end (``at_s`` is when it was sure, not the end of speech)."""

    item_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Committed:
    """The server took an utterance; ``order`` counts utterances from 0 in the order they were committed.

    ``joined`` of the gate's utterances are in it, of which ``utterance`` is the last.
    """

    item_id: str
    order: int
    utterance: int | None
    span: Span | None
    joined: int = 1


@dataclass(frozen=True, slots=True)
class Delta:
    """Text of an unfinished utterance; ``text`` is all of it so far, not the piece that came."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The final text of an utterance, once per item."""

    item_id: str
    order: int
    utterance: int | None
    span: Span | None
    text: str
    language: str | None
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The server could not transcribe this utterance; the session lives. ``joined`` is as in `Committed`."""

    item_id: str
    utterance: int | None
    message: str
    joined: int = 1


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something the user should know while the session goes on; ``kind`` is stable, ``message`` is a sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Reported:
    """An error event of the server that does not end the session."""

    message: str
    kind: str
    code: str | None


@dataclass(frozen=True, slots=True)
class ClockMismatch:
    """The server counts other seconds for an utterance than were sent (wrong rate, lost audio)."""

    item_id: str
    sent_s: float
    counted_s: float


@dataclass(frozen=True, slots=True)
class MessageLost:
    """A message of the server came incomplete over a data channel; what it said is not known."""

    message_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event this version does not know: kept, never fatal."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flushed:
    """The barrier came back: ``pending`` are the items whose text is still to come."""

    pending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone. ``fatal`` means that a reconnect would fail in the same way."""

    error: ServerError
    fatal: bool


ProtocolEvent = (
    Ready
    | Reconfigured
    | Mismatch
    | SpeechStarted
    | SpeechStopped
    | Committed
    | Delta
    | Completed
    | Failed
    | Noticed
    | Reported
    | ClockMismatch
    | MessageLost
    | Unknown
    | Flushed
    | Disconnected
)
