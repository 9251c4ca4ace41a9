"""One source for several sessions: the main one is served as ever, the others get what they can follow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ipyspeaches.audio import AudioBlock
from ipyspeaches.sources.base import Source

KEPT_S = 30.0
"""Sound that a branch may lag behind a microphone before it loses some."""
KEPT_OF_RECORDING_S = 3600.0
"""The same for a recording: its blocks are parts of what is in memory anyway."""


class Branch:
    """The source of a session that listens along; made by `Tee.branch`.

    What it cannot follow is dropped, the oldest first, and reported with the next block as lost, so that its clock
    stays that of the main session.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept_s = KEPT_S if source.live else KEPT_OF_RECORDING_S
        self._blocks: deque[AudioBlock] = deque()
        self._behind_s = 0.0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._ended = False

    @property
    def kind(self) -> str:
        """The kind of the source that it shares."""
        return self._source.kind

    @property
    def label(self) -> str:
        """What the shared source is called."""
        return self._source.label

    @property
    def live(self) -> bool:
        """Whether the shared source goes on by itself."""
        return self._source.live

    @property
    def behind_s(self) -> float:
        """Seconds of sound that wait to be taken."""
        return self._behind_s

    def put(self, block: AudioBlock) -> None:
        """Add a block, on the engine's loop; never waits."""
        if self._ended:
            return
        self._blocks.append(block)
        self._behind_s += _duration_s(block)
        while self._behind_s > self._kept_s and len(self._blocks) > 1:
            self._drop()
        self._drained.clear()
        self._wake.set()

    def end(self) -> None:
        """End after what is kept; once is enough."""
        self._ended = True
        self._wake.set()

    async def drained(self) -> None:
        """Wait until everything that came was taken and the next block is asked for."""
        await self._drained.wait()

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the sound of the shared source from its beginning on."""
        try:
            while True:
                while self._blocks:
                    block = self._blocks.popleft()
                    self._behind_s -= _duration_s(block)
                    yield block
                self._drained.set()
                if self._ended:
                    return
                self._wake.clear()
                await self._wake.wait()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Take no more: nobody listens to it."""
        self._ended = True
        self._blocks.clear()
        self._behind_s = 0.0
        self._drained.set()
        self._wake.set()

    def _drop(self) -> None:
        """Give up the oldest block; the next one says how much is missing, in its own rate."""
        dropped, follower = self._blocks.popleft(), self._blocks.popleft()
        lost = round((dropped.lost + len(dropped.samples)) * follower.rate / dropped.rate)
        kept = AudioBlock(follower.samples, follower.rate, follower.lost + lost, overflowed=follower.overflowed)
        self._blocks.appendleft(kept)
        self._behind_s -= _duration_s(dropped)


class Tee:
    """Shares a source between a main session and others.

    The main session draws the sound (give it this object as its source), exactly as it would from the source itself;
    each block is also put into every branch, which takes no time. All on the engine's loop.

    Parameters
    ----------
    source
        What is shared.
    branches
        How many listen along.
    """

    def __init__(self, source: Source, branches: int) -> None:
        self._source = source
        self._held = False
        self.branches: Sequence[Branch] = tuple(Branch(source) for _ in range(branches))

    @property
    def source(self) -> Source:
        """What is shared."""
        return self._source

    @property
    def kind(self) -> str:
        """The kind of the shared source."""
        return self._source.kind

    @property
    def label(self) -> str:
        """What the shared source is called."""
        return self._source.label

    @property
    def live(self) -> bool:
        """Whether the shared source goes on by itself."""
        return self._source.live

    def hold(self) -> None:
        """While the main session is paused: it drops what a microphone gives, so the branches do not get it either."""
        self._held = self.live

    def go_on(self) -> None:
        """Fill the branches again."""
        self._held = False

    def end(self) -> None:
        """Let `blocks` end after what has been captured; callable from any thread."""
        self._source.end()

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the sound, and hand it to the branches.

        Raises
        ------
        MicrophoneError
            If the device cannot be opened or goes away.
        """
        try:
            async with aclosing(self._source.blocks()) as blocks:
                async for block in blocks:
                    if not self._held:
                        for branch in self.branches:
                            branch.put(block)
                    yield block
        finally:
            self.end_branches()

    def end_branches(self) -> None:
        """End every branch after what it has: no more sound will come."""
        for branch in self.branches:
            branch.end()


def _duration_s(block: AudioBlock) -> float:
    return len(block.samples) / block.rate
