"""Labels of a recording with their history, and the file beside the recording that keeps them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

import numpy as np

from ipyspeaches.checks import as_path, checked
from ipyspeaches.errors import InputError
from ipyspeaches.tables import row_position
from ipyspeaches.vad import intervals, label_files
from ipyspeaches.vad.segments import Segments

HISTORY: Final = 500
"""Steps that can be undone."""
SHORTEST_S: Final = 0.01
"""A region is never made shorter by moving an edge: one could not get hold of it again."""

Edge: TypeAlias = Literal["start", "end"]

READERS: Final[dict[str, Callable[[Path], Segments]]] = {
    ".rttm": Segments.from_rttm,
    ".txt": Segments.from_audacity,
    ".textgrid": Segments.from_textgrid,
    ".csv": Segments.from_csv,
}


@checked
@dataclass(frozen=True, slots=True)
class Labels:
    """Regions of speech that somebody paints: every edit returns new labels, which remember the old ones.

    An edit that changes nothing is no step; an edit after an undo forgets what was undone.

    Parameters
    ----------
    segments
        Regions to begin with: none, a file's, or a detector's. Overlaps are joined.
    duration
        Length of the recording in seconds: nothing is painted behind it.
    """

    segments: Segments = field(default_factory=Segments)
    duration: float | None = None
    past: tuple[Segments, ...] = field(default=(), repr=False)
    future: tuple[Segments, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", self.segments.normalised(self.duration))

    def paint(self, start: float, end: float) -> Self:
        """Make ``start`` to ``end`` speech (in either order), one region with those that it overlaps or touches."""
        regions = self.segments
        low, high = min(start, end), max(start, end)
        near = (regions.start <= high) & (regions.end >= low)
        if near.any():
            low = min(low, float(regions.start[near][0]))
            high = max(high, float(regions.end[near][-1]))
        starts, ends = np.append(regions.start[~near], low), np.append(regions.end[~near], high)
        return self.replace_all(Segments.from_arrays(*intervals.merged(starts, ends, touching=False)))

    def erase(self, start: float, end: float) -> Self:
        """Make ``start`` to ``end`` silence (in either order); a region around it becomes two."""
        low, high = min(start, end), max(start, end)
        free = intervals.complement((np.array([low]), np.array([high])), -np.inf, np.inf)
        regions = self.segments.start, self.segments.end
        # Not `Segments.difference`, which would join regions that touch.
        return self.replace_all(Segments.from_arrays(*intervals.intersected(regions, free)))

    def move_edge(self, index: int, edge: Edge, time: float) -> Self:
        """Move one edge of a region; it stops at the neighbour and 10 ms from the region's other edge.

        It is an `IndexError` if there is no such region.
        """
        at = row_position(index, len(self.segments))
        start, end = self.segments.start.copy(), self.segments.end.copy()
        if edge == "start":
            lowest = float(end[at - 1]) if at else 0.0
            start[at] = max(lowest, min(time, float(end[at]) - SHORTEST_S))
        else:
            highest = float(start[at + 1]) if at + 1 < len(start) else np.inf
            end[at] = min(highest, max(time, float(start[at]) + SHORTEST_S))
        return self.replace_all(Segments.from_arrays(start, end))

    def split(self, time: float) -> Self:
        """Split the region at a time in two, which touch; an `InputError` if no speech is there."""
        regions = self.segments
        at = regions.at(time)
        if at is None or time == regions.start[at]:
            raise InputError(f"There is nothing to split at {time:g} s: choose a time inside a region of speech.")
        start, end = np.insert(regions.start, at + 1, time), np.insert(regions.end, at, time)
        return self.replace_all(Segments.from_arrays(start, end))

    def merge(self, first: int, last: int | None = None) -> Self:
        """Join regions ``first`` to ``last`` (the next one if not given), with the silence between them.

        It is an `IndexError` if there are no such regions.
        """
        regions = self.segments
        low = row_position(first, len(regions))
        high = row_position(low + 1 if last is None else last, len(regions))
        keep = np.ones(len(regions), dtype=np.bool_)
        keep[low + 1 : high + 1] = False
        end = regions.end.copy()
        end[low] = end[max(low, high)]
        return self.replace_all(Segments.from_arrays(regions.start[keep], end[keep]))

    def remove(self, index: int) -> Self:
        """Drop a region; an `IndexError` if there is no such region."""
        at = row_position(index, len(self.segments))
        start, end = np.delete(self.segments.start, at), np.delete(self.segments.end, at)
        return self.replace_all(Segments.from_arrays(start, end))

    def replace_all(self, segments: Segments) -> Self:
        """Go on with other regions, such as a detector's; this too can be undone."""
        segments = segments.normalised(self.duration)
        if segments == self.segments:
            return self
        return replace(self, segments=segments, past=(*self.past, self.segments)[-HISTORY:], future=())

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self.past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self.future)

    def undo(self) -> Self:
        """Take back the last edit; without one, nothing happens."""
        if not self.past:
            return self
        return replace(self, segments=self.past[-1], past=self.past[:-1], future=(self.segments, *self.future))

    def redo(self) -> Self:
        """Do again what was undone last; without anything, nothing happens."""
        if not self.future:
            return self
        return replace(self, segments=self.future[0], past=(*self.past, self.segments), future=self.future[1:])


def read_truth(path: str | os.PathLike[str]) -> Segments:
    """Read labels from RTTM, an Audacity label track (``.txt``), a Praat TextGrid or CSV, as the suffix says.

    It is an `InputError` if the suffix is another one, or the file cannot be read; a line at fault is named.
    """
    file = as_path(path)
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"{file} is not a label file: give one of {', '.join(READERS)}.")
    return reader(file)


def labels_path(audio: str | Path) -> Path:
    """Return the file beside an audio file that keeps its labels: ``talk.flac`` has ``talk.truth.rttm``."""
    return Path(audio).with_suffix(".truth.rttm")


def is_as_saved(segments: Segments, path: Path) -> bool:
    """Return whether a file holds what `save_labels` would write, and nothing else that a rewrite would lose."""
    try:
        return path.read_text("utf-8") == label_files.rttm(segments, label_files.stem(path))
    except (OSError, ValueError):
        return False


def save_labels(segments: Segments, path: str | Path) -> Path:
    """Write labels as RTTM so that the file always holds the old ones or the new ones, whatever happens.

    It is an `InputError` if it cannot be written; an older file is as it was.

    Parameters
    ----------
    segments
        Labels to keep.
    path
        File to write, as `labels_path` gives it.
    """
    file = as_path(path)
    try:
        write_whole(file, label_files.rttm(segments, label_files.stem(file)).encode())
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError(
            f"The labels cannot be saved as {file} ({reason}): save them elsewhere with segments.to_rttm(path)."
        ) from exc
    return file


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that always holds the old content or the new; an `OSError` if it cannot be written."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
