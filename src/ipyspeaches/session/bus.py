"""Session events on their way to listeners of any thread and any loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable

from ipyspeaches.session.events import SessionEvent, StateChanged
from ipyspeaches.session.state import ENDED

Listener = Callable[[SessionEvent], None]

_log = logging.getLogger(__name__)


class Bus:
    """Keeps every event and hands each one to every listener, in order.

    Listeners run on the thread that emits (the engine's) and must not wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._history: list[SessionEvent] = []
        self._listeners: list[Listener] = []

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

    def subscribe(self, listener: Listener, *, replay: bool = False) -> Callable[[], None]:
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
