"""What a session needs of anything that gives audio, and a recording as the plainest of sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final, Protocol

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.checks import Check, number

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording

BLOCK_MS: Final = 100
"""Length of the blocks of a recording."""
PACE: Final[Check] = number(0, 1000, "1 for real time, 0 for as fast as possible, or up to 1000")


class Source(Protocol):
    """Where audio comes from."""

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
        """Whether audio goes on by itself: a live source is dropped while paused, another one waits."""
        ...

    def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Open the source and yield its audio until it ends; closing the generator releases the device.

        It is a `MicrophoneError` if the device cannot be opened or goes away.
        """

    def end(self) -> None:
        """Let `blocks` end after what has been captured; callable from any thread, more than once."""


class RecordedSource:
    """Play a recording into a session.

    It is an `InputError` if ``pace`` is no number from 0 to 1000.

    Parameters
    ----------
    recording
        The audio.
    pace
        Speed as a multiple of real time; 0 is as fast as the server can follow.
    label
        What to call it in front of the user.
    """

    kind = "file"
    live = False

    def __init__(self, recording: Recording, pace: float = 0, label: str = "recording") -> None:
        self._recording = recording
        self.pace = PACE("pace", pace)
        self._ended = False
        self._at = 0  # sample of the next block
        self.label = label

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the recording in blocks, each when its last sample would have been captured; once more, the rest."""
        samples, rate = self._recording.samples, self._recording.rate
        step = max(1, rate * BLOCK_MS // 1000)
        loop = asyncio.get_running_loop()
        due = loop.time()
        self._ended = False
        for start in range(self._at, len(samples), step):
            block = samples[start : start + step]
            if self.pace:
                # A pause of the session (nobody asks for the next block) shifts what follows, it is not caught up.
                due = max(due + len(block) / rate / self.pace, loop.time() - 1)
                await asyncio.sleep(max(0, due - loop.time()))
            else:
                await asyncio.sleep(0)
            if self._ended:
                return
            self._at = start + step
            yield AudioBlock(block, rate)

    @property
    def duration_s(self) -> float:
        """How long the whole recording is."""
        return self._recording.duration

    @property
    def lost(self) -> tuple[tuple[float, float], ...]:
        """Stretches of the recording that could not be read, see `Recording`."""
        return self._recording.lost

    def end(self) -> None:
        """Stop before the next block."""
        self._ended = True
