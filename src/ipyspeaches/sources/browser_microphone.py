"""The microphone of the browser: numbered blocks that come over the comm, from any thread, in any order."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ipyspeaches.audio import AudioBlock, NumberedBlock, Sequencer
from ipyspeaches.errors import SpeachesError
from ipyspeaches.sources.live import LiveQueue


class BrowserMicrophone:
    """Sound that a page captures.

    The widget's bridge puts in what arrives. Order is restored here, on the engine's loop; what never came is
    reported with the next block as lost.
    """

    kind = "browser"
    live = True

    def __init__(self, label: str = "browser microphone") -> None:
        self.label = label
        self._arrivals = LiveQueue[tuple[NumberedBlock, int]]()
        self._sequencer = Sequencer()

    @property
    def sequencer(self) -> Sequencer:
        """The counts of reordered, repeated and lost blocks."""
        return self._sequencer

    def put(self, block: NumberedBlock, rate: int) -> None:
        """Take a block as it came; callable from any thread."""
        self._arrivals.put((block, rate))

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
        rate = 0
        failure: SpeachesError | None = None
        try:
            async for block, rate in self._arrivals.drain():
                for ordered in self._sequencer.push(block):
                    yield AudioBlock(ordered.samples, rate, ordered.lost)
        except SpeachesError as exc:
            failure = exc
        for ordered in self._sequencer.flush():
            yield AudioBlock(ordered.samples, rate, ordered.lost)
        if failure is not None:
            raise failure
