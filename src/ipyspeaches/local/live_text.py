"""Deltas of the utterance that is under way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.realtime_events import Event, transcription_delta
from ipyspeaches.local.worker_pool import LiveHandle, WorkerPool


class LiveText:
    """At most one followed utterance; text that comes after its end is dropped, as its final is on the way.

    Parameters
    ----------
    pool
        Who recognises.
    emit
        Takes each delta event.
    """

    def __init__(self, pool: WorkerPool, emit: Callable[[Event], None]) -> None:
        self._pool = pool
        self._emit = emit
        self._handle: LiveHandle | None = None
        self.item_id: str | None = None

    async def start(self, item_id: str) -> None:
        """Follow an item that begins now; without a free decoder it simply has no deltas."""
        self.stop()
        self.item_id = item_id
        try:
            handle = await self._pool.open_live(lambda text: self._emit(transcription_delta(item_id, text)))
        except SpeachesError:
            return  # the final of this item fails with the same reason, and says it
        self._handle = handle

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Send more of the item's sound (int16 at 24 kHz)."""
        if self._handle is not None:
            self._handle.feed(samples)

    def stop(self) -> None:
        """Follow it no longer."""
        if self._handle is not None:
            self._handle.close()
        self._handle = None
        self.item_id = None
