"""One line that says how far a long computation is."""

from __future__ import annotations

import sys
import time
from typing import Final, Self

from ipyspeaches.terminal import is_read

_PATIENCE_S: Final = 1.0
"""What is over sooner needs no progress bar."""
_INTERVAL_S: Final = 0.2
_WIDTH: Final = 30


class Progress:
    """A bar on standard error, in terminals and notebooks; nothing where nobody reads it.

    Parameters
    ----------
    total
        Steps.
    what
        What a step is.
    """

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0
        self._begin = time.monotonic()
        self._shown = self._begin + _PATIENCE_S - _INTERVAL_S
        self._stream = sys.stderr if is_read(sys.stderr) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None and self._shown > self._begin + _PATIENCE_S:
            self._draw()
            self._stream.write("\n")
            self._stream.flush()

    def advance(self, steps: int) -> None:
        """Say that so many more steps are done."""
        self._done += steps
        now = time.monotonic()
        if self._stream is not None and now - self._shown >= _INTERVAL_S:
            self._shown = now
            self._draw()

    def _draw(self) -> None:
        assert self._stream is not None
        share = self._done / max(self._total, 1)
        bar = "█" * round(share * _WIDTH)
        spent = time.monotonic() - self._begin
        left = f", {spent / share - spent:.0f} s left" if 0 < share < 1 else f", {spent:.0f} s"
        self._stream.write(f"\r{bar:░<{_WIDTH}} {self._done:,} of {self._total:,} {self._what}{left}   ")
        self._stream.flush()
