"""What a session records besides the words: frames, events, marks, and how long everything took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipyspeaches.audio.store import GrowingArray
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Kind, Row, Rows, Table

MEASURES: Final = ("vad_stop_ms", "commit_ms", "first_partial_ms", "final_ms", "on_screen_ms")
STEPS: Final = {
    "vad_stop_ms": "end noticed",
    "commit_ms": "committed",
    "first_partial_ms": "first text",
    "final_ms": "final text",
    "on_screen_ms": "on screen",
}
"""The measures in words."""

_FIRST_CAPACITY: Final = 256


class GrowingTable(Table, Generic[Row]):
    """Numpy columns of one length to which blocks of rows are added.

    One thread appends and amends; any thread may read, and gets read-only views that stay as they are.
    """

    _row_type: ClassVar[type]
    _dtypes: ClassVar[Mapping[str, type[np.generic]]]

    def __init__(self) -> None:
        self._arrays = {name: GrowingArray(dtype, _FIRST_CAPACITY) for name, dtype in self._dtypes.items()}
        self._length = 0

    def columns(self) -> Mapping[str, Any]:
        """Return the columns as arrays of shape ``(len(self),)``, texts as lists, all from one moment."""
        views = self._views()
        return {name: view.tolist() if view.dtype.hasobject else view for name, view in views.items()}

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Row]:
        return super().__iter__()

    def __getitem__(self, index: int) -> Row:
        row: Row = super().__getitem__(index)
        return row

    def _add(self, block: Mapping[str, ArrayLike | None]) -> None:
        """Add rows: one array of shape ``(n,)``, or one value, for each column; None for a number that is not there."""
        columns = [np.asarray(block[name], dtype) for name, dtype in self._dtypes.items()]
        shape = columns[0].shape
        if len(shape) > 1 or any(values.shape != shape for values in columns):
            shapes = [values.shape for values in columns]
            raise InputError(f"Columns of shapes {shapes} do not fit together: give each the same number of rows.")
        for array, values in dict(zip(self._arrays.values(), columns, strict=True)).items():
            array.append(values if shape else values.reshape(1))
        # Rows are written behind the end that readers know, and published in one assignment.
        self._length += columns[0].size

    def _amend(self, name: str, row: int, value: float) -> None:
        """Change one number in a copy of its column: views taken earlier stay as they were."""
        column = self._views()[name].copy()
        column[row] = value
        amended = GrowingArray(self._dtypes[name], _FIRST_CAPACITY)
        amended.append(column)
        self._arrays = {**self._arrays, name: amended}

    def _views(self) -> dict[str, NDArray[Any]]:
        length = self._length
        return {name: array.read(0, length) for name, array in self._arrays.items()}


class Frame(NamedTuple):
    """One frame: where it begins (s), its level (dBFS), its energy (int16 units), its score, and the decision."""

    time: float
    level_db: float
    energy: float
    score: float
    is_speech: bool


class Frames(GrowingTable[Frame]):
    """One row a frame of the voice-activity detector; arrays are read-only views of what is there at the moment."""

    _row_type: ClassVar = Frame
    _dtypes: ClassVar = {
        "time": np.float64,
        "level_db": np.float32,
        "energy": np.float32,
        "score": np.float32,
        "is_speech": np.bool_,
    }

    def __init__(self) -> None:
        super().__init__()
        self._arrays["energy"] = self._arrays["score"]  # one for both, which many hours fill, until they differ

    @property
    def time(self) -> NDArray[np.float64]:
        """Where each frame begins, in session seconds, shape ``(len(self),)``."""
        return self._views()["time"]

    @property
    def level_db(self) -> NDArray[np.float32]:
        """Root-mean-square level in dBFS, shape ``(len(self),)``."""
        return self._views()["level_db"]

    @property
    def energy(self) -> NDArray[np.float32]:
        """Mean absolute sample in int16 units (0 to 32,768), shape ``(len(self),)``."""
        return self._views()["energy"]

    @property
    def score(self) -> NDArray[np.float32]:
        """What the detector compares with its threshold: energy or a probability, shape ``(len(self),)``."""
        return self._views()["score"]

    @property
    def is_speech(self) -> NDArray[np.bool_]:
        """What the detector decided with the options that it had then, shape ``(len(self),)``."""
        return self._views()["is_speech"]

    def append(
        self, *, time: ArrayLike, level_db: ArrayLike, energy: ArrayLike, score: ArrayLike, is_speech: ArrayLike
    ) -> None:
        """Add a block of frames, each column of shape ``(n,)``, in order of time.

        It is an `InputError` if the columns differ in length.
        """
        if energy is not score and (both := self._arrays["energy"]) is self._arrays["score"]:
            self._arrays = {**self._arrays, "energy": GrowingArray(np.float32, _FIRST_CAPACITY)}
            self._arrays["energy"].append(both.read(0, len(both)))
        self._add({"time": time, "level_db": level_db, "energy": energy, "score": score, "is_speech": is_speech})


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


class EventLog(Rows[Event]):
    """Everything that happened in a session, in order; one thread may append while others read."""

    _row_type: ClassVar = Event
    kinds: ClassVar = {"wall_time": Kind.TIME}

    def __init__(self) -> None:
        self._rows: list[Event] = []

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
        self._rows.append(Event(time_s, wall_time, type, item_id, text, detail))


class Mark(NamedTuple):
    """A moment that somebody marked while listening: its number, its place in session seconds, its name."""

    id: int
    time: float
    name: str


class Marks(Rows[Mark]):
    """Marks in the order in which they were set; columns ``id``, ``time`` (s) and ``name``."""

    _row_type: ClassVar = Mark

    def add(self, time: float, name: str = "") -> Mark:
        """Set a mark; without a name it is called by its number; an `InputError` if the time is not finite."""
        if not np.isfinite(time):
            raise InputError(f"A mark at {time} s is at no time: give seconds into the session.")
        number = len(self)
        mark = Mark(number, time, name or f"Mark {number + 1}")
        self._rows = (*self._rows, mark)
        return mark

    def rename(self, number: int, name: str) -> Mark:
        """Give a mark another name; an `InputError` if there is no such mark."""
        marks = self._rows
        if not 0 <= number < len(marks):
            raise InputError(f"There is no mark {number}: {len(marks)} marks are set, numbered from 0.")
        mark = marks[number]._replace(name=name or f"Mark {number + 1}")
        self._rows = (*marks[:number], mark, *marks[number + 1 :])
        return mark


class UtteranceLatency(NamedTuple):
    """The way of one utterance, in milliseconds after the end of its speech; NaN for what did not happen.

    Parameters
    ----------
    item_id
        The server's name for the utterance.
    speech_end_s
        Where its speech ends, in session seconds.
    vad_stop_ms
        The detector was sure that it had ended.
    commit_ms
        The server took the utterance.
    first_partial_ms
        The first text came; negative if that was during the speech.
    final_ms
        The final text came.
    on_screen_ms
        A page had painted the final text. The page says so after the frame, and half of the time that the messages
        take there and back is taken off. Without a page in view it did not happen.
    """

    item_id: str | None
    speech_end_s: float
    vad_stop_ms: float
    commit_ms: float
    first_partial_ms: float
    final_ms: float
    on_screen_ms: float


class MeasureSummary(NamedTuple):
    """Median and 95th percentile of one measure over the utterances that have it."""

    measure: str
    utterances: int
    median_ms: float
    p95_ms: float


class LatencySummary(Rows[MeasureSummary]):
    """One row a measure: how many utterances have it, its median and its 95th percentile."""

    _row_type: ClassVar = MeasureSummary

    def of(self, measure: str) -> MeasureSummary:
        """Return the row of a measure such as ``"final_ms"``."""
        return self[MEASURES.index(measure)]


class Latency(GrowingTable[UtteranceLatency]):
    """One row an utterance, in the order in which the final texts came.

    One thread may append and amend while others read.
    """

    _row_type: ClassVar = UtteranceLatency
    _dtypes: ClassVar = {"item_id": np.object_, **dict.fromkeys(("speech_end_s", *MEASURES), np.float64)}

    def append(
        self,
        *,
        item_id: str | None,
        speech_end_s: float,
        vad_stop_ms: float | None = None,
        commit_ms: float | None = None,
        first_partial_ms: float | None = None,
        final_ms: float | None = None,
        on_screen_ms: float | None = None,
    ) -> None:
        """Add an utterance; None for what did not happen. See `UtteranceLatency` for the measures."""
        measures = (vad_stop_ms, commit_ms, first_partial_ms, final_ms, on_screen_ms)
        tenths = (None if one is None else round(one, 1) for one in measures)  # finer, it is the clock's noise
        self._add({"item_id": item_id, "speech_end_s": speech_end_s, **dict(zip(MEASURES, tenths, strict=True))})

    def painted(self, item_id: str, on_screen_ms: float) -> bool:
        """Note when the final text of an utterance was on screen; only the first time counts.

        Returns
        -------
        bool
            Whether it was noted: False if no row has this ``item_id``, or it was on screen before.
        """
        views = self._views()
        # What is painted came a moment ago: look from the end.
        for row in range(len(views["item_id"]) - 1, -1, -1):
            if views["item_id"][row] == item_id:
                first = math.isnan(views["on_screen_ms"][row])
                if first:
                    self._amend("on_screen_ms", row, round(on_screen_ms, 1))
                return first
        return False

    def summary(self) -> LatencySummary:
        """Return median and 95th percentile of each measure; NaN where no utterance has it."""
        views = self._views()
        rows = []
        for measure in MEASURES:
            values = views[measure]
            there = values[~np.isnan(values)]
            median_ms, p95_ms = np.percentile(there, (50, 95)).tolist() if len(there) else (math.nan, math.nan)
            rows.append(MeasureSummary(measure, len(there), median_ms, p95_ms))
        return LatencySummary(rows)
