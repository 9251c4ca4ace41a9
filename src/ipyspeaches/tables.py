"""Results as data frames of any library, without depending on one.

``pl.DataFrame(x)`` and ``pa.table(x)`` ask a `Table` for ``__arrow_c_stream__`` (the Arrow PyCapsule interface) and get
exact types, also of an empty table. ``pd.DataFrame(x)`` iterates over the rows, takes their field names as columns and
infers the types, so that it needs no pyarrow; of an empty table, only ``x.to_pandas()`` knows the columns.
"""

from __future__ import annotations

import csv
import importlib
import io
import math
import operator
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeAlias, TypeVar, get_type_hints

import numpy as np

from ipyspeaches.checks import as_path, shown_if_made
from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.terminal import printable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


Row = TypeVar("Row")

_FORMULA: Final = tuple("=+-@\t＝＋－＠")
"""What spreadsheets take for the beginning of one, and evaluate when a file is opened."""
_DTYPES: Final = {float: np.float64, float | None: np.float64, int: np.int64, bool: np.bool_}


class Kind(StrEnum):
    """What the values of a list are; numpy arrays need none, they bring their dtype."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


ColumnKind: TypeAlias = Kind | Mapping[str, Kind]
"""Kind of a column; a mapping of field names to kinds for a column that holds a list of records in each cell."""


class Table(ABC):
    """Rows of one kind of result, with a way into every data frame library.

    A table that grows while it is read must return columns of one length from `columns`, and rows that do not change
    from ``iter``. ``kinds`` names the columns that are lists of something else than text.
    """

    kinds: ClassVar[Mapping[str, ColumnKind]] = {}
    _row_type: ClassVar[Any] = None

    @abstractmethod
    def columns(self) -> Mapping[str, Any]:
        """Return the columns by name, all of one length.

        Returns
        -------
        Mapping[str, numpy.ndarray | list]
            Arrays of shape ``(len(self),)`` for numbers and truth values (NaN stands for "not there"), lists for
            everything else (None stands for "not there").
        """

    def __len__(self) -> int:
        return _length(self.columns())

    def __iter__(self) -> Iterator[Any]:
        columns = self.columns()
        return map(self._row_of(columns), *_lists(columns))

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - subclasses name their row
        columns = self.columns()
        at = row_position(index, _length(columns))
        row = {name: column[at : at + 1] for name, column in columns.items()}
        return next(map(self._row_of(columns), *_lists(row)))

    def to_pandas(self) -> pd.DataFrame:
        """Return a new pandas data frame with all columns and types, also when there are no rows.

        It is a `MissingExtraError` if pandas is not installed.
        """
        pandas = _library("pandas", "give results as pandas data frames")
        data = {}
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else _pandas_dtype(pandas, self._kind(name))
            data[name] = pandas.Series(column, dtype=dtype)
        frame: pd.DataFrame = pandas.DataFrame(data)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a polars data frame; what is not there is null; a `MissingExtraError` if polars is not installed."""
        polars = _library("polars", "give results as polars data frames")
        data = []
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else _polars_type(polars, self._kind(name))
            data.append(polars.Series(name, column, dtype=dtype, nan_to_null=True))
        frame: pl.DataFrame = polars.DataFrame(data)
        return frame

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; what is not there is null; a `MissingExtraError` if pyarrow is not installed."""
        arrow = _library("pyarrow", "give results as Arrow tables")
        data = {}
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else _arrow_type(arrow, self._kind(name))
            data[name] = arrow.array(column, type=dtype, from_pandas=True)
        return arrow.table(data)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table through the Arrow PyCapsule interface, with whichever library is installed."""
        try:
            exporter: Any = self.to_arrow()
        except MissingExtraError:
            exporter = self.to_polars()
        capsule: object = exporter.__arrow_c_stream__(requested_schema)
        return capsule

    def to_csv(self, path: str | Path | None = None, *, bom: bool = False) -> str | None:
        """Write comma-separated values with a header line, UTF-8.

        It is an `InputError` if the file cannot be written.

        Numbers are rounded to a millionth; columns that hold records (the words of a segment) are left out. A text that
        a spreadsheet would take for a formula begins with an apostrophe.

        Parameters
        ----------
        path
            File to write; without one, the text is returned.
        bom
            Whether the file begins with a byte order mark: without one, Excel reads it in the system's old encoding.
        """
        columns = {name: c for name, c in self._filed().columns().items() if isinstance(self._kind(name), Kind)}
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in zip(*_lists(columns), strict=True))
        return write_or_return(buffer.getvalue(), path, "utf-8-sig" if bom else "utf-8")

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file, with pyarrow or else polars.

        Raises
        ------
        MissingExtraError
            If neither is installed.
        InputError
            If the file cannot be written.
        """
        buffer, rows = io.BytesIO(), self._filed()
        try:
            table = rows.to_arrow()
        except MissingExtraError:
            rows.to_polars().write_parquet(buffer)
        else:
            _library("pyarrow.parquet", "write Parquet files").write_table(table, buffer)
        write_file(path, buffer.getvalue())

    def _filed(self) -> Table:
        """Return the rows of a file, which may tell more than a data frame."""
        return self

    def _kind(self, name: str) -> ColumnKind:
        return self.kinds.get(name, Kind.TEXT)

    def _row_of(self, columns: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class, perhaps made from the names here
        return self._row_type or _row_class(tuple(columns))

    @shown_if_made
    def __repr__(self) -> str:
        columns = self.columns()
        return f"{type(self).__name__}({_length(columns):,} rows: {', '.join(columns)})"

    def _repr_html_(self) -> str:
        columns = self.columns()
        length = _length(columns)
        shown = {name: column[:10] for name, column in columns.items()}
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(_cell(value, digits=3)))}</td>" for value in row) + "</tr>"
            for row in zip(*_lists(shown), strict=True)
        )
        caption = f"{type(self).__name__}: {length:,} rows" + (", the first 10" if length > 10 else "")
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Rows(Table, Generic[Row]):
    """A table of values in order: named tuples, data classes or structs, one row each, whose fields are the columns."""

    _row_type: ClassVar[type]

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: Sequence[Row] = tuple(rows)

    def columns(self) -> Mapping[str, Any]:
        """Return a column for each field: arrays of shape ``(len(self),)`` for numbers, NaN for None; else lists."""
        rows = tuple(self._rows)
        return {name: _column([getattr(row, name) for row in rows], kind) for name, kind in _fields(self._row_type)}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(tuple(self._rows))

    def __getitem__(self, index: int) -> Row:
        return self._rows[index]


@dataclass(frozen=True, eq=False, repr=False)
class Columns(Table):
    """A table that holds its columns: a data class whose fields are arrays or lists of one length."""

    def columns(self) -> Mapping[str, Any]:
        """Return the fields by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def write_file(path: str | Path, content: bytes) -> None:
    """Write a file that a user named.

    It is an `InputError` if it cannot be written: no such folder, no permission, disk full.
    """
    try:
        as_path(path).write_bytes(content)
    except (OSError, ValueError) as exc:  # a name with a NUL in it
        reason = getattr(exc, "strerror", None) or exc
        raise InputError(
            f"{printable(str(path))} cannot be written ({reason}): choose another file or create its folder."
        ) from exc


def write_or_return(text: str, path: str | Path | None, encoding: str = "utf-8") -> str | None:
    """Write text to a file, or return it where there is no path."""
    if path is None:
        return text
    write_file(path, text.encode(encoding, "replace"))
    return None


def row_position(index: int, length: int) -> int:
    """Return an index, perhaps counted from the end, as one from the start; an `IndexError` if there is no such row."""
    at = operator.index(index)
    if not -length <= at < length:
        raise IndexError(f"There is no row {at} in a table of {length} rows: count from 0, or from the end with -1.")
    return at % length


@cache
def _row_class(names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a class that is made here
    make: Any = namedtuple  # noqa: PYI024 - mypy would know the names too
    row = make("Row", names)
    # Pickle finds classes by their module and name, and there are many rows of this name.
    row.__reduce__ = lambda self: (_row, (names, tuple(self)))
    return row


def _row(names: tuple[str, ...], values: tuple[Any, ...]) -> Any:  # noqa: ANN401 - see above
    return _row_class(names)(*values)


def _length(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values())))


def _lists(columns: Mapping[str, Any]) -> list[list[Any]]:
    """Return the columns as lists of Python values."""
    return [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]


def _cell(value: object, digits: int = 6) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        # Sample counts divided by a rate have long tails of digits; the seventh is below a sample's length.
        return round(value, digits)
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone one would end the row
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def _fields(row_type: type) -> tuple[tuple[str, object], ...]:
    return tuple(get_type_hints(row_type).items())


def _column(values: list[Any], kind: Any) -> Any:  # noqa: ANN401 - any type of a field
    return np.array(values, dtype=_DTYPES[kind]) if kind in _DTYPES else values


def _library(name: str, purpose: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise MissingExtraError(name.partition(".")[0], "frames", purpose) from exc


def _pandas_dtype(pandas: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    if not isinstance(kind, Kind):
        return object
    # Before pandas 3, dtype "str" turned None into the text "None".
    text = "str" if int(pandas.__version__.partition(".")[0]) >= 3 else object
    return {Kind.TEXT: text, Kind.NUMBER: "float64", Kind.TIME: "datetime64[us, UTC]"}[kind]


def _polars_type(polars: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    if not isinstance(kind, Kind):
        return polars.List(polars.Struct({name: _polars_type(polars, field) for name, field in kind.items()}))
    return {Kind.TEXT: polars.String, Kind.NUMBER: polars.Float64, Kind.TIME: polars.Datetime("us", "UTC")}[kind]


def _arrow_type(arrow: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    if not isinstance(kind, Kind):
        return arrow.list_(arrow.struct([(name, _arrow_type(arrow, field)) for name, field in kind.items()]))
    return {Kind.TEXT: arrow.string(), Kind.NUMBER: arrow.float64(), Kind.TIME: arrow.timestamp("us", "UTC")}[kind]
