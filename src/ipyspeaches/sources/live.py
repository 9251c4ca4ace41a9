"""The hand-over from a thread that captures to the engine's loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from ipyspeaches.errors import SpeachesError

T = TypeVar("T")


class LiveQueue(Generic[T]):
    """Blocks put in by any thread, taken out by one coroutine.

    `deque.append` is atomic and the wake-up goes through the loop, so that a capture callback never waits for a lock.
    """

    def __init__(self) -> None:
        self._blocks: deque[T] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._ended = False
        self._error: SpeachesError | None = None

    def put(self, block: T) -> None:
        """Add a block; callable from any thread."""
        self._blocks.append(block)
        self._notify()

    def end(self, error: SpeachesError | None = None) -> None:
        """End the stream after what is in the queue; callable from any thread, the first call counts."""
        if not self._ended:
            self._error = error
            self._ended = True
        self._notify()

    async def drain(self) -> AsyncGenerator[T]:
        """Yield blocks until the end; only one coroutine may do so.

        Raises
        ------
        SpeachesError
            The error that ended the stream.
        """
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        while True:
            self._wake.clear()
            while self._blocks:
                yield self._blocks.popleft()
            if self._ended and not self._blocks:
                break
            await self._wake.wait()
        if self._error is not None:
            raise self._error

    def _notify(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None and not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)
