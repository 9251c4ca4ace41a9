"""The microphone of the browser: numbered blocks that come over the comm, from any thread, in any order."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from ipyspeaches.audio import AudioBlock, NumberedBlock, Sequencer
from ipyspeaches.errors import SpeachesError
from ipyspeaches.sources.live import LiveQueue

if TYPE_CHECKING:
    from ipyspeaches.transports import PageLine


class BrowserMicrophone:
    """Sound that a page captures.

    The widget's bridge puts in what arrives. Order is restored here, on the engine's loop; what never came is
    reported with the next block as lost.

    Attributes
    ----------
    line
        To the page, which may send its sound to a server by itself; None if it cannot be asked to.
    """

    kind = "browser"
    live = True

    def __init__(self, label: str = "browser microphone") -> None:
        self.label = label
        self.line: PageLine | None = None
        self._skipped_s = 0.0
        self._arrivals = LiveQueue[tuple[NumberedBlock, Sequencer]]()
        self._sequencer = Sequencer()
        self._last_put_s: float | None = None
        self._missed_since_s: float | None = None

    def put(self, block: NumberedBlock) -> None:
        """Take a block as it came; callable from any thread."""
        self._last_put_s = time.monotonic()
        self._arrivals.put((block, self._sequencer))

    def skip(self, seconds: float) -> None:
        """Leave out the first seconds of what was captured; before `blocks`."""
        self._skipped_s = seconds

    def restart(self, *, gap: bool = False) -> None:
        """Expect another capture, whose blocks are numbered from 0 again; callable from any thread.

        Parameters
        ----------
        gap
            Whether the time from the last block to the next one counts as lost sound, so that the clock goes on.
        """
        self._sequencer = Sequencer()
        self._missed_since_s = self._last_put_s if gap else None

    def end(self, error: SpeachesError | None = None) -> None:
        """Let `blocks` end after what has arrived, with an error if there is one; callable from any thread."""
        self._arrivals.end(error)

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the sound in order.

        Raises
        ------
        MicrophoneError
            If the page's microphone failed.
        """
        before = 0
        failure: SpeachesError | None = None
        sequencer = self._sequencer
        try:
            async for numbered, its_sequencer in self._arrivals.drain():
                if its_sequencer is not sequencer:
                    for block in sequencer.flush():
                        yield block
                    sequencer = its_sequencer
                for block in sequencer.receive(numbered):
                    lost = block.lost + self._missed(block.rate, len(block.samples))
                    # What is left out is counted in frames of the capture, holes included.
                    late = max(round(self._skipped_s * block.rate) - before, 0)
                    before += lost + len(block.samples)
                    if late < lost + len(block.samples):
                        yield AudioBlock(block.samples[max(late - lost, 0) :], block.rate, max(lost - late, 0))
        except SpeachesError as exc:
            failure = exc
        for block in sequencer.flush():
            yield block
        if failure is not None:
            raise failure

    def _missed(self, rate: int, frames: int) -> int:
        """Frames between the end of one capture and the first block of the next, once."""
        since_s, self._missed_since_s = self._missed_since_s, None
        if since_s is None or self._last_put_s is None:
            return 0
        return max(0, round((self._last_put_s - since_s) * rate) - frames)
