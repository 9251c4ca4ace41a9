"""Labels of a recording with their history, and the file beside the recording that keeps them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from ipyspeaches.errors import InputError
from ipyspeaches.vad import editing
from ipyspeaches.vad.editing import Edge
from ipyspeaches.vad.segments import Segments

HISTORY: Final = 500
"""Steps that can be undone."""


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
        """Make a stretch speech; see `editing.paint`."""
        return self._step(editing.paint(self.segments, start, end))

    def erase(self, start: float, end: float) -> Self:
        """Make a stretch silence; see `editing.erase`."""
        return self._step(editing.erase(self.segments, start, end))

    def move_edge(self, index: int, edge: Edge, time: float) -> Self:
        """Move the start or the end of a region; see `editing.move_edge`."""
        return self._step(editing.move_edge(self.segments, index, edge, time))

    def split(self, time: float) -> Self:
        """Cut the region at a time in two; see `editing.split`."""
        return self._step(editing.split(self.segments, time))

    def merge(self, first: int, last: int | None = None) -> Self:
        """Join neighbouring regions; see `editing.merge`."""
        return self._step(editing.merge(self.segments, first, last))

    def remove(self, index: int) -> Self:
        """Drop a region; see `editing.remove`."""
        return self._step(editing.remove(self.segments, index))

    def replace_all(self, segments: Segments) -> Self:
        """Begin again from other regions, such as a detector's; this too can be undone."""
        return self._step(segments)

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

    def _step(self, segments: Segments) -> Self:
        segments = segments.normalised(self.duration)
        if segments == self.segments:
            return self
        return replace(self, segments=segments, past=(*self.past, self.segments)[-HISTORY:], future=())


def labels_path(sound: str | Path) -> Path:
    """Return the file beside a sound file that keeps its labels: ``talk.flac`` has ``talk.truth.rttm``."""
    return Path(sound).with_suffix(".truth.rttm")


def save_labels(segments: Segments, path: str | Path) -> Path:
    """Write labels as RTTM so that the file always holds the old ones or the new ones, whatever happens.

    Parameters
    ----------
    segments
        Labels to keep.
    path
        File to write, as `labels_path` gives it.

    Raises
    ------
    InputError
        If it cannot be written; an older file is as it was.
    """
    file = Path(path)
    text = segments.to_rttm(uri=file.name.partition(".")[0].replace(" ", "_") or None) or ""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError(
            f"The labels cannot be saved as {file} ({reason}): save them elsewhere with segments.to_rttm(path)."
        ) from exc
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return file
