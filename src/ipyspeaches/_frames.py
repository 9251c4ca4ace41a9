"""Column types in the words of pandas, polars and pyarrow, each imported only when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any, TypeAlias

from ipyspeaches.errors import MissingExtraError


class Kind(StrEnum):
    """What the values of a list are; numpy arrays need none, they bring their dtype."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


ColumnKind: TypeAlias = Kind | Mapping[str, Kind]
"""Kind of a column; a mapping of field names to kinds for a column that holds a list of records in each cell."""


def library(name: str, purpose: str) -> ModuleType:
    """Import an optional library.

    Parameters
    ----------
    name
        Module to import.
    purpose
        What for, as the end of "… is needed to …".

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise MissingExtraError(name.partition(".")[0], "frames", purpose) from exc


def pandas_dtype(pandas: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    """Return what ``pandas.Series`` takes as dtype for a list of this kind."""
    if not isinstance(kind, Kind):
        return object
    # Before pandas 3, dtype "str" turned None into the text "None".
    text = "str" if int(pandas.__version__.partition(".")[0]) >= 3 else object
    return {Kind.TEXT: text, Kind.NUMBER: "float64", Kind.TIME: "datetime64[us, UTC]"}[kind]


def polars_type(polars: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    """Return the polars data type of a list of this kind."""
    if not isinstance(kind, Kind):
        return polars.List(polars.Struct({name: polars_type(polars, field) for name, field in kind.items()}))
    return {Kind.TEXT: polars.String, Kind.NUMBER: polars.Float64, Kind.TIME: polars.Datetime("us", "UTC")}[kind]


def arrow_type(arrow: Any, kind: ColumnKind) -> Any:  # noqa: ANN401 - an optional library
    """Return the Arrow data type of a list of this kind."""
    if not isinstance(kind, Kind):
        return arrow.list_(arrow.struct([(name, arrow_type(arrow, field)) for name, field in kind.items()]))
    return {Kind.TEXT: arrow.string(), Kind.NUMBER: arrow.float64(), Kind.TIME: arrow.timestamp("us", "UTC")}[kind]
