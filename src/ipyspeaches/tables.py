"""Results as data frames of any library, without depending on one.

A `Table` says which columns it has; this module hands them to pandas, polars, pyarrow or a CSV file. Each library has
its own way in, and all of them are open:

- ``pl.DataFrame(x)`` and ``pa.table(x)`` ask for ``__arrow_c_stream__`` (the Arrow PyCapsule interface) and get exact
  types, also of an empty table;
- ``pd.DataFrame(x)`` knows no such interface: it iterates over the rows, takes their field names as columns and
  infers the types. It therefore works without pyarrow, but an empty table has no rows to infer from:
  ``x.to_pandas()`` always has all columns and types.
"""

from __future__ import annotations

import csv
import io
import math
import operator
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ipyspeaches._frames import ColumnKind, Kind, arrow_type, library, pandas_dtype, polars_type
from ipyspeaches.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


__all__ = ["Kind", "Table", "row_position", "write_file"]


class Table(ABC):
    """Rows of one kind of result, with a way into every data frame library.

    A table that grows while it is read must return columns of one length from `columns`, and rows that do not change
    from ``iter``. ``kinds`` names the columns that are lists of something else than text.
    """

    kinds: ClassVar[Mapping[str, ColumnKind]] = {}

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
        return map(_row_type(columns), *_lists(columns))

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - subclasses name their row
        columns = self.columns()
        at = row_position(index, _length(columns))
        row = {name: column[at : at + 1] for name, column in columns.items()}
        return next(map(_row_type(columns), *_lists(row)))

    def to_pandas(self) -> pd.DataFrame:
        """Return a new pandas data frame with all columns and types, also when there are no rows.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        pandas = library("pandas", "give results as pandas data frames")
        data = {}
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else pandas_dtype(pandas, self._kind(name))
            data[name] = pandas.Series(column, dtype=dtype)
        frame: pd.DataFrame = pandas.DataFrame(data)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a polars data frame; what is not there is null.

        Raises
        ------
        MissingExtraError
            If polars is not installed.
        """
        polars = library("polars", "give results as polars data frames")
        data = []
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else polars_type(polars, self._kind(name))
            data.append(polars.Series(name, column, dtype=dtype, nan_to_null=True))
        frame: pl.DataFrame = polars.DataFrame(data)
        return frame

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; what is not there is null.

        Raises
        ------
        MissingExtraError
            If pyarrow is not installed.
        """
        arrow = library("pyarrow", "give results as Arrow tables")
        data = {}
        for name, column in self.columns().items():
            dtype = None if isinstance(column, np.ndarray) else arrow_type(arrow, self._kind(name))
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

    def to_csv(self, path: str | Path | None = None) -> str | None:
        """Write comma-separated values with a header line, UTF-8.

        Numbers are rounded to a millionth; columns that hold records (the words of a segment) are left out.

        Parameters
        ----------
        path
            File to write; without one, the text is returned.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        columns = {name: c for name, c in self.columns().items() if isinstance(self._kind(name), Kind)}
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in zip(*_lists(columns), strict=True))
        if path is None:
            return buffer.getvalue()
        write_file(path, buffer.getvalue().encode())
        return None

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file, with pyarrow or else polars.

        Raises
        ------
        MissingExtraError
            If neither is installed.
        InputError
            If the file cannot be written.
        """
        buffer = io.BytesIO()
        try:
            table = self.to_arrow()
        except MissingExtraError:
            self.to_polars().write_parquet(buffer)
        else:
            library("pyarrow.parquet", "write Parquet files").write_table(table, buffer)
        write_file(path, buffer.getvalue())

    def _kind(self, name: str) -> ColumnKind:
        return self.kinds.get(name, Kind.TEXT)

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


def write_file(path: str | Path, content: bytes) -> None:
    """Write a file that a user named.

    Raises
    ------
    InputError
        If it cannot be written: no such folder, no permission, disk full.
    """
    try:
        Path(path).write_bytes(content)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError(f"{path} cannot be written ({reason}): choose another file or create its folder.") from exc


def row_position(index: int, length: int) -> int:
    """Return an index, perhaps counted from the end, as one from the start.

    Raises
    ------
    IndexError
        If there is no such row.
    """
    at = operator.index(index)
    if not -length <= at < length:
        raise IndexError(f"There is no row {at} in a table of {length} rows: count from 0, or from the end with -1.")
    return at % length


def _length(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values())))


def _row_type(columns: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class made from names known only now
    return namedtuple("Row", columns)  # noqa: PYI024


def _lists(columns: Mapping[str, Any]) -> list[list[Any]]:
    """Return the columns as lists of Python values."""
    return [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]


def _cell(value: object, digits: int = 6) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        # Sample counts divided by a rate have long tails of digits; the seventh is below a sample's length.
        return round(value, digits)
    return value.isoformat() if isinstance(value, datetime) else value
