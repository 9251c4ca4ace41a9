from __future__ import annotations

import importlib
import math
import warnings
from typing import Any

import pytest

from ipyspeaches.results import Latency, MeasureSummary
from ipyspeaches.results.latency import MEASURES

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")


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
