"""The recording that an earlier kernel left unfinished, as pages see it: offered, opened, transcribed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ipyspeaches.errors import StateError
from ipyspeaches.session import journal
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import SessionKeywords
from ipyspeaches.session.recovery import RecoveredSession, recover, unfinished
from ipyspeaches.session.session import Session
from ipyspeaches.widget.bridge import Command


class Recovering:
    """Offers a recording to pages and opens it for them; everything is shown in one trait.

    ``open_session`` shows a session in place of the widget's own; ``keywords`` are the widget's, for what has no text.
    Runs on the engine's loop.
    """

    def __init__(
        self,
        show: Callable[[Mapping[str, Any]], None],
        open_session: Callable[[RecoveredSession], Awaitable[None]],
        keywords: Callable[[], SessionKeywords],
    ) -> None:
        self._show = show
        self._open_session = open_session
        self._keywords = keywords
        self._offered: Path | None = None
        self._opened: RecoveredSession | None = None
        self.commands: dict[str, Command] = {
            "open_recording": self._open,
            "dismiss_recording": self._dismiss,
            "retry_recording": self._retry,
        }

    def look_soon(self) -> None:
        """Show whether there is one, unless one is open; without being waited for."""
        ENGINE.submit(self._look())

    def follow(self, session: Session) -> None:
        """Say what the session that is shown now lacks, if it is one that was opened here."""
        self._offered = None
        self._opened = session if isinstance(session, RecoveredSession) else None
        self._show_opened("opened")

    async def _look(self) -> None:
        if self._opened is not None:
            return
        row = await asyncio.to_thread(unfinished)
        self._offered = None if row is None else Path(row.path)
        started_ms = 0 if row is None else round(row.started.timestamp() * 1000)
        offer = row and {"state": "offered", "started_ms": started_ms, "duration_s": row.duration_s, "without_text": 0}
        self._show({"_unfinished": offer})

    async def _open(self, _args: dict[str, Any]) -> None:
        folder = self._the_offered()
        session = await asyncio.to_thread(recover, folder)
        await self._open_session(session)
        journal.mark_opened(folder)

    async def _dismiss(self, _args: dict[str, Any]) -> None:
        """Offer it never again; it stays on disk."""
        journal.mark_opened(self._the_offered())
        await self._look()

    async def _retry(self, _args: dict[str, Any]) -> None:
        """Have what has no text transcribed as the widget is set now."""
        session = self._opened
        if session is None:
            raise StateError("No recording is open that misses text: open one first.")
        self._show_opened("retrying")
        keywords = self._keywords()
        keywords["on_event"], keywords["pace"] = None, 0
        try:
            await session.retry(**keywords)
        finally:
            if session is self._opened:
                await self._open_session(session)

    def _the_offered(self) -> Path:
        if self._offered is None:
            raise StateError("There is no unfinished recording any more: recordings() lists those that are kept.")
        return self._offered

    def _show_opened(self, state: str) -> None:
        without_text = 0 if self._opened is None else len(self._opened.transcript.missing)
        shown = {"state": state, "started_ms": 0, "duration_s": 0.0, "without_text": without_text}
        self._show({"_unfinished": shown if without_text else None})
