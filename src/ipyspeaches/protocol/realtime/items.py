"""The items of one realtime connection: what became of each utterance, and which still lack their text.

Finals come in any order: recognitions run side by side. A server that is late says things several times; what is said
again and differs takes the place of what was said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.errors import ConnectionLostError, ProtocolError, ServerError
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
from ipyspeaches.protocol.realtime.commits import Commit, Fences, Item, agree
from ipyspeaches.protocol.realtime.media import HELD_SAMPLES, ClockJudge
from ipyspeaches.protocol.realtime.timeline import Buffer, Timeline
from ipyspeaches.terminal import quote
from ipyspeaches.vad.gate import Cut, Utterance
from ipyspeaches.words import GrowingText, Word, join_text, needs_space, words_within

_LONG_ENOUGH: Final = SESSION_RATE_HZ // 5
"""Servers take no commit of less than half of that."""


class Items:
    """Follows every item from its start to its text; ends the server's buffers on the timeline.

    ``earlier`` are names of items on connections before this one.
    """

    def __init__(self, timeline: Timeline, *, client_cuts: bool, earlier: frozenset[str] = frozenset()) -> None:
        self._timeline = timeline
        self._client_cuts = client_cuts
        self._earlier = earlier
        self._items: dict[str, Item] = {}
        self._settled: dict[str, Item] = {}  # those that are over, or nobody's, by all their names
        self._commits: list[Commit] = []  # committed or ended, and without a text
        self.fences = Fences()
        self._cut_off: list[Item] = []  # by the server's VAD, and of the next commit
        self._commits_so_far = 0
        self.doubt: ServerError | None = None  # why nobody can know any more which text is whose
        self.any_answer = False  # whether any item has its final text, or has failed
        self.older_are_answers = False  # whether the older names stand for speech of the server itself
        self._judge = None if timeline.media is None else ClockJudge(timeline.media.clock_factor)
        self._ending: Item | None = None

    # What is open

    @property
    def pending(self) -> int:
        """How many utterances were committed, or had their commit sent, and have no text yet."""
        return len(self._commits)

    @property
    def pending_ids(self) -> tuple[str, ...]:
        """The items among them, in the order in which they were committed."""
        return tuple(commit.name for commit in self._commits if commit.name)

    @property
    def names(self) -> frozenset[str]:
        """What items were called on this connection, and on those before."""
        return self._earlier.union(self._items, self._settled)

    @property
    def speaking(self) -> bool:
        """Whether the server's VAD is inside an utterance."""
        return any(item.open for item in self._items.values())

    @property
    def nothing_on_its_way(self) -> bool:
        """Whether every utterance is in the conversation, so that the server may be told to clear.

        It drops the connection when a buffer vanishes before its item is in the conversation.
        """
        return all(commit.name for commit in self._commits) and not any(
            item.open or item.between for item in self._items.values()
        )

    def is_stopped(self, item_id: str) -> bool:
        """Whether the server's VAD has ended this utterance, whose text is still to come."""
        return item_id in self._items and self._items[item_id].stopped

    # What this side does

    def commit_sent(self, utterance: Utterance, commit_id: str) -> Commit:
        """Note that a commit for all that was sent has gone out."""
        commit = Commit(utterance, self._timeline.cut(), self._cut_off, commit_id)
        for item in self._cut_off:
            item.commit = commit
        self._cut_off = []
        self._commits.append(commit)
        return commit

    def commit_refused(self, message: str) -> Iterator[ProtocolEvent]:
        """Yield the failure of the commit that the server is at."""
        commit = self.fences.at(self._commits)
        if commit is None or commit.name:
            yield from self._ending_refused(message)
        elif commit.items:  # its VAD has left nothing of it
            yield from self._answer(commit, commit.items[-1])
        elif self._timeline.media is not None and commit.utterance.end - commit.utterance.start > _LONG_ENOUGH:
            self._doubt(commit)  # its packets were lost on the way
        else:
            self._commits.remove(commit)
            commit.done = True
            self._timeline.forget(commit.buffer)
            yield ItemFailed("", commit.utterance, message)

    def ending_sent(self) -> None:
        """Note that a commit has gone out for the utterance that the server's VAD is inside."""
        for item in [item for item in self._items.values() if item.open]:
            item.stopped = True
            self._end(item, self._timeline.cut())
            self._ending = item

    # What the server says

    def fence_returned(self, *, refused: bool) -> Iterator[ProtocolEvent]:
        """Note that the server has handled what was sent before the oldest fence; yield what is certain by that."""
        commit = self.fences.returned(refused=refused)
        if commit is None or commit.done:
            return
        if commit.name:
            yield from self._settle(commit)
        elif commit.items and not commit.error:
            yield from self._answer(commit, commit.counted[-1])
        elif commit.error or self.fences.in_order:
            self._doubt(commit)

    def reported(self, message: str, commit_id: str | None) -> None:
        """Note an error of which nobody says what it is about, unless it names a commit."""
        named = next((commit for commit in self._commits if commit_id and commit.commit_id == commit_id), None)
        commit = named or self.fences.at(self._commits)
        if commit is not None and not commit.name:
            commit.error = message
            if named is not None:
                self._doubt(commit)

    def message_lost(self) -> None:
        """Note a message of the server that nobody can read: while fences are under way, it may have been one."""
        if self.fences.under_way:
            why = (
                "A message of the server came damaged, which may have been an answer: connect again and ask once more."
            )
            self.doubt = ConnectionLostError(why)

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
        self._items[item_id] = Item(item_id, buffer=buffer, started_ms=started_ms, heard=True)
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

    def heard_beside(self, item_id: str) -> None:
        """Note that the server's VAD has heard an item, although this side cuts."""
        if item_id not in self._settled:
            self._items.setdefault(item_id, Item(item_id)).cut_off = True

    def committed(self, item_id: str) -> Iterator[ProtocolEvent]:
        """Yield the commit, once per utterance."""
        self._answer_ending(item_id)
        item = self._items.get(item_id)
        if item_id in self._settled or (item is not None and item.committed):
            return
        item = item or self._items.setdefault(item_id, Item(item_id))
        item.committed = True
        if self._client_cuts:
            yield from self._assign(item)
            return
        if item.commit is None:  # not stopped, and perhaps not even heard
            ended = self._timeline.cut()
            self._end(item, item.buffer or ended)
        assert item.commit is not None
        yield ItemCommitted(item_id, item.commit.utterance)

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
            yield self._grown(item, str(item.text) + (tentative or ""), stable)

    def segment(self, event: wire.TranscriptionSegment) -> Iterator[ProtocolEvent]:
        """Yield the finished stretches of an unfinished item so far, unless its text comes as deltas."""
        text = event.text.strip()
        if event.item_id in self._settled or not text:
            return
        item = self._items.setdefault(event.item_id, Item(event.item_id))
        space = " " if item.last_stretch and needs_space(item.last_stretch, text) else ""
        item.last_stretch = text
        if item.stretches.append(space + text) and not item.text:
            yield self._grown(item, str(item.stretches))

    def completed(self, event: wire.TranscriptionCompleted, *, older: bool = False) -> Iterator[ProtocolEvent]:
        """Yield the final text, behind the commit if the server left that out, and again where another replaces it."""
        item_id = self._resolve(event.item_id, older=older)
        if item_id is None and not older:
            item_id = self._name(event.transcript)
        if item_id is None:
            return
        yield from self.committed(item_id)
        item, text = self._known(item_id), event.transcript.strip()
        self._settled.setdefault(event.item_id or item_id, item)
        if item.ended and (not text or text == item.finals.get(event.content_index)):
            return
        self.any_answer = True
        item.finals[event.content_index] = text
        item.final, item.failed = event, False
        yield from self._advance(item)

    def failed(self, item_id: str | None, message: str) -> Iterator[ProtocolEvent]:
        """Yield that the item will have no text; one that it had before is taken back."""
        item_id = self._resolve(item_id, older=False) or self._name()
        if item_id is None:
            return
        yield from self.committed(item_id)
        item = self._known(item_id)
        if item.failed or item.failure == message:  # again
            return
        self.any_answer = True
        if item.finals:
            message = f"the server took back {quote(item.said)}: {message}"
            item.finals.clear()
            item.text, item.stretches = GrowingText(), GrowingText()
        item.failed, item.failure = True, message
        yield from self._advance(item)

    # Whose an item is

    def _known(self, item_id: str) -> Item:
        return self._settled[item_id] if item_id in self._settled else self._items[item_id]

    def _assign(self, item: Item) -> Iterator[ProtocolEvent]:
        """Give an item to the commit that the server is at."""
        commit = self.fences.at(self._commits)
        unanswered = [one for one in self._commits if not one.name]
        if commit in unanswered[:-1] and (commit.error or commit.over) and not self.fences.hold:
            self._doubt(commit)  # it may be the next one's
        item.earlier = item.item_id in self._earlier and self.fences.hold
        surely = not item.earlier and not (item.cut_off and self.fences.hold)
        if commit is not None:
            item.commit = commit
            commit.items.append(item)
            if surely and not commit.name:
                yield from self._answer(commit, item)
                return
        elif item.cut_off and self._timeline.position > self._timeline.current.begin:
            self._cut_off.append(item)
        else:
            self._settled[item.item_id] = self._items.pop(item.item_id)  # it is nobody's
        if item.said:
            yield ItemDelta(item.item_id, "")  # it is told with others, or not at all

    def _answer(self, commit: Commit, item: Item) -> Iterator[ProtocolEvent]:
        """Let an item be the answer to a commit."""
        commit.name, commit.error = item.item_id, ""
        self._commits_so_far += 1
        yield ItemCommitted(commit.name, commit.utterance)
        yield from self._settle(commit)

    def _doubt(self, commit: Commit) -> None:
        """Note that nobody knows the answer to a commit, nor what the server still has of it and will put elsewhere."""
        if commit.error:
            why = f"The server answered an utterance with the error {quote(commit.error)}: see its log, then try again."
            self.doubt = ProtocolError(why)
        elif commit.name:
            several = ", ".join(quote(item.said) for item in commit.counted if item.said)
            self.doubt = ProtocolError(f"The server gave several texts for one utterance: {several}. Try again.")
        else:
            self.doubt = ConnectionLostError(
                "The server passed over an utterance: connect again and send it once more."
            )

    def _advance(self, item: Item) -> Iterator[ProtocolEvent]:
        """Yield what the end of an item brings to an end."""
        commit = item.commit
        if commit is not None:
            yield from self._tell(commit) if commit.done else self._settle(commit)
        elif item not in self._cut_off and item.said and item.item_id not in self._earlier:
            yield Noticed("unasked", f"The server gave a text for nothing that was sent to it: {quote(item.said)}.")

    def _settle(self, commit: Commit) -> Iterator[ProtocolEvent]:
        """Yield how an utterance has ended, once that is certain."""
        waits = self.fences.hold and not commit.over
        if not commit.name or waits or not all(item.ended for item in commit.counted):
            return
        commit.sent_s = self._timeline.sent_seconds(commit.buffer)
        if not commit.chosen():
            self._doubt(commit)  # asked again, what was told before is known by its name
            return
        self._commits.remove(commit)
        commit.done = True
        for item in commit.items:
            self._settled[item.item_id] = self._items.pop(item.item_id, item)
        mismatch, words = self._measured(commit) if len(commit.items) == 1 else (None, ())
        yield from () if mismatch is None else (mismatch,)
        self._timeline.forget(commit.buffer)
        yield from self._tell(commit, words)

    def _tell(self, commit: Commit, words: tuple[Word, ...] = ()) -> Iterator[ProtocolEvent]:
        """Yield the text of an utterance, or that it has none, unless that was told."""
        chosen = commit.chosen()
        text = join_text(item.said for item in chosen)
        failures = [item.failure for item in chosen if item.failed]
        if not chosen or text == commit.text or (failures and not text and commit.failed):
            return
        commit.text, commit.failed = text, bool(failures and not text)
        if commit.failed:
            yield ItemFailed(commit.name, commit.utterance, failures[0])
            return
        if failures:
            why = f"The server gave half of a text and reported {quote(failures[0])}: transcribe this part again."
            yield Noticed("incomplete", why, commit.utterance)
        spoken = next((item.final.spoken for item in chosen if item.final is not None), None)
        yield ItemCompleted(commit.name, commit.utterance, text, spoken, words, heard=bool(text))

    def _answer_ending(self, item_id: str) -> None:
        """Let the answer to the commit of `ending_sent` have the utterance, should it bear another name."""
        ending = self._ending
        if ending is None or (item_id != ending.item_id and (item_id in self._items or item_id in self._settled)):
            return
        assert ending.commit is not None
        self._items[item_id] = self._items.pop(ending.item_id)
        ending.item_id = ending.commit.name = item_id
        self._ending = None

    def _ending_refused(self, message: str) -> Iterator[ProtocolEvent]:
        ending, self._ending = self._ending, None
        if ending is not None:
            ending.committed = True
            yield from self.failed(ending.item_id, message)

    def _end(self, item: Item, buffer: Buffer, end_ms: float = math.inf) -> Utterance:
        """Note the utterance that the server has cut: what was said in its buffer from the onset on."""
        item.buffer = buffer
        start, end = self._timeline.span(buffer, item.started_ms, end_ms)
        utterance = Utterance(self._commits_so_far, start, end, Cut.SERVER)
        item.commit = Commit(utterance, buffer, [item], name=item.item_id, over=True)
        self._commits.append(item.commit)
        self._commits_so_far += 1
        return utterance

    def _grown(self, item: Item, text: str, stable: int | None = None) -> ItemDelta:
        commit = item.commit
        if commit is None or len(commit.items) == 1 or not commit.name:
            return ItemDelta(item.item_id, text, stable)
        return ItemDelta(commit.name, commit.said)

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
        return next(iter(self.pending_ids), item_id)

    def _name(self, text: str = "") -> str | None:
        """Return a name for an item that the server does not name and never has; None if there is nothing to it."""
        waits = any(not commit.name for commit in self._commits)
        return f"unnamed_{self._commits_so_far}" if waits or text.strip() else None

    # What comes with a final text

    def _measured(self, commit: Commit) -> tuple[ClockMismatch | None, tuple[Word, ...]]:
        """Return whether the server counts other seconds than were sent, and the words on the session clock."""
        final = commit.items[0].final
        if final is None:
            return None, ()
        mismatch = self._clock_mismatch(commit, commit.items[0])
        inside = words_within(final.words or [], self._timeline.sent_seconds(commit.buffer))
        return mismatch, tuple(self._on_session_clock(commit.buffer, word) for word in inside)

    def _on_session_clock(self, buffer: Buffer, word: Word) -> Word:
        start_s = self._timeline.at(buffer, word.start * 1000)
        end_s = self._timeline.at(buffer, word.end * 1000, ending=True)
        return Word(word.word.strip(), start_s, max(start_s, end_s), word.probability)

    def _clock_mismatch(self, commit: Commit, item: Item) -> ClockMismatch | None:
        """Return that the server counts clearly other seconds than were sent, and learn from what it counts."""
        counted_s, tolerance_s = item.seconds, 0.0
        if counted_s is None or (item.heard and not self._timeline.restarts):
            return None  # a GA server counts what its VAD has heard, not the buffer
        if self._judge is None:
            if item.stopped:
                self._timeline.extend(commit.buffer, counted_s * 1000)  # a late server's buffer grows by its count
            sent_s = self._timeline.sent_seconds(commit.buffer)
        else:
            sent_s = self._learn_clock(self._judge, commit.buffer, counted_s)
            if item.stopped:
                return None  # how much was sent when the server ended a stream's buffer, nobody knows
            counted_s *= self._judge.factor
            # A part of what was sent may be on its way still, or have come with the buffer before.
            tolerance_s += to_seconds(HELD_SAMPLES)
        if not sent_s or agree(counted_s, sent_s, tolerance_s):
            return None
        return ClockMismatch(item.item_id, sent_s, counted_s)

    def _learn_clock(self, judge: ClockJudge, buffer: Buffer, counted_s: float) -> float:
        """Learn how the clock of a media stream runs; return how many seconds were sent into a buffer."""
        sent_s = to_seconds(buffer.sent_end - buffer.sent_begin)
        self._timeline.extend(buffer, counted_s * 1000)
        if judge.observe(sent_s, counted_s):
            self._timeline.recount(judge.factor)
        return sent_s
