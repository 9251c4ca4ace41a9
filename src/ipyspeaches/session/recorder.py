"""Writes down what happens: protocol events and utterances become results and session events."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from ipyspeaches.audio.clock import to_samples, to_seconds
from ipyspeaches.chinese import is_in_the_other, missing_converter
from ipyspeaches.languages import is_usual
from ipyspeaches.protocol import protocol_events
from ipyspeaches.protocol.protocol_events import ProtocolEvent
from ipyspeaches.protocol.recognition import Changes
from ipyspeaches.results.records import EventLog, Latency, Mark
from ipyspeaches.results.segment import Gap, Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import events
from ipyspeaches.session.ledger import Entry, Ledger, Stage
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.session.state import ENDED
from ipyspeaches.terminal import quote
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.vad.intervals import without
from ipyspeaches.vad.segmenter import Closed, Opened, SegmenterEvent
from ipyspeaches.words import has_words

LATE_S: Final = 1.0
"""More than what a notebook, a network or a busy processor takes in the ordinary course of things."""

_DRIFT: Final = 1e-3
"""Seconds a second by which a microphone's clock may run slower than the machine's, and then some."""
_SHORTEST_GAP_S: Final = 0.05
"""Less of a recording's end is rounding, not speech."""
_SURELY_SPEECH_S: Final = 0.9
"""Sound that a detector holds for speech so long has words; coughs, doors and keys are shorter."""
_APART_S: Final = 0.5
"""By which a server that cuts and the detector on this side may differ about one utterance."""

_log = logging.getLogger(__name__)


class Listener:
    """Follows a run: what was heard, what was sent, and what the recogniser says. All on the engine's loop."""

    def receive_audio(self, processed: Processed) -> None:
        """Take what the pipeline decided about new audio, before it is sent."""

    def audio_taken(self, pending: int) -> None:
        """Take note that it is under way; ``pending`` utterances have no text yet, or there is no connection."""

    def receive_event(self, event: ProtocolEvent) -> None:
        """Take an event of the recogniser."""

    def reconfigure(self, changes: Changes) -> None:
        """Take note that something else is asked of the recogniser from now on."""

    def connection_lost(self) -> None:
        """Take note that what the server had, and gave no text for, will come over another connection."""

    def pause(self) -> None:
        """Take note that nothing more is heard for now."""

    async def close(self) -> None:
        """End what was started."""


class Lateness:
    """Compares when audio came with how much of it there is: the quickest it ever came is as it is spoken."""

    def __init__(self) -> None:
        self.is_late = False  # whether the last audio was more than `LATE_S` late
        self.late_until_s = 0.0  # session second at which the last late audio ended
        self._quickest_s: float | None = None
        self._at_s = 0.0

    def observe(self, end_s: float, now_s: float) -> float:
        """Return how late the audio is that ends at session second ``end_s`` and came at ``now_s``.

        The one counts lost audio, too; the other is on a monotonic clock.
        """
        taken_s = now_s - end_s
        if self._quickest_s is None:
            self._quickest_s = taken_s
        else:
            self._quickest_s = min(taken_s, self._quickest_s + _DRIFT * (now_s - self._at_s))
        self._at_s = now_s
        late_s = taken_s - self._quickest_s
        self.is_late = late_s > LATE_S
        if self.is_late:
            self.late_until_s = end_s
        return late_s

    def kept_until(self, end_s: float) -> None:
        """Note that what was heard until then is sent late, for want of a connection."""
        self.late_until_s = max(self.late_until_s, end_s)

    def restart(self) -> None:
        """Forget what was: the session's clock has stood still meanwhile."""
        self.is_late = False
        self._quickest_s = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the server says that it transcribes with; None where it does not say."""

    model: str | None = None
    language: str | None = None


class Recorder(Listener):
    """Keeps a session's results and events, and hands each event to every listener, in order.

    Listeners run on the thread that emits (the engine's) and must not wait. ``confirmed`` is what the server
    transcribes with, once it has said so.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.transcript = Transcript()
        self.events = EventLog()
        self.latency = Latency()
        self.marks = self.transcript.marks
        self.ledger = Ledger(self.latency)
        self.lateness = Lateness()
        self.confirmed: Confirmed | None = None
        self.script: str | None = None  # the characters in which Chinese is wanted
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._history: list[events.SessionEvent] = []
        self._listeners: list[events.EventListener] = []
        self._partial_at: dict[str, float] = {}
        self._heard_s: list[tuple[float, float]] = []  # speech, by the detector on this side
        self._warned: set[str] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            protocol_events.Ready: self._ready,
            protocol_events.ServerSpeechStarted: self._server_started,
            protocol_events.ServerSpeechStopped: self._server_stopped,
            protocol_events.AudioSent: self._sent,
            protocol_events.ItemCommitted: self._committed,
            protocol_events.ItemDelta: self._delta,
            protocol_events.ItemCompleted: self._completed,
            protocol_events.ItemFailed: self._failed,
            protocol_events.Noticed: self._noticed,
            protocol_events.ConfigurationChanged: self._reconfigured,
            protocol_events.Mismatch: self._mismatch,
            protocol_events.Reported: self._reported,
            protocol_events.ClockMismatch: self._clock_mismatch,
            protocol_events.MessageLost: self._message_lost,
            protocol_events.Unknown: self._unknown,
        }

    @property
    def now_s(self) -> float:
        """The session clock."""
        return self._pipeline.store.duration_s

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
        self._tell(event)

    def subscribe(self, listener: events.EventListener, *, replay: bool = False) -> Callable[[], None]:
        """Add a listener and return what removes it; ``replay`` gives it all earlier events first."""
        with self._lock:
            if replay:
                for event in self._history:
                    listener(event)
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    async def stream(self) -> AsyncIterator[events.SessionEvent]:
        """Yield all events, earlier ones too, until the session has ended; on the caller's own loop."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[events.SessionEvent] = asyncio.Queue()

        def forward(event: events.SessionEvent) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, event)

        unsubscribe = self.subscribe(forward, replay=True)
        try:
            while True:
                event = await queue.get()
                yield event
                if isinstance(event, events.StateChanged) and event.state in ENDED:
                    return
        finally:
            unsubscribe()

    def _tell(self, event: events.SessionEvent) -> None:
        """Hand an event to all listeners; one that fails does not keep it from the others."""
        with self._lock:
            self._history.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001  a listener is not ours
                _log.exception("A listener of a session failed; the session goes on.")

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

    def receive_audio(self, processed: Processed) -> None:
        """Note what the local detector decided."""
        self.ledger.arrived(len(self._pipeline.store))
        for event in processed.events:
            self._decided(event)

    def note_lateness(self) -> None:
        """Note how late live audio comes, and say so once when it is too late."""
        was_late = self.lateness.is_late
        late_s = self.lateness.observe(self.now_s, time.monotonic())
        if self.lateness.is_late and not was_late:
            text = f"Audio came {late_s:.1f} s late: it is kept, and its text comes as much later."
            self.warn("audio_late", text)

    def receive_event(self, event: ProtocolEvent) -> None:
        """Note an event of the protocol."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def connection_lost(self) -> None:
        """Take back the text of what the server had not finished."""
        for entry in self.ledger.lose_connection():
            if entry.item_id is not None:
                self.withdraw(entry.item_id)

    def rolled_over(self, age_s: float) -> None:
        """Note that another connection has taken over from one that was so old."""
        self.connection_lost()
        self.note("RolledOver", f"Another session of the server goes on in place of one of {age_s:.0f} s.")

    def reconnecting(self, reason: str, attempt: int, wait_s: float) -> None:
        """Note that there is no connection, and when it is tried to have one again."""
        self.emit(events.Reconnecting(self.now_s, reason, attempt, wait_s), text=reason, detail=f"{wait_s:.1f}")

    def reconnected(self, lost_s: float, unsent_s: float) -> None:
        """Note that there is a connection again."""
        self.lateness.kept_until(self.now_s)
        self.emit(events.Reconnected(self.now_s, lost_s, unsent_s), detail=f"{lost_s:.1f}, {unsent_s:.1f}")

    def give_up_utterance(self, entry: Entry, reason: str) -> None:
        """Note that an utterance will have no text, because the server has lost every connection over it."""
        entry.stage = Stage.FAILED
        self._miss(entry.utterance, f"the connection was lost again and again over it: {reason}", entry.item_id)
        where = f"{entry.utterance.start_s:.1f} to {entry.utterance.end_s:.1f} s"
        self.warn("utterance_failed", f"The connection was lost again and again over {where}, which gets no text.")

    def rewrite(self, segments: Iterable[Segment], missing: Iterable[Gap]) -> None:
        """Have other texts and stretches without one, in the order in which they were said."""
        in_order = sorted(segments, key=lambda one: (one.start, one.id))
        numbered = (replace(segment, id=number) for number, segment in enumerate(in_order))
        name = self.transcript.name
        self.transcript = Transcript(numbered, sorted(missing, key=lambda gap: (gap.start, gap.end)))
        self.transcript.name, self.transcript.marks = name, self.marks

    def painted(self, item_ids: Iterable[str], at_s: float) -> None:
        """Note that final texts were on a screen at ``at_s`` on the machine's monotonic clock."""
        self.ledger.painted(item_ids, at_s)

    def partial(self, item_id: str, start_s: float, text: str, stable: int | None = None) -> None:
        """Note all that an unfinished item says so far; its first ``stable`` characters are settled."""
        self.transcript.set_partial(item_id, text)
        self.emit(events.Partial(self.now_s, item_id, start_s, text, stable), item_id=item_id, text=text)

    def withdraw(self, item_id: str) -> None:
        """Take back what an unfinished item was said to say, if anything."""
        if self.transcript.partial_of(item_id):
            self.partial(item_id, self.now_s, "", 0)

    def first_text(self, item_id: str, at_s: float) -> None:
        """Note that an item that comes had its first text at second ``at_s`` already, before its speech was over."""
        self._partial_at.setdefault(item_id, at_s)

    def give_up(self, reason: str, until_s: float | None) -> None:
        """Note that what has no text yet will have none; ``until_s`` is the end of a recording not heard to its end."""
        if self._pipeline.turn_detection.client_cuts:
            self.note_unanswered(reason)
            speech_start_s = self._pipeline.speech_start_s
            start_s = self.now_s if speech_start_s is None else speech_start_s
        else:
            # Where the server cuts, only it knows what there was after its last answer.
            start_s = self.ledger.settled_until_s
            self.note_unanswered(reason, start_s)
        end_s = self.now_s if until_s is None else max(self.now_s, until_s)
        if end_s > start_s + _SHORTEST_GAP_S:
            self.transcript.add_missing(start_s, end_s, reason)

    @property
    def in_speech(self) -> bool:
        """Whether the detector on this side hears speech now."""
        return self._pipeline.in_speech

    @property
    def client_cuts(self) -> bool:
        """Whether this side cuts."""
        return self._pipeline.turn_detection.client_cuts

    @property
    def unanswered_s(self) -> float:
        """How many seconds of audio the server has got and given no text for."""
        if self._pipeline.turn_detection.client_cuts:
            return sum(one.utterance.end_s - one.utterance.start_s for one in self.ledger.unsettled)
        return self.now_s - self.ledger.settled_until_s

    def note_lost(self, stretches: Iterable[tuple[float, float]]) -> None:
        """Note which stretches (s, from and to) of a file could not be read; of some only the start is known."""
        for start_s, end_s in stretches:
            if end_s == start_s or end_s > start_s + _SHORTEST_GAP_S:
                self.transcript.add_missing(start_s, end_s, "the file is cut off or damaged here")

    def note_language(self, code: str | None) -> None:
        """Say if most servers do not know a language."""
        if not is_usual(code):
            text = f"The language {code!r} is none of Whisper's: it goes to the server as it is, which may not know it."
            self.warn("language", text)

    def note_unanswered(self, reason: str, until_s: float = math.inf) -> None:
        """Note that utterances that end by then and have no text yet will have none."""
        for entry in [one for one in self.ledger.unsettled if one.utterance.end_s <= until_s]:
            entry.stage = Stage.FAILED
            said = f"the server reported {quote(entry.reported)} and gave no text"
            self._miss(entry.utterance, said if entry.reported else reason, entry.item_id)

    @property
    def uncut(self) -> list[tuple[float, float]]:
        """Stretches (s, from and to) that surely are speech, and out of which a server that cuts has cut nothing."""
        if self.client_cuts:
            return []
        cut = [one.utterance for one in self.ledger.entries if one.stage is not Stage.OPEN]
        told = [(one.start_s - _APART_S, one.end_s + _APART_S) for one in cut]
        told += [(gap.start, gap.end) for gap in self.transcript.missing]
        return without(self._heard_s, told, _SURELY_SPEECH_S)

    def note_uncut(self) -> None:
        """Note the speech that the server has passed over."""
        for start_s, end_s in self.uncut:
            reason = "the server cut no utterance out of what sounds like speech here"
            self.transcript.add_missing(start_s, end_s, reason)
            self.warn("passed_over", f"From {start_s:.1f} to {end_s:.1f} s {reason.removesuffix(' here')}.")

    def note_empty(self) -> None:
        """Note why a recording that was heard to its end gave no text at all, if it gave none."""
        if len(self.transcript) or len(self.transcript.missing):
            return
        if heard := len(self.ledger.entries):
            places = "the one stretch that sounds" if heard == 1 else f"the {heard} stretches that sound"
            reason = f"no words were recognised in {places} like speech"
        else:
            levels = self._pipeline.frames.level_db
            loudest = f"; its loudest moment has {levels.max():.0f} dBFS" if len(levels) else ""
            reason = f"no speech was found{loudest}"
        self.transcript.add_missing(0.0, self.now_s, reason)

    def _spoken_s(self, utterance: Utterance) -> float:
        """Return how long speech was heard in an utterance."""
        server_vad = self._pipeline.turn_detection.server_vad
        # A server that cuts counts the silence by which it knew the end.
        quiet_s = 0.0 if server_vad is None else server_vad.silence_duration_ms / 1000
        return sum(part.end_s - part.start_s for part in utterance.parts or (utterance,)) - quiet_s

    def _miss(self, utterance: Utterance, reason: str, item_id: str | None = None) -> None:
        if begun := self.transcript.partial_of(item_id or ""):
            reason = f"{reason} (it had begun with {quote(begun)})"
        self.transcript.add_missing(utterance.start_s, utterance.end_s, reason)

    def _decided(self, event: SegmenterEvent) -> None:
        start_s = to_seconds(event.start)
        if isinstance(event, Opened):
            self.emit(events.SpeechStarted(self.now_s, start_s), detail=f"{start_s:.3f}")
        elif isinstance(event, Closed):
            end_s = to_seconds(event.end)
            self.ledger.speech_ended(end_s)
            self._heard_s.append((start_s, end_s))
            self.emit(events.SpeechStopped(self.now_s, start_s, end_s), detail=f"{start_s:.3f}-{end_s:.3f}")

    def _ready(self, event: protocol_events.Ready) -> None:
        self.confirmed = Confirmed(event.model, event.language)

    def _server_started(self, event: protocol_events.ServerSpeechStarted) -> None:
        at = to_samples(event.at_s)
        self.ledger.heard_by_server(event.item_id, at, at)
        started = events.SpeechStarted(self.now_s, event.at_s, "server")
        self.emit(started, item_id=event.item_id, detail=f"{event.at_s:.3f}")

    def _server_stopped(self, event: protocol_events.ServerSpeechStopped) -> None:
        at = to_samples(event.at_s)
        entry = self.ledger.heard_by_server(event.item_id, at, at)
        entry.vad_stop_ms = self.ledger.since_ms(event.at_s)
        start_s = entry.utterance.start_s
        stopped = events.SpeechStopped(self.now_s, start_s, event.at_s, "server")
        self.emit(stopped, item_id=event.item_id, detail=f"{start_s:.3f}-{event.at_s:.3f}")

    def _sent(self, event: protocol_events.AudioSent) -> None:
        start_s, end_s = to_seconds(event.start), to_seconds(event.end)
        self._tell(events.Sent(self.now_s, start_s, end_s, start_s < self.lateness.late_until_s))

    def _committed(self, event: protocol_events.ItemCommitted) -> None:
        entry = self.ledger.committed(event.item_id, event.utterance)
        start_s, end_s = event.utterance.start_s, event.utterance.end_s
        if (partial_at_s := self._partial_at.pop(event.item_id, None)) is not None:
            # It came before the end of speech was certain; then session and wall clock run alike.
            entry.first_partial_ms = (partial_at_s - end_s) * 1000
        self.emit(events.Committed(self.now_s, event.item_id, start_s, end_s), item_id=event.item_id)

    def _delta(self, event: protocol_events.ItemDelta) -> None:
        entry = self.ledger.find(event.item_id)
        if entry is None or entry.commit_ms is None:
            # Text of an utterance whose end is not known yet.
            self.first_text(event.item_id, self.now_s)
        elif entry.first_partial_ms is None:
            entry.first_partial_ms = self.ledger.since_ms(entry.utterance.end_s)
        # An utterance that is not cut yet began where the open speech began.
        start_s = self._pipeline.speech_start_s if entry is None else entry.utterance.start_s
        self.partial(event.item_id, self.now_s if start_s is None else start_s, event.text, event.stable)

    def _completed(self, event: protocol_events.ItemCompleted) -> None:
        before = self._stage_of(event.item_id)
        entry = self.ledger.settled(event.item_id, event.utterance, Stage.FINAL)
        final_ms = None if before is Stage.FINAL else self.ledger.measure(event.item_id, entry)
        segment = Segment(
            start=event.utterance.start_s,
            end=event.utterance.end_s,
            text=event.text.strip(),
            words=event.words,
            language=event.language,
            item_id=event.item_id,
            id=entry.order,
            latency_s=None if final_ms is None else final_ms / 1000,
        )
        if before in {Stage.FINAL, Stage.FAILED}:  # the server has thought better of it
            self.transcript.remove(entry.order)
            self.transcript.forget_missing(segment.start, segment.end)
        if segment.text:
            self.transcript.append(segment)
        else:
            self.transcript.set_partial(event.item_id, "")
        heard = event.heard and (not segment.text or has_words(segment.text))
        if not heard and self._spoken_s(event.utterance) >= _SURELY_SPEECH_S:
            # Words that it has are of the one before, at its start.
            start_s = max([event.utterance.start_s, *(word.end for word in event.words)])
            self.transcript.add_missing(start_s, event.utterance.end_s, "no words were recognised")
        self._note_script(segment.text)
        self.emit(events.Final(self.now_s, event.item_id, segment), item_id=event.item_id, text=segment.text)

    def _stage_of(self, item_id: str) -> Stage | None:
        known = self.ledger.find(item_id)
        return None if known is None else known.stage

    def _note_script(self, text: str) -> None:
        """Say so once if Chinese came in other characters than the language implies, for want of what converts it."""
        if self.script is None or not is_in_the_other(text, self.script):
            return
        if (missing := missing_converter()) is not None:
            self.warn("script", f"Chinese came in other characters than asked for: {missing}", once=True)

    def _failed(self, event: protocol_events.ItemFailed) -> None:
        before = self._stage_of(event.item_id)
        entry = self.ledger.settled(event.item_id, event.utterance, Stage.FAILED)
        if before is Stage.FINAL:
            self.transcript.remove(entry.order)
            nothing = Segment(event.utterance.start_s, event.utterance.end_s, "", item_id=event.item_id, id=entry.order)
            self.emit(events.Final(self.now_s, event.item_id, nothing), item_id=event.item_id)
        self._miss(event.utterance, event.message, event.item_id)
        self.withdraw(event.item_id)
        where = f"{event.utterance.start_s:.1f} to {event.utterance.end_s:.1f} s"
        self.warn("utterance_failed", f"The server could not transcribe {where}: {event.message}")

    def _reconfigured(self, event: protocol_events.ConfigurationChanged) -> None:
        self.confirmed = Confirmed(event.model, event.language)
        changed = events.Reconfigured(self.now_s, event.turn_detection, event.model, event.language)
        self.emit(changed, detail=f"model={event.model!r}, language={event.language!r}, {event.turn_detection!r}")

    def _mismatch(self, event: protocol_events.Mismatch) -> None:
        text = f"The server uses {event.field} = {event.confirmed!r}, not {event.asked!r} as asked."
        self.warn("server_differs", text)

    def _noticed(self, event: protocol_events.Noticed) -> None:
        if event.utterance is not None:
            self._miss(event.utterance, event.message)
        self.warn(event.kind, event.message)

    def _reported(self, event: protocol_events.Reported) -> None:
        if not event.known:
            self.ledger.suspect(event.message)
        self.warn("server_error", f"The server reports: {event.message}")

    def _clock_mismatch(self, event: protocol_events.ClockMismatch) -> None:
        text = f"The server heard {event.counted_s:.2f} s where {event.sent_s:.2f} s were sent: words may be missing."
        self.warn("clock", text)

    def _message_lost(self, event: protocol_events.MessageLost) -> None:
        text = (
            f"A message of the server came incomplete ({event.reason}), a text may be missing: "
            'transcribe the recording again, or use transport="realtime".'
        )
        self.warn("message_lost", text)

    def _unknown(self, event: protocol_events.Unknown) -> None:
        self.events.append(
            time_s=self.now_s,
            wall_time=datetime.now(UTC),
            type=event.type,
            item_id=None,
            text="",
            detail=repr(event.data)[:500],
        )
