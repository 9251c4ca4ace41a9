"""Between a page and a session: messages in, commands done, drawing data and events out.

Everything runs on the engine's loop, so that a busy kernel does not stop it; only `put_audio` is called from
whatever thread the notebook delivers messages on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Protocol

from ipyspeaches.errors import StateError
from ipyspeaches.session import Session, SessionKeywords, SessionState, events
from ipyspeaches.session.opening import SourceLike
from ipyspeaches.session.state import ACTIVE, ENDED
from ipyspeaches.sources import BrowserMicrophone
from ipyspeaches.widget.capture import PageCapture
from ipyspeaches.widget.compared import MAIN, Compared
from ipyspeaches.widget.drawing import Drawing, Message
from ipyspeaches.widget.messages import event_message, mark_message, segment_message

TICK_S = 0.04
"""Messages to the page come in this rhythm: more than 25 a second bunch up in the notebook server."""


SLOW_TICKS = 25
"""Every so many ticks is soon enough to say who lags behind."""

RECENT_S = 600
"""What a page that comes late gets at once; the rest of a long recording it fetches by window."""


class Page(Protocol):
    """What the bridge needs of the widget."""

    def post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to every view; callable from any thread."""

    def show(self, session: Session) -> None:
        """Show a session's slow state in the traits; callable from any thread."""

    def use_confirmed(self, session: Session) -> None:
        """Show what the server has confirmed, and use it in the next recording, too."""

    def show_compared(self, shown: list[dict[str, Any]]) -> None:
        """Show the compared sessions' slow state in the traits; callable from any thread."""


class Bridge:
    """Runs one session after another for a widget.

    Parameters
    ----------
    page
        Where messages and states go.
    compared
        What sessions that listen along do differently, by name.
    """

    def __init__(self, page: Page, compared: Mapping[str, SessionKeywords] | None = None) -> None:
        self._page = page
        self._queue: list[dict[str, Any]] = []
        self._drawing: Drawing | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.capture = PageCapture(page.post)
        self.compared = Compared(compared or {}, self._enqueue, page.show_compared)
        self.session: Session | None = None

    async def start(self, source: SourceLike, keywords: SessionKeywords, client_id: str | None = None) -> None:
        """Begin a new recording.

        Raises
        ------
        StateError
            If one is running.
        SpeachesError
            What kept it from starting.
        """
        if self.session is not None and self.session.state in ACTIVE:
            raise StateError("The Transcriber is already recording: stop it first.")
        microphone = BrowserMicrophone() if source == "browser" else None
        session = Session(self.compared.open(microphone or source, keywords), **keywords)
        self.session = session
        self._drawing = Drawing(session.hearing)
        self._queue.clear()
        self._page.post({"type": "reset"})
        session.subscribe(self._on_event)
        self._ticker = asyncio.create_task(self._tick(session))
        self.capture.open(microphone, client_id)
        self.compared.start()
        await session.start()

    async def pause(self) -> None:
        """Pause the recording.

        Raises
        ------
        StateError
            If nothing is being recorded.
        """
        session = self._running()
        await session.pause()
        self.capture.pause()

    async def resume(self, client_id: str | None = None) -> None:
        """Go on after a pause; the page that asks for it captures then.

        Raises
        ------
        StateError
            If the recording is not paused.
        """
        session = self._running()
        self.capture.check_resume(client_id)
        await session.resume()
        self.capture.resume(client_id)

    async def stop(self) -> None:
        """End the recording and wait for its last texts.

        Raises
        ------
        StateError
            If nothing was started.
        """
        session = self._running()
        self.capture.close()
        await session.stop()

    async def wait_for_all(self) -> None:
        """Wait until the recording and everything that listened along has ended; failures are kept by the sessions."""
        try:
            await self._running().wait()
        finally:
            await self.compared.wait()

    def painted(self, items: Any, at_s: float) -> None:  # noqa: ANN401  a page's word
        """Take a page's word on the final texts that it has painted: item ids by the run's name."""
        for name, item_ids in items.items():
            if name == MAIN and self.session is not None:
                self.session.painted(item_ids, at_s)
            else:
                self.compared.painted(name, item_ids, at_s)

    def _running(self) -> Session:
        if self.session is None:
            raise StateError("The Transcriber has not started: press Record or call start() first.")
        return self.session

    def put_audio(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a block of the page's microphone; callable from any thread, must not wait."""
        self.capture.put(content, buffers)

    def capture_changed(self, content: dict[str, Any]) -> None:
        """Take the page's word on its microphone."""
        if self.capture.changed(content) and self.session is not None:
            self._page.show(self.session)

    def resume_capture(self, client_id: str | None) -> None:
        """Let a page capture whose predecessor was closed or reloaded.

        Raises
        ------
        StateError
            If nothing is being recorded, the sound does not come from a page, or another page captures.
        """
        if self.session is None or self.session.state not in ACTIVE:
            raise StateError("Nothing is being recorded: press Record.")
        self.capture.take_over(client_id)

    def snapshot(self) -> None:
        """Send everything that a page needs which comes (back) while a session is there."""
        session = self.session
        content: dict[str, Any] = {"type": "snapshot", "clock_s": 0.0, "segments": [], "partial": None}
        content["capturing"] = self.capture.capturing
        if session is not None:
            content["clock_s"] = session.hearing.store.duration_s
            content["segments"] = [segment_message(segment) for segment in session.transcript]
            content["marks"] = [mark_message(mark) for mark in session.marks]
            content["runs"] = self.compared.snapshot()
        self._page.post(content)
        if session is not None and self._drawing is not None:
            recent_s = session.hearing.store.duration_s - RECENT_S
            for header, buffers in self._drawing.replay(recent_s):
                self._page.post(header, buffers)

    def window(self, level: int, first_column: int, columns: int) -> Message:
        """Return a window of the drawing at a resolution.

        Raises
        ------
        StateError
            If nothing was recorded yet.
        """
        if self._drawing is None:
            raise StateError("Nothing was recorded yet: press Record or call start() first.")
        return self._drawing.window(level, first_column, columns)

    def _on_event(self, event: events.SessionEvent) -> None:
        message = event_message(event)
        if message is not None:
            self._enqueue(message)
        if isinstance(event, events.Reconfigured) and self.session is not None:
            self._page.use_confirmed(self.session)
        if isinstance(event, events.StateChanged) and self.session is not None:
            self.compared.main_is(event.state)
            self._page.show(self.session)
            if event.state in {SessionState.STOPPING, *ENDED}:
                self.capture.close()

    def _enqueue(self, message: dict[str, Any]) -> None:
        self._queue.append(message)
        if self._ticker is not None and self._ticker.done():
            self._send_new()  # a mark set after the end, a compared session's last words: no tick comes to send it

    async def _tick(self, session: Session) -> None:
        """Send what is new, until the session has ended and everything is out."""
        for tick in itertools.count():
            ended = session.state in ENDED
            self._send_new()
            if tick % SLOW_TICKS == 0:
                self.compared.show()
            if ended:
                return
            await asyncio.sleep(TICK_S)

    def _send_new(self) -> None:
        if self._drawing is not None:
            for header, buffers in iter(self._drawing.take, None):
                self._page.post(header, buffers)
        if self._queue:
            batch, self._queue = self._queue, []
            self._page.post({"type": "events", "events": batch})
