"""Each utterance a request: order, retries, seams and what is told, without any I/O.

Utterances come in as ranges of samples, requests go out, outcomes come in, protocol events go out. Whoever carries the
requests may answer them in any order; what is told carries its place in the order of speech.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.protocol import notices
from ipyspeaches.protocol.backlog import Backlog, Utterance
from ipyspeaches.protocol.configuration import UNSET, Unset
from ipyspeaches.protocol.events import (
    Committed,
    Completed,
    Delta,
    Disconnected,
    Failed,
    ProtocolEvent,
    Reconfigured,
    Span,
)
from ipyspeaches.protocol.outcomes import Answer, Broken, Outcome, Refused, Severity
from ipyspeaches.protocol.request import Item, Request, item_id
from ipyspeaches.protocol.seams import tell, unfinished
from ipyspeaches.protocol.transcription_form import TranscriptionOptions
from ipyspeaches.words import Word

MOST_IN_FLIGHT: Final = 2
"""While the server works on one request, the sound of the next is on its way. More would only wait there: a server
runs a model on one utterance at a time, and its memory is shared with others."""

RETRY_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0)
"""A server that restarts is back within these; the recording goes on meanwhile."""

BROKEN_WAIT_S: Final = 0.0
"""A broken stream is asked for once more at once: the engine failed, the server is there."""


@dataclass(slots=True)
class _Collected:
    """The sound of the utterance that comes next."""

    start: int | None = None
    end: int = 0


class RequestProtocol:
    """Turns utterances into requests, and their outcomes into events.

    Parameters
    ----------
    options
        What each request asks for.
    live
        Whether sound goes on whatever the server does; see `backlog`.
    """

    def __init__(self, options: TranscriptionOptions, *, live: bool) -> None:
        self.options = options
        self._backlog = Backlog(live=live)
        self._sound = _Collected()
        self._repeated: int | None = None  # the end of the last utterance, if the next one repeats what is before it
        self._orders = 0
        self._items: dict[str, Item] = {}  # those without their end
        self._flying: set[str] = set()
        self._last: Item | None = None
        self._events: list[ProtocolEvent] = []
        self._in_trouble = False

    @property
    def pending(self) -> int:
        """How many requests wait, are on their way, or wait for the one before them."""
        return len(self._backlog) + len(self._items)

    def events(self) -> list[ProtocolEvent]:
        """Return what has happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def open(self) -> None:
        """Say what of the options has no effect."""
        if self.options.unused:
            self._events.append(notices.not_in_translation(self.options.unused))

    def send(self, start: int, end: int) -> None:
        """Take the samples from ``start`` to ``end`` into the utterance that comes next."""
        if self._sound.start is None:
            self._sound.start = start
        self._sound.end = end

    def commit(self, number: int, seam: int | None = None) -> None:
        """End an utterance: the gate's number, and the sample up to which its words count if its end is repeated."""
        if self._sound.start is None:
            return  # all of its sound went with the one before, as its hangover
        start, end = self._sound.start, self._sound.end
        follows = self._repeated is not None and start < self._repeated
        utterance = Utterance(number, start, end, self.options, seam, follows)
        self._sound, self._repeated = _Collected(), None if seam is None else end
        dropped, behind_s = self._backlog.add(utterance)
        if behind_s is not None:
            self._events.append(notices.behind(behind_s))
        if dropped is not None:
            self._events.append(
                Failed(
                    item_id(dropped),
                    dropped.number,
                    notices.WAITED_TOO_LONG,
                    joined=dropped.joined,
                )
            )

    def reconfigure(self, *, model: str | None = None, language: str | Unset | None = UNSET) -> None:
        """Ask for something else from the next utterance on; None and ``UNSET`` leave it."""
        if model is not None:
            self.options = replace(self.options, model=model)
        if not isinstance(language, Unset):
            self.options = replace(self.options, language=language)
        self._events.append(Reconfigured(self.options.model, self.options.language, None))

    def next_request(self) -> Request | None:
        """Return the request to send now, None while enough are on their way or none waits."""
        if len(self._flying) >= MOST_IN_FLIGHT:
            return None
        utterance = self._backlog.take()
        if utterance is None:
            return None
        request = Request(item_id(utterance), self._orders, utterance)
        self._orders += 1
        before = self._last if utterance.follows and self._last is not None and _joins(self._last, utterance) else None
        self._last = self._items[request.item_id] = Item(request, before)
        self._flying.add(request.item_id)
        self._events.append(
            Committed(request.item_id, request.order, utterance.number, request.span, joined=utterance.joined)
        )
        return request

    def grown(self, request: Request, text: str) -> None:
        """Take all the text of a stream so far; a second try says nothing until it has more than the first."""
        item = self._items.get(request.item_id)
        if item is None or (item.before is not None and not item.before.ended):
            return
        shown = unfinished(text, None if item.before is None else item.before.told)
        if len(shown) > len(item.shown):
            item.shown = shown
            self._events.append(Delta(request.item_id, shown.lstrip()))

    def take(self, request: Request, outcome: Outcome) -> float | None:
        """Take what became of a request.

        Returns
        -------
        float or None
            Seconds after which to send the same request again; None if it has ended.
        """
        item = self._items.get(request.item_id)
        if item is None:
            return None
        wait_s = self._wait_s(item, outcome)
        if wait_s is not None:
            return wait_s
        item.outcome = outcome
        self._flying.discard(request.item_id)
        if isinstance(outcome, Refused) and outcome.severity is Severity.FATAL:
            self._events.append(Disconnected(outcome.error, fatal=True))
        self._end_what_can_end()
        return None

    def _wait_s(self, item: Item, outcome: Outcome) -> float | None:
        if isinstance(outcome, Broken):
            item.breaks += 1
            item.longest = max(item.longest, outcome.text, key=len)
            return BROKEN_WAIT_S if item.breaks == 1 else None
        if not isinstance(outcome, Refused):
            self._in_trouble = False
            return None
        if outcome.severity is not Severity.PASSING or item.refusals >= len(RETRY_WAITS_S):
            return None
        if not self._in_trouble:
            self._in_trouble = True
            self._events.append(notices.retrying(outcome.error))
        item.refusals += 1
        return RETRY_WAITS_S[item.refusals - 1]

    def _end_what_can_end(self) -> None:
        """Tell what has an outcome; what repeats the end of another one waits for that."""
        for item in list(self._items.values()):
            if item.outcome is not None and (item.before is None or item.before.ended):
                self._end(item, item.outcome)
                item.ended = True
                item.before = None  # or every item would hold all that came before it
                del self._items[item.request.item_id]

    def _end(self, item: Item, outcome: Outcome) -> None:
        request = item.request
        if not isinstance(outcome, Answer) and item.longest.strip():
            self._events.append(notices.incomplete(request.span, outcome))
            outcome = Answer(item.longest)
        if isinstance(outcome, Answer):
            self._complete(item, outcome)
            return
        self._events.append(Failed(request.item_id, request.utterance.number, notices.no_text(outcome)))

    def _complete(self, item: Item, answer: Answer) -> None:
        request, utterance = item.request, item.request.utterance
        seam_s = None if utterance.seam is None else to_seconds(utterance.seam)
        heard = replace(answer, words=tuple(_on_session_clock(word, request.span) for word in answer.words))
        item.told = tell(heard, None if item.before is None else item.before.told, seam_s)
        self._events.append(
            Completed(
                request.item_id,
                request.order,
                utterance.number,
                request.span,
                item.told.text.strip(),
                answer.language or (None if request.options.translate else request.options.language),
                tuple(replace(word, word=word.word.strip()) for word in item.told.words),
            )
        )


def _joins(last: Item, utterance: Utterance) -> bool:
    """Whether the last request that went out is the one whose end this utterance repeats (it may have been dropped)."""
    return last.request.utterance.number == utterance.number - utterance.joined


def _on_session_clock(word: Word, span: Span) -> Word:
    def at(seconds: float) -> float:
        return min(max(span.start_s + seconds, span.start_s), span.end_s)

    return Word(word.word, at(word.start), at(word.end), word.probability)
