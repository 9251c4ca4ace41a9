"""Try many settings of a detector on one or many recordings, in this process or on any executor.

Every recording is scored once; a setting then costs its segments and its metrics, a fraction of a millisecond for an
hour of audio. Settings with equal thresholds are tried together, so that the loud and quiet frames are found once for
all.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

import numpy as np

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import check_seed, checked, shown, shown_if_made
from ipyspeaches.errors import InputError
from ipyspeaches.lines import LinesFile, one_json_line
from ipyspeaches.tables import Table
from ipyspeaches.terminal import Progress
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, METRICS, Boundaries, Durations, Evaluation, Truth, check_metric
from ipyspeaches.vad.scores import Scores, content_key
from ipyspeaches.vad.segments import Segments

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

MAX_SETTINGS = 1_000_000
_SETTINGS_A_TASK: Final = 64
_TASKS_AHEAD: Final = 64
"""Tasks handed to an executor before the first result is waited for: each carries a recording's scores."""
_FILE_FORMAT: Final = 1
_MOST: Final = 2**53
"""Counts and seconds in a file of results are below this."""

_Results: TypeAlias = list[tuple[Detector, Evaluation]]


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One setting: the detector, what was swept of it, and how it did on all recordings together."""

    vad: Detector
    settings: Mapping[str, Any]
    evaluation: Evaluation


class SweepResult(Table):
    """One row a setting: what was swept, then all metrics, pooled over the recordings."""

    def __init__(self, rows: Sequence[SweepRow]) -> None:
        self.rows = tuple(rows)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was swept, arrays of shape ``(len(self),)``; a value that is left to the detector is NaN."""
        columns = {}
        for name in self.rows[0].settings:
            values = [row.settings[name] for row in self.rows]
            columns[name] = np.array([np.nan if value is None else value for value in values])
        return columns

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, arrays of shape ``(len(self),)``."""
        metrics = {name: np.array([getattr(row.evaluation, name) for row in self.rows]) for name in METRICS}
        return {**self.parameters, **metrics}

    def best(self, metric: str = "f1") -> SweepRow:
        """Return the setting with the highest F1, precision, recall or accuracy, or the error nearest to 0.

        It is an `InputError` if there is no such metric, or no setting has it.

        Of equals, it is the one in the middle: where many settings are as good, that is the one that is least sensitive
        to a change.
        """
        values = np.array([getattr(row.evaluation, check_metric(metric)) for row in self.rows], dtype=np.float64)
        worth = values if metric in HIGH_IS_GOOD else -np.abs(values)
        if np.isnan(worth).all():
            raise InputError(
                f"No setting has a value for {metric}: none found the speech of the truth, widen the grid."
            )
        equals = np.flatnonzero(worth == np.nanmax(worth))
        return self.rows[int(equals[len(equals) // 2])]

    def plot(self, metric: str = "f1", x: str | None = None, y: str | None = None) -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure: a heat map over two parameters, or lines over one; see `figures.plot_sweep`."""
        from ipyspeaches.vad.figures import plot_sweep

        return plot_sweep(self, metric, x, y)

    @shown_if_made
    def __repr__(self) -> str:
        best = self.best()
        return f"SweepResult({len(self.rows):,} settings, best f1 {best.evaluation.f1:.3f} with {best.vad.to_code()})"


def sweep(
    audio: Recording | Scores | Sequence[Recording | Scores],
    truth: Segments | Sequence[Segments],
    vad: Detector,
    *,
    executor: Executor | None = None,
    random: int | None = None,
    seed: int = 0,
    resume: str | Path | None = None,
    collar: float = 0.0,
    **grid: Values,
) -> SweepResult:
    """Try settings of a detector and return how each does.

    Parameters
    ----------
    audio
        A recording or several; scores of this detector do as well.
    truth
        Where speech is, in each of them.
    vad
        The detector; what is not in the grid stays as it is in this one.
    executor
        Any `concurrent.futures.Executor`, such as a ``ProcessPoolExecutor`` or what ``Client.get_executor()`` of
        ``dask.distributed`` gives; None for this process.
    random
        How many settings to draw from the grid, in which values may then be ``Between(low, high)``; None for all.
    seed
        Draws them.
    resume
        File that keeps results as they come (JSON lines). A sweep that was interrupted goes on from there, and another
        grid over the same recordings uses what it finds.
    collar
        As in `evaluate`.
    **grid
        Values to try for each of the detector's parameters: ``threshold=[…], min_silence_duration_ms=[…]``.

    Returns
    -------
    SweepResult
        One row a setting, in the order of the grid.

    Raises
    ------
    InputError
        If there is nothing to try, the truth is empty or cannot be one, or the file is of another sweep.
    MissingExtraError
        If the detector is not installed.
    """
    tried = detectors_to_try(vad, grid, random, seed)
    recordings, truths = _paired(audio, truth)
    with _opened(resume, recordings, truths, collar) as file:
        found = [_known(file, index, tried) for index in range(len(recordings))]
        _try_others(tried, found, _Tasks(recordings, truths, collar, executor), file)
    return SweepResult([_row(one, list(grid), found) for one in tried])


def _is_list(given: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(given, Iterable) and not isinstance(given, Segments | str)


def _paired(
    audio: Recording | Scores | Sequence[Recording | Scores], truth: Segments | Sequence[Segments]
) -> tuple[list[Recording | Scores], list[Segments]]:
    recordings: list[Any] = list(audio) if _is_list(audio) else [audio]
    truths: list[Any] = list(truth) if _is_list(truth) else [truth]
    for wrong in (one for one in recordings if not isinstance(one, Recording | Scores)):
        raise InputError(f"{wrong!r:.80} is not a recording: load it with Recording.load(path), or give scores.")
    for other in (one for one in truths if not isinstance(one, Segments)):
        raise InputError(f"{other!r:.80} is not a truth: give Segments([(start, end), …]) for each recording.")
    if len(recordings) != len(truths) or not recordings:
        raise InputError(
            f"There are {len(recordings)} recordings and {len(truths)} truths: give one truth for each recording."
        )
    if not any(map(len, truths)):
        raise InputError("The truth is empty: label at least one region of speech to compare with.")
    return recordings, truths


@checked
def _opened(
    resume: str | Path | None, recordings: Sequence[Recording | Scores], truths: Sequence[Segments], collar: float
) -> AbstractContextManager[SweepFile | None]:
    """Open the file that keeps results, if there shall be one."""
    if resume is None:
        return nullcontext()
    return closing(SweepFile(resume, [*map(_fingerprint, recordings), *map(_fingerprint, truths), f"collar {collar}"]))


def _fingerprint(value: Recording | Scores | Segments) -> str:
    if isinstance(value, Recording):
        return content_key(value)
    if isinstance(value, Segments):
        return hashlib.blake2b(value.start.tobytes() + value.end.tobytes(), digest_size=16).hexdigest()
    digest = hashlib.blake2b(value.value.tobytes(), digest_size=16)
    return f"{value.hop}:{value.rate}:{value.length}:{digest.hexdigest()}"


def _known(file: SweepFile | None, index: int, tried: Sequence[Detector]) -> dict[Detector, Evaluation]:
    """Return what the file holds about a recording."""
    if file is None:
        return {}
    results = ((one, file.get(index, one)) for one in tried)
    return {one: result for one, result in results if result is not None}


def _try_others(
    tried: Sequence[Detector], found: Sequence[dict[Detector, Evaluation]], tasks: _Tasks, file: SweepFile | None
) -> None:
    """Add to each recording's results those that it has not, and show how far that is."""
    with Progress(len(tried) * len(found), "settings") as progress:
        progress.advance(sum(map(len, found)))
        for index, results in tasks.run([[one for one in tried if one not in known] for known in found]):
            found[index].update(results)
            if file is not None:
                file.add(index, results)
            progress.advance(len(results))


def _row(vad: Detector, names: Sequence[str], found: Sequence[Mapping[Detector, Evaluation]]) -> SweepRow:
    total = found[0][vad]
    for results in found[1:]:
        total += results[vad]
    return SweepRow(vad, {name: getattr(vad, name) for name in names}, total)


class _Tasks:
    """Divide a sweep into tasks, one recording's scores and some settings each, and run them here or on an executor."""

    @checked
    def __init__(
        self, recordings: list[Recording | Scores], truths: list[Segments], collar: float, executor: Executor | None
    ) -> None:
        if not (executor is None or hasattr(executor, "submit")):
            raise InputError(f"executor is {shown(executor)}: give a concurrent.futures.Executor, or None.")
        self._recordings = recordings
        self._truths = truths
        self._collar = collar
        self._executor = executor
        for one, truth in zip(recordings, truths, strict=True):
            # What is wrong with a truth is said before an hour is scored.
            Truth(truth, collar, one.duration if isinstance(one, Recording) else one.length / one.rate)

    def run(self, left: list[list[Detector]]) -> Iterator[tuple[int, _Results]]:
        """Yield the index of a recording with results of its detectors, as they are ready."""
        if self._executor is None:
            for index, scores, vads in self._tasks(left):
                results = evaluate_settings(scores, self._truths[index], self._collar, vads)
                yield index, list(zip(vads, results, strict=True))
            return
        ahead: deque[tuple[int, list[Detector], Future[list[Evaluation]]]] = deque()
        try:
            for index, scores, vads in self._tasks(left):
                if len(ahead) == _TASKS_AHEAD:
                    yield self._first(ahead)
                task = self._executor.submit(evaluate_settings, scores, self._truths[index], self._collar, vads)
                ahead.append((index, vads, task))
            while ahead:
                yield self._first(ahead)
        finally:
            for _, _, task in ahead:
                task.cancel()

    @staticmethod
    def _first(ahead: deque[tuple[int, list[Detector], Future[list[Evaluation]]]]) -> tuple[int, _Results]:
        index, vads, task = ahead.popleft()
        return index, list(zip(vads, task.result(), strict=True))

    def _tasks(self, left: list[list[Detector]]) -> Iterator[tuple[int, Scores, list[Detector]]]:
        """Yield the index of a recording, its scores and some detectors that share them."""
        for index, wanted in enumerate(left):
            sharing: dict[tuple[object, ...], list[Detector]] = {}
            for vad in wanted:
                sharing.setdefault(vad.scorer_options(), []).append(vad)
            if len(sharing) > 1 and isinstance(self._recordings[index], Scores):
                raise InputError("These settings need scores of their own: sweep over the recording, not its scores.")
            for same in sharing.values():
                scores = self._scores(index, same[0])
                same.sort(key=_sharing_most)
                for begin in range(0, len(same), _SETTINGS_A_TASK):
                    yield index, scores, same[begin : begin + _SETTINGS_A_TASK]

    def _scores(self, index: int, vad: Detector) -> Scores:
        recording = self._recordings[index]
        if isinstance(recording, Scores):
            vad.check_frames(recording.hop, recording.rate)
            return recording
        return vad.score(recording)


def _sharing_most(vad: Detector) -> tuple[float, ...]:
    """Return a key that sorts detectors so that neighbours share their runs, and next to that their segments."""
    options = vad.options
    durations = options.max_speech_duration_s, options.min_silence_duration_ms, options.min_speech_duration_ms
    return options.threshold, options.neg_threshold, *durations, options.speech_pad_ms


def evaluate_settings(
    scores: Scores,
    truth: Segments,
    collar: float,
    vads: Sequence[Detector],
    span: tuple[float, float] | None = None,
) -> list[Evaluation]:
    """Return how detectors do that share their scores; fastest when those with equal thresholds are neighbours."""
    ready = Truth(truth, collar, scores.length / scores.rate, span)
    results = []
    runs: Runs | None = None
    thresholds: tuple[float, float] | None = None
    for vad in vads:
        options = vad.options
        if runs is None or thresholds != (options.threshold, options.neg_threshold):
            thresholds = options.threshold, options.neg_threshold
            runs = Runs(scores, *thresholds)
        start, end = runs.segment(options)
        results.append(ready.evaluate(start / scores.rate, end / scores.rate))
    return results


class SweepFile:
    """The file from which a sweep goes on after an interruption: one JSON object a line, as results come.

    Its subject is what is swept over: recordings, truth, collar; results about something else are not mixed in. It is
    an `InputError` if the file is about something else, a line of it cannot be read, or it cannot be written.
    """

    def __init__(self, path: str | Path, subject: list[str]) -> None:
        self._results: dict[tuple[int, str], Evaluation] = {}
        self._subject = subject
        header = {"sweep": _FILE_FORMAT, "subject": subject}
        self._file = LinesFile(path, "a sweep", begins=one_json_line(header))
        self._known = False
        self._file.read(self._take)
        self._file.open()
        if not self._known:
            self._file.add([header])

    def _take(self, entry: Any) -> None:  # noqa: ANN401  JSON
        if not self._known:
            self._known = entry["sweep"] == _FILE_FORMAT and entry["subject"] == self._subject
            if not self._known:
                raise InputError(
                    f"{self._file.path} is of a sweep over other recordings, another truth or another collar: "
                    "name another file for it."
                )
            return
        durations, boundaries = entry["result"]
        if not all(type(one) in (int, float) and not abs(one) > _MOST for one in durations + boundaries):
            raise TypeError(entry["result"])
        result = Evaluation(Durations(*durations), Boundaries(*boundaries))
        self._results[entry["recording"], entry["vad"]] = result

    def get(self, recording: int, vad: Detector) -> Evaluation | None:
        """Return the result of a detector on a recording, if it is known."""
        return self._results.get((recording, _detector_key(vad)))

    def add(self, recording: int, results: Iterable[tuple[Detector, Evaluation]]) -> None:
        """Keep results; an `InputError` if they cannot be written."""
        self._file.add(
            {
                "recording": recording,
                "vad": _detector_key(vad),
                "result": [astuple(result.durations), astuple(result.boundaries)],
            }
            for vad, result in results
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _detector_key(vad: Detector) -> str:
    """Return a text that is equal for equal detectors, in every process."""
    return json.dumps([vad.name, {one.name: getattr(vad, one.name) for one in fields(vad) if one.init}])


# --- which settings are tried: all combinations of a grid, or some drawn at random


@checked
@dataclass(frozen=True, slots=True)
class Between:
    """Any number from ``low`` to ``high``, for a random search.

    It is an `InputError` if ``low`` is not below ``high``, or not above 0 with ``log``.

    Parameters
    ----------
    low, high
        The ends, finite.
    log
        Whether to draw evenly on a logarithmic scale, as befits energies.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"Between {self.low} and {self.high} there is nothing to draw: give low < high.")
        if self.log and self.low <= 0:
            raise InputError(f"low is {self.low}: on a logarithmic scale give a number greater than 0.")

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number."""
        if self.log:
            return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return float(rng.uniform(self.low, self.high))


Values: TypeAlias = "Iterable[Any] | Between"
Choices: TypeAlias = dict[str, list[Any] | Between]


@checked
def detectors_to_try(vad: Detector, grid: Mapping[str, Values], random: int | None, seed: int) -> list[Detector]:
    """Return the detectors of a sweep: values by parameter's name in ``grid``, all else as in ``vad``.

    It is an `InputError` if the grid is empty, a parameter has no such name or no values, or a value is not allowed.

    Combinations in which ``neg_threshold`` would be above ``threshold`` are left out where both are swept. ``random``
    of them are drawn from ``seed``, all different; None for all of the grid.
    """
    check_seed("seed", seed)
    choices = _choices(vad, grid)
    size = math.prod(math.inf if isinstance(values, Between) else len(values) for values in choices.values())
    if random is None:
        if math.isinf(size):
            raise InputError("Between(low, high) has endless values: say how many settings to draw, as in random=200.")
        if size > MAX_SETTINGS:
            raise InputError(f"The grid has {size:,.0f} settings: draw some of them with random=1000.")
    elif random < 1:
        raise InputError(f"random is {random}: draw at least 1 setting.")
    lists = {name: values for name, values in choices.items() if not isinstance(values, Between)}
    if len(lists) == len(choices) and size <= MAX_SETTINGS:
        combinations = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
        if random is not None and random < size:
            kept = np.random.default_rng(seed).choice(len(combinations), random, replace=False)
            combinations = [combinations[at] for at in sorted(kept.tolist())]
    else:
        combinations = _drawn(choices, random or 0, seed)
    both = {"threshold", "neg_threshold"} <= set(choices)
    tried = [replace(vad, **one) for one in combinations if not (both and _crossed(one))]
    if not tried:
        raise InputError("In all settings neg_threshold is above threshold: give lower values for neg_threshold.")
    return tried


def _choices(vad: Detector, grid: Mapping[str, Values]) -> Choices:
    names = [one.name for one in fields(vad) if one.init]
    if not grid:
        raise InputError(f"The grid is empty: give values to try, such as threshold=[…], of {', '.join(names)}.")
    choices: Choices = {}
    for name, values in grid.items():
        if name not in names:
            raise InputError(f"{type(vad).__name__} has no parameter {name!r}: choose from {', '.join(names)}.")
        if isinstance(values, Between):
            choices[name] = values
            continue
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"{name} is {shown(values)}: give the values to try in a list.")
        # Equal values would be tried twice; numpy's numbers do not go into files and code.
        listed = [value.item() if isinstance(value, np.generic) else value for value in values]
        choices[name] = list(dict.fromkeys(listed))
        if not listed:
            raise InputError(f"{name} has no values: give at least one to try.")
    return choices


def _drawn(choices: Choices, count: int, seed: int) -> list[dict[str, Any]]:
    """Return different combinations, each as likely as any other."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[Any, ...], None] = {}
    while len(found) < count:
        values = tuple(
            one.draw(rng) if isinstance(one, Between) else one[int(rng.integers(len(one)))] for one in choices.values()
        )
        found[values] = None
    return [dict(zip(choices, values, strict=True)) for values in found]


def _crossed(setting: Mapping[str, Any]) -> bool:
    return setting["neg_threshold"] is not None and setting["neg_threshold"] > setting["threshold"]
