"""What is drawn of a recording: waveform columns and frame curves, as they come and by window."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.extremes import LEVELS, Extremes, Pyramid
from ipyspeaches.audio.levels import measure
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.ledger import Unsettled
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.session import Session, pipeline_of
from ipyspeaches.session.state import ENDED
from ipyspeaches.widget.page_messages import waiting_message

COLUMN_S: Final = 0.01
COLUMN: Final = SESSION_RATE_HZ // 100
"""Samples of one column of a session's waveform."""

NO_AUDIO: Final = (32_767, -32_768)
"""Extremes of a column whose audio was lost: least above greatest, which changes no coarser column that it is in."""

MAX_COLUMNS: Final = 6_000
"""Columns of one message (a minute): a recording that is read at once comes in several."""

TICK_S: Final = 0.04
"""Messages to the page come in this rhythm: more than 25 a second bunch up in the notebook server."""

RECENT_S: Final = 600
"""What a page that comes late gets at once; the rest of a long recording it fetches by window."""

Message: TypeAlias = tuple[dict[str, Any], list[bytes]]
Send: TypeAlias = Callable[[dict[str, Any], list[bytes]], None]
Curve: TypeAlias = NDArray[np.float32]


@dataclass(slots=True)
class Curves:
    """Score and energy of one detector: frames of ``frame_s`` seconds from grid index ``first_frame`` on."""

    detector: str
    frame_s: float
    first_frame: int
    first_row: int
    score: Pyramid
    energy: Pyramid


class Drawing:
    """Turns a growing recording, the audio and the frames of a pipeline, into messages for the page."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._waveform = Pyramid(np.int16)
        self._curves: list[Curves] = []
        self._row = 0

    @property
    def clock_s(self) -> float:
        """The session clock."""
        return self._pipeline.store.duration_s

    def new(self) -> Message | None:
        """Return what is new, header and buffers, or None; much comes in several messages."""
        extremes, first_column = self._new_columns()
        curves, scores, energies = self._new_frames()
        if not len(extremes) and not len(scores):
            return None
        return self._message(first_column, extremes, curves, len(curves.score) - len(scores), scores, energies)

    def replay(self, from_s: float) -> Iterator[Message]:
        """Return what was drawn from second ``from_s`` on, in the messages of `new`: for a page that comes late."""
        nothing = np.empty(0, dtype=np.float32)
        first = max(0, int(from_s * SESSION_RATE_HZ) // COLUMN)
        curves = self._curves[-1]
        for column in range(first, len(self._waveform), MAX_COLUMNS):
            extremes = self._waveform.window(0, column, MAX_COLUMNS)
            yield self._message(column, extremes, curves, len(curves.score), nothing, nothing)
        for curves in self._curves:
            begin = max(0, int(from_s / curves.frame_s) - curves.first_frame)
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
            "column_s": COLUMN_S,
            "columns": len(extremes),
            "detector": curves.detector,
            "first_frame": curves.first_frame + at,
            "frame_s": curves.frame_s,
            "frames": len(scores),
            **self._clock(),
        }
        return header, [extremes.tobytes(), scores.astype("<f4").tobytes(), energies.astype("<f4").tobytes()]

    def _clock(self) -> dict[str, Any]:
        """Return the session clock and the level of the last tenth of a second."""
        store = self._pipeline.store
        level = measure(store.read(len(store) - SESSION_RATE_HZ // 10, len(store)))
        return {
            "clock_s": store.duration_s,
            "level_db": level.rms_db,
            "peak_db": level.peak_db,
            "clipped": level.clipped,
        }

    def window(self, level: int, first_column: int, columns: int) -> Message:
        """Return a window of the waveform, and the frames of the same time at the same resolution."""
        columns = min(max(columns, 0), MAX_COLUMNS)
        header, buffers = waveform_window(self._waveform, level, first_column, columns)
        level = header["level"]
        step_s = 8**level * COLUMN_S
        for curves in self._curves:
            entry_s = 8**level * curves.frame_s
            begin = max(0, int(first_column * step_s / entry_s) - curves.first_frame // 8**level)
            count = int(columns * step_s / entry_s) + 2
            score, energy = curves.score.window(level, begin, count), curves.energy.window(level, begin, count)
            header["curves"].append(
                {
                    "detector": curves.detector,
                    "frame_s": curves.frame_s,
                    "first_frame": curves.first_frame + begin * 8**level,
                    "entries": len(score),
                }
            )
            buffers += [score.astype("<f4").tobytes(), energy.astype("<f4").tobytes()]
        return header, buffers

    def overview(self, columns: int) -> Extremes:
        """Return the whole waveform in at most so many columns."""
        return reduced(self._waveform, columns)

    def _new_columns(self) -> tuple[Extremes, int]:
        store, first = self._pipeline.store, len(self._waveform)
        count = min(len(store) // COLUMN - first, MAX_COLUMNS)
        extremes = _extremes(store.read(first * COLUMN, (first + count) * COLUMN), COLUMN)
        if len(extremes):
            for begin, end in self._pipeline.lost:
                extremes[max(0, -(-begin // COLUMN) - first) : max(0, end // COLUMN - first)] = NO_AUDIO
            self._waveform.append(extremes)
        return extremes, first

    def _new_frames(self) -> tuple[Curves, Curve, Curve]:
        """Return new rows of one detector: a message never mixes two."""
        frames = self._pipeline.frames
        tracks = self._pipeline.tracks
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


def whole_drawing(session: Session) -> Drawing:
    """Return the drawing of all that there is of a session, which may take a second of an hour."""
    drawing = Drawing(pipeline_of(session))
    deque(iter(drawing.new, None), maxlen=0)
    return drawing


class Feed:
    """Sends the drawing and the events of one session after another to the pages, in a rhythm; on the engine's loop.

    ``each_second`` is called about once a second while a session runs; ``drawing`` is the current session's, None
    before there was one.
    """

    def __init__(self, send: Send, each_second: Callable[[], None]) -> None:
        self._send = send
        self._each_second = each_second
        self.drawing: Drawing | None = None
        self._queue: list[dict[str, Any]] = []
        self._session: Session | None = None
        self._told: list[Unsettled] = []  # what the pages know of utterances without their text
        self._ticker: asyncio.Task[None] | None = None

    def begin(self, session: Session) -> None:
        """Follow a new session."""
        self._follow(session, Drawing(pipeline_of(session)))

    def open(self, session: Session, drawing: Drawing) -> None:
        """Follow a session that has ended, with its whole drawing; what `send_recent` does not send is asked for."""
        self._follow(session, drawing)

    def _follow(self, session: Session, drawing: Drawing) -> None:
        self.drawing, self._session, self._told = drawing, session, []
        self._queue.clear()
        self._send({"type": "reset"}, [])
        self._ticker = asyncio.create_task(self._tick(session))

    def append(self, message: dict[str, Any]) -> None:
        """Send an event with the next tick; at once a final text, which somebody waits for."""
        self._queue.append(message)
        # After the end no tick comes: for a mark that is set then, for a compared session's last words.
        if message["type"] == "final" or (self._ticker is not None and self._ticker.done()):
            self._send_new()

    def flush(self) -> None:
        """Send what waits for the next tick."""
        self._send_new()

    def send_recent(self) -> None:
        """Send the last minutes of the drawing again, and with the next tick what waits for its text."""
        self._told = []
        if self.drawing is not None:
            for header, buffers in self.drawing.replay(self.drawing.clock_s - RECENT_S):
                self._send(header, buffers)

    async def _tick(self, session: Session) -> None:
        """Send what is new, until the session has ended and everything is out."""
        for tick in itertools.count():
            ended = session.state in ENDED
            self._send_new()
            if tick % round(1 / TICK_S) == 0:
                self._each_second()
            if ended:
                return
            await asyncio.sleep(TICK_S)

    def _send_new(self) -> None:
        if self.drawing is not None:
            for header, buffers in iter(self.drawing.new, None):
                self._send(header, buffers)
        waiting = [] if self._session is None else self._session.waiting
        if waiting != self._told:
            self._told = waiting
            self._queue.append(waiting_message(waiting))  # behind the texts of those that wait no more
        if self._queue:
            batch, self._queue = self._queue, []
            self._send({"type": "events", "sent_s": time.monotonic(), "events": batch}, [])


def waveform(recording: Recording) -> Pyramid:
    """Return minimum and maximum of each 10 ms of a recording that is there as a whole."""
    rate = SESSION_RATE_HZ if recording.rate % 100 else recording.rate
    samples, column = recording.to_rate(rate).samples, rate // 100
    extremes = _extremes(samples, column)
    rest = samples[len(extremes) * column :]
    if len(rest):
        extremes = np.append(extremes, [[rest.min(), rest.max()]], axis=0)
    pyramid = Pyramid(np.int16)
    pyramid.append(extremes)
    return pyramid


def reduced(pyramid: Pyramid, columns: int) -> Extremes:
    """Return a whole series in at most so many columns: minimum and maximum of each, shape ``(columns, 2)``."""
    level = next((level for level in range(LEVELS) if len(pyramid) <= columns * 8 ** (level + 1)), LEVELS - 1)
    entries = pyramid.window(level, 0, len(pyramid))
    starts = np.linspace(0, len(entries), min(columns, len(entries)), endpoint=False).astype(np.intp)
    if not len(starts):
        return entries
    low, high = entries.T
    return np.stack((np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)), axis=1)


def waveform_window(pyramid: Pyramid, level: int, first_column: int, columns: int) -> Message:
    """Return a window of a waveform at a resolution: columns of ``8**level`` times 10 ms."""
    level = min(max(level, 0), LEVELS - 1)  # a power of it would hold the interpreter for good
    extremes = pyramid.window(level, first_column, min(max(columns, 0), MAX_COLUMNS))
    header = {"level": level, "first_column": first_column, "columns": len(extremes), "curves": []}
    return header, [extremes.astype("<i2").tobytes()]


def _extremes(samples: NDArray[np.int16], column: int) -> Extremes:
    """Return minimum and maximum of each whole column, shape ``(columns, 2)``."""
    columns = samples[: len(samples) // column * column].reshape(-1, column)
    extremes = np.empty((len(columns), 2), dtype="<i2")
    if len(columns):
        columns.min(axis=1, out=extremes[:, 0])
        columns.max(axis=1, out=extremes[:, 1])
    return extremes
