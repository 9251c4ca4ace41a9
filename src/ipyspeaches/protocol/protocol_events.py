"""What the protocols tell the session: frozen values, times in session seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from ipyspeaches.errors import ServerError
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.words import Word


class Ready(msgspec.Struct, frozen=True):
    """The server has confirmed the configuration; audio may flow."""

    session_id: str
    model: str | None
    language: str | None
    turn_detection: dict[str, Any] | None


class ConfigurationChanged(msgspec.Struct, frozen=True):
    """The server has answered a change of the running session: this is what holds now."""

    model: str | None
    language: str | None
    turn_detection: dict[str, Any] | None


class Mismatch(msgspec.Struct, frozen=True):
    """The server runs with another value than the one asked for."""

    field: str
    asked: object
    confirmed: object


class ServerSpeechStarted(msgspec.Struct, frozen=True):
    """The server's own VAD heard speech begin."""

    item_id: str
    at_s: float


class ServerSpeechStopped(msgspec.Struct, frozen=True):
    """The server's own VAD heard speech end (``at_s`` is when it was sure, not the end of speech)."""

    item_id: str
    at_s: float


class AudioSent(msgspec.Struct, frozen=True):
    """Audio went out: session samples from ``start`` to ``end``."""

    start: int
    end: int


class ItemCommitted(msgspec.Struct, frozen=True):
    """The server took an utterance."""

    item_id: str
    utterance: Utterance


class ItemDelta(msgspec.Struct, frozen=True):
    """Text of an unfinished utterance: all of it so far, not the piece that came.

    Its first ``stable`` characters are settled; None where the server does not say.
    """

    item_id: str
    text: str
    stable: int | None = None


class ItemCompleted(msgspec.Struct, frozen=True):
    """The final text of an utterance, once per item; ``heard`` is whether any of it was recognised in the utterance.

    Where windows overlap, the text may be left to the next one, or be what the one before left over.
    """

    item_id: str
    utterance: Utterance
    text: str
    language: str | None
    words: tuple[Word, ...]
    heard: bool = True


class ItemFailed(msgspec.Struct, frozen=True):
    """The server could not transcribe this utterance; the session lives."""

    item_id: str
    utterance: Utterance
    message: str


class Noticed(msgspec.Struct, frozen=True):
    """Something the user should know while the session goes on; ``kind`` is stable, ``message`` is a sentence.

    ``utterance`` is the one whose text is not whole, if it is about that.
    """

    kind: str
    message: str
    utterance: Utterance | None = None


class Reported(msgspec.Struct, frozen=True):
    """An error event of the server that ends no session; ``known`` tells whether it is clear what it is about."""

    message: str
    kind: str
    code: str | None
    known: bool = False


class ClockMismatch(msgspec.Struct, frozen=True):
    """The server counts other seconds for an utterance than were sent (wrong rate, lost audio)."""

    item_id: str
    sent_s: float
    counted_s: float


class MessageLost(msgspec.Struct, frozen=True):
    """A message of the server came incomplete over a data channel; what it said is not known."""

    message_id: str
    reason: str


class Unknown(msgspec.Struct, frozen=True):
    """An event that this version does not know: kept, never fatal."""

    type: str
    data: dict[str, Any]


class Flushed(msgspec.Struct, frozen=True):
    """The barrier came back: ``pending`` are the items whose text is still to come."""

    pending: tuple[str, ...]


class Disconnected(msgspec.Struct, frozen=True):
    """The connection is gone, and why."""

    error: ServerError


ProtocolEvent = (
    Ready
    | ConfigurationChanged
    | Mismatch
    | ServerSpeechStarted
    | ServerSpeechStopped
    | AudioSent
    | ItemCommitted
    | ItemDelta
    | ItemCompleted
    | ItemFailed
    | Noticed
    | Reported
    | ClockMismatch
    | MessageLost
    | Unknown
    | Flushed
    | Disconnected
)
