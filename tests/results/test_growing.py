from __future__ import annotations

from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.results.growing import GrowingColumns


@given(st.lists(st.integers(0, 700), max_size=12))
def test_blocks_of_any_length_come_out_in_order(lengths: list[int]) -> None:
    columns = GrowingColumns({"a": np.int64, "b": np.float32})
    total = 0
    for length in lengths:
        block = np.arange(total, total + length)
        columns.append({"a": block, "b": block / 2})
        total += length
    views = columns.views()
    assert len(columns) == total
    assert views["a"].tolist() == list(range(total))
    assert views["b"].dtype == np.float32
    assert np.array_equal(views["b"], np.arange(total) / 2)


def test_views_share_memory_stay_as_they_were_and_cannot_be_written() -> None:
    columns = GrowingColumns({"a": np.int64})
    columns.append({"a": [1, 2]})
    early = columns.views()["a"]
    assert np.shares_memory(early, columns.views()["a"])
    columns.append({"a": np.zeros(10_000)})
    assert early.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        early[0] = 5


def test_appending_copies_each_row_a_bounded_number_of_times() -> None:
    columns = GrowingColumns({"a": np.int64})
    buffers: dict[int, int] = {}
    for number in range(100_000):
        columns.append({"a": number})
        base = columns.views()["a"].base
        assert base is not None
        buffers[len(base)] = number
    copied = sum(buffers.values())
    assert copied < 4 * 100_000
    assert len(buffers) < 20


@pytest.mark.parametrize("block", [{"a": [1]}, {"a": [1], "b": [1, 2]}, {"a": [[1]], "b": [[1]]}, {"a": [1], "c": [1]}])
def test_a_block_that_does_not_fit_adds_nothing(block: dict[str, list[int]]) -> None:
    columns = GrowingColumns({"a": np.int64, "b": np.int64})
    with pytest.raises(InputError, match=r"^(The columns are a, b, not|Columns of shapes)"):
        columns.append(block)
    assert len(columns) == 0


def test_a_reader_sees_whole_rows_while_another_thread_appends() -> None:
    columns = GrowingColumns({"a": np.int64, "b": np.int64})
    faults: list[int] = []
    done = False

    def read() -> None:
        while not done:
            views = columns.views()
            if len(views["a"]) != len(views["b"]) or (views["a"] + views["b"]).any():
                faults.append(len(views["a"]))

    reader = Thread(target=read)
    reader.start()
    for number in range(20_000):
        columns.append({"a": number, "b": -number})
    done = True
    reader.join()
    assert faults == []


def test_one_number_may_change_and_views_taken_earlier_do_not() -> None:
    columns = GrowingColumns({"a": np.float64, "b": np.float64})
    columns.append({"a": [1, 2], "b": [3, 4]})
    before = columns.views()
    columns.amend("b", 1, 5)
    columns.append({"a": 6, "b": 7})
    assert before["b"].tolist() == [3, 4]
    assert columns.views()["a"].tolist() == [1, 2, 6]
    assert columns.views()["b"].tolist() == [3, 5, 7]


@pytest.mark.parametrize(("name", "row"), [("c", 0), ("a", 1), ("a", -1)])
def test_what_is_not_there_cannot_change(name: str, row: int) -> None:
    columns = GrowingColumns({"a": np.float64})
    columns.append({"a": 1})
    with pytest.raises(InputError, match="no row"):
        columns.amend(name, row, 2)
