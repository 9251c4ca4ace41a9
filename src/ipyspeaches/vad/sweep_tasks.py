"""The tasks of a sweep: one recording's scores and some settings each, run here or on an executor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.evaluation import Evaluation
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.truth import Truth

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_SETTINGS_A_TASK: Final = 64
_TASKS_AHEAD: Final = 64
"""Tasks handed to an executor before the first result is waited for: each carries a recording's scores."""


class Tasks:
    """Divide a sweep into tasks and run them."""

    def __init__(
        self, sounds: list[Recording | Scores], truths: list[Segments], collar: float, executor: Executor | None
    ) -> None:
        self._sounds = sounds
        self._truths = truths
        self._collar = collar
        self._executor = executor
        for scored, truth in zip(sounds, truths, strict=True):
            # What is wrong with a truth is said before an hour is scored.
            Truth(truth, collar, _duration(scored))

    def run(self, left: list[list[Detector]]) -> Iterator[tuple[int, list[tuple[Detector, Evaluation]]]]:
        """Yield recordings and results as they are ready.

        Parameters
        ----------
        left
            For each recording, the detectors to try.
        """
        if self._executor is None:
            for index, scores, part in self._tasks(left):
                results = evaluate_settings(scores, self._truths[index], self._collar, part)
                yield index, list(zip(part, results, strict=True))
            return
        ahead: deque[tuple[int, list[Detector], Future[list[Evaluation]]]] = deque()
        try:
            for index, scores, part in self._tasks(left):
                if len(ahead) == _TASKS_AHEAD:
                    yield self._first(ahead)
                submitted = self._executor.submit(evaluate_settings, scores, self._truths[index], self._collar, part)
                ahead.append((index, part, submitted))
            while ahead:
                yield self._first(ahead)
        finally:
            for _, _, task in ahead:
                task.cancel()

    @staticmethod
    def _first(
        ahead: deque[tuple[int, list[Detector], Future[list[Evaluation]]]],
    ) -> tuple[int, list[tuple[Detector, Evaluation]]]:
        index, part, task = ahead.popleft()
        return index, list(zip(part, task.result(), strict=True))

    def _tasks(self, left: list[list[Detector]]) -> Iterator[tuple[int, Scores, list[Detector]]]:
        """Yield a recording, its scores and some detectors that share them."""
        for index, wanted in enumerate(left):
            sharing: dict[tuple[object, ...], list[Detector]] = {}
            for vad in wanted:
                sharing.setdefault(vad.scorer_options(), []).append(vad)
            if len(sharing) > 1 and isinstance(self._sounds[index], Scores):
                raise InputError("These settings need scores of their own: sweep over the recording, not its scores.")
            for same in sharing.values():
                scores = self._scores(index, same[0])
                same.sort(key=_sharing_most)
                for begin in range(0, len(same), _SETTINGS_A_TASK):
                    yield index, scores, same[begin : begin + _SETTINGS_A_TASK]

    def _scores(self, index: int, vad: Detector) -> Scores:
        sound = self._sounds[index]
        if isinstance(sound, Scores):
            vad.check_frames(sound.hop, sound.rate)
            return sound
        return vad.score(sound)


def _sharing_most(vad: Detector) -> tuple[float, ...]:
    """Return a key that sorts detectors so that neighbours share their runs, and next to that their cuts."""
    options = vad.options
    durations = options.max_speech_duration_s, options.min_silence_duration_ms, options.min_speech_duration_ms
    return options.threshold, options.neg_threshold, *durations, options.speech_pad_ms


def _duration(sound: Recording | Scores) -> float:
    return sound.duration if isinstance(sound, Recording) else sound.length / sound.rate


def evaluate_settings(scores: Scores, truth: Segments, collar: float, vads: Sequence[Detector]) -> list[Evaluation]:
    """Return how detectors do that share their scores; fastest when those with equal thresholds are neighbours.

    Parameters
    ----------
    scores
        Scores of a recording.
    truth
        Where speech is in it.
    collar
        As in `evaluate`.
    vads
        Detectors of these scores.
    """
    ready = Truth(truth, collar, scores.length / scores.rate)
    results = []
    runs: Runs | None = None
    thresholds: tuple[float, float] | None = None
    for vad in vads:
        options = vad.options
        if runs is None or thresholds != (options.threshold, options.neg_threshold):
            thresholds = options.threshold, options.neg_threshold
            runs = Runs(scores, *thresholds)
        start, end = runs.cut(options)
        results.append(ready.evaluate(start / scores.rate, end / scores.rate))
    return results
