"""What a session needs from anything that makes sound."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from ipyspeaches.audio import AudioBlock

BLOCK_MS = 100
"""Length of the blocks that files and arrays are cut into."""


class Source(Protocol):
    """Where sound comes from."""

    @property
    def kind(self) -> str:
        """``"file"``, ``"kernel"`` or ``"browser"``."""
        ...

    @property
    def label(self) -> str:
        """What to call it in front of the user."""
        ...

    @property
    def live(self) -> bool:
        """Whether sound goes on by itself: a live source is dropped while paused, another one waits."""
        ...

    def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Open the source and yield its sound until it ends; closing the generator releases the device.

        Raises
        ------
        MicrophoneError
            If the device cannot be opened or goes away.
        """

    def end(self) -> None:
        """Let `blocks` end after what has been captured; callable from any thread, more than once."""
