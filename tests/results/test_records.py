"""Frames, events, marks and latencies: they grow while they are read, and are tables in every library."""

from __future__ import annotations

import importlib
import math
import warnings
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.results.records import (
    MEASURES,
    Event,
    EventLog,
    Frame,
    Frames,
    GrowingTable,
    Latency,
    Marks,
    MeasureSummary,
)

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def growing(**dtypes: type[np.generic]) -> GrowingTable[Any]:
    class Numbers(GrowingTable[Any]):
        _dtypes = dtypes

    return Numbers()


@given(st.lists(st.integers(0, 700), max_size=12))
def test_blocks_of_any_length_come_out_in_order(lengths: list[int]) -> None:
    table = growing(a=np.int64, b=np.float32)
    total = 0
    for length in lengths:
        block = np.arange(total, total + length)
        table._add({"a": block, "b": block / 2})
        total += length
    views = table.columns()
    assert len(table) == total
    assert views["a"].tolist() == list(range(total))
    assert views["b"].dtype == np.float32
    assert np.array_equal(views["b"], np.arange(total) / 2)


def test_views_share_memory_stay_as_they_were_and_cannot_be_written() -> None:
    table = growing(a=np.int64)
    table._add({"a": [1, 2]})
    early = table.columns()["a"]
    assert np.shares_memory(early, table.columns()["a"])
    table._add({"a": np.zeros(10_000)})
    assert early.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        early[0] = 5


def test_appending_copies_each_row_a_bounded_number_of_times() -> None:
    table = growing(a=np.int64)
    buffers: dict[int, int] = {}
    for number in range(100_000):
        table._add({"a": number})
        base = table.columns()["a"].base
        assert base is not None
        buffers[len(base)] = number
    copied = sum(buffers.values())
    assert copied < 4 * 100_000
    assert len(buffers) < 20


@pytest.mark.parametrize("block", [{"a": [1], "b": [1, 2]}, {"a": [[1]], "b": [[1]]}])
def test_a_block_that_does_not_fit_adds_nothing(block: dict[str, list[int]]) -> None:
    table = growing(a=np.int64, b=np.int64)
    with pytest.raises(InputError, match="same number of rows"):
        table._add(block)
    assert len(table) == 0


def test_a_reader_sees_whole_rows_while_another_thread_appends() -> None:
    table = growing(a=np.int64, b=np.int64)
    faults: list[int] = []
    done = False

    def read() -> None:
        while not done:
            views = table.columns()
            if len(views["a"]) != len(views["b"]) or (views["a"] + views["b"]).any():
                faults.append(len(views["a"]))

    reader = Thread(target=read)
    reader.start()
    for number in range(20_000):
        table._add({"a": number, "b": -number})
    done = True
    reader.join()
    assert faults == []


def test_one_number_may_change_and_views_taken_earlier_do_not() -> None:
    table = growing(a=np.float64, b=np.float64)
    table._add({"a": [1, 2], "b": [3, 4]})
    before = table.columns()
    table._amend("b", 1, 5)
    table._add({"a": 6, "b": 7})
    assert before["b"].tolist() == [3, 4]
    assert table.columns()["a"].tolist() == [1, 2, 6]
    assert table.columns()["b"].tolist() == [3, 5, 7]


def frames(n: int) -> Frames:
    result = Frames()
    result.append(
        time=np.arange(n) * 0.032,
        level_db=np.full(n, -20.5),
        energy=np.arange(n),
        score=np.linspace(0, 1, n),
        is_speech=np.arange(n) % 2 == 1,
    )
    return result


def test_rows_are_frames_of_python_values() -> None:
    result = frames(3)
    assert result[1] == Frame(0.032, -20.5, 1.0, 0.5, is_speech=True)
    assert list(result)[-1] == result[-1]
    assert type(result[0].is_speech) is bool


@pytest.mark.parametrize("n", [0, 5])
def test_frames_of_any_length_have_the_same_columns(n: int) -> None:
    frame = frames(n).to_pandas()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "time": "float64",
        "level_db": "float32",
        "energy": "float32",
        "score": "float32",
        "is_speech": "bool",
    }
    assert pl.DataFrame(frames(n)).shape == (n, 5)
    assert len(frame) == n


def test_pandas_takes_frames_as_they_are() -> None:
    frame = pd.DataFrame(frames(4))
    assert list(frame.columns) == ["time", "level_db", "energy", "score", "is_speech"]
    assert frame["is_speech"].tolist() == [False, True, False, True]


def test_columns_are_views_and_not_copies() -> None:
    result = frames(1000)
    assert np.shares_memory(result.score, result.score)
    assert result.time.base is not None
    assert len(result.time) == len(result.energy) == len(result.level_db) == len(result.is_speech) == 1000


def test_columns_of_one_block_have_one_length() -> None:
    with pytest.raises(InputError, match="same number of rows"):
        Frames().append(time=[0, 1], level_db=[0], energy=[0], score=[0], is_speech=[False])


def test_a_score_that_is_the_energy_takes_room_once_for_as_long_as_it_is() -> None:
    frames, values = Frames(), np.arange(3, dtype=np.float32)
    frames.append(time=values, level_db=values, energy=values, score=values, is_speech=values > 1)
    before = frames.energy
    assert np.shares_memory(before, frames.score)
    frames.append(time=values, level_db=values, energy=values, score=values + 1, is_speech=values > 1)
    frames.append(time=values, level_db=values, energy=values, score=values, is_speech=values > 1)
    assert frames.energy.tolist() == [0, 1, 2] * 3
    assert frames.score.tolist() == [0, 1, 2, 1, 2, 3, 0, 1, 2]
    assert before.tolist() == [0, 1, 2]


def test_a_data_frame_taken_while_it_grows_is_a_snapshot() -> None:
    result = frames(3)
    snapshot = result.to_pandas()
    result.append(time=[9], level_db=[0], energy=[0], score=[0], is_speech=[True])
    assert len(snapshot) == 3
    assert len(result) == 4


def log(n: int) -> EventLog:
    events = EventLog()
    for second in range(n):
        events.append(time_s=second, wall_time=START + timedelta(seconds=second), type="Final", text="hello")
    return events


def test_events_stay_in_order_and_are_typed() -> None:
    events = log(3)
    assert events[-1] == Event(2, START + timedelta(seconds=2), "Final", None, "hello", "")
    assert [event.time_s for event in events] == [0, 1, 2]
    assert len(events) == 3


@pytest.mark.parametrize("n", [0, 3])
def test_event_times_are_times_in_every_library(n: int) -> None:
    frame = log(n).to_pandas()
    assert [str(d) for d in frame.dtypes] == ["float64", "datetime64[us, UTC]", "str", "str", "str", "str"]
    assert pl.DataFrame(log(n)).schema["wall_time"] == pl.Datetime("us", "UTC")
    assert len(frame) == n


def test_pandas_takes_the_log_as_it_is() -> None:
    frame = pd.DataFrame(log(3))
    assert list(frame.columns) == list(Event._fields)
    assert str(frame["wall_time"].dtype) == "datetime64[us, UTC]"


def test_iterating_is_not_disturbed_by_what_happens_meanwhile() -> None:
    events = log(3)
    for _ in events:
        events.append(time_s=9, wall_time=START, type="Warning")
    assert len(events) == 6


def test_a_mark_without_a_name_is_called_by_its_number_until_renamed() -> None:
    marks = Marks()
    marks.add(1.5)
    marks.add(2.0, "问题一")
    assert [mark.name for mark in marks] == ["Mark 1", "问题一"]
    marks.rename(0, "Q1")
    assert pd.DataFrame(marks).to_dict("list") == {"id": [0, 1], "time": [1.5, 2.0], "name": ["Q1", "问题一"]}
    with pytest.raises(InputError, match="no mark 2"):
        marks.rename(2, "x")


def measured() -> Latency:
    latency = Latency()
    for number in range(101):
        latency.append(item_id=f"item{number}", speech_end_s=number * 2.0, commit_ms=number, final_ms=200 + number)
    return latency


def test_a_row_is_an_utterance_with_nan_for_what_did_not_happen() -> None:
    last = measured()[-1]
    assert (last.item_id, last.speech_end_s, last.commit_ms, last.final_ms) == ("item100", 200.0, 100.0, 300.0)
    assert math.isnan(last.vad_stop_ms)
    assert [row.item_id for row in measured()] == [f"item{n}" for n in range(101)]


def test_summary_gives_median_and_95th_percentile_of_what_is_there() -> None:
    summary = measured().summary()
    assert summary.of("final_ms") == MeasureSummary("final_ms", 101, 250.0, 295.0)
    assert summary.of("vad_stop_ms").utterances == 0
    assert [row.measure for row in summary] == list(MEASURES)
    assert pl.DataFrame(summary)["median_ms"].to_list() == [None, 50.0, None, 250.0, None]


def test_summary_of_nothing_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(Latency().summary().of("final_ms").p95_ms)


def test_a_partial_may_come_before_the_end_of_speech() -> None:
    latency = Latency()
    latency.append(item_id=None, speech_end_s=1.0, first_partial_ms=-350.0)
    assert latency.to_pandas()["first_partial_ms"].tolist() == [-350.0]
    assert latency.to_pandas()["item_id"].isna().all()


def test_a_measure_has_a_tenth_of_a_millisecond_and_no_noise_behind_it() -> None:
    latency = Latency()
    latency.append(item_id="a", speech_end_s=1.0, final_ms=419.98437512)
    assert latency.painted("a", 431.06249998)
    assert latency.to_pandas()[["final_ms", "on_screen_ms"]].values.tolist() == [[420.0, 431.1]]


@pytest.mark.parametrize("latency", [Latency(), measured()])
def test_all_columns_are_there_in_every_library(latency: Latency) -> None:
    names = ["item_id", "speech_end_s", "vad_stop_ms", "commit_ms", "first_partial_ms", "final_ms", "on_screen_ms"]
    frame = latency.to_pandas()
    assert list(frame.columns) == names == pl.DataFrame(latency).columns
    assert [str(d) for d in frame.dtypes] == ["str"] + ["float64"] * 6


def test_what_is_painted_is_noted_once_and_earlier_tables_stay_as_they_were() -> None:
    latency = measured()
    before = latency.columns()
    assert latency.painted("item7", 230.5)
    assert not latency.painted("item7", 999.0)
    assert not latency.painted("nobody", 1.0)
    assert latency[7].on_screen_ms == 230.5
    assert math.isnan(before["on_screen_ms"][7])
    assert latency.summary().of("on_screen_ms") == MeasureSummary("on_screen_ms", 1, 230.5, 230.5)
    latency.append(item_id="later", speech_end_s=300.0)
    assert [row.item_id for row in latency if not math.isnan(row.on_screen_ms)] == ["item7"]


def test_pandas_takes_latencies_as_they_are() -> None:
    frame = pd.DataFrame(measured())
    pd.testing.assert_frame_equal(frame, measured().to_pandas())
