"""The utterances of a session: which commit became which item, in which order, and which still lack their text.

A server handles messages in the order they come, so the n-th ``committed`` answers the n-th commit. Finals do not
keep that order: recognitions run side by side. A server that is late says things several times; only the first of
each counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol import wire
from ipyspeaches.protocol.events import (
    Committed,
    Completed,
    Delta,
    Failed,
    ProtocolEvent,
    Span,
    SpeechStarted,
    SpeechStopped,
)
from ipyspeaches.protocol.finals import clock_mismatch, word_time
from ipyspeaches.protocol.items import Item, Pending
from ipyspeaches.protocol.media import ClockJudge
from ipyspeaches.protocol.timeline import Buffer, Timeline
from ipyspeaches.words import join_text

# With server VAD, an onset is heard at most this much after it was sent, and reported up to this much too late.
_VAD_WINDOW_SAMPLES: Final = 3 * SESSION_RATE_HZ
_ONSET_SAMPLES: Final = SESSION_RATE_HZ // 2


class Ledger:
    """Follows every utterance from its start to its text.

    Parameters
    ----------
    timeline
        Where the server's buffers begin; the ledger ends them.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._items: dict[str, Item] = {}
        self._settled: set[str] = set()
        self._commits: deque[tuple[int, Buffer, Span]] = deque()
        self._next_order = 0
        self._newer_names = False
        self._judge = None if timeline.media is None else ClockJudge(timeline.media.clock_factor)
        self._ending: Item | None = None

    def clock_restarts(self, restarts: bool) -> None:
        """Note whether the server's times count from its current buffer, or from its first one."""
        self._timeline.restarts = restarts

    # What is open

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Utterances that were committed (or whose commit was sent) and have no text yet, in commit order."""
        answered = [Pending(item.item_id, item.utterance, item.span) for item in self._waiting()]
        return (*answered, *(Pending(None, utterance, span) for utterance, _, span in self._commits))

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

    def unsettled_from(self, *, client_cuts: bool) -> int:
        """Return the first session sample whose text would be lost if the connection broke now."""
        timeline = self._timeline
        begin = timeline.sample_at(timeline.current.begin)
        starts = [timeline.last_sample, *(timeline.sample_at(buffer.begin) for _, buffer, _ in self._commits)]
        if client_cuts:
            starts.append(begin)
        elif not self.speaking:
            starts.append(max(begin, timeline.last_sample - _VAD_WINDOW_SAMPLES))
        for item in self._items.values():
            if item.buffer is not None:
                onset = round(timeline.at(item.buffer, item.started_ms) * SESSION_RATE_HZ)
                starts.append(max(timeline.sample_at(item.buffer.begin), onset - _ONSET_SAMPLES))
        return min(starts)

    # What this side does

    def commit_sent(self, utterance: int) -> None:
        """Note that a commit for all that was sent has gone out."""
        buffer = self._timeline.cut()
        self._commits.append((utterance, buffer, self._timeline.span(buffer)))

    def commit_refused(self, message: str) -> Failed | None:
        """Return the failure of the oldest unanswered commit."""
        if not self._commits:
            return self._end_refused(message)
        utterance, buffer, _ = self._commits.popleft()
        self._timeline.forget(buffer)
        return Failed("", utterance, message)

    def ending_sent(self) -> None:
        """Note that a commit has gone out for the utterance that the server's VAD is inside."""
        for item in [item for item in self._items.values() if item.open]:
            item.buffer = self._timeline.cut()
            item.span = self._timeline.span(item.buffer, item.started_ms)
            item.stopped = True
            self._number(item)
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
        yield SpeechStarted(item_id, self._timeline.at(buffer, started_ms))

    def stopped(self, item_id: str, audio_end_ms: float) -> Iterator[ProtocolEvent]:
        """Yield the end of speech, once per item; repetitions only say that the buffer is longer."""
        item = self._items.get(item_id)
        if item_id in self._settled or (item is not None and item.stopped):
            if item is not None and item.buffer is not None:
                self._timeline.extend(item.buffer, self._timeline.in_buffer(item.buffer, audio_end_ms))
            return
        item = item or self._items.setdefault(item_id, Item(item_id))
        end_ms = self._timeline.in_buffer(self._timeline.current, audio_end_ms)
        item.buffer = self._timeline.cut_at(end_ms)
        item.span = self._timeline.span(item.buffer, item.started_ms, end_ms)
        item.stopped = True
        self._number(item)
        yield SpeechStopped(item_id, item.span.end_s)

    def committed(self, item_id: str) -> Iterator[ProtocolEvent]:
        """Yield the commit, once per item, paired with ours if it is one of ours."""
        self._take_ending(item_id)
        item = self._items.get(item_id)
        if item_id in self._settled or (item is not None and item.committed):
            return
        if item is None or item.buffer is None:
            item = self._items.setdefault(item_id, Item(item_id))
            self._pair(item)
        elif not item.stopped:
            self._timeline.cut()
            item.span = self._timeline.span(item.buffer, item.started_ms)
        item.committed = True
        yield Committed(item_id, self._number(item), item.utterance, item.span)

    def created(self, item_id: str) -> None:
        """Note that the item is in the conversation."""
        if item_id in self._items:
            self._items[item_id].created = True

    def delta(self, item_id: str | None, text: str, *, older: bool = False) -> Iterator[ProtocolEvent]:
        """Yield all text of an unfinished item so far."""
        item_id = self._resolve(item_id, older=older)
        if item_id is None or item_id in self._settled or not text:
            return
        item = self._items.setdefault(item_id, Item(item_id))
        item.text += text
        yield Delta(item_id, item.text)

    def segment(self, event: wire.TranscriptionSegment) -> Iterator[ProtocolEvent]:
        """Yield the finished stretches of an unfinished item so far, unless its text comes as deltas."""
        if event.item_id in self._settled or not event.text.strip():
            return
        item = self._items.setdefault(event.item_id, Item(event.item_id))
        item.stretches = join_text((item.stretches, event.text))
        if not item.text:
            yield Delta(item.item_id, item.stretches)

    def completed(
        self, event: wire.TranscriptionCompleted | wire.ResponseDone, *, older: bool = False
    ) -> Iterator[ProtocolEvent]:
        """Yield the final text, once per item, behind the commit if the server left that out."""
        item_id = self._resolve(event.item_id, older=older)
        if item_id is None or item_id in self._settled:
            return
        yield from self.committed(item_id)
        item = self._settle(item_id)
        self._settled.add(event.item_id or item_id)
        language, words = None, []
        if isinstance(event, wire.TranscriptionCompleted):
            language, words = event.spoken, event.words or []
            mismatch = clock_mismatch(self._timeline, item, event.usage, self._judge)
            yield from () if mismatch is None else (mismatch,)
        times = tuple(word_time(self._timeline, item.buffer, word) for word in words) if item.buffer else ()
        text = event.transcript.strip()
        yield Completed(item_id, self._number(item), item.utterance, item.span, text, language, times)
        self._forget(item)

    def failed(self, item_id: str, message: str) -> Iterator[ProtocolEvent]:
        """Yield that the item will have no text."""
        if item_id in self._settled:
            return
        yield from self.committed(item_id)
        item = self._settle(item_id)
        yield Failed(item_id, item.utterance, message)
        self._forget(item)

    def _take_ending(self, item_id: str) -> None:
        """Let the answer to the commit of `ending_sent` have the utterance, should it bear another name."""
        ending = self._ending
        if ending is None or (item_id != ending.item_id and (item_id in self._items or item_id in self._settled)):
            return
        self._items[item_id] = self._items.pop(ending.item_id)
        ending.item_id = item_id
        self._ending = None

    def _end_refused(self, message: str) -> Failed | None:
        ending, self._ending = self._ending, None
        if ending is None:
            return None
        self._forget(self._settle(ending.item_id))
        return Failed(ending.item_id, None, message)

    def _waiting(self) -> list[Item]:
        open_items = [item for item in self._items.values() if item.order is not None]
        return sorted(open_items, key=lambda item: item.order or 0)

    def _number(self, item: Item) -> int:
        if item.order is None:
            item.order = self._next_order
            self._next_order += 1
        return item.order

    def _pair(self, item: Item) -> None:
        """Give the item the oldest unanswered commit, or all that was sent if this side never commits."""
        if self._commits:
            item.utterance, item.buffer, item.span = self._commits.popleft()
        else:
            item.buffer = self._timeline.cut()
            item.span = self._timeline.span(item.buffer)

    def _resolve(self, item_id: str | None, *, older: bool) -> str | None:
        """Return the item that a text belongs to.

        Older servers name a response instead of the item: it is the oldest one without text. On servers that know
        the newer names, the older ones stand for speech of the server itself, which is nothing of ours.
        """
        self._newer_names |= not older
        if item_id is not None and (not older or item_id in self._items or item_id in self._settled):
            return item_id
        waiting = self._waiting()
        if waiting:
            return waiting[0].item_id
        return item_id if not (older and self._newer_names) else None

    def _settle(self, item_id: str) -> Item:
        self._settled.add(item_id)
        return self._items.pop(item_id)

    def _forget(self, item: Item) -> None:
        if item.buffer is not None:
            self._timeline.forget(item.buffer)
