"""Writes down what happens: protocol events and cuts become results and session events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ipyspeaches import protocol
from ipyspeaches.audio import to_seconds
from ipyspeaches.protocol import ProtocolEvent, Span
from ipyspeaches.results import EventLog, Latency, Mark, Marks, Segment, Transcript
from ipyspeaches.session import events
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.timing import Timing, Utterance
from ipyspeaches.session.wall_clock import WallClock
from ipyspeaches.vad import Closed, Commit, Opened, SegmenterEvent


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the server says that it transcribes with; None where it does not say."""

    model: str | None = None
    language: str | None = None


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
        self._timing = Timing(self.latency, self.wall_clock)
        self._hearing = hearing
        self._bus = bus
        self._cuts: dict[int, Utterance] = {}  # by the gate's number
        self._items: dict[str, Utterance] = {}  # by the server's item_id
        self._partial_at: dict[str, float] = {}
        self._warned: set[str] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            protocol.Ready: self._ready,
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

    def note(self, kind: str, text: str) -> None:
        """Write something into the log that nobody needs to be told."""
        self.events.append(time_s=self.now_s, wall_time=datetime.now(UTC), type=kind, text=text)

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
                self._timing.speech_ended(end_s)
                self.emit(events.SpeechStopped(self.now_s, start_s, end_s), detail=f"{start_s:.3f}-{end_s:.3f}")

    def sent(self, start: int, end: int, *, late: bool = False) -> None:
        """Note which samples went out, and whether they had come late."""
        self._bus.emit(events.Sent(self.now_s, to_seconds(start), to_seconds(end), late))

    def cut(self, commit: Commit) -> None:
        """Note an utterance that this side has cut."""
        span = Span(to_seconds(commit.start), to_seconds(commit.end))
        self._cuts[commit.utterance] = Utterance(span, vad_stop_ms=self.wall_clock.since_ms(span.end_s))

    def painted(self, item_ids: Iterable[str], at_s: float) -> None:
        """Note that final texts were on a screen at ``at_s`` on the machine's monotonic clock."""
        self._timing.painted(item_ids, at_s)

    def partial(self, item_id: str, start_s: float, text: str, stable: int | None = None) -> None:
        """Note all that an unfinished item says so far; its first ``stable`` characters are settled."""
        self.transcript.set_partial(item_id, text)
        self.emit(events.Partial(self.now_s, item_id, start_s, text, stable), item_id=item_id, text=text)

    def withdraw(self, item_id: str) -> None:
        """Take back what an unfinished item was said to say, if anything."""
        if self.transcript.has_partial(item_id):
            self.partial(item_id, self.now_s, "", 0)

    def first_text(self, item_id: str, at_s: float) -> None:
        """Note that an item that comes had its first text at second ``at_s`` already, before its speech was over."""
        self._partial_at.setdefault(item_id, at_s)

    def take(self, event: ProtocolEvent) -> None:
        """Note an event of the protocol."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _ready(self, event: protocol.Ready) -> None:
        self.confirmed = Confirmed(event.model, event.language)

    def _server_started(self, event: protocol.SpeechStarted) -> None:
        self.emit(
            events.SpeechStarted(self.now_s, event.at_s, "server"), item_id=event.item_id, detail=f"{event.at_s:.3f}"
        )
        self._items[event.item_id] = Utterance(Span(event.at_s, event.at_s))

    def _server_stopped(self, event: protocol.SpeechStopped) -> None:
        utterance = self._items.setdefault(event.item_id, Utterance(Span(event.at_s, event.at_s)))
        utterance.span = Span(utterance.span.start_s, event.at_s)
        utterance.vad_stop_ms = self.wall_clock.since_ms(event.at_s)
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
        if utterance is None or utterance.commit_ms is None:
            # Text of an utterance whose end is not known yet.
            self.first_text(event.item_id, self.now_s)
        elif utterance.first_partial_ms is None:
            utterance.first_partial_ms = self.wall_clock.since_ms(utterance.span.end_s)
        # An utterance that is not cut yet began where the open speech began.
        start_s = self._hearing.speech_start_s if utterance is None else utterance.span.start_s
        self.partial(event.item_id, self.now_s if start_s is None else start_s, event.text)

    def _completed(self, event: protocol.Completed) -> None:
        utterance = self._utterance(event.item_id, event.utterance, event.span)
        self._items.pop(event.item_id, None)
        span = utterance.span
        client_cuts = self._hearing.turn_detection.client_cuts
        final_ms = self._timing.final(event.item_id, utterance, client_cuts=client_cuts)
        segment = Segment(
            start=span.start_s,
            end=span.end_s,
            text=event.text.strip(),
            words=event.words,
            language=event.language,
            item_id=event.item_id,
            id=event.order,
            latency_s=None if final_ms is None else final_ms / 1000,
        )
        if segment.text:
            self.transcript.append(segment)
        else:
            self.transcript.set_partial(event.item_id, "")
        self.emit(events.Final(self.now_s, event.item_id, segment), item_id=event.item_id, text=segment.text)

    def _failed(self, event: protocol.Failed) -> None:
        utterance = self._utterance(event.item_id, event.utterance, None, event.joined)
        self._items.pop(event.item_id, None)
        self.withdraw(event.item_id)
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
