"""One source for several sessions: the main one is served as ever, the others get what they can follow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.sources.source import Source

KEPT_S = 30.0
"""Audio that a branch may lag behind a microphone before it loses some."""
KEPT_OF_RECORDING_S = 3600.0
"""The same for a recording: its blocks are parts of what is in memory anyway."""


class _Shared:
    """What is called as the source that it shares."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def kind(self) -> str:
        """The kind of the shared source."""
        return self.source.kind

    @property
    def label(self) -> str:
        """What the shared source is called; that may change."""
        return self.source.label

    @property
    def live(self) -> bool:
        """Whether the shared source goes on by itself."""
        return self.source.live


class Branch(_Shared):
    """The source of a session that listens along; made by `Tee`.

    What it cannot follow is dropped, the oldest first, and reported with the next block as lost, so that its clock
    stays that of the main session.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.behind_s = 0.0  # seconds of audio that the session has not asked for yet
        self._kept_s = KEPT_S if source.live else KEPT_OF_RECORDING_S
        self._blocks: deque[AudioBlock] = deque()
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._ended = False

    def append(self, block: AudioBlock) -> None:
        """Add a block, on the engine's loop; never waits."""
        if self._ended:
            return
        self._blocks.append(block)
        self.behind_s += _duration_s(block)
        while self.behind_s > self._kept_s and len(self._blocks) > 1:
            self._drop()
        self._drained.clear()
        self._changed.set()

    def end(self) -> None:
        """End after what is kept; once is enough."""
        self._ended = True
        self._changed.set()

    async def drain(self) -> None:
        """Wait until the session has got every block and asks for the next one."""
        await self._drained.wait()

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the audio of the shared source from its beginning on."""
        try:
            while True:
                while self._blocks:
                    block = self._blocks.popleft()
                    self.behind_s -= _duration_s(block)
                    yield block
                self._drained.set()
                if self._ended:
                    return
                self._changed.clear()
                await self._changed.wait()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Keep no more audio: nobody listens to it."""
        self._blocks.clear()
        self.behind_s = 0.0
        self._drained.set()
        self.end()

    def _drop(self) -> None:
        """Give up the oldest block; the next one says how much is missing, in its own rate."""
        dropped, follower = self._blocks.popleft(), self._blocks.popleft()
        lost = round((dropped.lost + len(dropped.samples)) * follower.rate / dropped.rate)
        kept = AudioBlock(follower.samples, follower.rate, follower.lost + lost, overflowed=follower.overflowed)
        self._blocks.appendleft(kept)
        self.behind_s -= _duration_s(dropped)


class Tee(_Shared):
    """Shares a source between a main session and others, the branches.

    The main session draws the audio (give it this object as its source), exactly as it would from the source itself;
    each block is also appended to every branch, which takes no time. All on the engine's loop.
    """

    def __init__(self, source: Source, branches: int) -> None:
        super().__init__(source)
        self._paused = False
        self.branches: Sequence[Branch] = tuple(Branch(source) for _ in range(branches))

    def pause_branches(self) -> None:
        """While the main session is paused: it drops what a microphone gives, so the branches do not get it either."""
        self._paused = self.live

    def resume_branches(self) -> None:
        """Fill the branches again."""
        self._paused = False

    def end(self) -> None:
        """Let `blocks` end after what has been captured; callable from any thread."""
        self.source.end()

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the audio, and fill the branches with it; errors as of the source that is shared."""
        try:
            async with aclosing(self.source.blocks()) as blocks:
                async for block in blocks:
                    if not self._paused:
                        for branch in self.branches:
                            branch.append(block)
                    yield block
        finally:
            self.end_branches()

    def end_branches(self) -> None:
        """End every branch after what it has: no more audio will come."""
        for branch in self.branches:
            branch.end()


def _duration_s(block: AudioBlock) -> float:
    return len(block.samples) / block.rate
