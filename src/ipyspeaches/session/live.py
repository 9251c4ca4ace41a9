"""One run of a session on the engine's loop: connect, listen, finish, and close whatever happens."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

from ipyspeaches.audio import AudioBlock, to_seconds
from ipyspeaches.session.conversation import Changes, Conversation
from ipyspeaches.session.hearing import Heard, Hearing
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.lateness import Lateness
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.sources import Source
from ipyspeaches.vad import Detector, Send

SETTLE_S = 120.0
"""How long a server may say nothing while texts are pending before the session ends without them."""

MAX_PENDING = 8
"""Utterances without text that a recording may run ahead of the server."""


class LiveRun:
    """The moving parts between a source and a recogniser.

    Parameters
    ----------
    source
        Where sound comes from.
    conversation
        With the recogniser, not opened yet; its events go to the scribe.
    hearing
        Keeps and cuts the sound.
    scribe
        Writes down the results.
    interim
        Asks for text of what is being spoken, if that is wanted.
    """

    def __init__(
        self,
        source: Source,
        conversation: Conversation,
        hearing: Hearing,
        scribe: Scribe,
        interim: Interim | None = None,
    ) -> None:
        self._source = source
        self._conversation = conversation
        self._hearing = hearing
        self._scribe = scribe
        self._interim = interim
        self._lateness = Lateness()
        self._going = asyncio.Event()
        self._going.set()

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        ServerError
            If the server does not take it.
        """
        await self._conversation.open()

    async def listen(self) -> None:
        """Hear the source to its end, then wait for the last texts.

        Raises
        ------
        ServerError
            If the connection is lost on the way.
        MicrophoneError
            If the source fails.
        """
        pump = asyncio.create_task(self._pump())
        awaited: set[asyncio.Future[Any]] = {pump, self._conversation.lost}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pump.cancel()
            # Sending into a lost connection fails too: the reason that counts is the connection's.
            (outcome,) = await asyncio.gather(pump, return_exceptions=True)
        self._check_connected()
        if outcome is not None:
            raise outcome

    async def finish(self) -> None:
        """Send what is left and wait for the texts that are pending.

        Raises
        ------
        ServerError
            If the connection is lost before they came.
        """
        self._check_connected()
        await self._act(self._hearing.cut(self._conversation.append_samples))
        await self._conversation.flush()
        if not await self._conversation.settle(SETTLE_S) and not self._conversation.lost.done():
            count = self._conversation.pending
            self._scribe.warn(
                "unanswered",
                f"The server did not answer for {SETTLE_S:.0f} s: {count} utterances have no text. "
                "Their sound is kept in the recording; transcribe it again when the server has recovered.",
            )
        self._check_connected()

    async def close(self) -> None:
        """Close the connection."""
        if self._interim is not None:
            await self._interim.close()
        await self._conversation.close()

    async def pause(self) -> None:
        """End the utterance under way and hear nothing more until `resume`."""
        self._going.clear()
        await self._act(self._hearing.cut(self._conversation.append_samples))
        if self._interim is not None:
            self._interim.pause()

    def resume(self) -> None:
        """Hear again."""
        self._lateness.restart()
        self._going.set()

    async def set_detector(self, detector: Detector) -> None:
        """Use another detector, or other options, from the next frame on."""
        await self._act(self._hearing.set_detector(detector, self._conversation.append_samples))

    def _check_connected(self) -> None:
        if self._conversation.lost.done():
            raise self._conversation.lost.result()

    async def reconfigure(self, changes: Changes) -> None:
        """Ask the recogniser for something else; its answer comes as an event."""
        await self._conversation.reconfigure(changes)
        if self._interim is not None:
            self._interim.reconfigure(changes)

    async def _pump(self) -> None:
        async with aclosing(self._source.blocks()) as blocks:
            async for block in blocks:
                if not self._going.is_set():
                    if self._source.live:
                        continue
                    await self._going.wait()
                await self._hear(block)

    async def _hear(self, block: AudioBlock) -> None:
        heard = self._hearing.push(block, self._conversation.append_samples)
        if heard.lost_s:
            self._scribe.warn("audio_lost", f"{heard.lost_s:.2f} s of sound were lost on the way; the gap is kept.")
        if block.overflowed:
            self._scribe.warn("overflow", "The microphone gave sound faster than it was taken: some may be missing.")
        if self._source.live:
            self._note_lateness()
        await self._act(heard)
        if not self._source.live:
            await self._conversation.wait_below(MAX_PENDING)

    def _note_lateness(self) -> None:
        was_late = self._lateness.is_late
        late_s = self._lateness.observe(self._hearing.store.duration_s, time.monotonic())
        if self._lateness.is_late and not was_late:
            self._scribe.warn(
                "audio_late", f"Sound came {late_s:.1f} s late: it is kept, and its text comes as much later."
            )

    async def _act(self, heard: Heard) -> None:
        """Write down what was heard, and do what the gate wants."""
        self._scribe.wall_clock.arrived(len(self._hearing.store))
        self._scribe.heard(heard.events)
        for action in heard.actions:
            if isinstance(action, Send):
                self._scribe.sent(action.start, action.end, late=to_seconds(action.start) < self._lateness.late_until_s)
            else:
                self._scribe.cut(action)
        if self._interim is not None:
            self._interim.hear(heard)
        await self._conversation.carry(heard.actions)
        if self._interim is not None:
            self._interim.ask(self._conversation.pending)
