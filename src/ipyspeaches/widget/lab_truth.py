"""The truth of a `VadLab`: read from any label file, edited as a page asks, kept beside the recording."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import as_path
from ipyspeaches.errors import InputError
from ipyspeaches.vad import label_files
from ipyspeaches.vad.evaluation import check_span
from ipyspeaches.vad.handins import SUFFIX, HandIn, Setup, Span
from ipyspeaches.vad.labels import Labels, is_as_saved, labels_path, read_truth, save_labels
from ipyspeaches.vad.scores import content_key
from ipyspeaches.vad.segments import Segments

TruthLike: TypeAlias = "Segments | str | os.PathLike[str]"

_KEPT: Final = ".truth.rttm"
_SPAN: Final = ".uem"


def begin(truth: TruthLike | None, audio: Path | None, duration: float) -> tuple[Segments, Span, TruthFile]:
    """Return the labels to begin with, the span that they are about, and what keeps both.

    ``truth`` None stands for what was kept beside the recording, if anything was; ``audio`` is the recording's file,
    None if it came from elsewhere; ``duration`` is in seconds.

    It is an `InputError` if the truth cannot be one for this recording; the message names the region.
    """
    if not (truth is None or isinstance(truth, (Segments, str, os.PathLike))):
        raise InputError(f"{truth!r} is not a truth: give Segments, or the path of a file of labels.")
    named = None if truth is None or isinstance(truth, Segments) else as_path(truth)
    beside = audio or named
    kept = _kept_path(beside) if beside is not None else None
    if isinstance(truth, Segments):
        segments = truth
    elif named is not None:
        segments = read_truth(named)
    else:
        segments = Segments() if kept is None else _read_kept(kept)
    segments.check(duration, what="region of the truth")
    ours = truth is None or kept == named
    own = ours and (kept is None or not kept.exists() or is_as_saved(segments, kept))
    span = _read_span(kept, duration) if ours and kept is not None else (0.0, duration)
    return segments.normalised(duration), span, TruthFile(kept, duration, own=own)


def read_labels(file: Path, recording: Recording) -> tuple[Segments, Span]:
    """Return the labels of any file, and the span that they are about; a ``.vadlab`` file must be of this recording."""
    if file.suffix == SUFFIX:
        hand_in = HandIn.read(file)
        if hand_in.sound.digest != content_key(recording):
            raise InputError(f"{file} is about another sound ({hand_in.sound.name or 'without a name'}) than this lab.")
        return hand_in.setup.truth, hand_in.setup.span
    truth = read_truth(file).check(recording.duration, what="region of the truth")
    return truth.normalised(recording.duration), (0.0, recording.duration)


def _read_kept(path: Path) -> Segments:
    """Read what was kept beside a recording; what cannot be read is left as it is, for its owner to correct."""
    if not path.exists():
        return Segments()
    try:
        return Segments.from_rttm(path)
    except InputError as exc:
        raise InputError(f"{exc} Correct it, or move the file away to start without it.") from exc


def _read_span(kept: Path, duration: float) -> Span:
    """Read which part of a recording is labelled, where that was kept; else it is all of it."""
    file = kept.with_suffix(_SPAN)
    try:
        _name, _channel, start, end = file.read_text("utf-8").split()
        return check_span((float(start), float(end)), duration)
    except FileNotFoundError:
        return 0.0, duration
    except (OSError, ValueError, InputError) as exc:
        raise InputError(f"{file} does not say which part of the recording is labelled: move it away.") from exc


def _kept_path(beside: Path) -> Path:
    return beside if beside.name.endswith(_KEPT) else labels_path(beside)


class TruthFile:
    """Keeps labels in a file, if it has one, after every edit; what somebody else left there is never lost.

    Where the file's labels are not our ``own``, the first save keeps them under another name. `saved` says where the
    labels were saved and when, or why not: ``path``, ``at`` (ISO time) and ``error``. Labels of a part of the
    recording have a UEM file (NIST) beside them, which says which part.
    """

    def __init__(self, path: Path | None, duration: float, *, own: bool) -> None:
        self._path = path
        self._duration = duration
        self._own = own
        self.saved: dict[str, str | None] = {"path": None, "at": None, "error": None}

    def save(self, segments: Segments, span: Span) -> None:
        """Write the labels and their span; where that fails, `saved` says so, and the older file is as it was."""
        if self._path is None:
            return
        try:
            if not self._own and self._path.exists():
                _move_aside(self._path)
            self._own = True
            save_labels(segments, self._path)
            _write_span(self._path.with_suffix(_SPAN), span, self._duration)
        except InputError as exc:
            self.saved = {**self.saved, "error": str(exc)}
        else:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            self.saved = {"path": str(self._path), "at": now, "error": None}


def _write_span(file: Path, span: Span, duration: float) -> None:
    """Keep which part is labelled; nothing where all of it is."""
    try:
        if span == (0.0, duration):
            file.unlink(missing_ok=True)
        else:
            file.write_text(f"{label_files.stem(file)} 1 {span[0]:.6f} {span[1]:.6f}\n", encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{file} cannot be written ({exc.strerror}): which part is labelled is not kept.") from exc


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


def edited(setup: Setup, args: dict[str, Any], duration: float) -> Setup:
    """Return a set-up after an edit of the truth that a page asks for, see `_edited`.

    What is painted first says which part is being labelled: what the page showed then, ``seen`` (seconds). What is
    painted outside it later widens it.
    """
    truth = _edited(Labels(setup.truth, duration), args).segments
    span = setup.span
    if args.get("kind") == "paint":
        if not len(setup.truth) and span == (0.0, duration):
            span = check_span([float(one) for one in args.get("seen", span)], duration)
        low, high = sorted(_span(args))
        span = max(0.0, min(span[0], low)), min(duration, max(span[1], high))
    return replace(setup, truth=truth, span=span)


def _edited(labels: Labels, args: dict[str, Any]) -> Labels:
    """Return labels after an edit that a page asks for.

    ``args`` are ``kind`` and what it needs: ``paint`` and ``erase`` {start_s, end_s}, ``edge`` {index, edge, time_s},
    ``move`` {index, by_s}, ``split`` {time_s}, ``merge`` and ``remove`` {index}.

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
