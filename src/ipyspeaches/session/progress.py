"""Waiting for texts: until none is pending, or few enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ipyspeaches.errors import ServerError


class Progress:
    """Wakes who waits for texts whenever the server has said something.

    Parameters
    ----------
    pending
        Returns how many utterances have no text yet.
    lost
        Done when no more texts will come.
    """

    def __init__(self, pending: Callable[[], int], lost: asyncio.Future[ServerError]) -> None:
        self._pending = pending
        self._lost = lost
        self._made = asyncio.Event()

    def made(self) -> None:
        """Note that the server has said something."""
        self._made.set()

    async def settle(self, silence_s: float) -> bool:
        """Wait until no text is pending; give up when the server has said nothing for ``silence_s`` seconds."""
        while self._pending() and not self._lost.done():
            self._made.clear()
            try:
                await asyncio.wait_for(self._made.wait(), silence_s)
            except TimeoutError:
                return False
        return not self._pending()

    async def wait_below(self, pending: int) -> None:
        """Wait until fewer than ``pending`` utterances are without text."""
        while self._pending() >= pending and not self._lost.done():
            self._made.clear()
            await self._made.wait()
