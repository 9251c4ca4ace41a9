"""Files of JSON lines that grow as results come, so that work goes on after an interruption where it was."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ipyspeaches.checks import as_path
from ipyspeaches.errors import InputError


class LinesFile:
    """A file of one JSON value a line, which is made if there is none; first `read` it, then `open` it to `add` more.

    It is an `InputError` if it cannot be read or written, or is no result of this kind of work.

    Parameters
    ----------
    path
        The file.
    what
        The work, as the end of "a result of …".
    begins
        How it begins, so that a file of something else is left alone.
    """

    def __init__(self, path: str | Path, what: str, *, begins: str) -> None:
        self.path = as_path(path)
        self._what = what
        try:
            if self.path.exists() and not self.path.is_file():
                raise OSError(errno.EINVAL, "it is no file")
            content = self.path.read_bytes() if self.path.exists() else b""
        except OSError as exc:
            raise self._unusable(exc) from exc
        # An interruption may have left half a line behind.
        self._whole = content[: content.rfind(b"\n") + 1]
        half = content.decode("utf-8", "replace")
        if not self._whole and not begins.startswith(half) and not half.startswith(begins):
            raise InputError(f"{self.path} is not a result of {what}: name another file for it.")

    def read(self, take: Callable[[Any], None]) -> None:
        """Hand over the value of each line; an error of one that does not fit names the line."""
        for number, line in enumerate(self._whole.decode("utf-8", "replace").split("\n")[:-1], start=1):
            try:
                take(json.loads(line))
            except InputError:
                raise
            except (ValueError, KeyError, TypeError, RecursionError) as exc:
                raise InputError(
                    f"{self.path}, line {number}: this is not a result of {self._what}. Name another file for it."
                ) from exc

    def open(self) -> None:
        """Drop half a line, and make ready for more."""
        try:
            self._stream = self.path.open("r+b" if self.path.exists() else "wb")
            self._stream.truncate(len(self._whole))
            self._stream.seek(len(self._whole))
        except OSError as exc:
            raise self._unusable(exc) from exc

    def add(self, values: Iterable[Any]) -> None:
        """Write a line for each value, at once."""
        try:
            # Half characters of file names that are no UTF-8 become JSON's own escapes.
            self._stream.write("".join(map(one_json_line, values)).encode("utf-8", "backslashreplace"))
            self._stream.flush()
        except OSError as exc:
            raise self._unusable(exc) from exc

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._stream.close()

    def _unusable(self, exc: OSError) -> InputError:
        reason = exc.strerror or type(exc).__name__
        return InputError(f"{self.path} cannot be used to resume ({reason}): choose another file or create its folder.")


def one_json_line(value: Any) -> str:  # noqa: ANN401  whatever JSON has
    """Return a value as a line of JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"
