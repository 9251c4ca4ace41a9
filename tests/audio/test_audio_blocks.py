"""Blocks come back in order, each once, and what is missing is counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.audio.audio_blocks import AudioBlock, NumberedBlock, Sequencer

SIZE, RATE_HZ = 4, 48_000


def block(sequence: int) -> NumberedBlock:
    return NumberedBlock(sequence, sequence * SIZE, np.full(SIZE, sequence, dtype=np.int16), RATE_HZ)


def numbers(ordered: list[AudioBlock]) -> list[int]:
    return [int(item.samples[0]) for item in ordered]


repeats = st.lists(st.integers(0, 11), max_size=6)


@given(arrivals=repeats.flatmap(lambda again: st.permutations([*range(12), *again])))
def test_any_order_and_any_repeats_come_out_in_order(arrivals: list[int]) -> None:
    sequencer = Sequencer(patience=12)
    out: list[AudioBlock] = []
    for number in arrivals:
        out += sequencer.receive(block(number))
    assert numbers(out) == list(range(12))
    assert not any(item.lost for item in out)


def test_a_missing_block_is_given_up_and_reported_with_the_next() -> None:
    sequencer = Sequencer(patience=3)
    out: list[AudioBlock] = []
    for number in [0, 1, 3, 4, 5, 6]:
        out += sequencer.receive(block(number))
    assert numbers(out) == [0, 1, 3, 4, 5, 6]
    assert [item.lost for item in out] == [0, 0, SIZE, 0, 0, 0]
    assert {item.rate for item in out} == {RATE_HZ}


def test_audio_dropped_before_numbering_is_seen_by_its_frames() -> None:
    sequencer = Sequencer()
    sequencer.receive(NumberedBlock(0, 0, np.zeros(SIZE, dtype=np.int16), RATE_HZ))
    (late,) = sequencer.receive(NumberedBlock(1, 10, np.zeros(SIZE, dtype=np.int16), RATE_HZ))
    assert late.lost == 10 - SIZE


def test_frames_before_the_first_block_are_no_loss() -> None:
    sequencer = Sequencer()
    (first,) = sequencer.receive(NumberedBlock(0, 480, np.zeros(SIZE, dtype=np.int16), RATE_HZ))
    (second,) = sequencer.receive(NumberedBlock(1, 480 + SIZE, np.zeros(SIZE, dtype=np.int16), RATE_HZ))
    assert first.lost == second.lost == 0


def test_flush_gives_what_waits() -> None:
    sequencer = Sequencer()
    assert numbers(sequencer.receive(block(2)) + sequencer.receive(block(4))) == []
    out = sequencer.flush()
    assert numbers(out) == [2, 4]
    assert [item.lost for item in out] == [2 * SIZE, SIZE]
