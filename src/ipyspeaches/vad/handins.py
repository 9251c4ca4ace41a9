"""What somebody decided in a lab, in one file: it can be opened again, handed in, and ranked among others.

A ``.vadlab`` file is JSON: labels, settings, the scores of each detector, and instead of the sound a digest of it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import as_path, checked, shown
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad.detectors import Detector, from_description
from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, METRICS, Evaluation, check_metric, check_span, evaluate
from ipyspeaches.vad.labels import read_truth, write_whole
from ipyspeaches.vad.scores import Scores, content_key
from ipyspeaches.vad.segments import Segments

SUFFIX: Final = ".vadlab"
FORMAT: Final = 1
_MOST_BYTES: Final = 1 << 30

Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is decided in a lab: a step of its history, and what its file keeps.

    ``truth`` is where speech is, in ``span``, the part of the recording that is labelled and so evaluated (seconds);
    ``detectors`` are at least one; ``collar_s`` around the truth's boundaries is not evaluated, half on each side.
    """

    truth: Segments
    span: Span
    detectors: tuple[Detector, ...]
    collar_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.detectors:
            raise InputError("There is no detector: give at least one, such as detectors=[sp.SileroVad()].")
        for wrong in (one for one in self.detectors if not isinstance(one, Detector)):
            raise InputError(f"{wrong!r:.80} is not a detector: give detectors such as sp.EnergyVad(threshold=500).")


@dataclass(frozen=True, slots=True)
class Sound:
    """Which recording a file is about: its name (empty: it was in no file), length, and a digest of its samples."""

    name: str
    duration_s: float
    digest: str

    @classmethod
    def of(cls, recording: Recording, name: str) -> Sound:
        """Return what tells a recording from any other."""
        return cls(name, recording.duration, content_key(recording))


class _Frames(msgspec.Struct):
    hop: int
    rate: int
    length: int
    value: bytes  # float32, little-endian

    def scores(self) -> Scores:
        value = np.frombuffer(self.value, "<f4").astype(np.float32)
        if min(self.hop, self.rate) < 1 or len(value) != -(-self.length // self.hop) or not np.isfinite(value).all():
            raise ValueError("these are no scores")
        return Scores(value, self.hop, self.rate, self.length)


class _Version(msgspec.Struct):
    vadlab: int


class _Sheet(_Version):
    """The file, as it is written."""

    sound: Sound
    truth: list[tuple[float, float]]
    span: Span
    collar_s: float
    active: int
    detectors: list[dict[str, str | int | float | None]]
    scores: list[_Frames | None]


@checked
@dataclass(frozen=True, slots=True)
class HandIn:
    """What a ``.vadlab`` file holds; ``scores`` are None where a detector had none, ``active`` is the tuned one."""

    sound: Sound
    setup: Setup
    active: int
    scores: tuple[Scores | None, ...]

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        setup = self.setup
        frames = [
            None if one is None else _Frames(one.hop, one.rate, one.length, one.value.astype("<f4").tobytes())
            for one in self.scores
        ]
        truth = list(zip(setup.truth.start.tolist(), setup.truth.end.tolist(), strict=True))
        described = [one.describe() for one in setup.detectors]
        return msgspec.json.encode(
            _Sheet(FORMAT, self.sound, truth, setup.span, setup.collar_s, self.active, described, frames)
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file: it holds the old or the new, whatever happens; an `InputError` if it cannot be written."""
        try:
            write_whole(as_path(path), self.to_bytes())
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise InputError(f"{path} cannot be written ({reason}): choose another file or create its folder.") from exc

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> HandIn:
        """Read a file; an `InputError` if it is cut short, of another version, or cannot be right."""
        try:
            with as_path(path).open("rb") as stream:
                content = stream.read(_MOST_BYTES)
            version = msgspec.json.decode(content, type=_Version).vadlab
            if version == FORMAT:
                return cls._of(msgspec.json.decode(content, type=_Sheet))
        except OSError as exc:
            raise InputError(f"{path} cannot be read ({exc.strerror}): check the name of the lab's file.") from exc
        except InputError as exc:
            raise InputError(f"{path} cannot be used: {exc}") from exc
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as exc:
            raise InputError(f"{path} is no lab's file, or was cut short: save it again with lab.save(path).") from exc
        raise InputError(
            f"{path} is of version {version} of these files, and this program reads version {FORMAT}: update "
            "ipyspeaches, or save it again with this one."
        )

    @classmethod
    def _of(cls, sheet: _Sheet) -> HandIn:
        duration = sheet.sound.duration_s
        truth = Segments(sheet.truth).check(duration, what="region of the truth")
        detectors = tuple(map(from_description, sheet.detectors))
        if not 0 <= sheet.active < len(detectors) == len(sheet.scores) or not 0 <= sheet.collar_s < np.inf:
            raise ValueError("its parts do not fit each other")
        setup = Setup(truth, check_span(sheet.span, duration), detectors, sheet.collar_s)
        return cls(
            sheet.sound, setup, sheet.active, tuple(None if one is None else one.scores() for one in sheet.scores)
        )

    @property
    def vad(self) -> Detector:
        """The detector that was tuned."""
        return self.setup.detectors[self.active]

    def judged_by(self, setup: Setup) -> Evaluation:
        """Return how the tuned detector does against the truth of a set-up, from the scores in the file.

        It is an `InputError` if there are no scores or no labels.
        """
        scores = self.scores[self.active]
        if scores is None:
            raise InputError(f"There are no scores of {self.vad.name} in it: save it again where that detector works.")
        return self._evaluated(self.vad.segment(scores), setup)

    def labels_against(self, setup: Setup) -> Evaluation:
        """Return how the labels themselves agree with another truth."""
        return self._evaluated(self.setup.truth, setup)

    def _evaluated(self, found: Segments, setup: Setup) -> Evaluation:
        return evaluate(found, setup.truth, setup.collar_s, self.sound.duration_s, setup.span)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of a ranking; ``place`` is 0 where there is nothing to rank."""

    name: str
    detector: str = ""
    evaluation: Evaluation | None = None
    labels: Evaluation | None = None
    problem: str = ""
    place: int = 0


class Ranking(Table):
    """One row a file, the best first: ``rank``, ``name``, ``detector``, all metrics, ``labels_f1``, ``problem``.

    ``labels_f1`` is how the file's own labels agree with the truth; what could not be ranked comes last, with its
    ``problem``.
    """

    def __init__(self, rows: Sequence[_Entry]) -> None:
        self._rows = rows

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, of shape ``(files,)``; NaN and rank 0 where there is nothing to rank."""
        rows = self._rows
        return {
            "rank": np.array([row.place for row in rows], dtype=np.int64),
            "name": [row.name for row in rows],
            "detector": [row.detector for row in rows],
            **{name: np.array([_value(row.evaluation, name) for row in rows]) for name in METRICS},
            "labels_f1": np.array([_value(row.labels, "f1") for row in rows]),
            "problem": [row.problem for row in rows],
        }


@checked
def rank(
    folder: str | os.PathLike[str], truth: Segments | str | os.PathLike[str] | None = None, metric: str = "f1"
) -> Ranking:
    """Rank the ``.vadlab`` files of a folder by how their tuned detectors do.

    Parameters
    ----------
    folder
        Where the files are.
    truth
        What all are judged by: `Segments`, a file of labels, or a ``.vadlab`` file, whose span and collar count then
        too. None to judge each by its own labels.
    metric
        What decides, see `evaluate`.

    Raises
    ------
    InputError
        If the folder has no such files, or the truth cannot be read. A file that cannot be ranked is a row with its
        problem: it is broken, or about another sound than the truth's file, or than most.
    """
    check_metric(metric)
    named = truth if isinstance(truth, str | os.PathLike) else None
    key = HandIn.read(named) if named is not None and Path(named).suffix == SUFFIX else None
    paths = sorted(one for one in as_path(folder).glob(f"*{SUFFIX}") if named is None or one != as_path(named))
    if not paths:
        raise InputError(f"There are no {SUFFIX} files in {shown(folder)}: save them there with lab.save(path).")
    read = [(path.stem, _read(path)) for path in paths]
    digests = Counter(one.sound.digest for _, one in read if isinstance(one, HandIn))
    digest = key.sound.digest if key else digests.most_common(1)[0][0] if digests else ""
    common = truth if isinstance(truth, Segments) else None if key or named is None else read_truth(named)
    rows = [_entry(name, one, digest, key.setup if key else common) for name, one in read]
    return Ranking(_placed(rows, metric))


def _read(path: Path) -> HandIn | str:
    try:
        return HandIn.read(path)
    except InputError as exc:
        return str(exc)


def _entry(name: str, read: HandIn | str, digest: str, truth: Setup | Segments | None) -> _Entry:
    if isinstance(read, str):
        return _Entry(name, problem=read)
    if read.sound.digest != digest:
        return _Entry(name, problem=f"It is about another sound ({read.sound.name or 'without a name'}).")
    if isinstance(truth, Segments):
        truth = Setup(truth, (0.0, read.sound.duration_s), read.setup.detectors)
    try:
        evaluation = read.judged_by(truth or read.setup)
        labels = read.labels_against(truth) if truth else None
    except InputError as exc:
        return _Entry(name, read.vad.to_code(), problem=str(exc))
    return _Entry(name, read.vad.to_code(), evaluation, labels)


def _placed(rows: Sequence[_Entry], metric: str) -> list[_Entry]:
    """Return rows in order, the best first, with their places; those without a value last."""

    def cost(row: _Entry) -> float:
        value = _value(row.evaluation, metric)
        return float(np.nan_to_num(-value if metric in HIGH_IS_GOOD else abs(value), nan=np.inf))

    costs = sorted(map(cost, rows))
    return [
        row if row.evaluation is None else replace(row, place=costs.index(cost(row)) + 1)
        for row in sorted(rows, key=cost)
    ]


def _value(evaluation: Evaluation | None, name: str) -> float:
    return np.nan if evaluation is None else float(getattr(evaluation, name))
