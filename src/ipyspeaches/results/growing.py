"""Columns of numbers that grow while they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipyspeaches.errors import InputError

_FIRST_CAPACITY: Final = 256

Column: TypeAlias = NDArray[Any]


class GrowingColumns:
    """Numpy columns of one length to which blocks of rows are added.

    One thread appends and amends; any thread may read. Rows are written behind the end that readers know and then
    published, in one assignment; a full buffer is replaced by one half as big again, so that appending costs a constant
    time a row and views taken earlier stay as they were.

    Parameters
    ----------
    dtypes
        Column names and their numpy dtypes.
    """

    def __init__(self, dtypes: Mapping[str, type[np.generic]]) -> None:
        buffers: dict[str, Column] = {name: np.empty(_FIRST_CAPACITY, dtype) for name, dtype in dtypes.items()}
        self._published = (buffers, 0)

    def __len__(self) -> int:
        return self._published[1]

    def append(self, block: Mapping[str, ArrayLike]) -> None:
        """Add rows: one array of shape ``(n,)``, or one number, for each column.

        Raises
        ------
        InputError
            If the arrays differ in length or the names are not those of the columns; nothing is added then.
        """
        buffers, length = self._published
        if block.keys() != buffers.keys():
            raise InputError(f"The columns are {', '.join(buffers)}, not {', '.join(block)}: give each of them once.")
        columns = [np.asarray(block[name]) for name in buffers]
        shape = columns[0].shape
        if len(shape) > 1 or any(values.shape != shape for values in columns):
            shapes = [values.shape for values in columns]
            raise InputError(f"Columns of shapes {shapes} do not fit together: give each as many rows.")
        end = length + (shape[0] if shape else 1)
        capacity = len(next(iter(buffers.values())))
        if end > capacity:
            buffers = {name: _grown(column, length, max(end, capacity * 3 // 2)) for name, column in buffers.items()}
        for buffer, values in zip(buffers.values(), columns, strict=True):
            buffer[length:end] = values
        self._published = (buffers, end)

    def amend(self, name: str, row: int, value: float) -> None:
        """Change one number, on the thread that appends: readers see the column before or after, never in between.

        The column is copied for it, so that views taken earlier stay as they were.

        Raises
        ------
        InputError
            If there is no such column or row.
        """
        buffers, length = self._published
        if name not in buffers or not 0 <= row < length:
            raise InputError(f"There is no row {row} of {name}: the columns are {', '.join(buffers)}, {length} long.")
        column = buffers[name].copy()
        column[row] = value
        self._published = ({**buffers, name: column}, length)

    def views(self) -> dict[str, Column]:
        """Return the columns as read-only views of shape ``(len(self),)``, all from one moment."""
        buffers, length = self._published
        views = {name: column[:length] for name, column in buffers.items()}
        for view in views.values():
            view.flags.writeable = False
        return views


def _grown(column: Column, length: int, capacity: int) -> Column:
    grown = np.empty(capacity, column.dtype)
    grown[:length] = column[:length]
    return grown
