"""Text of what is being spoken, for servers that send none: its growing audio is transcribed over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_samples, to_seconds
from ipyspeaches.audio.decoding import wav
from ipyspeaches.protocol.http.transcriptions import Answer, Outcome, Refused, written
from ipyspeaches.protocol.interim_text import InterimText
from ipyspeaches.protocol.protocol_events import (
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    ProtocolEvent,
    ServerSpeechStarted,
)
from ipyspeaches.protocol.recognition import Changes, RecognitionOptions
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.session.recorder import Listener, Recorder
from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.vad.segmenter import Closed, Opened
from ipyspeaches.words import join_text, words_within

PERIOD: Final = 2.0
"""Time from one request to the next, as a multiple of what the first one took: half of the server's time is left."""

MOST_FAILURES: Final = 3
"""Requests in a row that may fail before no more are made: a failure ends at most this text, never the session."""


@dataclass(slots=True, eq=False)
class Provisional:
    """Text of speech for which the server has no item yet."""

    name: str  # under which it is shown
    start: int  # session sample where the speech begins
    text: InterimText  # what was recognised of it
    asked: int  # sample up to which was asked
    end: int | None = None  # where the speech ends; None while it goes on
    first_s: float | None = None  # when its first text came; None if it has none

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether some of its speech is in an utterance."""
        return self.start < utterance.end and (self.end is None or utterance.start < self.end)


class Interim(Listener):
    """Asks for the text of what is being spoken, and shows it until the server's own comes.

    It is shown under a name of its own until the server takes the utterance, then under the item's name until that has
    its final text. Whatever comes in between, nothing is left over. The recorder is told of each event after this; the
    transport is closed with this.

    ``interim_s``: at most one request in so many seconds, each with so much new audio.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        recorder: Recorder,
        transport: RequestTransport,
        options: RecognitionOptions,
        interim_s: float,
    ) -> None:
        self._pipeline = pipeline
        self._recorder = recorder
        self._transport = transport
        self._options = options
        self._interim_s = interim_s
        self._provisional: list[Provisional] = []  # in order; without an item yet
        self._names = 0
        self._audio_until = 0  # where the audio of the last utterance ended
        self._server_hears = False
        self._items: set[str] = set()  # taken by the server, without final text
        self._adopted: set[str] = set()  # those of them that show provisional text
        self._request: asyncio.Task[None] | None = None
        self._next_at = 0.0  # on the loop's clock
        self._failures = 0
        self._stopped = False

    @property
    def under_way(self) -> Provisional | None:
        """What is being spoken."""
        return self._provisional[-1] if self._provisional and self._provisional[-1].end is None else None

    def receive_audio(self, processed: Processed) -> None:
        """Follow the local detector: where speech begins, and where it ends."""
        for event in processed.events:
            if isinstance(event, Opened):
                self._open(max(self._audio_until, event.start - self._pipeline.pre_roll), event.start)
            elif isinstance(event, Closed):
                self._close(event)

    def audio_taken(self, pending: int) -> None:
        """Ask for the text of what is being spoken, if it is time."""
        spoken = self.under_way
        # While a final text is awaited, none is asked for: that one counts more.
        if spoken is not None and not pending and self._is_time(spoken):
            self._request = asyncio.create_task(self._ask(spoken))

    def receive_event(self, event: ProtocolEvent) -> None:
        """Take an event of the recogniser, before the recorder does."""
        if isinstance(event, ServerSpeechStarted):
            self._server_hears = True
        elif isinstance(event, ItemCommitted):
            self._adopt(event.item_id, self._held_by(event.utterance))
        elif isinstance(event, ItemDelta):
            if event.item_id not in self._items:
                self._leave_to_server()
            self._adopted.discard(event.item_id)
        elif isinstance(event, ItemCompleted | ItemFailed):
            self._adopted.discard(event.item_id)
            if event.item_id in self._items:
                self._items.discard(event.item_id)
            else:
                self._drop(self._held_by(event.utterance))

    def connection_lost(self) -> None:
        """Take back what items were said to say that will come by other names."""
        for item_id in self._adopted:
            self._recorder.withdraw(item_id)
        self._adopted.clear()
        self._items.clear()

    async def move(self, transport: RequestTransport, options: RecognitionOptions) -> None:
        """Ask another server from now on, or the same one again, of which nothing is supposed any more."""
        before, self._transport, self._options = self._transport, transport, options
        self._stopped, self._failures, self._next_at = False, 0, 0.0
        await self._give_up_request()
        await before.close()

    def reconfigure(self, changes: Changes) -> None:
        """Ask otherwise from now on."""
        self._options = self._options.changed(changes)

    def pause(self) -> None:
        """Leave nothing that nobody will end: a server that cuts by itself does not know of the pause."""
        if not self._pipeline.turn_detection.client_cuts:
            self._drop(self._provisional)

    async def close(self) -> None:
        """Stop asking, and take back all text that is not final."""
        self._stopped = True
        await self._give_up_request()
        await self._transport.close()
        self._drop(self._provisional)
        for item_id in self._adopted:
            self._recorder.withdraw(item_id)

    # Asking

    def _is_time(self, spoken: Provisional) -> bool:
        if self._stopped or (self._request is not None and not self._request.done()):
            return False
        enough = self._pipeline.speech_end - spoken.asked >= to_samples(self._interim_s)
        return enough and asyncio.get_running_loop().time() >= self._next_at

    async def _give_up_request(self) -> None:
        if self._request is not None:
            self._request.cancel()
            await asyncio.gather(self._request, return_exceptions=True)

    async def _ask(self, spoken: Provisional) -> None:
        clock = asyncio.get_running_loop().time
        started_at = clock()
        # Of a long utterance, what is settled is not sent again.
        begin, end = to_samples(spoken.text.from_s), self._pipeline.speech_end
        spoken.asked = end
        audio = wav(self._pipeline.store.read(begin, end), SESSION_RATE_HZ)
        # Text that streams in is not looked at: none is asked for.
        options = self._options
        outcome = await self._transport.post(options, (f"{spoken.name}.wav", audio), lambda _: None)
        outcome = written(outcome, options)  # before hypotheses are compared: servers write one so, the next so
        self._next_at = started_at + max(self._interim_s, PERIOD * (clock() - started_at))
        if not isinstance(outcome, Answer):
            self._count_failure(outcome)
            return
        self._failures = 0
        # An answer that comes when the utterance is over is dropped; its final text is on the way.
        if spoken is self.under_way:
            begin_s, heard = to_seconds(begin), words_within(outcome.words, to_seconds(end - begin))
            words = [replace(w, start=begin_s + w.start, end=begin_s + w.end) for w in heard]
            spoken.text.update(outcome.text.strip(), words, to_seconds(end))
            self._show(spoken)

    def _count_failure(self, outcome: Outcome) -> None:
        self._failures += 1
        if self._failures == MOST_FAILURES and not self._stopped:
            self._stopped = True
            reason = str(outcome.error) if isinstance(outcome, Refused) else "the answers were incomplete."
            self._recorder.warn(
                "interim_stopped",
                "From now on, text comes only at the end of each utterance, because asking for it earlier failed "
                f"{MOST_FAILURES} times in a row: {reason}",
            )

    def _leave_to_server(self) -> None:
        self._drop(self._provisional)
        if not self._stopped:
            self._stopped = True
            note = "The server sends text while somebody speaks: interim_s is not needed."
            self._recorder.note("InterimStopped", note)

    # Showing

    def _show(self, spoken: Provisional) -> None:
        text = spoken.text
        if not text.text:
            self._recorder.withdraw(spoken.name)
            return
        if spoken.first_s is None:
            spoken.first_s = self._recorder.now_s
        self._recorder.partial(spoken.name, to_seconds(spoken.start), text.text, text.stable)

    def _open(self, begin: int, start: int) -> None:
        self._names += 1
        text = InterimText(to_seconds(begin))
        self._provisional.append(Provisional(f"interim_{self._names}", start, text, begin))

    def _close(self, event: Closed) -> None:
        self._audio_until = min(len(self._pipeline.store), event.end + self._pipeline.hangover)
        spoken = self.under_way
        if spoken is None:
            return
        spoken.end = event.end
        # A server that cuts and has heard nothing of this utterance will have no item for it.
        awaited = self._pipeline.turn_detection.client_cuts or self._server_hears
        if spoken.first_s is None or not awaited:
            self._drop([spoken])

    def _held_by(self, utterance: Utterance) -> list[Provisional]:
        """Return what an utterance holds and forget it; speech that goes on begins anew behind it."""
        held = [spoken for spoken in self._provisional if spoken.overlaps(utterance)]
        # Items come in the order of speech: what is older and has none by now will have none.
        self._drop([one for one in self._provisional if one.end is not None and one.end <= utterance.start])
        self._provisional = [spoken for spoken in self._provisional if spoken not in held]
        if held and held[-1].end is None:
            self._open(utterance.end, utterance.end)
        return held

    def _adopt(self, item_id: str, held: Sequence[Provisional]) -> None:
        """Show under the item's name what was shown under names of its own."""
        self._server_hears = False
        self._items.add(item_id)
        shown = [spoken for spoken in held if spoken.text.text]
        self._drop(shown)
        if not shown or shown[0].first_s is None:
            return
        self._recorder.first_text(item_id, shown[0].first_s)
        before, last = [spoken.text.text for spoken in shown[:-1]], shown[-1].text
        stable = len(join_text([*before, last.text[: last.stable]]))
        self._recorder.partial(item_id, to_seconds(shown[0].start), join_text([*before, last.text]), stable)
        self._adopted.add(item_id)

    def _drop(self, spoken: Sequence[Provisional]) -> None:
        for one in spoken:
            self._recorder.withdraw(one.name)
        self._provisional = [one for one in self._provisional if one not in spoken]
