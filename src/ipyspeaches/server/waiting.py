"""Shows that somebody waits, and for how long, where the other side says nothing about its progress.

A bar that fills would be made up where nobody knows how much is left: there it only moves. In a terminal it is a line
on standard error, in a notebook a widget; where nobody reads either, nothing is shown.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from typing import Any, Final, Protocol, Self, TextIO

from ipyspeaches.terminal import is_notebook, is_read, redraw

INTERVAL_S: Final = 0.5
_WIDTH: Final = 12
_BLOCK: Final = 4


class Screen(Protocol):
    """Where the waiting is shown."""

    def draw(self, text: str, step: int, share: float | None = None) -> None:
        """Show that it goes on; ``step`` counts up, ``share`` is how much is done, from 0 to 1, if anybody knows."""

    def end(self, text: str) -> None:
        """Show how it ended, for good."""


class TerminalScreen:
    """One line of a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, text: str, step: int, share: float | None = None) -> None:
        """Draw the line anew."""
        at = step % (_WIDTH - _BLOCK + 1)
        moving = f"{'█' * _BLOCK:>{at + _BLOCK}}".replace(" ", "░")
        bar = (moving if share is None else "█" * int(share * _WIDTH)).ljust(_WIDTH, "░")
        # A line that wraps cannot be drawn over.
        room = max(0, shutil.get_terminal_size().columns - _WIDTH - 2)
        redraw(self._stream, f"{bar} {text if len(text) <= room else text[: room - 1] + '…'}")

    def end(self, text: str) -> None:
        """Leave a line behind."""
        redraw(self._stream, f"{text}\n")


class NotebookScreen:
    """A bar and a sentence in the cell."""

    def __init__(self) -> None:
        import ipywidgets
        from IPython.display import display

        # Without a value, browsers draw a bar that only moves; it stays untouched, or it would begin again each time.
        self._bar: Any = ipywidgets.HTML("<progress></progress>")
        self._text: Any = ipywidgets.Label()
        display(ipywidgets.HBox([self._bar, self._text]))

    def draw(self, text: str, step: int, share: float | None = None) -> None:
        """Show the sentence, and how far the bar is filled."""
        del step
        self._text.value = text
        if share is not None:
            self._bar.value = f'<progress value="{share:.2f}"></progress>'

    def end(self, text: str) -> None:
        """Leave the sentence without a bar."""
        self._bar.layout.display = "none"
        self._text.value = text


def screen() -> Screen | None:
    """Return where a person looks, if anywhere."""
    if is_notebook(sys.stderr):
        return NotebookScreen()
    return TerminalScreen(sys.stderr) if is_read(sys.stderr) else None


class Waiting:
    """Shows the waiting of an ``async with`` block: what goes on, as a clause, and where, if anywhere."""

    def __init__(self, what: str, where: Screen | None, when_cancelled: str) -> None:
        self.outcome = "done"
        self._what = what
        self._screen = where
        self._when_cancelled = when_cancelled
        self._begin = time.monotonic()
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._screen is not None:
            self._ticker = asyncio.create_task(self._tick(self._screen))
        return self

    async def __aexit__(self, _kind: object, exc: BaseException | None, _trace: object) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if isinstance(exc, asyncio.CancelledError):
            exc.add_note(self._when_cancelled)
        if self._screen is not None:
            end = self.outcome if exc is None else self._when_cancelled if _is_cancelled(exc) else "failed"
            self._screen.end(f"{self._what}: {end} ({self._elapsed()}).")

    async def _tick(self, where: Screen) -> None:
        step = 0
        while True:
            where.draw(f"{self._elapsed()}, {self._what}; the server does not say how much is left", step)
            step += 1
            await asyncio.sleep(INTERVAL_S)

    def _elapsed(self) -> str:
        seconds = round(time.monotonic() - self._begin)
        return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02} s"


def _is_cancelled(exc: BaseException) -> bool:
    return isinstance(exc, asyncio.CancelledError | KeyboardInterrupt)
