from __future__ import annotations

import copy
import csv
import importlib
import io
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.tables import Kind, Table

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")
pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

WHEN = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


class Visits(Table):
    kinds: ClassVar = {"when": Kind.TIME, "marks": {"name": Kind.TEXT, "score": Kind.NUMBER}}

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def columns(self) -> Mapping[str, Any]:
        n = self._rows
        return {
            "number": np.arange(n),
            "level": np.array([math.nan, 0.5, 1 / 3][:n] + [0.0] * (n - 3), dtype=np.float32),
            "heard": np.zeros(n, dtype=np.bool_),
            "text": ['say "hi",\nplease', None, "你好"][:n] + ["x"] * (n - 3),
            "when": [WHEN] * n,
            "marks": [[{"name": "a", "score": 1.0}], [], [{"name": "b", "score": None}]][:n] + [[]] * (n - 3),
        }


@pytest.mark.parametrize("rows", [0, 3])
def test_pandas_frames_have_every_column_and_type_even_without_rows(rows: int) -> None:
    frame = Visits(rows).to_pandas()
    assert [str(dtype) for dtype in frame.dtypes] == [
        "int64",
        "float32",
        "bool",
        "str",
        "datetime64[us, UTC]",
        "object",
    ]
    assert len(frame) == rows


@pytest.mark.parametrize("rows", [0, 3])
def test_polars_takes_a_table_as_it_is(rows: int) -> None:
    marks = pl.List(pl.Struct({"name": pl.String, "score": pl.Float64}))
    types = [pl.Int64, pl.Float32, pl.Boolean, pl.String, pl.Datetime("us", "UTC"), marks]
    for frame in (pl.DataFrame(Visits(rows)), Visits(rows).to_polars()):
        assert list(frame.schema.values()) == types
        assert frame.height == rows


@pytest.mark.parametrize("rows", [0, 3])
def test_pyarrow_takes_a_table_as_it_is(rows: int) -> None:
    marks = pa.list_(pa.struct([("name", pa.string()), ("score", pa.float64())]))
    types = [pa.int64(), pa.float32(), pa.bool_(), pa.string(), pa.timestamp("us", "UTC"), marks]
    for table in (pa.table(Visits(rows)), Visits(rows).to_arrow()):
        assert table.schema.types == types
        assert table.num_rows == rows


def test_pandas_takes_a_table_as_it_is() -> None:
    frame = pd.DataFrame(Visits(3))
    exact = Visits(3).to_pandas()
    assert list(frame.columns) == list(exact.columns)
    assert [d.kind for d in frame.dtypes] == [d.kind for d in exact.dtypes]
    assert frame["text"].tolist()[2] == "你好"
    assert frame["when"][0] == WHEN


def test_rows_go_to_other_processes_and_into_files() -> None:
    for row in (Visits(3)[1], list(Visits(3))[1]):
        for other in (pickle.loads(pickle.dumps(row)), copy.copy(row), copy.deepcopy(row), row._replace(number=9)):
            assert type(other) is type(row)
            assert (other.level, other.text) == (row.level, row.text)
    assert type(Visits(3)[0]) is type(Visits(2)[1])


def test_an_error_of_another_process_says_the_same() -> None:
    error = MissingExtraError("pandas", "frames", "give results as pandas data frames")
    assert str(pickle.loads(pickle.dumps(error))) == str(copy.copy(error)) == str(error)


def test_what_is_not_there_is_null_and_not_a_number_or_a_word() -> None:
    assert Visits(3).to_arrow()["level"].to_pylist()[0] is None
    assert Visits(3).to_polars()["level"].to_list()[0] is None
    assert Visits(3).to_pandas()["text"].isna().tolist() == [False, True, False]


def test_rows_are_named_python_values() -> None:
    table = Visits(3)
    first, *_, last = table
    assert (first.number, first.when, first.heard) == (0, WHEN, False)
    assert type(first.number) is int
    assert table[-1] == last
    assert last.text == "你好"
    assert len(table) == 3


@pytest.mark.parametrize("index", [3, -4])
def test_a_row_outside_the_table_is_an_index_error(index: int) -> None:
    with pytest.raises(IndexError, match="of 3 rows"):
        Visits(3)[index]


def test_csv_is_quoted_rounded_and_without_nested_columns(tmp_path: Path) -> None:
    text = Visits(3).to_csv()
    assert text is not None
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["number", "level", "heard", "text", "when"]
    assert [row["level"] for row in rows] == ["", "0.5", "0.333333"]
    assert rows[0]["text"] == 'say "hi",\nplease'
    assert rows[0]["when"] == "2026-03-01T12:30:15.250000+00:00"
    assert Visits(3).to_csv(tmp_path / "visits.csv") is None
    assert (tmp_path / "visits.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "one\rtwo", "＝1", "'=1"])
def test_no_text_in_csv_is_a_formula_or_ends_its_row(text: str) -> None:
    class Said(Visits):
        def columns(self) -> Mapping[str, Any]:
            return {**super().columns(), "level": np.full(1, -1.5), "text": [text]}

    (row,) = csv.DictReader(io.StringIO(Said(1).to_csv()))
    assert row["text"].removeprefix("'") == text.removeprefix("'").replace("\r", "\n")
    assert not row["text"].startswith(tuple("=+-@\t\r＝"))
    assert row["level"] == "-1.5"


def test_csv_of_an_empty_table_has_its_header() -> None:
    assert Visits(0).to_csv() == "number,level,heard,text,when\n"


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"visits\.csv cannot be written \(No such file") as caught:
        Visits(3).to_csv(tmp_path / "nowhere" / "visits.csv")
    assert isinstance(caught.value.__cause__, OSError)


def _hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Make packages as if they were not installed."""
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


def test_parquet_is_written_by_whichever_library_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Visits(3).to_parquet(tmp_path / "arrow.parquet")
    with monkeypatch.context() as patch:
        _hide(patch, "pyarrow")
        Visits(3).to_parquet(tmp_path / "polars.parquet")
    for name in ("arrow", "polars"):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert table["text"].to_pylist() == ['say "hi",\nplease', None, "你好"]
        assert table["marks"].to_pylist()[0] == [{"name": "a", "score": 1.0}]


def test_polars_alone_can_export_to_arrow_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, "pyarrow")
    assert pl.DataFrame(Visits(3))["number"].to_list() == [0, 1, 2]


@pytest.mark.parametrize(
    ("package", "method"), [("pandas", "to_pandas"), ("polars", "to_polars"), ("pyarrow", "to_arrow")]
)
def test_a_missing_library_answers_with_the_pip_line(
    package: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide(monkeypatch, package)
    with pytest.raises(MissingExtraError, match=rf"^{package} is needed .* pip install 'ipyspeaches\[frames\]'$"):
        getattr(Visits(1), method)()


def test_html_escapes_and_shows_the_first_rows_only() -> None:
    html = Visits(12)._repr_html_()
    assert "say &quot;hi&quot;" in html
    assert html.count("<tr>") == 11
    assert "12 rows, the first 10" in html
    assert repr(Visits(12)) == "Visits(12 rows: number, level, heard, text, when, marks)"


def test_pandas_takes_a_table_where_pyarrow_is_not_installed() -> None:
    program = """
import sys
sys.modules["pyarrow"] = None
import pandas as pd
from ipyspeaches import Segment, Transcript
transcript = Transcript([Segment(0.5, 1.5, "hello", language="en")])
pd.testing.assert_frame_equal(pd.DataFrame(transcript)[["start", "text"]], transcript.to_pandas()[["start", "text"]])
"""
    source = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {"PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.stderr == ""


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.text(st.characters(exclude_categories=["Cs", "Cc"])))))
def test_every_way_out_gives_the_same_values(rows: list[tuple[float, str]]) -> None:
    class Pairs(Table):
        def columns(self) -> Mapping[str, Any]:
            return {"value": np.array([v for v, _ in rows], dtype=np.float64), "text": [t for _, t in rows]}

    values, texts = [v for v, _ in rows], [t for _, t in rows]
    assert pl.DataFrame(Pairs())["value"].to_list() == values
    assert pa.table(Pairs())["text"].to_pylist() == texts
    assert Pairs().to_pandas()["text"].tolist() == texts
    assert [tuple(row) for row in Pairs()] == rows
