"""What a session tells its listeners: frozen values, times in seconds on the session clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipyspeaches.errors import SpeachesError
from ipyspeaches.results.segment import Segment
from ipyspeaches.session.state import SessionState


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session does something else from now on."""

    time_s: float
    state: SessionState


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """There is no connection, for the ``reason``; the ``attempt``-th to have one again comes in ``wait_s`` seconds."""

    time_s: float
    reason: str
    attempt: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Reconnected:
    """There is a connection again, after ``lost_s`` seconds; what has no text, ``unsent_s`` of audio, is sent again."""

    time_s: float
    lost_s: float
    unsent_s: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began at ``start_s``; ``source`` is ``"client"`` or ``"server"``, whose VAD heard it."""

    time_s: float
    start_s: float
    source: str = "client"


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Speech from ``start_s`` to ``end_s`` is over."""

    time_s: float
    start_s: float
    end_s: float
    source: str = "client"


@dataclass(frozen=True, slots=True)
class Sent:
    """Audio from ``start_s`` to ``end_s`` was handed to the connection; ``late`` if it had come late itself."""

    time_s: float
    start_s: float
    end_s: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """The server took the utterance from ``start_s`` to ``end_s``."""

    time_s: float
    item_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Partial:
    """Text of an utterance that is not final yet: all of it so far.

    The first ``stable`` characters are settled, the rest may still change; None where the server does not say. An
    empty text takes back what the item said so far.
    """

    time_s: float
    item_id: str
    start_s: float
    text: str
    stable: int | None = None


@dataclass(frozen=True, slots=True)
class Final:
    """The final text of an utterance; an empty text means that nothing was recognised."""

    time_s: float
    item_id: str
    segment: Segment


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The server has answered a change: its ``turn_detection``, model and language as they are now."""

    time_s: float
    turn_detection: dict[str, Any] | None
    model: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """Somebody marked the moment ``at_s``; the same ``mark_id`` again gives it another name."""

    time_s: float
    mark_id: int
    at_s: float
    name: str


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001  the contract's name; import it as ``events.Warning``
    """Something the user should know while the session goes on; ``kind`` is stable, ``text`` is a sentence."""

    time_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ErrorOccurred:
    """The session ends because of this; everything recorded is kept."""

    time_s: float
    error: SpeachesError


SessionEvent = (
    StateChanged
    | Reconnecting
    | Reconnected
    | SpeechStarted
    | SpeechStopped
    | Sent
    | Committed
    | Partial
    | Final
    | Reconfigured
    | Marked
    | Warning
    | ErrorOccurred
)

EventListener = Callable[[SessionEvent], None]
