"""A server that is slower than speech: nothing is lost without a word, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.protocol import TranscriptionOptions
from ipyspeaches.protocol.backlog import JOIN_ABOVE, LONGEST_REQUEST_S, MOST_WAITING, Backlog, Utterance

OPTIONS = TranscriptionOptions(model="m")
LONGEST = LONGEST_REQUEST_S * SESSION_RATE_HZ


def utterances(lengths_s: list[float], gap_s: float = 0.5) -> list[Utterance]:
    found, at = [], 0
    for number, length_s in enumerate(lengths_s):
        end = at + round(length_s * SESSION_RATE_HZ)
        found.append(Utterance(number, at, end, OPTIONS))
        at = end + round(gap_s * SESSION_RATE_HZ)
    return found


def numbers(utterance: Utterance) -> list[int]:
    return list(range(utterance.number - utterance.joined + 1, utterance.number + 1))


def drain(backlog: Backlog) -> list[Utterance]:
    return [utterance for _ in range(len(backlog)) if (utterance := backlog.take())]


@given(
    steps=st.lists(st.tuples(st.floats(0.1, 40), st.integers(0, 3)), max_size=60),
    gap_s=st.floats(0, 20),
    live=st.booleans(),
)
def test_every_utterance_is_taken_or_given_up_once_and_in_order(
    steps: list[tuple[float, int]], gap_s: float, live: bool
) -> None:
    backlog = Backlog(live=live)
    taken: list[Utterance] = []
    dropped: list[Utterance] = []
    for utterance, (_, takes) in zip(utterances([length for length, _ in steps], gap_s), steps, strict=True):
        gone, _behind = backlog.add(utterance)
        dropped += [gone] if gone else []
        taken += [one for _ in range(takes) if (one := backlog.take())]
        assert not live or len(backlog) <= MOST_WAITING
    taken += drain(backlog)
    assert sorted(number for one in taken + dropped for number in numbers(one)) == list(range(len(steps)))
    assert [one.number for one in taken] == sorted(one.number for one in taken)
    assert all(one.end - one.start <= LONGEST for one in taken + dropped if one.joined > 1)
    if not live:
        assert not dropped
        assert all(one.joined == 1 for one in taken)


def test_neighbours_that_wait_become_one_request() -> None:
    backlog = Backlog(live=True)
    told = [backlog.add(utterance) for utterance in utterances([2.0] * 10)]
    assert all(dropped is None for dropped, _ in told)
    assert len(backlog) == JOIN_ABOVE
    first, *_ = drain(backlog)
    assert first.joined == 8
    assert (first.start, first.end) == (0, round((8 * 2 + 7 * 0.5) * SESSION_RATE_HZ))


def test_being_behind_is_told_once_until_it_has_caught_up() -> None:
    backlog = Backlog(live=True)
    told = [behind_s for _, behind_s in map(backlog.add, utterances([2.0] * 8)) if behind_s is not None]
    assert told == [4 * 2 + 3 * 0.5]
    drain(backlog)
    again = [behind_s for _, behind_s in map(backlog.add, utterances([1.0] * 8)) if behind_s is not None]
    assert len(again) == 1


def test_what_is_too_long_to_be_joined_is_given_up_oldest_first() -> None:
    backlog = Backlog(live=True)
    dropped = [gone for gone, _ in map(backlog.add, utterances([29.0] * 11)) if gone]
    assert [one.number for one in dropped] == [0, 1, 2]
    assert [one.number for one in drain(backlog)] == list(range(3, 11))


def test_what_is_asked_for_differently_is_not_joined() -> None:
    one, two = utterances([1.0, 1.0])
    assert one.with_next(replace(two, options=replace(OPTIONS, language="zh"))) is None
    joined = replace(one, follows=True).with_next(replace(two, seam=7))
    assert joined is not None
    assert (joined.follows, joined.seam, joined.number) == (True, 7, 1)
