"""The truth of a `VadLab`: read from any label file, edited as a page asks, kept beside the recording."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.vad.labels import Labels, is_as_saved, labels_path, save_labels
from ipyspeaches.vad.segments import Segments

TruthLike: TypeAlias = "Segments | str | os.PathLike[str]"

READERS: Final[dict[str, Callable[[Path], Segments]]] = {
    ".rttm": Segments.from_rttm,
    ".txt": Segments.from_audacity,
    ".textgrid": Segments.from_textgrid,
    ".csv": Segments.from_csv,
}
_KEPT: Final = ".truth.rttm"


def read_truth(path: str | os.PathLike[str]) -> Segments:
    """Read labels from RTTM, an Audacity label track (``.txt``), a Praat TextGrid or CSV, as the suffix says.

    It is an `InputError` if the suffix is another one, or the file cannot be read; a line at fault is named.
    """
    file = Path(path)
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise InputError(f"{file} is not a label file: give one of {', '.join(READERS)}.")
    return reader(file)


def begin(truth: TruthLike | None, audio: Path | None, duration: float) -> tuple[Labels, TruthFile]:
    """Return the labels to begin with, and what keeps them.

    ``truth`` None stands for what was kept beside the recording, if anything was; ``audio`` is the recording's file,
    None if it came from elsewhere; ``duration`` is in seconds.

    It is an `InputError` if the truth cannot be one for this recording; the message names the region.
    """
    if not (truth is None or isinstance(truth, (Segments, str, os.PathLike))):
        raise InputError(f"{truth!r} is not a truth: give Segments, or the path of a file of labels.")
    named = None if truth is None or isinstance(truth, Segments) else Path(truth)
    beside = audio or named
    kept = _kept_path(beside) if beside is not None else None
    if isinstance(truth, Segments):
        segments = truth
    elif named is not None:
        segments = read_truth(named)
    else:
        segments = Segments() if kept is None else _read_kept(kept)
    segments.check(duration, what="region of the truth")
    own = (truth is None or kept == named) and (kept is None or not kept.exists() or is_as_saved(segments, kept))
    return Labels(segments, duration), TruthFile(kept, own=own)


def _read_kept(path: Path) -> Segments:
    """Read what was kept beside a recording; what cannot be read is left as it is, for its owner to correct."""
    if not path.exists():
        return Segments()
    try:
        return Segments.from_rttm(path)
    except InputError as exc:
        raise InputError(f"{exc} Correct it, or move the file away to start without it.") from exc


def _kept_path(beside: Path) -> Path:
    return beside if beside.name.endswith(_KEPT) else labels_path(beside)


class TruthFile:
    """Keeps labels in a file, if it has one, after every edit; what somebody else left there is never lost.

    Where the file's labels are not our ``own``, the first save keeps them under another name. `saved` says where the
    labels were saved and when, or why not: ``path``, ``at`` (ISO time) and ``error``.
    """

    def __init__(self, path: Path | None, *, own: bool) -> None:
        self._path = path
        self._own = own
        self.saved: dict[str, str | None] = {"path": None, "at": None, "error": None}

    def save(self, segments: Segments) -> None:
        """Write the labels; where that fails, `saved` says so, and the older file is as it was."""
        if self._path is None:
            return
        try:
            if not self._own and self._path.exists():
                _move_aside(self._path)
            self._own = True
            save_labels(segments, self._path)
        except InputError as exc:
            self.saved = {**self.saved, "error": str(exc)}
        else:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            self.saved = {"path": str(self._path), "at": now, "error": None}


def _move_aside(path: Path) -> None:
    stem = path.name.removesuffix(_KEPT)
    names = (path.with_name(f"{stem}.truth.old{number}.rttm") for number in itertools.count(1))
    try:
        path.rename(next(old for old in names if not old.exists()))
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError(
            f"The labels are not saved: {path} has older ones that cannot be moved aside ({reason}). "
            "Save them elsewhere with lab.truth.to_rttm(path)."
        ) from exc


def move(labels: Labels, index: int, by_s: float) -> Labels:
    """Move a region as a whole; it stops at its neighbours and at the ends of the recording.

    It is an `IndexError` if there is no such region.
    """
    start, end = labels.segments.start.copy(), labels.segments.end.copy()
    lowest = float(end[index - 1]) if index else 0.0
    last = np.inf if labels.duration is None else labels.duration
    highest = float(start[index + 1]) if index + 1 < len(start) else last
    shift = max(lowest - float(start[index]), min(by_s, highest - float(end[index])))
    start[index] += shift
    end[index] += shift
    return labels.replace_all(Segments.from_arrays(start, end))


def edited(labels: Labels, args: dict[str, Any]) -> Labels:
    """Return labels after an edit that a page asks for.

    ``args`` are ``kind`` and what it needs: ``paint`` and ``erase`` {start_s, end_s}, ``edge`` {index, edge, time_s},
    ``move`` {index, by_s}, ``split`` {time_s}, ``merge`` and ``remove`` {index}, ``undo``, ``redo``.

    It is an `InputError` if there is no such edit or no such region, or it cannot be done there.
    """
    kinds: dict[str, Callable[[], Labels]] = {
        "paint": lambda: labels.paint(*_span(args)),
        "erase": lambda: labels.erase(*_span(args)),
        "edge": lambda: labels.move_edge(
            int(args["index"]), "start" if args["edge"] == "start" else "end", float(args["time_s"])
        ),
        "move": lambda: move(labels, int(args["index"]), float(args["by_s"])),
        "split": lambda: labels.split(float(args["time_s"])),
        "merge": lambda: labels.merge(int(args["index"])),
        "remove": lambda: labels.remove(int(args["index"])),
        "undo": labels.undo,
        "redo": labels.redo,
    }
    kind = kinds.get(str(args.get("kind")))
    if kind is None:
        raise InputError(f"There is no edit {args.get('kind')!r}: choose one of {', '.join(kinds)}.")
    try:
        return kind()
    except IndexError as exc:
        raise InputError("There is no such region, or none after it: select another one.") from exc


def _span(args: dict[str, Any]) -> tuple[float, float]:
    return float(args["start_s"]), float(args["end_s"])
