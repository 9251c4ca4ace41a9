from __future__ import annotations

import base64
import json

import pytest

from ipyspeaches.protocol.protocol_events import MessageLost
from ipyspeaches.protocol.realtime.media import MAX_BYTES, MAX_OPEN, FragmentJoiner

EVENT = json.dumps({"type": "session.created", "session": {"instructions": "你好" * 600}})


def full(message_id: str, text: str) -> str:
    data = base64.b64encode(text.encode()).decode()
    return json.dumps({"id": message_id, "type": "full_message", "data": data})


def pieces(message_id: str, text: str = EVENT, size: int = 800) -> list[str]:
    data = base64.b64encode(text.encode()).decode()
    cut = [data[start : start + size] for start in range(0, len(data), size)]
    common = {"id": message_id, "type": "partial_message", "total_fragments": len(cut)}
    return [json.dumps({**common, "data": piece, "fragment_index": index}) for index, piece in enumerate(cut)]


def take(joiner: FragmentJoiner, *messages: str) -> list[str | bytes | MessageLost]:
    return [taken for message in messages for taken in joiner.receive(message)]


def test_a_full_message_is_decoded_once() -> None:
    assert take(FragmentJoiner(), full("a", EVENT)) == [EVENT.encode()]


@pytest.mark.parametrize("order", [1, -1])
def test_pieces_are_joined_by_index_whatever_their_order(order: int) -> None:
    assert len(pieces("a")) > 5
    # 799 is no multiple of four: a piece alone is no base64.
    assert take(FragmentJoiner(), *pieces("a", size=799)[::order]) == [EVENT.encode()]


def test_events_without_a_wrapping_are_taken_as_they_are() -> None:
    plain = [EVENT, "no json", "[1]", json.dumps({"type": "error", "id": "x", "data": "y"})]
    assert take(FragmentJoiner(), *plain) == plain
    assert FragmentJoiner().receive(b"\xff") == [b"\xff"]


def test_a_piece_that_comes_twice_counts_once() -> None:
    first, *rest = pieces("a")
    assert take(FragmentJoiner(), first, first, *rest) == [EVENT.encode()]


def test_a_missing_piece_is_reported_when_a_later_message_is_complete() -> None:
    joiner = FragmentJoiner()
    assert take(joiner, *pieces("a")[:-1]) == []
    count = len(pieces("a"))
    assert take(joiner, full("b", "{}")) == [MessageLost("a", f"only {count - 1} of its {count} pieces came"), b"{}"]
    assert take(joiner, pieces("a")[-1], full("c", "{}")) == [b"{}"]  # too late: told once, and not begun again


def test_only_what_began_earlier_is_given_up() -> None:
    joiner = FragmentJoiner()
    take(joiner, pieces("a")[0], *pieces("b")[:-1], pieces("c")[0])
    lost, whole = take(joiner, pieces("b")[-1])
    assert isinstance(lost, MessageLost)
    assert lost.message_id == "a"
    assert whole == EVENT.encode()
    assert take(joiner, *pieces("c")[1:]) == [EVENT.encode()]


@pytest.mark.parametrize(
    "change",
    [{"total_fragments": 99}, {"fragment_index": 99}, {"fragment_index": -1}, {"fragment_index": None}, {"data": "x"}],
)
def test_contradictory_pieces_are_reported_once(change: dict[str, object]) -> None:
    joiner = FragmentJoiner()
    first, *rest = pieces("a")
    [lost] = take(joiner, first, json.dumps({**json.loads(first), **change}), *rest)
    assert isinstance(lost, MessageLost)
    assert lost.message_id == "a"


def test_memory_is_bounded_by_messages_and_by_bytes() -> None:
    joiner = FragmentJoiner()
    lost = take(joiner, *(pieces(f"m{number}")[0] for number in range(MAX_OPEN + 3)))
    assert [one.message_id for one in lost if isinstance(one, MessageLost)] == ["m0", "m1", "m2"]
    joiner = FragmentJoiner()
    piece = {"type": "partial_message", "data": "A" * (MAX_BYTES // 2 + 1), "total_fragments": 3}
    [big] = take(joiner, *(json.dumps({**piece, "id": "big", "fragment_index": index}) for index in range(2)))
    assert isinstance(big, MessageLost)


def test_what_is_no_base64_is_reported() -> None:
    [lost] = take(FragmentJoiner(), json.dumps({"id": "a", "type": "full_message", "data": "!!"}))
    assert lost == MessageLost("a", "it is not base64")
