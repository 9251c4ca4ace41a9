"""Each utterance a request: order, retries, overlaps and what is told, without any I/O.

Utterances come in as ranges of samples, requests go out, outcomes come in, protocol events go out. Whoever carries the
requests may answer them in any order; each event names its utterance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.errors import ServerError, Severity
from ipyspeaches.protocol.http.overlapping import Share, share_of, unfinished
from ipyspeaches.protocol.http.transcriptions import NO_END, Answer, Broken, Outcome, Refused, written
from ipyspeaches.protocol.protocol_events import (
    AudioSent,
    ConfigurationChanged,
    Disconnected,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Noticed,
    ProtocolEvent,
)
from ipyspeaches.protocol.recognition import Changes, RecognitionOptions
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.words import Word, words_within

MOST_IN_FLIGHT: Final = 2
"""While the server works on one request, the audio of the next is on its way. More would only wait there: a server
runs a model on one utterance at a time, and its memory is shared with others."""

RETRY_WAITS_S: Final = (0.5, 1.0)
"""A server that was only busy takes a request after these; one that does not is lost, as a connection is."""

BROKEN_WAITS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0)
"""A stream that ends before its end is asked for as often as an utterance over which connections are lost."""

FEWER_TRIES: Final = 3
"""How often more where the server says that it failed, and where it has been in vain for the utterance before: an
engine that fails and a cut look the same."""

JOIN_ABOVE: Final = 3
"""Waiting requests that a server of about the right speed works off in the next pause."""

LONGEST_REQUEST_S: Final = 30.0
"""Whisper hears 30 s at a time: a longer request would be cut by the server."""

MOST_TOLD: Final = 64
"""Requests that have ended to remember: of those before them, all have."""

MOST_WAITING: Final = 8
"""With requests of up to 30 s, a text that comes minutes late: then the newest words matter more."""

_WAITED_TOO_LONG: Final = (
    "it waited too long, because the server is slower than speech. Its audio is kept in the recording: transcribe "
    "that again with more time."
)


@dataclass(frozen=True, slots=True)
class Request:
    """One utterance as it goes out."""

    utterance: Utterance  # what is to become text
    start: int  # session samples of the audio to send
    end: int
    options: RecognitionOptions  # what is asked about it
    follows: bool = False  # whether it repeats the end of the one before

    @property
    def item_id(self) -> str:
        """Its name: stable, and readable in tables."""
        return f"utterance_{self.utterance.number}"

    def joined_with(self, following: Request) -> Request | None:
        """Return this request and the one that follows as one, None if that would be too long or too mixed."""
        if self.options != following.options or following.end - self.start > LONGEST_REQUEST_S * SESSION_RATE_HZ:
            return None
        both = self.utterance.joined_with(following.utterance)
        return Request(both, self.start, following.end, self.options, self.follows)


@dataclass(frozen=True, slots=True)
class Told:
    """A request that has ended, for the one that repeats its end: over another connection, too."""

    request: Request
    share: Share | None

    @property
    def is_repeated(self) -> bool:
        """Whether the next one repeats its end."""
        return self.request.utterance.counts_until is not None


@dataclass(slots=True, eq=False)
class _InFlight:
    """A request that has gone out, and what has come of it so far.

    ``before`` is the one whose end it repeats, until both have ended. ``outcome`` waits for that, too; ``share`` is
    what was told at the end, None if there was no text.
    """

    request: Request
    before: _InFlight | None
    refusals: int = 0
    breaks: int = 0
    longest: str = ""  # text of a broken stream
    shown: str = ""
    outcome: Outcome | None = None
    share: Share | None = None
    ended: bool = False


class RequestProtocol:
    """Turns utterances into requests, and their outcomes into events; the options must name a model.

    It goes on behind what another one has told whose server was lost, its `told`.

    A recording waits for the server (its session stops reading). Live audio goes on, so a server that is too slow is
    helped: beyond `JOIN_ABOVE` waiting requests, neighbours become one of at most `LONGEST_REQUEST_S`, with the audio
    between them, because one long request costs a server less than several short ones; beyond `MOST_WAITING`, the
    oldest gets no text. Its audio stays in the recording.
    """

    def __init__(self, options: RecognitionOptions, *, live: bool, after: Mapping[int, Told] | None = None) -> None:
        self.options = options
        self.told = dict(after or {})  # the last requests that have ended, by their utterances' numbers
        self._live = live  # audio goes on whatever the server does
        self._audio: tuple[int, int] | None = None  # of the utterance that comes next
        # The ends of requests, by number, of which the next one repeats what is before that.
        self._repeated = {number: it.request.end for number, it in self.told.items() if it.is_repeated}
        self._waiting: deque[Request] = deque()
        self._behind_noticed = False
        self._unended: dict[str, _InFlight] = {}
        self._flying: set[str] = set()
        self._last: _InFlight | None = None
        self._events: list[ProtocolEvent] = []
        self._in_trouble = False
        self._patient = True  # streams that break may have been cut

    @property
    def pending(self) -> int:
        """How many requests wait, are on their way, or wait for the one before them."""
        return len(self._waiting) + len(self._unended)

    def events_received(self) -> list[ProtocolEvent]:
        """Return what has happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def open(self) -> None:
        """Say what of the options has no effect."""
        unused = self.options.given(("language", "hotwords")) if self.options.translates else ()
        if unused:
            self._events.append(_not_in_translation(unused))

    def send_audio(self, start: int, end: int) -> None:
        """Take the samples from ``start`` to ``end`` into the utterance that comes next."""
        waiting = self._audio
        # What waits and does not adjoin it was left over by an utterance, and belongs to none.
        self._audio = (waiting[0] if waiting is not None and waiting[1] == start else start, end)

    def send_commit(self, utterance: Utterance) -> None:
        """End an utterance; it becomes a request."""
        if self._audio is None:
            return  # all of its audio went with the one before, as its hangover
        start, sent_end = self._audio
        end = sent_end if utterance.audio_end is None else min(utterance.audio_end, sent_end)
        if end <= start:
            return
        follows = start < self._repeated.pop(utterance.first.number - 1, start)
        self._audio = (end, sent_end) if end < sent_end else None
        if utterance.counts_until is not None:
            self._repeated[utterance.number] = end
        self._events.append(AudioSent(start, end))
        self._waiting.append(Request(utterance, start, end, self.options, follows))
        if self._live and len(self._waiting) > JOIN_ABOVE:
            self._relieve()

    def reconfigure(self, changes: Changes) -> None:
        """Ask for something else from the next utterance on."""
        self.options = self.options.changed(changes)
        self._events.append(ConfigurationChanged(self.options.model, self.options.language, None))

    def request_to_send(self) -> Request | None:
        """Return the request to send now, None while enough are on their way or none waits."""
        if len(self._flying) >= MOST_IN_FLIGHT or not self._waiting:
            return None
        request = self._waiting.popleft()
        # The server has caught up: should it fall behind again, that is news.
        self._behind_noticed = self._behind_noticed and bool(self._waiting)
        self._last = self._unended[request.item_id] = _InFlight(request, self._before(request))
        self._flying.add(request.item_id)
        self._events.append(ItemCommitted(request.item_id, request.utterance))
        return request

    def _before(self, request: Request) -> _InFlight | None:
        """Return the request whose end this one repeats."""
        if not request.follows:
            return None
        if self._last is not None and _adjoins(self._last, request):
            return self._last
        told = self.told.get(request.utterance.first.number - 1)
        return None if told is None else _InFlight(told.request, None, share=told.share, ended=True)

    def receive_text(self, request: Request, text: str) -> None:
        """Take all the text of a stream so far; a second try says nothing until it has more than the first."""
        item = self._unended.get(request.item_id)
        if item is None or (item.before is not None and not item.before.ended):
            return
        text = request.options.written(text)
        shown = unfinished(text, None if item.before is None else item.before.share)
        if len(shown) > len(item.shown):
            item.shown = shown
            self._events.append(ItemDelta(request.item_id, shown.lstrip()))

    def receive_outcome(self, request: Request, outcome: Outcome) -> float | None:
        """Take what became of a request; return after how many seconds to send it again, None if it has ended."""
        item = self._unended.get(request.item_id)
        if item is None:
            return None
        outcome = written(outcome, request.options)  # before windows are compared: servers write one so, the next so
        wait_s = self._wait_s(item, outcome)
        if wait_s is not None:
            return wait_s
        if isinstance(outcome, Refused) and outcome.severity is not Severity.SINGLE:
            self._events.append(Disconnected(outcome.error))
            if outcome.severity is Severity.PASSING:
                return None  # it waits for another connection
        item.outcome = outcome
        self._flying.discard(request.item_id)
        self._end_what_can_end()
        return None

    def _relieve(self) -> None:
        """Join waiting requests until few enough wait or none fit; give up the oldest where that does not help."""
        if not self._behind_noticed:
            self._behind_noticed = True
            self._events.append(_behind(to_seconds(self._waiting[-1].end - self._waiting[0].start)))
        at = 0
        while len(self._waiting) > JOIN_ABOVE and at < len(self._waiting) - 1:
            both = self._waiting[at].joined_with(self._waiting[at + 1])
            if both is None:
                at += 1
            else:
                self._waiting[at] = both
                del self._waiting[at + 1]
        if len(self._waiting) > MOST_WAITING:
            dropped = self._waiting.popleft()
            self._events.append(ItemFailed(dropped.item_id, dropped.utterance, _WAITED_TOO_LONG))

    def _wait_s(self, item: _InFlight, outcome: Outcome) -> float | None:
        if isinstance(outcome, Broken):
            item.breaks += 1
            item.longest = max(item.longest, outcome.text, key=len)
            waits_s = BROKEN_WAITS_S[: None if self._patient and outcome.reason == NO_END else FEWER_TRIES]
            if item.breaks <= len(waits_s):
                return waits_s[item.breaks - 1]
            self._patient = False
            return None
        if not isinstance(outcome, Refused):
            self._in_trouble, self._patient = False, True
            return None
        if outcome.severity is not Severity.PASSING or item.refusals >= len(RETRY_WAITS_S):
            return None
        if outcome.error.retry_after_s > RETRY_WAITS_S[item.refusals]:
            return None  # as long, it is lost
        if not self._in_trouble:
            self._in_trouble = True
            self._events.append(_retrying(outcome.error))
        item.refusals += 1
        return RETRY_WAITS_S[item.refusals - 1]

    def _end_what_can_end(self) -> None:
        """End what has an outcome; what repeats the end of another one waits for that."""
        for item in list(self._unended.values()):
            if item.outcome is not None and (item.before is None or item.before.ended):
                self._end(item, item.outcome)
                item.ended = True
                self.told[item.request.utterance.number] = Told(item.request, item.share)
                if len(self.told) > MOST_TOLD:
                    del self.told[min(self.told)]
                item.before = None  # or every item would hold all that came before it
                del self._unended[item.request.item_id]

    def _end(self, item: _InFlight, outcome: Outcome) -> None:
        request = item.request
        if not isinstance(outcome, Answer) and item.longest.strip():
            self._events.append(_incomplete(request, outcome))
            outcome = Answer(item.longest)
        if isinstance(outcome, Answer):
            self._complete(item, outcome)
        else:
            self._keep_untold(item)
            self._events.append(ItemFailed(request.item_id, request.utterance, _no_text(outcome)))

    def _keep_untold(self, item: _InFlight) -> None:
        """Show what the utterance before left to one that fails."""
        before = None if item.before is None else item.before.share
        if before is not None and before.untold_text and not item.shown:
            self._events.append(ItemDelta(item.request.item_id, before.untold_text))

    def _complete(self, item: _InFlight, answer: Answer) -> None:
        request, utterance = item.request, item.request.utterance
        counts_until_s = None if utterance.counts_until is None else to_seconds(utterance.counts_until)
        words = words_within(answer.words, to_seconds(request.end - request.start))
        whole = replace(answer, words=tuple(_on_session_clock(word, request) for word in words))
        item.share = share_of(whole, None if item.before is None else item.before.share, counts_until_s)
        self._events.append(
            ItemCompleted(
                request.item_id,
                utterance,
                item.share.text.strip(),
                answer.language or (None if request.options.translates else request.options.language),
                tuple(replace(word, word=word.word.strip()) for word in item.share.words),
                heard=item.share.heard,
            )
        )


def _adjoins(last: _InFlight, request: Request) -> bool:
    """Whether the last request that went out is the one whose end this one repeats (it may have been dropped)."""
    return last.request.utterance.number + 1 == request.utterance.first.number


def _on_session_clock(word: Word, request: Request) -> Word:
    start_s, end_s = to_seconds(request.start), to_seconds(request.end)

    def at(seconds: float) -> float:
        return min(max(start_s + seconds, start_s), end_s)

    return replace(word, start=at(word.start), end=at(word.end))


# What users are told, in sentences with the cure


def _not_in_translation(names: Sequence[str]) -> Noticed:
    given = " and ".join(names)
    return Noticed("no_effect", f"Translation does not use {given}: leave it out, or use task='transcribe'.")


def _behind(seconds: float) -> Noticed:
    return Noticed(
        "behind",
        f"The server is slower than speech and {seconds:.0f} s behind: utterances that wait are sent together. Use a "
        "faster model, or a server that has less to do.",
    )


def _retrying(error: ServerError) -> Noticed:
    return Noticed("retrying", f"{error} The recording goes on; it is tried again.")


def _incomplete(request: Request, outcome: Broken | Refused) -> Noticed:
    how = (
        f"{outcome.reason}, every time"
        if isinstance(outcome, Broken)
        else "The stream of text broke, and was not resumed"
    )
    return Noticed(
        "incomplete",
        f"{how}: the text from {to_seconds(request.start):.1f} to {to_seconds(request.end):.1f} s may be incomplete. "
        "See the server's log for the cause, and transcribe this part of the recording again.",
        request.utterance,
    )


def _no_text(outcome: Broken | Refused) -> str:
    if isinstance(outcome, Refused):
        return str(outcome.error)
    # An engine that fails says nothing, whatever the cause.
    hint = " (a language that the model does not know looks like this, too)" if outcome.reason == NO_END else ""
    return f"{outcome.reason}, every time and without any text: see the server's log for the cause{hint}."
