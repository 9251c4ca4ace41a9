"""Moments that somebody marked while listening."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table


class Mark(NamedTuple):
    """A named moment: its number, its place in session seconds, its name."""

    id: int
    time: float
    name: str


class Marks(Table):
    """Marks in the order in which they were set; columns ``id``, ``time`` (s) and ``name``."""

    def __init__(self) -> None:
        self._marks: tuple[Mark, ...] = ()

    def add(self, time: float, name: str = "") -> Mark:
        """Set a mark; without a name it is called by its number."""
        number = len(self._marks)
        mark = Mark(number, time, name or f"Mark {number + 1}")
        self._marks = (*self._marks, mark)
        return mark

    def rename(self, number: int, name: str) -> Mark:
        """Give a mark another name.

        Raises
        ------
        InputError
            If there is no such mark.
        """
        if not 0 <= number < len(self._marks):
            raise InputError(f"There is no mark {number}: there are {len(self._marks)}, counted from 0.")
        mark = self._marks[number]._replace(name=name or f"Mark {number + 1}")
        self._marks = (*self._marks[:number], mark, *self._marks[number + 1 :])
        return mark

    def columns(self) -> Mapping[str, Any]:
        """Return the columns: arrays of shape ``(len(self),)``, and a list of names."""
        return {
            "id": np.array([mark.id for mark in self._marks], dtype=np.int64),
            "time": np.array([mark.time for mark in self._marks], dtype=np.float64),
            "name": [mark.name for mark in self._marks],
        }

    def __len__(self) -> int:
        return len(self._marks)

    def __iter__(self) -> Iterator[Mark]:
        return iter(self._marks)

    def __getitem__(self, index: int) -> Mark:
        return self._marks[index]
