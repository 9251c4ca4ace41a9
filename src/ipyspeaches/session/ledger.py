"""The utterances of a session: for each, how far it has come, over which connection, and when."""

from __future__ import annotations

import bisect
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ipyspeaches.audio.clock import to_samples, to_seconds
from ipyspeaches.results.records import Latency
from ipyspeaches.vad.gate import Cut, Send, Utterance

_KEPT_BLOCKS: Final = 6_000
"""Ten minutes of 100 ms blocks: no utterance's latency looks back further."""
_SPEECH_ENDS: Final = 256
"""Ends of speech to remember: a server that cuts has only its last utterances open."""
_UNPAINTED: Final = 256
"""Final texts that may wait for a page to say that it has painted them; without a page, all do."""

SUSPECT: Final = 3
"""Connections lost over an utterance, after which it goes behind all others, and alone."""


class Stage(StrEnum):
    """How far an utterance has come."""

    OPEN = "open"
    """A server that cuts hears it."""
    CUT = "cut"
    SENT = "sent"
    COMMITTED = "committed"
    FINAL = "final"
    FAILED = "failed"


_DONE: Final = frozenset({Stage.FINAL, Stage.FAILED})


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An utterance that was cut and has no final text yet: how far it has come."""

    start_s: float
    end_s: float
    stage: Stage
    item_id: str | None  # the server's name for it, once that has taken it
    taken_at_s: float | None  # when that was, on the machine's monotonic clock


@dataclass(slots=True, eq=False)
class Entry:
    """An utterance, and what has become of it."""

    utterance: Utterance  # as far as it is known, while a server hears it
    connection: int  # number of the one that it goes over
    stage: Stage
    audio: Send | None = None  # what is sent of it, if this side has cut it
    item_id: str | None = None  # the server's name for it
    order: int = -1  # its place among the utterances of the session, once it is committed
    vad_stop_ms: float | None = None  # how long after its end these came
    commit_ms: float | None = None
    taken_at_s: float | None = None  # the same as `commit_ms`, on the machine's monotonic clock
    first_partial_ms: float | None = None
    reported: str = ""  # an error that may be about it
    losses: int = 0  # connections that were lost while the server had it
    lost_at_text: int = 0  # how many texts there were when the first of them was

    @property
    def suspect(self) -> bool:
        """Whether it may be what they were lost over; what shares audio with its neighbours stays between them."""
        return self.losses >= SUSPECT and self.utterance.audio_end is None and self.utterance.counts_until is None


class Ledger:
    """Keeps one entry an utterance, in the order in which they were heard, and measures how long each step took.

    Latencies count from the end of speech, on the machine's monotonic clock. ``connection`` is the number of the one
    in use.
    """

    def __init__(self, latency: Latency) -> None:
        self.entries: list[Entry] = []
        self.connection = 1
        self.earlier_items: set[str] = set()  # names of other connections, which this one may use again
        self._by_number: dict[int, Entry] = {}  # those that this side has cut, and that are not settled
        self._by_item: dict[str, Entry] = {}  # those that the server has named on this connection
        self._orders = 0
        self._done = 0  # so many at the start of the entries have their text, or have failed
        self._vacant: list[Entry] = []  # what a server has cut and given no text for; over again, it comes by new names
        self._latency = latency
        self._arrived_ends: deque[int] = deque(maxlen=_KEPT_BLOCKS)
        self._arrived_at_s: deque[float] = deque(maxlen=_KEPT_BLOCKS)
        self._speech_ends_s: deque[float] = deque(maxlen=_SPEECH_ENDS)
        self._unpainted: dict[str, float] = {}  # when the speech ended, on the machine's clock

    @property
    def unsettled(self) -> list[Entry]:
        """Those that have no final text and have not failed."""
        while self._done < len(self.entries) and self.entries[self._done].stage in _DONE:
            self._done += 1
        return [entry for entry in self.entries[self._done :] if entry.stage not in _DONE]

    @property
    def waiting(self) -> list[Unsettled]:
        """Those of them that are cut."""
        return [
            Unsettled(one.utterance.start_s, one.utterance.end_s, one.stage, one.item_id, one.taken_at_s)
            for one in self.unsettled
            if one.stage is not Stage.OPEN
        ]

    @property
    def settled_until(self) -> int:
        """Session sample where the last utterance ends that has its text, or has failed."""
        return max((one.end for one in self._settled), default=0)

    @property
    def settled_until_s(self) -> float:
        """The same in seconds."""
        return to_seconds(self.settled_until)

    @property
    def _settled(self) -> list[Utterance]:
        return [entry.utterance for entry in self.entries if entry.stage in _DONE]

    def gaps(self) -> list[Send]:
        """Return the audio of what a lost server had cut and given no text for, though it did for something later."""
        found: list[Send] = []
        for lost in sorted((entry.utterance for entry in self._vacant), key=lambda one: one.start):
            ends = [one.end for one in self._settled] + [one.end for one in found]
            start = max((end for end in ends if end <= lost.start), default=0)
            if lost.end <= self.settled_until:
                found.append(Send(start, lost.end))
        return found

    def suspect(self, message: str) -> None:
        """Note an error of the server that may be about each utterance that it has and that has no text."""
        for entry in self.unsettled:
            if entry.stage in {Stage.SENT, Stage.COMMITTED}:
                entry.reported = message

    # How far they have come

    def cut(self, utterance: Utterance, audio: Send | None = None) -> Entry:
        """Note an utterance that this side has cut, and what is to be sent of it."""
        vad_stop_ms = self.since_ms(utterance.end_s)
        entry = Entry(utterance, self.connection, Stage.CUT, audio, vad_stop_ms=vad_stop_ms)
        self._by_number[utterance.number] = entry
        self.entries.append(entry)
        return entry

    def sent(self, utterance: Utterance) -> None:
        """Note that an utterance and its commit were handed to the connection."""
        entry = self._by_number.get(utterance.number)
        if entry is not None:
            entry.stage = Stage.SENT

    @property
    def with_server(self) -> list[Entry]:
        """Those of them that the server has."""
        return [entry for entry in self.unsettled if entry.stage is not Stage.CUT]

    def lose_connection(self) -> list[Entry]:
        """Note that what has no text yet will get it over another connection, and return what the server had of that.

        What this side has cut is as it was before it was sent. What the server has cut is forgotten: it will cut anew.
        """
        lost = self.with_server
        self.connection += 1
        self._by_item.clear()
        self.earlier_items |= {one.item_id for one in self.entries if one.item_id and one.stage in _DONE}
        self._vacant = [*self._vacant, *(one for one in lost if one.audio is None and one.order >= 0)]
        self.entries = [entry for entry in self.entries if entry.audio is not None or entry not in lost]
        for entry in self.unsettled:
            entry.stage, entry.connection, entry.reported = Stage.CUT, self.connection, ""
            entry.taken_at_s = None
            self._by_number[entry.utterance.number] = entry
        return lost

    def find(self, item_id: str) -> Entry | None:
        """Return the entry that the server knows by this name."""
        return self._by_item.get(item_id)

    def heard_by_server(self, item_id: str, start: int, end: int) -> Entry:
        """Note how much of an utterance the server has heard."""
        entry = self._by_item.get(item_id)
        if entry is None:
            entry = self._new(item_id, Utterance(-1, start, end, Cut.SERVER), Stage.OPEN)
        else:
            entry.utterance = Utterance(-1, entry.utterance.start, end, Cut.SERVER)
        return entry

    def committed(self, item_id: str, utterance: Utterance) -> Entry:
        """Note that the server has taken an utterance."""
        entry = self._named(item_id, utterance)
        entry.stage = Stage.COMMITTED
        entry.commit_ms = self.since_ms(utterance.end_s)
        entry.taken_at_s = time.monotonic()
        self.place(entry)
        return entry

    def settled(self, item_id: str, utterance: Utterance, stage: Stage) -> Entry:
        """Note that an utterance has its final text, or will have none."""
        entry = self._named(item_id, utterance)
        entry.stage = stage
        if stage is Stage.FINAL:
            self.place(entry)
        return entry

    # How long it took

    def arrived(self, end: int) -> None:
        """Note that the samples up to ``end`` are here now."""
        self._arrived_ends.append(end)
        self._arrived_at_s.append(time.monotonic())

    def since_ms(self, session_s: float) -> float | None:
        """Return how many milliseconds ago the audio of session second ``session_s`` arrived, None if unknown."""
        index = bisect.bisect_left(self._arrived_ends, to_samples(session_s))
        if index >= len(self._arrived_ends):
            return None
        return (time.monotonic() - self._arrived_at_s[index]) * 1000

    def speech_ended(self, end_s: float) -> None:
        """Note where the local detector heard an end of speech."""
        self._speech_ends_s.append(end_s)

    def measure(self, item_id: str, entry: Entry) -> float | None:
        """Write down how long an utterance took whose final text has come; return the milliseconds until then."""
        utterance = entry.utterance
        end_s = self._speech_end_s(utterance)
        final_ms = self.since_ms(end_s)
        late_ms = self._between_ms(end_s, utterance.end_s)
        self._latency.append(
            item_id=item_id,
            speech_end_s=end_s,
            vad_stop_ms=_later(entry.vad_stop_ms, late_ms),
            commit_ms=_later(entry.commit_ms, late_ms),
            first_partial_ms=_later(entry.first_partial_ms, late_ms),
            final_ms=final_ms,
        )
        if final_ms is not None:
            self._unpainted[item_id] = time.monotonic() - final_ms / 1000
            if len(self._unpainted) > _UNPAINTED:
                del self._unpainted[next(iter(self._unpainted))]
        return final_ms

    def painted(self, item_ids: Iterable[str], at_s: float) -> None:
        """Note that final texts were on a screen at ``at_s`` on the machine's monotonic clock."""
        for item_id in item_ids:
            ended_s = self._unpainted.pop(item_id, None)
            if ended_s is not None:
                self._latency.painted(item_id, (at_s - ended_s) * 1000)

    def _named(self, item_id: str, utterance: Utterance) -> Entry:
        """Return the entry of an utterance, under the name that the server has for it and as the last of its parts."""
        entry, begins = self._by_item.get(item_id), None
        if utterance.cut is not Cut.SERVER:
            for part in utterance.parts[:-1]:
                if (joined := self._by_number.pop(part.number, None)) is not None:
                    self.entries.remove(joined)
                    begins = begins or joined.audio
            entry = self._by_number.pop(utterance.number, None) or entry
            if begins is not None and entry is not None and entry.audio is not None:
                entry.audio = Send(begins.start, entry.audio.end)
        entry = entry or self._new(item_id, utterance, Stage.SENT)
        entry.utterance, entry.item_id = utterance, item_id
        self._by_item[item_id] = entry
        return entry

    def place(self, entry: Entry) -> None:
        """Give an utterance its place in the text, behind all that have one."""
        if entry.order >= 0:
            return
        for vacant in self._vacant if entry.audio is None else ():
            if entry.utterance.start < vacant.utterance.end and vacant.utterance.start < entry.utterance.end:
                entry.order = vacant.order
                self._vacant.remove(vacant)
                return
        entry.order = self._orders
        self._orders += 1

    def _new(self, item_id: str, utterance: Utterance, stage: Stage) -> Entry:
        entry = self._by_item[item_id] = Entry(utterance, self.connection, stage, item_id=item_id)
        self.entries.append(entry)
        return entry

    def _speech_end_s(self, utterance: Utterance) -> float:
        """Return where speech ended: all latencies count from the same moment, whoever cuts.

        A server that cuts says where it was sure of the end, half a second late: the local detector, which hears the
        same audio, knows where it was.
        """
        start_s, end_s = utterance.start_s, utterance.end_s
        if utterance.cut is not Cut.SERVER:
            return end_s
        return max((heard_s for heard_s in self._speech_ends_s if start_s < heard_s <= end_s), default=end_s)

    def _between_ms(self, first_s: float, second_s: float) -> float:
        """Return how much later the audio of the second moment arrived than that of the first."""
        first_ms, second_ms = self.since_ms(first_s), self.since_ms(second_s)
        return 0.0 if first_ms is None or second_ms is None else first_ms - second_ms


def _later(measured_ms: float | None, late_ms: float) -> float | None:
    """Return a measure as counted from a moment ``late_ms`` earlier."""
    return None if measured_ms is None else measured_ms + late_ms
