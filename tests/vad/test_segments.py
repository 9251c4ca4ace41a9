"""Segments are a table, a checked truth, and a value."""

from __future__ import annotations

import math
import pickle

import pandas as pd
import polars as pl
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.vad.segments import Segments, SpeechSegment

TALK = Segments([(0.5, 1.25), (2.0, 4.0)])


def test_data_frames_have_starts_ends_and_durations() -> None:
    expected = {"start": [0.5, 2.0], "end": [1.25, 4.0], "duration": [0.75, 2.0]}
    assert pd.DataFrame(TALK).to_dict("list") == expected  # type: ignore[arg-type]
    assert pl.DataFrame(TALK).to_dict(as_series=False) == expected
    assert TALK.to_pandas().to_dict("list") == expected
    assert list(Segments().to_pandas()) == list(expected)


def test_rows_and_slices() -> None:
    assert [(segment.start, segment.end) for segment in TALK] == [(0.5, 1.25), (2.0, 4.0)]
    assert TALK[-1] == SpeechSegment(2.0, 4.0)
    assert TALK[-1].duration == 2.0
    assert TALK[1:] == Segments([(2.0, 4.0)])
    with pytest.raises(IndexError, match="no row 2"):
        _ = TALK[2]


def test_they_are_values() -> None:
    same = Segments(TALK)
    assert same == TALK
    assert hash(same) == hash(Segments([(0.5, 1.25), (2, 4)]))
    assert Segments([(0.5, 1.25)]) != TALK
    assert pickle.loads(pickle.dumps(TALK)) == TALK
    with pytest.raises(ValueError, match="read-only"):
        TALK.start[0] = 9


def test_anything_with_start_and_end_is_a_segment() -> None:
    assert Segments(list(TALK)) == TALK
    assert Segments.from_arrays([0.5, 2], [1.25, 4]) == TALK


def test_the_caller_keeps_his_arrays() -> None:
    start, end = TALK.start.copy(), TALK.end.copy()
    made = Segments.from_arrays(start, end)
    start[0] = 1.0
    assert made == TALK


@pytest.mark.parametrize(
    "spans", [[(2.0, 1.0)], [(0.0, math.nan)], [(math.inf, math.inf)], [("a", "b")], [1.0], [(1.0,)], 3, [(0, 10**400)]]
)
def test_what_is_no_segment_is_refused(spans: object) -> None:
    with pytest.raises(InputError):
        Segments(spans)  # type: ignore[arg-type]


@pytest.mark.parametrize("end", [math.inf, math.nan, -1.0, 1e300, 10**400])
def test_a_textgrid_has_an_end(end: float) -> None:
    with pytest.raises(InputError, match="duration is"):
        TALK.to_textgrid(duration=end)


def test_one_end_for_each_start() -> None:
    with pytest.raises(InputError, match="2 starts and 1 ends"):
        Segments.from_arrays([0, 1], [2])


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 1), (-0.5, 2)], "Region 1 .* begins before the audio"),
        ([(0, 2), (1, 3)], "Region 1 .* overlaps the one before it: join them with .normalised"),
        ([(2, 3), (0, 1)], "Region 1 .* overlaps the one before it"),
        ([(1, 1)], "Region 0 .* has no length"),
        ([(1, 10.5)], r"Region 0 .* ends after the audio \(10 s\)"),
    ],
)
def test_a_truth_that_cannot_be_true_is_named(spans: list[tuple[float, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments(spans).check(10.0, what="region")
    Segments(spans).normalised(10.0).check(10.0)


def test_rounding_in_files_is_no_fault() -> None:
    Segments([(0, 1.0000004), (1.0, 10.006)]).check(10.0)


def test_normalised_joins_overlaps_and_keeps_what_touches() -> None:
    mixed = Segments([(3, 4), (4, 5), (-1, 1), (0.5, 2), (6, 6), (9, 12)])
    assert mixed.normalised(10.0) == Segments([(0, 2), (3, 4), (4, 5), (9, 10)])


def test_where_a_time_is() -> None:
    assert [TALK.at(time) for time in (0.4, 0.5, 1.25, 3.0)] == [None, 0, None, 1]
