"""One line on the terminal that follows the words as they come."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import Self, TextIO

from ipyspeaches.terminal import CLEAR_LINE, columns, tail


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
            self._stream.write(CLEAR_LINE)
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
        self._stream.write(CLEAR_LINE + head + tail(" ".join(text.split()), room))
        self._stream.flush()
