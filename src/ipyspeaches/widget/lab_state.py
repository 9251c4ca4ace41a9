"""What a `VadLab` knows: a recording, detectors with their scores, the truth, and how they compare. No widget here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.session.opening import resolve
from ipyspeaches.session.options import SessionKeywords, SessionOptions
from ipyspeaches.tables import Table
from ipyspeaches.vad.detectors import Detector, SileroVad
from ipyspeaches.vad.evaluation import METRICS, Evaluation, evaluate
from ipyspeaches.vad.handins import HandIn, Setup, Sound
from ipyspeaches.vad.labels import HISTORY
from ipyspeaches.vad.noise import mix
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweeps import evaluate_settings

CURVE_POINTS: Final = 99
SWEEP_COLUMNS: Final = 9
SILENCES_MS: Final = (100, 200, 300, 550, 800, 1200)
SERVER_THRESHOLD: Final = 0.75
"""What the server takes where no probability is given."""


@dataclass(frozen=True, slots=True)
class ServerVerdict:
    """Where a server hears speech, and what it was asked with."""

    segments: Segments
    threshold: float
    min_silence_duration_ms: int


@dataclass
class LabState:
    """A recording under several detectors, and the truth to judge them by."""

    recording: Recording
    setup: Setup
    name: str = ""  # the recording's file; empty if it came from elsewhere
    active: int = field(default=0, init=False)  # index of the detector that is being tuned
    verdict: ServerVerdict | None = field(default=None, init=False)  # what the server said when it was asked
    past: list[Setup] = field(default_factory=list, init=False, repr=False)  # the steps that can be undone
    future: list[Setup] = field(default_factory=list, init=False, repr=False)  # and those that were
    noise: tuple[str, float] | None = field(default=None, init=False)  # that it is heard in: its kind, and dB of SNR
    clean: Recording = field(init=False, repr=False)  # the recording without it
    _pinned: Detector | None = field(default=None, init=False, repr=False)
    _first: tuple[Detector, ...] = field(init=False, repr=False)
    _scores: dict[tuple[object, ...], Scores] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._first = self.detectors
        self.clean = self.recording

    def hear(self, noise: tuple[str, float] | None) -> None:
        """Have the recording heard in noise, see `mix`, or as it is; everything is to be scored anew.

        It is an `InputError` if there is no such noise, or nothing to be heard above it.
        """
        speech = self.truth if len(self.truth) else Segments([self.whole])
        self.recording = self.clean if noise is None else mix(self.clean, speech, *noise)
        self.noise = noise
        self.verdict = None  # it was about other sound
        self._scores = {}

    def change(self, setup: Setup) -> bool:
        """Take another set-up, which can be undone; return whether it differs."""
        if setup == self.setup:
            return False
        self.past = [*self.past, self.setup][-HISTORY:]
        self.future = []
        self.setup = setup
        return True

    def undo(self) -> None:
        """Take back the last step; without one, nothing happens."""
        if self.past:
            self.future.append(self.setup)
            self.setup = self.past.pop()

    def redo(self) -> None:
        """Do again what was undone last; without anything, nothing happens."""
        if self.future:
            self.past.append(self.setup)
            self.setup = self.future.pop()

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """All detectors as they are set now."""
        return self.setup.detectors

    @property
    def vad(self) -> Detector:
        """The active detector as it is set now."""
        return self.detectors[self.active]

    @property
    def pinned(self) -> Detector:
        """What the active detector is compared with: what was pinned last, or how it was at the beginning."""
        return self._pinned or self._first[self.active]

    def pin(self) -> None:
        """Compare with the active detector as it is now."""
        self._pinned = self.vad

    @property
    def truth(self) -> Segments:
        """The truth."""
        return self.setup.truth

    @property
    def whole(self) -> tuple[float, float]:
        """The span of the whole recording, in seconds."""
        return 0.0, self.recording.duration

    def names(self) -> list[str]:
        """Return the detectors' names; those of one kind are numbered."""
        kinds = [one.name for one in self.detectors]
        counted = [kinds[: index + 1].count(kind) for index, kind in enumerate(kinds)]
        return [
            kind if kinds.count(kind) == 1 else f"{kind} {number}" for kind, number in zip(kinds, counted, strict=True)
        ]

    def index(self, value: object) -> int:
        """Return the index of a detector that a page named; `InputError` if there is none."""
        if isinstance(value, int) and 0 <= value < len(self.detectors):
            return value
        raise InputError(f"There is no detector {value!r}: there are {len(self.detectors)}, counted from 0.")

    def take(self, hand_in: HandIn) -> None:
        """Be as a lab's file about this recording says; its scores need not be computed again."""
        self.setup, self.active, self.name = hand_in.setup, hand_in.active, hand_in.sound.name
        self._first = self.detectors
        found = zip(hand_in.setup.detectors, hand_in.scores, strict=True)
        self._scores |= {one.scorer_options(): scores for one, scores in found if scores is not None}

    def hand_in(self) -> HandIn:
        """Return what the lab's file keeps, with all scores that can be had."""
        scores = tuple(map(self._kept, range(len(self.detectors))))
        return HandIn(Sound.of(self.clean, self.name), self.setup, self.active, scores)

    def _kept(self, index: int) -> Scores | None:
        try:
            return self.scores(index) if self.noise is None else self.detectors[index].score(self.clean)
        except SpeachesError:  # it is not installed here
            return None

    def scored(self, index: int) -> bool:
        """Whether a detector's scores are there."""
        return self.detectors[index].scorer_options() in self._scores

    def scores(self, index: int, progress: Callable[[float], None] | None = None) -> Scores:
        """Return a detector's scores, computed when they are first asked for; see `Detector.score`."""
        detector = self.detectors[index]
        options = detector.scorer_options()
        if options not in self._scores:
            self._scores[options] = detector.score(self.recording, progress)
        return self._scores[options]

    def segments(self, index: int) -> Segments:
        """Return what a detector finds."""
        return self.detectors[index].segment(self.scores(index))

    def evaluation(self, index: int) -> Evaluation | None:
        """Return how a detector does against the truth; None while there is none."""
        return self._judge(self.segments(index)) if len(self.truth) else None

    def server_evaluation(self) -> Evaluation | None:
        """Return how the server does against the truth; None while there is none, or the server was not asked."""
        return self._judge(self.verdict.segments) if self.verdict and len(self.truth) else None

    def _judge(self, found: Segments) -> Evaluation:
        return evaluate(found, self.truth, self.setup.collar_s, self.recording.duration, self.setup.span)

    def errors(self, index: int) -> tuple[Segments, Segments]:
        """Return what a detector missed, and its false alarms, in the span and outside the collars."""
        if not len(self.truth):
            return Segments(), Segments()
        found, half = self.segments(index), self.setup.collar_s / 2
        edges = np.concatenate((self.truth.start, self.truth.end))
        collars = Segments.from_arrays(np.maximum(edges - half, 0), edges + half).normalised()
        evaluated = Segments([self.setup.span]) - collars
        return (self.truth - found) & evaluated, (found - self.truth) & evaluated

    def metrics(self) -> LabMetrics:
        """Return all metrics of all detectors, and of the server where it was asked."""
        names, thresholds = self.names(), [one.options.threshold for one in self.detectors]
        evaluations = [self.evaluation(index) for index in range(len(names))]
        if self.verdict is None:
            return LabMetrics(names, thresholds, evaluations)
        return LabMetrics(
            [*names, "server"], [*thresholds, self.verdict.threshold], [*evaluations, self.server_evaluation()]
        )

    def curve(self, index: int) -> NDArray[np.float32]:
        """Return what each start threshold would give, float32 of shape ``(points, 4)``.

        Columns are threshold, recall, precision and false alarm rate; none without a truth. Every point is segmented
        with all of the detector's rules, so that the present setting lies on the curve, and a click on a point gives
        what the point promised.
        """
        if not len(self.truth):
            return np.empty((0, 4), dtype=np.float32)
        tried = self._moved(index, CURVE_POINTS)
        found = evaluate_settings(self.scores(index), self.truth, self.setup.collar_s, tried, self.setup.span)
        rows = [
            (vad.threshold, one.recall, one.precision, one.false_alarm_rate)
            for vad, one in zip(tried, found, strict=True)
        ]
        return np.array(rows, dtype=np.float32).reshape(-1, 4)

    def sweep(self, index: int) -> tuple[list[float], list[int], NDArray[np.float32]]:
        """Return start thresholds, silences in ms, and F1 of each pair, float32 of shape ``(silences, thresholds)``.

        It is an `InputError` if there is no truth to compare with.
        """
        if not len(self.truth):
            raise InputError("The truth is empty: paint at least one region of speech to compare with.")
        across = self._moved(index, SWEEP_COLUMNS)
        tried = [replace(vad, min_silence_duration_ms=silence_ms) for silence_ms in SILENCES_MS for vad in across]
        found = evaluate_settings(self.scores(index), self.truth, self.setup.collar_s, tried, self.setup.span)
        f1 = np.array([one.f1 for one in found], dtype=np.float32).reshape(len(SILENCES_MS), len(across))
        return [vad.threshold for vad in across], list(SILENCES_MS), f1

    def _moved(self, index: int, count: int) -> list[Detector]:
        """Return a detector with its start line at up to ``count`` places of its scale, as fine as they are shown."""
        detector, highest = self.detectors[index], float(self.scores(index).value.max())
        if detector.unit == "probability":
            values = np.linspace(0, 1, count + 2)[1:-1].round(2)
        elif detector.unit == "energy":
            values = np.geomspace(20, max(highest, 100), count).round()
        elif detector.unit == "dBFS":
            values = np.linspace(-70, min(highest, 0), count).round(1)
        else:
            values = np.linspace(0, max(highest, 10), count).round(1)
        # The release line stays unless it is pushed down.
        release = detector.options.neg_threshold
        return [
            replace(detector, threshold=value, neg_threshold=min(release, value))
            for value in np.unique(values).tolist()
        ]

    async def ask_server(self, keywords: SessionKeywords) -> None:
        """Ask the server of a session where it hears speech; it gets the recording as a whole.

        It is a `ServerError` if the server cannot be reached, refuses, or fails, a `MissingExtraError` if the
        embedded one is not installed.
        """
        detector = self.vad
        destination = await resolve(SessionOptions.of(dict(keywords)))
        # The active detector's numbers where they fit: the server has Silero, and its own silence of 1,000 ms merges
        # sentences.
        threshold = float(detector.threshold) if isinstance(detector, SileroVad) else SERVER_THRESHOLD
        silence_ms = round(detector.min_silence_duration_ms)
        found = await destination.server.speech_timestamps(
            self.recording, threshold=threshold, min_silence_duration_ms=silence_ms
        )
        # The server's last frame may reach beyond the recording.
        self.verdict = ServerVerdict(found.normalised(self.recording.duration), threshold, silence_ms)


class LabMetrics(Table):
    """One row a detector: columns ``detector``, ``threshold``, then all metrics; NaN while there is no truth.

    The last row is the server's, where it was asked.
    """

    def __init__(
        self, names: Sequence[str], thresholds: Sequence[float], evaluations: Sequence[Evaluation | None]
    ) -> None:
        self._names = list(names)
        self._thresholds = np.array(thresholds)
        self.evaluations = tuple(evaluations)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, of shape ``(detectors,)``."""
        metrics = {
            name: np.array([np.nan if one is None else float(getattr(one, name)) for one in self.evaluations])
            for name in METRICS
        }
        return {"detector": self._names, "threshold": self._thresholds, **metrics}
