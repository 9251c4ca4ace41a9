"""Whose turn it is: first come, first served for one user, and fair between users by the work that each has had.

This is fair queueing by virtual time: each user has a clock that runs with the work that was done for them, and the
user whose clock is behind comes next. Who was away does not save up turns: their clock is put forward to that of the
one who had least. Demers, Keshav and Shenker, "Analysis and simulation of a fair queueing algorithm", 1989.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar


class Work(Protocol):
    """Something to be done for a user."""

    user: str

    @property
    def work_s(self) -> float:
        """How long the machine will need for what is left of it."""


_NOTHING_S: Final = 1e-9
"""What sums of floats leave."""

T = TypeVar("T", bound=Work)


class FairQueue(Generic[T]):
    """All unfinished work, in the order in which it should be gone on with; work under way stays in it."""

    def __init__(self) -> None:
        self._items: dict[str, list[T]] = {}  # of each user, in order of arrival; users in order of their oldest item
        self._had_s: dict[str, float] = {}  # the clocks, of those who were here lately, too
        self._under_way_s: dict[str, float] = {}  # what is being done for users, as foreseen
        self._now_s = 0.0  # the clock of those who just come

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    def __iter__(self) -> Iterator[T]:
        """Yield all work: that of the user who had least first; among equals, of who has waited longest."""
        for user in sorted(self._items, key=lambda user: self._had_s[user] + self._under_way_s.get(user, 0.0)):
            yield from list(self._items.get(user, ()))

    def add(self, item: T) -> None:
        """Add work."""
        if item.user not in self._items:
            self._had_s[item.user] = max(self._had_s.get(item.user, 0.0), self._now_s)
        self._items.setdefault(item.user, []).append(item)

    def remove(self, item: T) -> None:
        """Remove work that is done, or that nobody wants any more; nothing happens if it is not there."""
        items = self._items.get(item.user, [])
        if item in items:
            items.remove(item)
        if not items:
            self._items.pop(item.user, None)
            self._forget_users()

    def begin(self, user: str, foreseen_s: float) -> None:
        """Note that something is being done for a user, which will take about so long."""
        self._under_way_s[user] = self._under_way_s.get(user, 0.0) + foreseen_s

    def end(self, user: str, foreseen_s: float, work_s: float) -> None:
        """Note that it is done, and put the user's clock forward by how long it took."""
        self._under_way_s[user] = self._under_way_s.get(user, 0.0) - foreseen_s
        if self._under_way_s[user] < _NOTHING_S:
            del self._under_way_s[user]
        if user in self._had_s:
            self._had_s[user] += work_s
            self._forget_users()

    def wait_s(self, user: str, work_s: float) -> float:
        """Return about how long more work of a user's would wait, in seconds.

        Meanwhile, all that they have before it is done, and as much at most for each of the others.
        """
        own_s = self._backlog_s(user)
        others = (self._backlog_s(other) for other in self._items if other != user)
        return own_s + sum(min(backlog_s, own_s + work_s) for backlog_s in others)

    def _backlog_s(self, user: str) -> float:
        return sum(item.work_s for item in self._items.get(user, ()))

    def _forget_users(self) -> None:
        """Move the clock of those who come on to the earliest that waits, and drop clocks that are no later."""
        if self._items:
            self._now_s = max(self._now_s, min(self._had_s[user] for user in self._items))
        else:
            self._now_s = max(self._had_s.values(), default=self._now_s)
        for user in [user for user, had_s in self._had_s.items() if had_s <= self._now_s]:
            if user not in self._items:
                del self._had_s[user]
