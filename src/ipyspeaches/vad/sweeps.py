"""Try many settings of a detector on one or many recordings, in this process or on any executor.

Every recording is scored once; a setting then costs its cuts and its metrics, a fraction of a millisecond for an hour
of sound. Settings with equal thresholds are tried together, so that the loud and quiet frames are found once for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.evaluation import Evaluation
from ipyspeaches.vad.grid import Values, detectors
from ipyspeaches.vad.progress import Progress
from ipyspeaches.vad.score_cache import content_key
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweep_file import SweepFile
from ipyspeaches.vad.sweep_result import SweepResult, SweepRow
from ipyspeaches.vad.sweep_tasks import Tasks

if TYPE_CHECKING:
    from concurrent.futures import Executor


def sweep(
    sound: Recording | Scores | Sequence[Recording | Scores],
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
    sound
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
    tried = detectors(vad, grid, random, seed)
    sounds, truths = _paired(sound, truth)
    with _kept(resume, sounds, truths, collar) as file:
        found = [_known(file, index, tried) for index in range(len(sounds))]
        _try_others(tried, found, Tasks(sounds, truths, collar, executor), file)
    return SweepResult([_row(one, list(grid), found) for one in tried])


def _kept(
    resume: str | Path | None, sounds: Sequence[Recording | Scores], truths: Sequence[Segments], collar: float
) -> AbstractContextManager[SweepFile | None]:
    """Open the file that keeps results, if there shall be one."""
    if resume is None:
        return nullcontext()
    return closing(SweepFile(resume, [*map(_fingerprint, sounds), *map(_fingerprint, truths), f"collar {collar}"]))


def _known(file: SweepFile | None, index: int, tried: Sequence[Detector]) -> dict[Detector, Evaluation]:
    """Return what the file holds about a recording."""
    if file is None:
        return {}
    results = ((one, file.get(index, one)) for one in tried)
    return {one: result for one, result in results if result is not None}


def _try_others(
    tried: Sequence[Detector], found: Sequence[dict[Detector, Evaluation]], tasks: Tasks, file: SweepFile | None
) -> None:
    """Add to each recording's results those that it has not, and show how far that is."""
    with Progress(len(tried) * len(found), "settings") as progress:
        progress.advance(sum(map(len, found)))
        for index, pairs in tasks.run([[one for one in tried if one not in results] for results in found]):
            found[index].update(pairs)
            if file is not None:
                file.add(index, pairs)
            progress.advance(len(pairs))


def _row(vad: Detector, names: Sequence[str], found: Sequence[Mapping[Detector, Evaluation]]) -> SweepRow:
    total = found[0][vad]
    for results in found[1:]:
        total += results[vad]
    return SweepRow(vad, {name: getattr(vad, name) for name in names}, total)


def _paired(
    sound: Recording | Scores | Sequence[Recording | Scores], truth: Segments | Sequence[Segments]
) -> tuple[list[Recording | Scores], list[Segments]]:
    sounds = [sound] if isinstance(sound, Recording | Scores | str) else list(sound)
    truths = [truth] if isinstance(truth, Segments) else list(truth)
    for wrong in (one for one in sounds if not isinstance(one, Recording | Scores)):
        raise InputError(f"{wrong!r:.80} is no recording: load it with Recording.load(path), or give scores.")
    for other in (one for one in truths if not isinstance(one, Segments)):
        raise InputError(f"{other!r:.80} is no truth: give Segments([(start, end), …]) for each recording.")
    if len(sounds) != len(truths) or not sounds:
        raise InputError(
            f"There are {len(sounds)} recordings and {len(truths)} truths: give one truth for each recording."
        )
    if not any(map(len, truths)):
        raise InputError("The truth is empty: label at least one region of speech to compare with.")
    return sounds, truths


def _fingerprint(value: Recording | Scores | Segments) -> str:
    if isinstance(value, Recording):
        return content_key(value)
    if isinstance(value, Segments):
        return hashlib.blake2b(value.start.tobytes() + value.end.tobytes(), digest_size=16).hexdigest()
    digest = hashlib.blake2b(value.value.tobytes(), digest_size=16)
    return f"{value.hop}:{value.rate}:{value.length}:{digest.hexdigest()}"
