"""Sound that is already there: a recording, a file, an array."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from ipyspeaches.audio import AudioBlock
from ipyspeaches.errors import InputError
from ipyspeaches.sources.base import BLOCK_MS

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording


class RecordedSource:
    """Play a recording into a session.

    Parameters
    ----------
    recording
        The sound.
    pace
        Speed as a multiple of real time; 0 is as fast as the server takes it.
    label
        What to call it in front of the user.

    Raises
    ------
    InputError
        If ``pace`` is negative or not finite.
    """

    kind = "file"
    live = False

    def __init__(self, recording: Recording, pace: float = 0, label: str = "recording") -> None:
        if not 0 <= pace <= 1000:
            raise InputError(f"pace is {pace}: give 1 for real time, 0 for as fast as possible, at most 1000.")
        self._recording = recording
        self._pace = pace
        self._ended = False
        self.label = label

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the recording in blocks, each when its last sample would have been heard."""
        samples, rate = self._recording.samples, self._recording.rate
        step = max(1, rate * BLOCK_MS // 1000)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            if self._pace:
                # A pause of the session (nobody asks for the next block) shifts what follows, it is not caught up.
                due = max(due + len(block) / rate / self._pace, loop.time() - 1)
                await asyncio.sleep(max(0, due - loop.time()))
            else:
                await asyncio.sleep(0)
            if self._ended:
                return
            yield AudioBlock(block, rate)

    def end(self) -> None:
        """Stop before the next block."""
        self._ended = True
