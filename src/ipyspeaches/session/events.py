"""What a session tells its listeners: frozen values, times in seconds on the session clock; and their way there."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from ipyspeaches.errors import SpeachesError
from ipyspeaches.results import Segment
from ipyspeaches.session.state import ENDED, SessionState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session does something else from now on."""

    time_s: float
    state: SessionState


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


class Bus:
    """Keeps every event and hands each one to every listener, in order.

    Listeners run on the thread that emits (the engine's) and must not wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._history: list[SessionEvent] = []
        self._listeners: list[EventListener] = []

    def emit(self, event: SessionEvent) -> None:
        """Hand an event to all listeners; one that fails does not keep it from the others."""
        with self._lock:
            self._history.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001  a listener is not ours
                _log.exception("A listener of a session failed; the session goes on.")

    def subscribe(self, listener: EventListener, *, replay: bool = False) -> Callable[[], None]:
        """Add a listener and return what removes it; ``replay`` gives it all earlier events first."""
        with self._lock:
            if replay:
                for event in self._history:
                    listener(event)
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    async def stream(self) -> AsyncIterator[SessionEvent]:
        """Yield all events, earlier ones too, until the session has ended; on the caller's own loop."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[SessionEvent] = asyncio.Queue()

        def forward(event: SessionEvent) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, event)

        unsubscribe = self.subscribe(forward, replay=True)
        try:
            while True:
                event = await queue.get()
                yield event
                if isinstance(event, StateChanged) and event.state in ENDED:
                    return
        finally:
            unsubscribe()
