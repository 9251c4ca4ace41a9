from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ipyspeaches.results import Event, EventLog

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


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
