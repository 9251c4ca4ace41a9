"""Files that a page sends in pieces."""

from __future__ import annotations

import io
from pathlib import PurePath

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError

MAX_BYTES = 1 << 30


class Uploads:
    """Puts the pieces of files together; pieces of one file come in order."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytearray]] = {}

    def add(self, file_id: str, name: str, offset: int, piece: bytes | memoryview) -> None:
        """Add a piece at its offset.

        Raises
        ------
        AudioError
            If pieces are missing or the file is too large.
        """
        _, content = self._files.setdefault(file_id, (PurePath(name).name, bytearray()))
        if offset != len(content) or offset + len(piece) > MAX_BYTES:
            del self._files[file_id]
            raise AudioError(
                f"{name!r} did not arrive whole: open it again (files above 1 GiB: give its path in Python)."
            )
        content += piece

    def take(self, file_id: str) -> tuple[str, Recording]:
        """Return the name and the sound of a file that has arrived, and forget it.

        Raises
        ------
        AudioError
            If it never came or is no sound.
        """
        if file_id not in self._files:
            raise AudioError("This file did not arrive: open it again.")
        name, content = self._files.pop(file_id)
        return name, Recording.load(io.BytesIO(content))
