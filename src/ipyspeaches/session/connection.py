"""One connection of a session to a recogniser: audio and utterances in, protocol events out, by whatever way.

::

    source ─► Pipeline ─► Session ─► Connection ─► protocol events ─► Recorder
                                     ├── RealtimeConnection    the realtime protocol over a WebSocket
                                     │   └── MediaConnection   over WebRTC, from the kernel
                                     │       └── PageConnection   over WebRTC, from the page
                                     └── RequestConnection     each utterance a request over HTTP
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, Final

from ipyspeaches.errors import ServerError
from ipyspeaches.protocol.protocol_events import Disconnected, ItemCompleted, ProtocolEvent
from ipyspeaches.protocol.recognition import Changes
from ipyspeaches.vad.gate import GateAction

MOST_SILENCES: Final = 3
PATIENCE_S: Final = 10.0
LONGEST_PATIENCE_S: Final = 120.0
"""How long to wait for a sign of life, at first and at most: a server that answers nothing while it recognises is
not gone, so that whoever was silent for too long and is there again gets twice as long."""
CHECK_S: Final = 5.0
"""How often one is asked for."""


class Connection(ABC):
    """Carries one run to a recogniser. All coroutines run on the engine's loop, as does ``on_event``."""

    hears_silence: ClassVar[bool] = False
    """Whether audio flows without being sent, so that `send` is to be called for silence, too."""

    def __init__(self, on_event: Callable[[ProtocolEvent], None]) -> None:
        # Done when the connection cannot go on, with the reason.
        self.lost: asyncio.Future[ServerError] = asyncio.get_running_loop().create_future()
        self.begun_at_s = asyncio.get_running_loop().time()
        self.cleared = 0  # session sample before which a server that cuts has nothing left to say
        self.worked = False  # whether a text has come, over this connection or one before
        self.patience_s = PATIENCE_S
        self.waited_s = 0.0  # without a text, when it was given up
        self.silent = False  # whether it was lost because no sign of life came
        self._on_event = on_event
        self._progress = asyncio.Event()

    @property
    @abstractmethod
    def pending(self) -> int:
        """How many utterances have no text yet."""

    @property
    def one_at_a_time(self) -> bool:
        """Whether no more than one utterance should be with the server, where that costs no more than time."""
        return False

    @abstractmethod
    async def open(self) -> None:
        """Connect, or raise a `ServerError`; returns when audio may flow."""

    @abstractmethod
    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Send stretches of the session and commit utterances, in order.

        How much audio goes out at a time is for the connection to say; ``last`` leaves nothing behind.
        """

    @abstractmethod
    async def flush(self) -> None:
        """End what is being said, where the other side cuts."""

    @abstractmethod
    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else from the next utterance on; what the server confirms comes as an event."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection; what is pending gets no text."""

    @property
    def next_patience_s(self) -> float:
        """How long the connection after this one is to wait for a sign of life."""
        return min(2 * self.patience_s, LONGEST_PATIENCE_S) if self.silent else self.patience_s

    async def settle(self, silence_s: Callable[[], float], *, below: int = 1) -> bool:
        """Wait until fewer than ``below`` texts are pending.

        It is False when the server said nothing for ``silence_s()``, or for `MOST_SILENCES` times as long nothing that
        brings a text to its end: some say for ever that they are alive. ``waited_s`` is how long that was.
        """
        clock = asyncio.get_running_loop().time
        pending, since_s = self.pending, clock()
        while self.pending >= below and not self.lost.done():
            self._progress.clear()
            self.waited_s = silence_s()
            try:
                async with asyncio.timeout(self.waited_s):  # unlike wait_for(), it never swallows a cancellation
                    await self._progress.wait()
            except TimeoutError:
                return False
            if self.pending != pending:
                pending, since_s = self.pending, clock()
            elif clock() - since_s > MOST_SILENCES * silence_s():
                self.waited_s = clock() - since_s
                return False
        return self.pending < below

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done beside the session; a fault in it is the end of the connection."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._has_run)
        return task

    def _has_run(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None and not self.lost.done():
            # Not the server's doing but a fault in here: the session ends with it instead of waiting for the text.
            self.lost.set_exception(exc)
            self._progress.set()

    def _receive(self, events: Iterable[ProtocolEvent]) -> None:
        for event in events:
            if isinstance(event, Disconnected) and not self.lost.done():
                self.lost.set_result(event.error)
            self.worked |= isinstance(event, ItemCompleted)
            self._receive_event(event)
        self._progress.set()

    def _receive_event(self, event: ProtocolEvent) -> None:
        self._on_event(event)
