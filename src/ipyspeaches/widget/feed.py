"""Drawing data for the page: what is new in the sound and its frames since the last message. Pure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ipyspeaches.audio import SESSION_RATE_HZ, measure
from ipyspeaches.session.hearing import Hearing

COLUMN: Final = SESSION_RATE_HZ // 100
"""Samples of one column of the waveform: 10 ms."""

MAX_COLUMNS: Final = 6_000
"""Columns of one message (a minute): a recording that is read at once comes in several."""

Message = tuple[dict[str, Any], list[bytes]]


class Feed:
    """Cuts a growing recording into messages.

    Parameters
    ----------
    hearing
        The sound and its frames.
    start_column
        Where to begin.
    """

    def __init__(self, hearing: Hearing, start_column: int = 0) -> None:
        self._hearing = hearing
        self._column = start_column
        self._frame = 0

    def take(self) -> Message | None:
        """Return the next message, header and buffers, or None if nothing is new."""
        store, frames = self._hearing.store, self._hearing.frames
        columns = min(len(store) // COLUMN - self._column, MAX_COLUMNS)
        rows = len(frames) - self._frame
        if columns <= 0 and rows <= 0:
            return None
        columns = max(columns, 0)
        sound = store.read(self._column * COLUMN, (self._column + columns) * COLUMN).reshape(-1, COLUMN)
        extremes = np.empty((columns, 2), dtype="<i2")
        if columns:
            sound.min(axis=1, out=extremes[:, 0])
            sound.max(axis=1, out=extremes[:, 1])
        data = frames.columns()
        time = data["time"][self._frame : self._frame + rows]
        level = measure(sound.reshape(-1)[-SESSION_RATE_HZ // 10 :])
        header = {
            "type": "frames",
            "first_column": self._column,
            "column_s": COLUMN / SESSION_RATE_HZ,
            "columns": columns,
            "first_frame": self._frame,
            "first_frame_s": float(time[0]) if rows else 0.0,
            "frame_s": self._hearing.frame_s,
            "frames": rows,
            "clock_s": store.duration_s,
            "level_db": level.rms_db,
            "peak_db": level.peak_db,
            "clipped": level.clipped,
        }
        buffers = [
            extremes.tobytes(),
            data["score"][self._frame : self._frame + rows].astype("<f4").tobytes(),
            data["energy"][self._frame : self._frame + rows].astype("<f4").tobytes(),
        ]
        self._column += columns
        self._frame += rows
        return header, buffers
