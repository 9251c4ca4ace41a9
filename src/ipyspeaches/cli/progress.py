"""One line on the terminal that follows the words as they come."""

from __future__ import annotations

import shutil
import unicodedata
from types import TracebackType
from typing import Self, TextIO

_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Shows partial and final texts on a terminal; says nothing when the stream is not one.

    Parameters
    ----------
    stream
        Usually stderr: stdout belongs to the result.
    label
        What is being transcribed.
    """

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._live = stream.isatty()

    def __enter__(self) -> Self:
        self._draw("…")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()

    def show(self, event: object) -> None:
        """Draw a `Partial` or `Final` event; other events pass.

        Parameters
        ----------
        event
            A session event.
        """
        from ipyspeaches.session.events import Final, Partial

        if isinstance(event, Partial):
            self._draw(event.text)
        elif isinstance(event, Final):
            self._draw(event.segment.text)

    def _draw(self, text: str) -> None:
        if not self._live:
            return
        head = f"{self._label}: "
        room = shutil.get_terminal_size().columns - 1 - columns(head)
        self._stream.write(_CLEAR_LINE + head + tail(" ".join(text.split()), room))
        self._stream.flush()


def columns(text: str) -> int:
    """Return how many terminal columns ``text`` takes; Chinese characters take two, combining marks none."""
    return sum(_column(character) for character in text)


def tail(text: str, room: int) -> str:
    """Return the end of ``text`` that fits into ``room`` columns, with a leading ellipsis when it is cut."""
    if columns(text) <= room:
        return text
    kept: list[str] = []
    left = room - 1
    for character in reversed(text):
        left -= _column(character)
        if left < 0:
            break
        kept.append(character)
    return "…" + "".join(reversed(kept)) if room > 0 else ""


def _column(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
