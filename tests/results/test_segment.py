from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results.segment import Segment, Words
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.words import Word

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")


def test_segments_and_words_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Segment(0, 1, "one").text = "two"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Word("one", 0, 1).start = 2  # type: ignore[misc]


def test_words_are_a_sequence_and_a_table() -> None:
    one, two = Word("one", 0.0, 0.4, 0.9), Word("two", 0.5, 1.0)
    words = Words([one, two])
    assert list(words) == [one, two]
    assert words[-1] is two
    assert pd.DataFrame(words)["word"].tolist() == ["one", "two"]
    assert words.to_pandas()["probability"].isna().tolist() == [False, True]
    assert pl.DataFrame(words)["probability"].to_list() == [0.9, None]


def test_no_words_are_an_empty_table_with_its_types() -> None:
    assert len(Words()) == 0
    assert [str(dtype) for dtype in Words().to_pandas().dtypes] == ["str", "float64", "float64", "float64"]


@pytest.mark.parametrize("value", [2**70, 2**62, -(2**70), 2**999])
def test_numbers_that_no_column_holds_are_refused_or_floats(value: int) -> None:
    with pytest.raises(InputError, match="the place of the utterance"):
        Segment(0, 1, "one", id=abs(value))
    rows = Transcript([Segment(value, value, "one", (Word("one", value, value, value),), latency_s=value)])
    assert rows.to_arrow()["start"].to_pylist() == rows.to_pandas()["start"].tolist() == [float(value)]
    assert rows.to_polars()["end"].to_list() == [float(value)]
