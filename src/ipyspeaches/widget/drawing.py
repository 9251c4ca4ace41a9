"""What is drawn of a recording: waveform columns and frame curves, as they come and by window. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ, Pyramid, measure
from ipyspeaches.audio.extremes import Extremes
from ipyspeaches.session.hearing import Hearing

COLUMN: Final = SESSION_RATE_HZ // 100
"""Samples of one column of the waveform: 10 ms."""

NO_SOUND: Final = (32_767, -32_768)
"""Extremes of a column whose sound was lost: least above greatest, which changes no coarser column that it is in."""

MAX_COLUMNS: Final = 6_000
"""Columns of one message (a minute): a recording that is read at once comes in several."""

Message = tuple[dict[str, Any], list[bytes]]
Curve = NDArray[np.float32]


@dataclass(slots=True)
class Curves:
    """Score and energy of one detector: frames of ``frame_s`` seconds from grid index ``first`` on."""

    detector: str
    frame_s: float
    first: int
    first_row: int
    score: Pyramid
    energy: Pyramid


class Drawing:
    """Turns a growing recording into messages for the page.

    Parameters
    ----------
    hearing
        The sound and its frames.
    """

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._waveform = Pyramid(np.int16)
        self._curves: list[Curves] = []
        self._row = 0

    def take(self) -> Message | None:
        """Return what is new, header and buffers, or None; long news come in several messages."""
        extremes, first_column = self._new_columns()
        curves, scores, energies = self._new_frames()
        if not len(extremes) and not len(scores):
            return None
        return self._message(first_column, extremes, curves, len(curves.score) - len(scores), scores, energies)

    def replay(self, from_s: float) -> Iterator[Message]:
        """Return what was drawn from second ``from_s`` on, in the messages of `take`: for a page that comes late."""
        nothing = np.empty(0, dtype=np.float32)
        first = max(0, int(from_s * SESSION_RATE_HZ) // COLUMN)
        curves = self._curves[-1]
        for column in range(first, len(self._waveform), MAX_COLUMNS):
            extremes = self._waveform.window(0, column, MAX_COLUMNS)
            yield self._message(column, extremes, curves, len(curves.score), nothing, nothing)
        for curves in self._curves:
            begin = max(0, int(from_s / curves.frame_s) - curves.first)
            for at in range(begin, len(curves.score), MAX_COLUMNS):
                scores = curves.score.window(0, at, MAX_COLUMNS)[:, 1]
                energies = curves.energy.window(0, at, MAX_COLUMNS)[:, 1]
                yield self._message(0, np.empty((0, 2), dtype="<i2"), curves, at, scores, energies)

    def _message(
        self, first_column: int, extremes: Extremes, curves: Curves, at: int, scores: Curve, energies: Curve
    ) -> Message:
        header = {
            "type": "frames",
            "first_column": first_column,
            "column_s": COLUMN / SESSION_RATE_HZ,
            "columns": len(extremes),
            "detector": curves.detector,
            "first_frame": curves.first + at,
            "frame_s": curves.frame_s,
            "frames": len(scores),
            **self.clock(),
        }
        return header, [extremes.tobytes(), scores.astype("<f4").tobytes(), energies.astype("<f4").tobytes()]

    def clock(self) -> dict[str, Any]:
        """Return the session clock and the level of the last tenth of a second."""
        store = self._hearing.store
        level = measure(store.read(len(store) - SESSION_RATE_HZ // 10, len(store)))
        return {
            "clock_s": store.duration_s,
            "level_db": level.rms_db,
            "peak_db": level.peak_db,
            "clipped": level.clipped,
        }

    def window(self, level: int, first_column: int, columns: int) -> Message:
        """Return a window at a resolution: columns of ``8**level`` times 10 ms, and the frames of the same time."""
        columns = min(max(columns, 0), MAX_COLUMNS)
        extremes = self._waveform.window(level, first_column, columns)
        step_s = 8**level * COLUMN / SESSION_RATE_HZ
        header: dict[str, Any] = {"level": level, "first_column": first_column, "columns": len(extremes), "curves": []}
        buffers = [extremes.astype("<i2").tobytes()]
        for curves in self._curves:
            entry_s = 8**level * curves.frame_s
            begin = max(0, int(first_column * step_s / entry_s) - curves.first // 8**level)
            count = int(columns * step_s / entry_s) + 2
            score, energy = curves.score.window(level, begin, count), curves.energy.window(level, begin, count)
            header["curves"].append(
                {
                    "detector": curves.detector,
                    "frame_s": curves.frame_s,
                    "first_frame": curves.first + begin * 8**level,
                    "entries": len(score),
                }
            )
            buffers += [score.astype("<f4").tobytes(), energy.astype("<f4").tobytes()]
        return header, buffers

    def _new_columns(self) -> tuple[Extremes, int]:
        store, first = self._hearing.store, len(self._waveform)
        count = min(len(store) // COLUMN - first, MAX_COLUMNS)
        sound = store.read(first * COLUMN, (first + count) * COLUMN).reshape(-1, COLUMN)
        extremes = np.empty((len(sound), 2), dtype="<i2")
        if len(sound):
            sound.min(axis=1, out=extremes[:, 0])
            sound.max(axis=1, out=extremes[:, 1])
            for begin, end in self._hearing.lost:
                extremes[max(0, -(-begin // COLUMN) - first) : max(0, end // COLUMN - first)] = NO_SOUND
            self._waveform.append(extremes)
        return extremes, first

    def _new_frames(self) -> tuple[Curves, Curve, Curve]:
        """Return new rows of one detector: a message never mixes two."""
        frames = self._hearing.frames
        tracks = self._hearing.tracks
        for track in tracks[len(self._curves) :]:
            grid = round(track.start_s / track.frame_s)
            self._curves.append(
                Curves(track.detector, track.frame_s, grid, track.first_row, Pyramid(np.float32), Pyramid(np.float32))
            )
        index = max(i for i, curves in enumerate(self._curves) if curves.first_row <= self._row)
        curves = self._curves[index]
        limit = self._curves[index + 1].first_row if index + 1 < len(self._curves) else len(frames)
        score, energy = frames.score[self._row : limit], frames.energy[self._row : limit]
        curves.score.append(np.stack((score, score), axis=1))
        curves.energy.append(np.stack((energy, energy), axis=1))
        self._row = max(self._row, limit)
        return curves, score, energy
