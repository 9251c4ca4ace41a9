"""The frames of a session: how loud, which score, speech or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipyspeaches.results.growing import GrowingColumns
from ipyspeaches.tables import Table, row_position


class Frame(NamedTuple):
    """One frame: where it begins (s), its level (dBFS), its energy (int16 units), its score, and the decision."""

    time: float
    level_db: float
    energy: float
    score: float
    is_speech: bool


class Frames(Table):
    """One row a frame of the voice-activity detector.

    Arrays are read-only views of what is there at the moment; one thread may append while others read.
    """

    def __init__(self) -> None:
        self._columns = GrowingColumns(
            {
                "time": np.float64,
                "level_db": np.float32,
                "energy": np.float32,
                "score": np.float32,
                "is_speech": np.bool_,
            }
        )

    @property
    def time(self) -> NDArray[np.float64]:
        """Where each frame begins, in session seconds, shape ``(len(self),)``."""
        return self._columns.views()["time"]

    @property
    def level_db(self) -> NDArray[np.float32]:
        """Root-mean-square level in dBFS, shape ``(len(self),)``."""
        return self._columns.views()["level_db"]

    @property
    def energy(self) -> NDArray[np.float32]:
        """Mean absolute sample in int16 units (0 to 32,768), shape ``(len(self),)``."""
        return self._columns.views()["energy"]

    @property
    def score(self) -> NDArray[np.float32]:
        """What the detector compares with its threshold: energy or a probability, shape ``(len(self),)``."""
        return self._columns.views()["score"]

    @property
    def is_speech(self) -> NDArray[np.bool_]:
        """What the detector decided with the options that it had then, shape ``(len(self),)``."""
        return self._columns.views()["is_speech"]

    def append(
        self, *, time: ArrayLike, level_db: ArrayLike, energy: ArrayLike, score: ArrayLike, is_speech: ArrayLike
    ) -> None:
        """Add a block of frames, each column of shape ``(n,)``, in order of time.

        Raises
        ------
        InputError
            If the columns differ in length.
        """
        self._columns.append(
            {"time": time, "level_db": level_db, "energy": energy, "score": score, "is_speech": is_speech}
        )

    def columns(self) -> Mapping[str, Any]:
        """Return ``time`` as float64, ``level_db``, ``energy``, ``score`` as float32 and ``is_speech`` as bool."""
        return self._columns.views()

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[Frame]:
        return map(Frame, *(column.tolist() for column in self._columns.views().values()))

    def __getitem__(self, index: int) -> Frame:
        views = self._columns.views()
        at = row_position(index, len(views["time"]))
        return Frame(*(column[at].item() for column in views.values()))
