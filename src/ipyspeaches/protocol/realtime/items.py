"""The items of one realtime connection: which commit became which, and which still lack their text.

A server handles messages in the order they come, so the n-th ``committed`` answers the n-th commit. Finals do not
keep that order: recognitions run side by side. A server that is late says things several times; only the first of
each counts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Noticed,
    ProtocolEvent,
    ServerSpeechStarted,
    ServerSpeechStopped,
)
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.media import HELD_SAMPLES, ClockJudge
from ipyspeaches.protocol.realtime.timeline import Buffer, Timeline
from ipyspeaches.terminal import quote
from ipyspeaches.vad.gate import Cut, Utterance
from ipyspeaches.words import GrowingText, Word, fullest, needs_space, words_within

# The server's seconds differ "clearly" beyond a tenth of the utterance and a tenth of a second; servers that count
# in whole seconds get one more.
_MISMATCH_SHARE: Final = 0.1
_MISMATCH_S: Final = 0.1


@dataclass(slots=True)
class Item:
    """What is known of one utterance on this connection.

    ``heard`` and ``stopped`` are the verdicts of the server's VAD, ``committed`` says that it is an item, ``created``
    that the item is in the conversation. ``order`` counts from 0 those that are over.
    """

    item_id: str
    buffer: Buffer | None = None
    order: int | None = None
    utterance: Utterance | None = None
    started_ms: float = 0.0
    text: GrowingText = field(default_factory=GrowingText)
    stretches: GrowingText = field(default_factory=GrowingText)
    last_stretch: str = ""
    heard: bool = False
    stopped: bool = False
    committed: bool = False
    created: bool = False

    @property
    def said(self) -> str:
        """Its text so far."""
        return (str(self.text) or str(self.stretches)).strip()

    @property
    def open(self) -> bool:
        """Whether the server's VAD is inside this utterance."""
        return self.heard and not self.stopped and not self.committed

    @property
    def between(self) -> bool:
        """Whether the server is about to put this utterance into the conversation."""
        return (self.stopped or self.committed) and not self.created


class Items:
    """Follows every item from its start to its text; ends the server's buffers on the timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._items: dict[str, Item] = {}
        self._settled: set[str] = set()
        self._failed: dict[str, Utterance] = {}  # among these, without any text
        self._commits: deque[tuple[Utterance, Buffer]] = deque()  # without an answer
        self._next_order = 0
        self.any_text = False  # whether any item has its final text
        self.older_are_answers = False  # whether the older names stand for speech of the server itself
        self._judge = None if timeline.media is None else ClockJudge(timeline.media.clock_factor)
        self._ending: Item | None = None

    # What is open

    @property
    def pending(self) -> int:
        """How many utterances were committed, or had their commit sent, and have no text yet."""
        return len(self._waiting()) + len(self._commits)

    @property
    def pending_ids(self) -> tuple[str, ...]:
        """The items among them, in the order in which they were committed."""
        return tuple(item.item_id for item in self._waiting())

    @property
    def speaking(self) -> bool:
        """Whether the server's VAD is inside an utterance."""
        return any(item.open for item in self._items.values())

    @property
    def nothing_on_its_way(self) -> bool:
        """Whether every utterance is in the conversation, so that the server may be told to clear.

        It drops the connection when a buffer vanishes before its item is in the conversation.
        """
        return not self._commits and not any(item.open or item.between for item in self._items.values())

    def is_stopped(self, item_id: str) -> bool:
        """Whether the server's VAD has ended this utterance, whose text is still to come."""
        return item_id in self._items and self._items[item_id].stopped

    # What this side does

    def commit_sent(self, utterance: Utterance) -> None:
        """Note that a commit for all that was sent has gone out."""
        self._commits.append((utterance, self._timeline.cut()))

    def commit_refused(self, message: str) -> ItemFailed | None:
        """Return the failure of the oldest unanswered commit."""
        if not self._commits:
            return self._ending_refused(message)
        utterance, buffer = self._commits.popleft()
        self._timeline.forget(buffer)
        return ItemFailed("", utterance, message)

    def ending_sent(self) -> None:
        """Note that a commit has gone out for the utterance that the server's VAD is inside."""
        for item in [item for item in self._items.values() if item.open]:
            item.stopped = True
            self._end(item, self._timeline.cut())
            self._ending = item

    # What the server says

    def cleared(self, position: int | None) -> None:
        """Begin anew at a stream position; an utterance under way is gone."""
        if position is not None:
            self._timeline.restart_at(position)
        for item in [i for i in self._items.values() if not i.stopped and not i.committed]:
            del self._items[item.item_id]

    def started(self, item_id: str, audio_start_ms: float) -> Iterator[ProtocolEvent]:
        """Yield the start of speech, once per item."""
        if item_id in self._items or item_id in self._settled:
            return
        buffer = self._timeline.current
        started_ms = self._timeline.in_buffer(buffer, audio_start_ms)
        self._items[item_id] = Item(item_id, buffer, started_ms=started_ms, heard=True)
        yield ServerSpeechStarted(item_id, self._timeline.at(buffer, started_ms))

    def stopped(self, item_id: str, audio_end_ms: float) -> Iterator[ProtocolEvent]:
        """Yield the end of speech, once per item; repetitions only say that the buffer is longer."""
        item = self._items.get(item_id)
        if item_id in self._settled or (item is not None and item.stopped):
            if item is not None and item.buffer is not None:
                self._timeline.extend(item.buffer, self._timeline.in_buffer(item.buffer, audio_end_ms))
            return
        item = item or self._items.setdefault(item_id, Item(item_id))
        end_ms = self._timeline.in_buffer(self._timeline.current, audio_end_ms)
        item.stopped = True
        yield ServerSpeechStopped(item_id, self._end(item, self._timeline.cut_at(end_ms), end_ms).end_s)

    def committed(self, item_id: str) -> Iterator[ProtocolEvent]:
        """Yield the commit, once per item, paired with ours if it is one of ours."""
        self._answer_ending(item_id)
        item = self._items.get(item_id)
        if item_id in self._settled or (item is not None and item.committed):
            return
        if item is None or item.buffer is None:
            item = self._items.setdefault(item_id, Item(item_id))
            utterance = self._pair(item)
        elif not item.stopped or item.utterance is None:
            self._timeline.cut()
            utterance = self._end(item, item.buffer)
        else:
            utterance = item.utterance
        item.committed = True
        yield ItemCommitted(item_id, utterance)

    def created(self, said: wire.ConversationItem) -> Iterator[ProtocolEvent]:
        """Note that an item is in the conversation, and yield its final text where it has that already."""
        self.older_are_answers |= said.role == "assistant"
        item = self._items.get(said.id or "")
        if item is None:
            return
        item.created = True
        if said.transcript and said.role != "assistant":
            yield from self.completed(wire.TranscriptionCompleted(transcript=said.transcript, item_id=item.item_id))

    def delta(
        self, item_id: str | None, text: str, tentative: str | None = None, *, older: bool = False
    ) -> Iterator[ProtocolEvent]:
        """Yield all text of an unfinished item so far, and what may still change at its end, if the server tells."""
        item_id = self._resolve(item_id, older=older)
        if item_id is None or item_id in self._settled or not (text or tentative is not None):
            return
        item = self._items.setdefault(item_id, Item(item_id))
        if item.text.append(text) or tentative is not None:
            stable = None if tentative is None else len(item.text)
            yield ItemDelta(item_id, str(item.text) + (tentative or ""), stable)

    def segment(self, event: wire.TranscriptionSegment) -> Iterator[ProtocolEvent]:
        """Yield the finished stretches of an unfinished item so far, unless its text comes as deltas."""
        text = event.text.strip()
        if event.item_id in self._settled or not text:
            return
        item = self._items.setdefault(event.item_id, Item(event.item_id))
        space = " " if item.last_stretch and needs_space(item.last_stretch, text) else ""
        item.last_stretch = text
        if item.stretches.append(space + text) and not item.text:
            yield ItemDelta(item.item_id, str(item.stretches))

    def completed(self, event: wire.TranscriptionCompleted, *, older: bool = False) -> Iterator[ProtocolEvent]:
        """Yield the final text, once per item, behind the commit if the server left that out."""
        item_id = self._resolve(event.item_id, older=older)
        if item_id is None and not older:
            item_id = self._name(event.transcript)
        language, words, text = event.spoken, event.words or [], event.transcript.strip()
        if item_id is None or item_id in self._settled:
            # A server that has failed may try once more.
            if text and item_id in self._failed:
                yield ItemCompleted(item_id, self._failed.pop(item_id), text, language, ())
            return
        yield from self.committed(item_id)
        item = self._settle(item_id)
        self.any_text = True
        self._settled.add(event.item_id or item_id)
        assert item.utterance is not None
        mismatch = self._clock_mismatch(item, event.usage)
        yield from () if mismatch is None else (mismatch,)
        times: tuple[Word, ...] = ()
        if item.buffer is not None:
            inside = words_within(words, self._timeline.sent_seconds(item.buffer))
            times = tuple(self._on_session_clock(item.buffer, word) for word in inside)
        whole = fullest(text, item.said)
        yield ItemCompleted(item_id, item.utterance, whole, language, times, heard=bool(whole))
        self._forget(item)

    def failed(self, item_id: str | None, message: str) -> Iterator[ProtocolEvent]:
        """Yield that the item will have no text."""
        item_id = self._resolve(item_id, older=False) or self._name()
        if item_id is None or item_id in self._settled:
            return
        yield from self.committed(item_id)
        item = self._settle(item_id)
        assert item.utterance is not None
        if item.said:
            why = f"The server gave half of a text and reported {quote(message)}: transcribe this part again."
            yield Noticed("incomplete", why, item.utterance)
            yield ItemCompleted(item_id, item.utterance, item.said, None, ())
        else:
            self._failed[item_id] = item.utterance
            yield ItemFailed(item_id, item.utterance, message)
        self._forget(item)

    def _answer_ending(self, item_id: str) -> None:
        """Let the answer to the commit of `ending_sent` have the utterance, should it bear another name."""
        ending = self._ending
        if ending is None or (item_id != ending.item_id and (item_id in self._items or item_id in self._settled)):
            return
        self._items[item_id] = self._items.pop(ending.item_id)
        ending.item_id = item_id
        self._ending = None

    def _ending_refused(self, message: str) -> ItemFailed | None:
        ending, self._ending = self._ending, None
        if ending is None or ending.utterance is None:
            return None
        self._forget(self._settle(ending.item_id))
        return ItemFailed(ending.item_id, ending.utterance, message)

    def _waiting(self) -> list[Item]:
        return sorted(
            (item for item in self._items.values() if item.order is not None), key=lambda item: item.order or 0
        )

    def _number(self, item: Item) -> int:
        if item.order is None:
            item.order = self._next_order
            self._next_order += 1
        return item.order

    def _pair(self, item: Item) -> Utterance:
        """Give the item the oldest unanswered commit, or all that was sent if this side never commits."""
        if not self._commits:
            return self._end(item, self._timeline.cut())
        self._number(item)
        item.utterance, item.buffer = self._commits.popleft()
        return item.utterance

    def _end(self, item: Item, buffer: Buffer, end_ms: float = math.inf) -> Utterance:
        """Note the utterance that the server has cut: what was said in its buffer from the onset on."""
        item.buffer = buffer
        start, end = self._timeline.span(buffer, item.started_ms, end_ms)
        item.utterance = Utterance(self._number(item), start, end, Cut.SERVER)
        return item.utterance

    def _resolve(self, item_id: str | None, *, older: bool) -> str | None:
        """Return the item that a text belongs to.

        Older servers name a response instead of the item: it is the oldest one without text. On servers that know
        the newer names, the older ones stand for speech of the server itself, which is nothing of ours.
        """
        self.older_are_answers |= not older
        if item_id is not None and (not older or item_id in self._items or item_id in self._settled):
            return item_id
        if older and self.older_are_answers:
            return None
        waiting = self._waiting()
        if waiting:
            return waiting[0].item_id
        return item_id

    def _name(self, text: str = "") -> str | None:
        """Return a name for an item that the server does not name and never has; None if there is nothing to it."""
        return f"unnamed_{self._next_order}" if self._commits or text.strip() else None

    def _settle(self, item_id: str) -> Item:
        self._settled.add(item_id)
        return self._items.pop(item_id)

    def _forget(self, item: Item) -> None:
        if item.buffer is not None:
            self._timeline.forget(item.buffer)

    # What comes with a final text

    def _on_session_clock(self, buffer: Buffer, word: Word) -> Word:
        start_s = self._timeline.at(buffer, word.start * 1000)
        end_s = self._timeline.at(buffer, word.end * 1000, ending=True)
        return Word(word.word.strip(), start_s, max(start_s, end_s), word.probability)

    def _clock_mismatch(self, item: Item, usage: wire.Usage | None) -> ClockMismatch | None:
        """Return that the server counts clearly other seconds than were sent, and learn from what it counts."""
        if usage is None or usage.seconds is None or item.buffer is None:
            return None
        if item.heard and not self._timeline.restarts:
            return None  # a GA server counts what its VAD has heard, not the buffer
        counted_s, tolerance_s = usage.seconds, _MISMATCH_S + (1.0 if usage.seconds.is_integer() else 0.0)
        if self._judge is None:
            if item.stopped:
                self._timeline.extend(item.buffer, counted_s * 1000)  # a late server's buffer grows by its count
            sent_s = self._timeline.sent_seconds(item.buffer)
        else:
            sent_s = self._learn_clock(self._judge, item.buffer, counted_s)
            if item.stopped:
                return None  # how much was sent when the server ended a stream's buffer, nobody knows
            counted_s *= self._judge.factor
            # A part of what was sent may be on its way still, or have come with the buffer before.
            tolerance_s += to_seconds(HELD_SAMPLES)
        if not sent_s or abs(counted_s - sent_s) <= _MISMATCH_SHARE * sent_s + tolerance_s:
            return None
        return ClockMismatch(item.item_id, sent_s, counted_s)

    def _learn_clock(self, judge: ClockJudge, buffer: Buffer, counted_s: float) -> float:
        """Learn how the clock of a media stream runs; return how many seconds were sent into a buffer."""
        sent_s = to_seconds(buffer.sent_end - buffer.sent_begin)
        self._timeline.extend(buffer, counted_s * 1000)
        if judge.observe(sent_s, counted_s):
            self._timeline.recount(judge.factor)
        return sent_s
