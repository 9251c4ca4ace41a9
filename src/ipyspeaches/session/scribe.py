"""Writes down what happens: protocol events and cuts become results and session events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ipyspeaches import protocol
from ipyspeaches.audio import to_seconds
from ipyspeaches.protocol import ProtocolEvent, Span
from ipyspeaches.results import EventLog, Latency, Mark, Marks, Segment, Transcript, Word
from ipyspeaches.session import events
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.wall_clock import WallClock
from ipyspeaches.vad import Closed, Commit, Opened, SegmenterEvent


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the server says that it transcribes with; None where it does not say."""

    model: str | None = None
    language: str | None = None


@dataclass(slots=True)
class Utterance:
    """What is known of an utterance before its text: its speech, and how long after its end things happened."""

    span: Span
    vad_stop_ms: float | None = None
    commit_ms: float | None = None
    first_partial_ms: float | None = None


class Scribe:
    """Keeps a session's results and tells its listeners.

    Parameters
    ----------
    hearing
        Knows the session's clock.
    bus
        Where session events go.

    Attributes
    ----------
    confirmed
        What the server transcribes with, once it has said so.
    """

    def __init__(self, hearing: Hearing, bus: Bus) -> None:
        self.transcript = Transcript()
        self.events = EventLog()
        self.latency = Latency()
        self.marks = Marks()
        self.wall_clock = WallClock()
        self.confirmed: Confirmed | None = None
        self._hearing = hearing
        self._bus = bus
        self._cuts: dict[int, Utterance] = {}  # by the gate's number
        self._items: dict[str, Utterance] = {}  # by the server's item_id
        self._partial_at: dict[str, float] = {}
        self._warned: set[str] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            protocol.Ready: self._ready,
            protocol.WithoutEffect: self._without_effect,
            protocol.SpeechStarted: self._server_started,
            protocol.SpeechStopped: self._server_stopped,
            protocol.Committed: self._committed,
            protocol.Delta: self._delta,
            protocol.Completed: self._completed,
            protocol.Failed: self._failed,
            protocol.Noticed: self._noticed,
            protocol.Reconfigured: self._reconfigured,
            protocol.Mismatch: self._mismatch,
            protocol.Reported: self._reported,
            protocol.ClockMismatch: self._clock_mismatch,
            protocol.MessageLost: self._message_lost,
            protocol.Unknown: self._unknown,
        }

    @property
    def now_s(self) -> float:
        """The session clock."""
        return self._hearing.store.duration_s

    def emit(self, event: events.SessionEvent, *, item_id: str | None = None, text: str = "", detail: str = "") -> None:
        """Log an event and hand it to the listeners."""
        self.events.append(
            time_s=event.time_s,
            wall_time=datetime.now(UTC),
            type=type(event).__name__,
            item_id=item_id,
            text=text,
            detail=detail,
        )
        self._bus.emit(event)

    def warn(self, kind: str, text: str, *, once: bool = False) -> None:
        """Tell the user something while the session goes on."""
        if once and kind in self._warned:
            return
        self._warned.add(kind)
        self.emit(events.Warning(self.now_s, kind, text), text=text, detail=kind)

    def mark(self, mark: Mark) -> None:
        """Note a mark that was set or renamed."""
        self.emit(events.Marked(self.now_s, mark.id, mark.time, mark.name), text=mark.name, detail=f"{mark.time:.3f}")

    def heard(self, decided: list[SegmenterEvent]) -> None:
        """Note what the local detector decided."""
        for event in decided:
            start_s = to_seconds(event.start)
            if isinstance(event, Opened):
                self.emit(events.SpeechStarted(self.now_s, start_s), detail=f"{start_s:.3f}")
            elif isinstance(event, Closed):
                end_s = to_seconds(event.end)
                self.emit(events.SpeechStopped(self.now_s, start_s, end_s), detail=f"{start_s:.3f}-{end_s:.3f}")

    def sent(self, start: int, end: int) -> None:
        """Note which samples went out."""
        self._bus.emit(events.Sent(self.now_s, to_seconds(start), to_seconds(end)))

    def cut(self, commit: Commit) -> None:
        """Note an utterance that this side has cut."""
        span = Span(to_seconds(commit.start), to_seconds(commit.end))
        self._cuts[commit.utterance] = Utterance(span, vad_stop_ms=self.wall_clock.since_ms(span.end_s))

    def take(self, event: ProtocolEvent) -> None:
        """Note an event of the protocol."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _ready(self, event: protocol.Ready) -> None:
        self.confirmed = Confirmed(event.model, event.language)

    def _without_effect(self, event: protocol.WithoutEffect) -> None:
        *others, last = event.options
        names = f"{', '.join(others)} and {last} have" if others else f"{last} has"
        text = f"{names} no effect in a realtime session of this server: "
        self.warn("no_effect", f'{text}transport="chunked" and transport="sse" send such options with each request.')

    def _server_started(self, event: protocol.SpeechStarted) -> None:
        self.emit(
            events.SpeechStarted(self.now_s, event.at_s, "server"), item_id=event.item_id, detail=f"{event.at_s:.3f}"
        )
        self._items[event.item_id] = Utterance(Span(event.at_s, event.at_s))

    def _server_stopped(self, event: protocol.SpeechStopped) -> None:
        utterance = self._items.setdefault(event.item_id, Utterance(Span(event.at_s, event.at_s)))
        utterance.span = Span(utterance.span.start_s, event.at_s)
        stopped = events.SpeechStopped(self.now_s, utterance.span.start_s, event.at_s, "server")
        self.emit(stopped, item_id=event.item_id, detail=f"{utterance.span.start_s:.3f}-{event.at_s:.3f}")

    def _utterance(self, item_id: str, number: int | None, span: Span | None, joined: int = 1) -> Utterance:
        """Return what is known of an item: the gate's cuts where there are any, else the server's own times."""
        if number is not None and number in self._cuts:
            cuts = [self._cuts.pop(each) for each in range(number - joined + 1, number + 1) if each in self._cuts]
            utterance = self._items[item_id] = cuts[-1]
            utterance.span = Span(cuts[0].span.start_s, utterance.span.end_s)
        return self._items.setdefault(item_id, Utterance(span or Span(self.now_s, self.now_s)))

    def _committed(self, event: protocol.Committed) -> None:
        utterance = self._utterance(event.item_id, event.utterance, event.span, event.joined)
        utterance.commit_ms = self.wall_clock.since_ms(utterance.span.end_s)
        if (partial_at_s := self._partial_at.pop(event.item_id, None)) is not None:
            # It came before the end of speech was certain; then session and wall clock run alike.
            utterance.first_partial_ms = (partial_at_s - utterance.span.end_s) * 1000
        committed = events.Committed(self.now_s, event.item_id, utterance.span.start_s, utterance.span.end_s)
        self.emit(committed, item_id=event.item_id)

    def _delta(self, event: protocol.Delta) -> None:
        utterance = self._items.get(event.item_id)
        if utterance is None:
            # Text of an utterance that is not cut yet: it began where the open speech began.
            self._partial_at.setdefault(event.item_id, self.now_s)
            start_s = self._hearing.speech_start_s
            start_s = self.now_s if start_s is None else start_s
        else:
            start_s = utterance.span.start_s
            if utterance.first_partial_ms is None:
                utterance.first_partial_ms = self.wall_clock.since_ms(utterance.span.end_s)
        self.transcript.set_partial(event.item_id, event.text)
        partial = events.Partial(self.now_s, event.item_id, start_s, event.text)
        self.emit(partial, item_id=event.item_id, text=event.text)

    def _completed(self, event: protocol.Completed) -> None:
        utterance = self._utterance(event.item_id, event.utterance, event.span)
        self._items.pop(event.item_id, None)
        span, final_ms = utterance.span, self.wall_clock.since_ms(utterance.span.end_s)
        segment = Segment(
            start=span.start_s,
            end=span.end_s,
            text=event.text.strip(),
            words=tuple(Word(w.word, w.start_s, w.end_s, w.probability) for w in event.words),
            language=event.language,
            item_id=event.item_id,
            id=event.order,
            latency_s=None if final_ms is None else final_ms / 1000,
        )
        self.latency.append(
            item_id=event.item_id,
            speech_end_s=span.end_s,
            vad_stop_ms=utterance.vad_stop_ms,
            commit_ms=utterance.commit_ms,
            first_partial_ms=utterance.first_partial_ms,
            final_ms=final_ms,
        )
        if segment.text:
            self.transcript.append(segment)
        else:
            self.transcript.set_partial(event.item_id, "")
        self.emit(events.Final(self.now_s, event.item_id, segment), item_id=event.item_id, text=segment.text)

    def _failed(self, event: protocol.Failed) -> None:
        utterance = self._utterance(event.item_id, event.utterance, None, event.joined)
        self._items.pop(event.item_id, None)
        self.transcript.set_partial(event.item_id, "")
        where = f"{utterance.span.start_s:.1f} to {utterance.span.end_s:.1f} s"
        self.warn("utterance_failed", f"The server could not transcribe {where}: {event.message}")

    def _reconfigured(self, event: protocol.Reconfigured) -> None:
        self.confirmed = Confirmed(event.model, event.language)
        changed = events.Reconfigured(self.now_s, event.turn_detection, event.model, event.language)
        self.emit(changed, detail=f"model={event.model!r}, language={event.language!r}, {event.turn_detection!r}")

    def _mismatch(self, event: protocol.Mismatch) -> None:
        text = f"The server uses {event.field} = {event.confirmed!r}, not {event.asked!r} as asked."
        self.warn("server_differs", text)

    def _noticed(self, event: protocol.Noticed) -> None:
        self.warn(event.kind, event.message)

    def _reported(self, event: protocol.Reported) -> None:
        self.warn("server_error", f"The server reports: {event.message}")

    def _clock_mismatch(self, event: protocol.ClockMismatch) -> None:
        text = f"The server heard {event.counted_s:.2f} s where {event.sent_s:.2f} s were sent: words may be missing."
        self.warn("clock", text)

    def _message_lost(self, event: protocol.MessageLost) -> None:
        text = (
            f"A message of the server came incomplete ({event.reason}), a text may be missing: "
            'transcribe the recording again, or use transport="realtime".'
        )
        self.warn("message_lost", text)

    def _unknown(self, event: protocol.Unknown) -> None:
        self.events.append(
            time_s=self.now_s,
            wall_time=datetime.now(UTC),
            type=event.type,
            item_id=None,
            text="",
            detail=repr(event.data)[:500],
        )
