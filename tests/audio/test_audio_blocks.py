"""Blocks come back in order, each once, and what is missing is counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.audio import NumberedBlock, OrderedBlock, Sequencer

SIZE = 4


def block(sequence: int) -> NumberedBlock:
    return NumberedBlock(sequence, sequence * SIZE, np.full(SIZE, sequence, dtype=np.int16))


def numbers(ordered: list[OrderedBlock]) -> list[int]:
    return [int(item.samples[0]) for item in ordered]


@given(order=st.permutations(range(12)), repeats=st.lists(st.integers(0, 11), max_size=6))
def test_any_order_and_any_repeats_come_out_in_order(order: list[int], repeats: list[int]) -> None:
    sequencer = Sequencer(patience=12)
    out: list[OrderedBlock] = []
    for number in [*order, *repeats]:
        out += sequencer.push(block(number))
    assert numbers(out) == list(range(12))
    assert sequencer.duplicates == len(repeats)
    assert sequencer.lost_frames == 0


def test_a_missing_block_is_given_up_and_reported_with_the_next() -> None:
    sequencer = Sequencer(patience=3)
    out: list[OrderedBlock] = []
    for number in [0, 1, 3, 4, 5, 6]:
        out += sequencer.push(block(number))
    assert numbers(out) == [0, 1, 3, 4, 5, 6]
    assert [item.lost for item in out] == [0, 0, SIZE, 0, 0, 0]
    assert sequencer.lost_frames == SIZE


def test_sound_dropped_before_numbering_is_seen_by_its_frames() -> None:
    sequencer = Sequencer()
    sequencer.push(NumberedBlock(0, 0, np.zeros(SIZE, dtype=np.int16)))
    (late,) = sequencer.push(NumberedBlock(1, 10, np.zeros(SIZE, dtype=np.int16)))
    assert late.lost == 10 - SIZE


def test_frames_before_the_first_block_are_no_loss() -> None:
    sequencer = Sequencer()
    (first,) = sequencer.push(NumberedBlock(0, 480, np.zeros(SIZE, dtype=np.int16)))
    (second,) = sequencer.push(NumberedBlock(1, 480 + SIZE, np.zeros(SIZE, dtype=np.int16)))
    assert first.lost == second.lost == 0


def test_flush_gives_what_waits() -> None:
    sequencer = Sequencer()
    assert numbers(sequencer.push(block(2)) + sequencer.push(block(4))) == []
    out = sequencer.flush()
    assert numbers(out) == [2, 4]
    assert [item.lost for item in out] == [2 * SIZE, SIZE]
