"""Text fit for one line, lines on a terminal that are drawn over themselves, a bar of progress, and who reads them."""

from __future__ import annotations

import re
import sys
import time
from typing import Final, Self, TextIO

_CLEAR_LINE: Final = "\r\x1b[K"
"""Back to the start of the line, which is empty then."""
_LONGEST_LINE: Final = 300
"""Characters of a server's words: a sentence or two."""
ERROR_PREFIX: Final = "ipyspeaches: "
"""What the line on standard error begins with that says why a command failed."""
WARNING_PREFIX: Final = "warning: "
"""What a line on standard error begins with that says what the embedded server goes on without."""
_LONGEST_WARNING: Final = 1_000
_NOT_TEXT: Final = re.compile(r"[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]|(?P<half>[\ud800-\udfff])")


def printable(text: str) -> str:
    """Return text without what commands a terminal, and with U+FFFD for half characters, which no file can hold."""
    return text if text.isprintable() else _NOT_TEXT.sub(lambda found: "\ufffd" if found["half"] else "", text)


def one_line(text: str, most: int = _LONGEST_LINE) -> str:
    """Return text, such as a server's words, in one line of at most so many characters."""
    line = " ".join(printable(text).split())
    return f"{line[:most]}…" if len(line) > most else line


def quote(message: str | None) -> str:
    """Return a server's words in one line and in quotation marks."""
    return f"“{one_line(message or 'an error without a message')}”"


def write_warning(text: str) -> None:
    """Write what the embedded server goes on without, as a line that `LocalServer.warnings` are read from."""
    sys.stderr.write(f"{WARNING_PREFIX}{one_line(text, _LONGEST_WARNING)}\n")
    sys.stderr.flush()


def redraw(stream: TextIO, line: str) -> None:
    """Draw a line over the one that the cursor is on; it must not be so long that it wraps.

    What the stream cannot show becomes a question mark: a progress line is not worth an exception.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = printable(line).encode(encoding, "replace").decode(encoding)
    stream.write(f"{_CLEAR_LINE}{shown}")
    stream.flush()


def is_notebook(stream: TextIO | None) -> bool:
    """Return whether a stream leads into a cell's output."""
    return stream is not None and "ipykernel" in type(stream).__module__


def is_read(stream: TextIO | None) -> bool:
    """Return whether a person reads a stream: ipykernel's is no terminal, but somebody looks at the cell."""
    return stream is not None and (stream.isatty() or is_notebook(stream))


def columns(text: str) -> int:
    """Return how many terminal columns ``text`` takes; Chinese characters take two, combining marks none."""
    from wcwidth import width  # here, because it takes a while to import

    return width(text)


def graphemes(text: str) -> list[str]:
    """Return what is seen as one character each: letters with their marks, joined emoji, flags."""
    from wcwidth import iter_graphemes

    return list(iter_graphemes(text))


def tail(text: str, room: int) -> str:
    """Return the end of ``text`` that fits into ``room`` columns, with a leading ellipsis when it is cut."""
    if columns(text) <= room:
        return text
    kept: list[str] = []
    left = room - 1
    for character in reversed(graphemes(text)):
        left -= columns(character)
        if left < 0:
            break
        kept.append(character)
    return "…" + "".join(reversed(kept)) if room > 0 else ""


class Progress:
    """A progress bar on standard error, in terminals and notebooks; nothing where nobody reads it."""

    PATIENCE_S: Final = 1.0
    """What is over sooner needs no progress bar."""
    INTERVAL_S: Final = 0.2
    WIDTH: Final = 30

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._begin = time.monotonic()
        self._shown = self._begin + self.PATIENCE_S - self.INTERVAL_S
        self._stream = sys.stderr if is_read(sys.stderr) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None and self._shown > self._begin + self.PATIENCE_S:
            self._draw()
            self._stream.write("\n")
            self._stream.flush()

    def advance(self, steps: int) -> None:
        """Count so many more steps as done."""
        self._done += steps
        now = time.monotonic()
        if self._stream is not None and now - self._shown >= self.INTERVAL_S:
            self._shown = now
            self._draw()

    def _draw(self) -> None:
        assert self._stream is not None
        share = self._done / max(self._total, 1)
        bar = "█" * round(share * self.WIDTH)
        spent = time.monotonic() - self._begin
        left = f", {spent / share - spent:.0f} s left" if 0 < share < 1 else f", {spent:.0f} s"
        redraw(self._stream, f"{bar:░<{self.WIDTH}} {self._done:,} of {self._total:,} {self._what}{left}   ")
