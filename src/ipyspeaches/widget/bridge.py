"""Between a page and a session: messages in, commands done, drawing data and events out.

Everything runs on the engine's loop, so that a busy kernel does not stop it; only `put_audio` is called from
whatever thread the notebook delivers messages on.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Protocol

import numpy as np

from ipyspeaches.audio import NumberedBlock
from ipyspeaches.errors import MicrophoneError, SpeachesError, StateError
from ipyspeaches.session import Session, SessionKeywords, SessionState, events
from ipyspeaches.session.opening import SourceLike
from ipyspeaches.session.state import ACTIVE, ENDED
from ipyspeaches.sources import BrowserMicrophone
from ipyspeaches.widget.drawing import Drawing, Message
from ipyspeaches.widget.messages import PageMicrophoneError, event_message, segment_message

TICK_S = 0.04
"""Messages to the page come in this rhythm: more than 25 a second bunch up in the notebook server."""


RECENT_S = 600
"""What a page that comes late gets at once; the rest of a long recording it fetches by window."""


class Page(Protocol):
    """What the bridge needs of the widget."""

    def post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to every view; callable from any thread."""

    def show(self, session: Session) -> None:
        """Show a session's slow state in the traits; callable from any thread."""


class Bridge:
    """Runs one session after another for a widget.

    Parameters
    ----------
    page
        Where messages and states go.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._queue: list[dict[str, Any]] = []
        self._drawing: Drawing | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._capture_ids = itertools.count(1)
        self._capture_id = 0
        self._microphone: BrowserMicrophone | None = None
        self._wanted_by: str | None = None
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
        self._microphone = BrowserMicrophone() if source == "browser" else None
        session = Session(self._microphone or source, **keywords)
        self.session = session
        self._drawing = Drawing(session.hearing)
        self._queue.clear()
        self._page.post({"type": "reset"})
        session.subscribe(self._on_event)
        self._ticker = asyncio.create_task(self._tick(session))
        if self._microphone is not None:
            self._capture_id = next(self._capture_ids)
            self._order("start", client_id)
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
        self._order("pause")

    async def resume(self) -> None:
        """Go on after a pause.

        Raises
        ------
        StateError
            If the recording is not paused.
        """
        session = self._running()
        await session.resume()
        self._order("start", self._wanted_by)

    async def stop(self) -> None:
        """End the recording and wait for its last texts.

        Raises
        ------
        StateError
            If nothing was started.
        """
        session = self._running()
        self._order("stop")
        await session.stop()

    def _running(self) -> Session:
        if self.session is None:
            raise StateError("The Transcriber has not started: press Record or call start() first.")
        return self.session

    def _order(self, action: str, client_id: str | None = None) -> None:
        """Tell the page to open or close its microphone."""
        if self._microphone is None:
            return
        order: dict[str, Any] = {"type": "capture", "action": action, "capture_id": self._capture_id}
        if client_id is not None:
            self._wanted_by = order["client_id"] = client_id
        self._page.post(order)

    def put_audio(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a block of the page's microphone; callable from any thread, must not wait."""
        if self._microphone is None or content.get("capture_id", self._capture_id) != self._capture_id:
            return  # the rest of an earlier recording
        samples = np.frombuffer(buffers[0], dtype="<i2").astype(np.int16)
        block = NumberedBlock(int(content["seq"]), int(content["first_frame"]), samples)
        self._microphone.put(block, int(content["rate"]))

    def capture_changed(self, content: dict[str, Any]) -> None:
        """Take the page's word on its microphone."""
        microphone = self._microphone
        if microphone is None or content.get("capture_id") != self._capture_id:
            return
        if content["state"] == "started":
            microphone.label = str(content.get("label") or microphone.label)
            if self.session is not None:
                self._page.show(self.session)
        elif content["state"] == "failed":
            microphone.end(_refused(str(content.get("error", "other")), str(content.get("detail", ""))))
        elif content.get("error"):
            microphone.end(
                MicrophoneError(
                    "The browser's microphone was disconnected: plug it in again and press Record. "
                    "What was recorded is kept."
                )
            )
        else:
            microphone.end()

    def snapshot(self) -> None:
        """Send everything that a page needs which comes (back) while a session is there."""
        session = self.session
        content: dict[str, Any] = {"type": "snapshot", "clock_s": 0.0, "segments": [], "partial": None}
        if session is not None:
            content["clock_s"] = session.hearing.store.duration_s
            content["segments"] = [segment_message(segment) for segment in session.transcript]
            content["marks"] = [mark._asdict() for mark in session.marks]
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
            self._queue.append(message)
        if isinstance(event, events.StateChanged) and self.session is not None:
            self._page.show(self.session)
            if event.state in {SessionState.STOPPING, *ENDED}:
                self._order("stop")

    async def _tick(self, session: Session) -> None:
        """Send what is new, until the session has ended and everything is out."""
        while True:
            ended = session.state in ENDED
            self._send_new()
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


_REFUSALS: dict[str, str] = {
    "denied": "The browser blocked the microphone: allow it for this page (the microphone sign in the address bar)",
    "no-device": "The browser sees no microphone: plug one in or switch it on",
    "insecure": "Browsers open the microphone only on https and localhost pages: open the notebook on one",
    "unsupported": "This notebook editor gives no access to the microphone: open the notebook in JupyterLab",
    "busy": "Another program holds the microphone: close it",
}


def _refused(kind: str, detail: str) -> SpeachesError:
    what = _REFUSALS.get(kind, "The browser's microphone did not start: try again")
    return PageMicrophoneError(kind, f"{what}, or use the kernel's microphone or a file instead.", detail)
