"""Whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

from ipyspeaches.local.fair_queue import FairQueue


@dataclass(eq=False)
class Piece:
    user: str
    work_s: float = 1.0


def served(queue: FairQueue[Piece], turn_s: float = 1.0) -> list[str]:
    """Do all the work, a turn at a time, and return whose each turn was."""
    turns = []
    while len(queue):
        piece = next(iter(queue))
        turns.append(piece.user)
        done_s = min(turn_s, piece.work_s)
        piece.work_s -= done_s
        queue.end(piece.user, 0.0, done_s)
        if piece.work_s <= 0:
            queue.remove(piece)
    return turns


def filled(*users: str, work_s: float = 1.0) -> FairQueue[Piece]:
    queue: FairQueue[Piece] = FairQueue()
    for user in users:
        queue.add(Piece(user, work_s))
    return queue


def test_one_user_is_served_in_order() -> None:
    queue = filled("ann")
    first, second = next(iter(queue)), Piece("ann")
    queue.add(second)
    assert list(queue) == [first, second]


def test_users_take_turns_however_much_one_of_them_asks_for() -> None:
    assert served(filled("ann", "ann", "ann", "bob", "cy")) == ["ann", "bob", "cy", "ann", "ann"]


def test_equals_are_served_as_they_came_and_each_to_the_end() -> None:
    """Not all at the same time, so that all would be done last."""
    assert served(filled("ann", "bob", "cy", work_s=0.9)) == ["ann", "bob", "cy"]


def test_long_work_gives_way_to_short_work() -> None:
    queue = filled("long", work_s=5.0)
    queue.add(Piece("short"))
    assert served(queue) == ["long", "short", "long", "long", "long", "long"]


def test_who_was_away_has_saved_up_nothing() -> None:
    queue = filled("ann", work_s=100.0)
    queue.end("ann", 0.0, 50.0)
    queue.add(Piece("bob", 3.0))
    assert served(queue)[:6] == ["ann", "bob", "ann", "bob", "ann", "bob"]


def test_who_comes_back_at_once_waits_behind_those_who_had_less() -> None:
    queue = filled("ann", "bob", "cy")
    first = next(iter(queue))
    queue.end("ann", 0.0, 1.0)
    queue.remove(first)
    queue.add(Piece("ann"))
    assert served(queue) == ["bob", "cy", "ann"]


def test_what_is_under_way_counts_for_who_is_next_and_not_for_who_comes() -> None:
    queue = filled("ann", "ann", "bob", "bob")
    queue.begin("ann", 5.0)
    queue.add(Piece("cy"))
    assert [piece.user for piece in queue] == ["bob", "bob", "cy", "ann", "ann"]
    queue.end("ann", 5.0, 0.5)
    assert [piece.user for piece in queue] == ["bob", "bob", "cy", "ann", "ann"]
    queue.end("bob", 0.0, 0.7)
    assert [piece.user for piece in queue] == ["cy", "ann", "ann", "bob", "bob"]


def test_the_wait_of_more_work_is_foreseen() -> None:
    queue = filled("ann", "bob", "cy")
    queue.add(Piece("cy", 10.0))
    assert queue.wait_s("dan", 1.0) == 3.0
    assert queue.wait_s("ann", 1.0) == 1.0 + 1.0 + 2.0
    assert filled().wait_s("ann", 1.0) == 0.0


def test_nothing_is_kept_of_users_who_are_gone() -> None:
    queue = filled(*(f"user {number}" for number in range(50)))
    served(queue)
    assert not queue._had_s
    queue.remove(Piece("nobody"))
