"""Everything that happened in a session, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ipyspeaches.tables import Kind, Table


class Event(NamedTuple):
    """Something that happened.

    Parameters
    ----------
    time_s
        Seconds on the session clock.
    wall_time
        When that was; with a time zone.
    type
        Name of the event, such as ``"Final"``.
    item_id
        The server's name for the utterance, if it concerns one.
    text
        What was said, or what the user was told.
    detail
        Anything else.
    """

    time_s: float
    wall_time: datetime
    type: str
    item_id: str | None = None
    text: str = ""
    detail: str = ""


class EventLog(Table):
    """One row an event; one thread may append while others read."""

    kinds: ClassVar = {"wall_time": Kind.TIME}

    def __init__(self) -> None:
        self._events: list[Event] = []

    def append(
        self,
        *,
        time_s: float,
        wall_time: datetime,
        type: str,  # noqa: A002 - the name of the column
        item_id: str | None = None,
        text: str = "",
        detail: str = "",
    ) -> None:
        """Add an event; see `Event` for the fields."""
        self._events.append(Event(time_s, wall_time, type, item_id, text, detail))

    def columns(self) -> Mapping[str, Any]:
        """Return ``time_s`` as float64 of shape ``(len(self),)``, ``wall_time`` as datetimes, the others as text."""
        events = self._events.copy()
        columns: dict[str, Any] = {name: [event[i] for event in events] for i, name in enumerate(Event._fields)}
        return columns | {"time_s": np.array(columns["time_s"], dtype=np.float64)}

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events.copy())

    def __getitem__(self, index: int) -> Event:
        return self._events[index]
