"""Which items are the answer to which commit, whatever a server tells beside them.

A server handles messages in the order in which they come. So every commit goes out between two *fences*: updates that
ask for what holds already, and that are answered like any other. What a server tells between its answers to the two is
about this commit, or about none::

    sent   fence   audio, commit, fence   audio, commit, fence   audio, commit, fence
    told   fence       committed, fence        an error, fence       committed, fence
           └─────── of the first ──────┘└──── of the second ────┘└─── of the third ──┘

So a commit that got an error, or nothing, keeps no other from its answer, and what is told once too often takes none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.timeline import Buffer
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.words import GrowingText, fullest, join_text

# The server's seconds differ clearly beyond a tenth of the utterance and a tenth of a second; servers that count in
# whole seconds get one more.
_MISMATCH_SHARE: Final = 0.1
_MISMATCH_S: Final = 0.1


def agree(counted_s: float, sent_s: float, tolerance_s: float = 0.0) -> bool:
    """Return whether what a server counts may be what was sent."""
    tolerance_s += _MISMATCH_S + (1.0 if counted_s.is_integer() else 0.0)
    return abs(counted_s - sent_s) <= _MISMATCH_SHARE * sent_s + tolerance_s


@dataclass(slots=True, eq=False)
class Item:
    """What a server has told of one item.

    ``heard`` and ``stopped`` are the verdicts of the server's VAD where it cuts, ``committed`` says that it is an item,
    ``created`` that the item is in the conversation.
    """

    item_id: str
    commit: Commit | None = None
    buffer: Buffer | None = None
    started_ms: float = 0.0
    text: GrowingText = field(default_factory=GrowingText)
    stretches: GrowingText = field(default_factory=GrowingText)
    last_stretch: str = ""
    finals: dict[int, str] = field(default_factory=dict)  # its text, by the number of the part
    final: wire.TranscriptionCompleted | None = None
    failure: str = ""  # the last one that was told
    failed: bool = False
    heard: bool = False
    stopped: bool = False
    committed: bool = False
    created: bool = False
    cut_off: bool = False  # by the server's VAD, although this side cuts
    earlier: bool = False  # bears a name of an earlier connection

    @property
    def said(self) -> str:
        """Its text so far."""
        told = join_text(self.finals[number] for number in sorted(self.finals))
        return fullest(told, (str(self.text) or str(self.stretches)).strip())

    @property
    def seconds(self) -> float | None:
        """How much of audio the server counts for it, if it does."""
        return self.final.usage.seconds if self.final is not None and self.final.usage is not None else None

    @property
    def ended(self) -> bool:
        """Whether it has its text, or will have none."""
        return self.failed or bool(self.finals)

    @property
    def open(self) -> bool:
        """Whether the server's VAD is inside this utterance."""
        return self.heard and not self.stopped and not self.committed

    @property
    def between(self) -> bool:
        """Whether the server is about to put this utterance into the conversation."""
        return (self.stopped or self.committed) and not self.created


@dataclass(slots=True, eq=False)
class Commit:
    """An utterance on this connection, and the items that the server has made of it."""

    utterance: Utterance
    buffer: Buffer
    items: list[Item] = field(default_factory=list)
    commit_id: str = ""
    name: str = ""  # of the item by which it is known; empty until it is answered
    error: str = ""  # told where its answer should be
    over: bool = False  # whether the server has handled what was sent behind it
    done: bool = False  # its text, or that it has none, was told
    text: str | None = None  # that text
    failed: bool = False
    sent_s: float = 0.0  # how much was sent for it

    @property
    def counted(self) -> list[Item]:
        """Its items, without those of an earlier connection if there are others: some servers use names again."""
        return [item for item in self.items if not item.earlier] or self.items

    @property
    def said(self) -> str:
        """Its text so far."""
        return join_text(item.said for item in self.counted)

    def chosen(self) -> list[Item]:
        """Return the items whose texts are that of the utterance, in order; none if that cannot be known.

        Several belong together where the server's VAD has cut them off. Else, one is the answer: of those that say
        something else, the one for which the server counts as many seconds as were sent.
        """
        rivals = [item for item in self.counted if not item.cut_off]
        speaking = [item for item in rivals if item.said]
        if len({item.said for item in speaking}) > 1:
            speaking = [
                item for item in speaking if (said_s := item.seconds) is not None and agree(said_s, self.sent_s)
            ]
            if len(speaking) != 1:
                return []
        answer = [*speaking, *rivals][:1]
        return [item for item in self.counted if item.cut_off or item in answer]


class Fences:
    """Knows which commit a server is at; of one that answers no fences, it is the oldest without an answer."""

    def __init__(self) -> None:
        self.in_order = False  # whether a fence has come back behind the answer to its commit
        self._sent: deque[Commit | None] = deque()  # the commit before each that is under way; None before the first
        self._work: bool | None = None  # whether they are answered, in the order of the rest; None: not known yet

    @property
    def wanted(self) -> bool:
        """Whether it is worth while to send another."""
        return self._work is not False

    @property
    def under_way(self) -> bool:
        """Whether the answer to any is awaited, and counts."""
        return self._work is True and bool(self._sent)

    @property
    def known(self) -> bool:
        """Whether it is known how the server answers: until then, several commits at a time may leave doubts."""
        return self.in_order or self._work is False

    @property
    def hold(self) -> bool:
        """Whether all that there is to an utterance is known only when the fence behind it is back."""
        return self._work is True

    def sent(self, commit: Commit | None) -> None:
        """Note that one has gone out behind a commit, or before the first."""
        self._sent.append(commit)

    def returned(self, *, refused: bool) -> Commit | None:
        """Note that the oldest has come back, or was refused; return the commit before it."""
        commit = self._sent.popleft() if self._sent else None
        if self._work is None:
            self._work = not refused
        if commit is None or not self._work:
            return None
        commit.over = True
        self.in_order |= bool(commit.name)
        return commit

    def at(self, commits: Iterable[Commit]) -> Commit | None:
        """Return the commit that the server is at, of all that have no text yet; it may have its answer already."""
        unanswered = [commit for commit in commits if not commit.name]
        late = any(commit.over for commit in unanswered)
        if late or (self._work is None and unanswered):
            self._work = False
        if self._work is False:
            return next(iter(unanswered), None)
        return self._sent[0] if self._sent else None
