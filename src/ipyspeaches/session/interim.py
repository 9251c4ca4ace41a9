"""Text of what is being spoken, for servers that send none: the growing sound of the utterance is asked for over HTTP.

Rules that it keeps:

- One request at a time. The next starts at the earliest after twice the time that the last one took, so that at least
  half of the server's time is left; while a final text is awaited, none is made.
- Each request has enough new sound in it. Of a long utterance, what is settled is not sent again.
- An answer that comes when the utterance is over is dropped; its final text is on the way.
- A failure ends at most this text, never the session.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from ipyspeaches.audio import SESSION_RATE_HZ, to_samples, to_seconds
from ipyspeaches.audio.decoding import wav
from ipyspeaches.protocol import Answer, Delta, Outcome, ProtocolEvent, Refused, TranscriptionOptions
from ipyspeaches.protocol.configuration import Unset
from ipyspeaches.session.conversation import Changes
from ipyspeaches.session.hearing import Heard, Hearing
from ipyspeaches.session.provisional import Provisional, Spoken
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.transports import RequestTransport
from ipyspeaches.words import Word

PERIOD: Final = 2.0
"""Time from one request to the next, as a multiple of what the first one took."""

MOST_FAILURES: Final = 3
"""Requests in a row that may fail before no more are made."""


class Interim:
    """Asks for the text of what is being spoken, and shows it until the server's own comes.

    The run feeds it: `hear` with what was heard, `ask` when that has been sent, and `take` with the recogniser's
    events, which it hands on to the scribe.

    Parameters
    ----------
    hearing
        Keeps and cuts the sound.
    scribe
        Writes the texts down.
    transport
        Carries the requests; it is closed with this.
    options
        What each of them asks for; no stream.
    interim_s
        At most one request in so many seconds, each with so much new sound.
    """

    def __init__(
        self,
        hearing: Hearing,
        scribe: Scribe,
        transport: RequestTransport,
        options: TranscriptionOptions,
        interim_s: float,
    ) -> None:
        self._hearing = hearing
        self._scribe = scribe
        self._transport = transport
        self._options = options
        self._interim_s = interim_s
        self._provisional = Provisional(hearing, scribe)
        self._request: asyncio.Task[None] | None = None
        self._next_at = 0.0  # on the loop's clock
        self._failures = 0
        self._stopped = False

    def hear(self, heard: Heard) -> None:
        """Take what was decided about new sound."""
        self._provisional.hear(heard)

    def ask(self, pending: int) -> None:
        """Ask for the text of what is being spoken, if it is time; ``pending`` utterances wait for their final text."""
        spoken = self._provisional.under_way
        if spoken is not None and not pending and self._is_time(spoken):
            self._request = asyncio.create_task(self._ask(spoken))

    def take(self, event: ProtocolEvent) -> None:
        """Take an event of the recogniser, and hand it on."""
        if isinstance(event, Delta) and not self._provisional.has_item(event.item_id):
            self._leave_to_server()
        self._provisional.take(event)
        self._scribe.take(event)

    def reconfigure(self, changes: Changes) -> None:
        """Ask otherwise from now on."""
        if changes.model is not None:
            self._options = replace(self._options, model=changes.model)
        if not isinstance(changes.language, Unset):
            self._options = replace(self._options, language=changes.language)

    def pause(self) -> None:
        """Leave nothing that nobody will end: a server that cuts by itself does not know of the pause."""
        if not self._hearing.turn_detection.client_cuts:
            self._provisional.drop()

    async def close(self) -> None:
        """Stop asking, and take back all text that is not final."""
        self._stopped = True
        if self._request is not None:
            self._request.cancel()
            await asyncio.gather(self._request, return_exceptions=True)
        await self._transport.close()
        self._provisional.close()

    def _is_time(self, spoken: Spoken) -> bool:
        if self._stopped or (self._request is not None and not self._request.done()):
            return False
        enough = self._hearing.speech_end - spoken.asked >= to_samples(self._interim_s)
        return enough and asyncio.get_running_loop().time() >= self._next_at

    async def _ask(self, spoken: Spoken) -> None:
        clock = asyncio.get_running_loop().time
        started_at = clock()
        begin, end = to_samples(spoken.text.from_s), self._hearing.speech_end
        spoken.asked = end
        sound = wav(self._hearing.store.read(begin, end), SESSION_RATE_HZ)
        outcome = await self._transport.post(self._options, (f"{spoken.name}.wav", sound), _pass_over)
        self._next_at = started_at + max(self._interim_s, PERIOD * (clock() - started_at))
        if not isinstance(outcome, Answer):
            self._count_failure(outcome)
            return
        self._failures = 0
        if spoken is self._provisional.under_way:
            begin_s = to_seconds(begin)
            words = [Word(w.word, begin_s + w.start, begin_s + w.end, w.probability) for w in outcome.words]
            spoken.text.update(outcome.text.strip(), words, to_seconds(end))
            self._provisional.show(spoken)

    def _count_failure(self, outcome: Outcome) -> None:
        self._failures += 1
        if self._failures == MOST_FAILURES and not self._stopped:
            self._stopped = True
            reason = str(outcome.error) if isinstance(outcome, Refused) else "the answers were incomplete."
            self._scribe.warn(
                "interim_stopped",
                "From now on, text comes only at the end of each utterance, because asking for it earlier failed "
                f"{MOST_FAILURES} times in a row: {reason}",
            )

    def _leave_to_server(self) -> None:
        self._provisional.drop()
        if not self._stopped:
            self._stopped = True
            self._scribe.note("InterimStopped", "The server sends text while somebody speaks: interim_s is not needed.")


def _pass_over(_: str) -> None:
    """Take no notice of text that streams in: none is asked for."""
