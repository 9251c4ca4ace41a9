"""The utterances of a session: for each, how far it has come, over which connection, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ipyspeaches.vad.gate import Cut, Utterance


class Stage(StrEnum):
    """How far an utterance has come."""

    OPEN = "open"
    """A server that cuts hears it."""
    CUT = "cut"
    SENT = "sent"
    COMMITTED = "committed"
    FINAL = "final"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Entry:
    """An utterance, and what has become of it.

    Parameters
    ----------
    utterance
        What was cut; as far as it is known, while a server hears it.
    connection
        Number of the connection that it went over.
    stage
        How far it has come.
    item_id
        The server's name for it.
    order
        Its place among the utterances of the session, once it is committed.
    vad_stop_ms, commit_ms, first_partial_ms
        How long after its end these came.
    """

    utterance: Utterance
    connection: int
    stage: Stage
    item_id: str | None = None
    order: int = -1
    vad_stop_ms: float | None = None
    commit_ms: float | None = None
    first_partial_ms: float | None = None


class Ledger:
    """Keeps one entry an utterance, in the order in which they were heard.

    Attributes
    ----------
    entries
        All of them.
    connection
        Number of the connection in use.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.connection = 1
        self._by_number: dict[int, Entry] = {}  # those that this side has cut, and that are not settled
        self._by_item: dict[str, Entry] = {}  # those that the server has named, likewise
        self._orders = 0

    @property
    def unsettled(self) -> list[Entry]:
        """Those that have no final text and have not failed."""
        return [entry for entry in self.entries if entry.stage not in {Stage.FINAL, Stage.FAILED}]

    def cut(self, utterance: Utterance, vad_stop_ms: float | None) -> None:
        """Note an utterance that this side has cut."""
        entry = Entry(utterance, self.connection, Stage.CUT, vad_stop_ms=vad_stop_ms)
        self._by_number[utterance.number] = entry
        self.entries.append(entry)

    def sent(self, utterance: Utterance) -> None:
        """Note that an utterance and its commit were handed to the connection."""
        entry = self._by_number.get(utterance.number)
        if entry is not None:
            entry.stage = Stage.SENT

    def find(self, item_id: str) -> Entry | None:
        """Return the entry that the server knows by this name, if it is not settled."""
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
        self._place(entry)
        return entry

    def settled(self, item_id: str, utterance: Utterance, stage: Stage) -> Entry:
        """Note that an utterance has its final text, or will have none."""
        entry = self._named(item_id, utterance)
        entry.stage = stage
        if stage is Stage.FINAL:
            self._place(entry)
        self._by_item.pop(item_id, None)
        return entry

    def _named(self, item_id: str, utterance: Utterance) -> Entry:
        """Return the entry of an utterance, under the name that the server has for it and as the last of its parts."""
        entry = self._by_item.get(item_id)
        if utterance.cut is not Cut.SERVER:
            for part in utterance.parts[:-1]:
                if (joined := self._by_number.pop(part.number, None)) is not None:
                    self.entries.remove(joined)
            entry = self._by_number.pop(utterance.number, None) or entry
        entry = entry or self._new(item_id, utterance, Stage.SENT)
        entry.utterance, entry.item_id = utterance, item_id
        self._by_item[item_id] = entry
        return entry

    def _place(self, entry: Entry) -> None:
        if entry.order < 0:
            entry.order = self._orders
            self._orders += 1

    def _new(self, item_id: str, utterance: Utterance, stage: Stage) -> Entry:
        entry = self._by_item[item_id] = Entry(utterance, self.connection, stage, item_id)
        self.entries.append(entry)
        return entry
