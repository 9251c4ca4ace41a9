"""What is known about a detector when its segments have been compared with the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from html import escape
from typing import Final, Self

MISS_WEIGHT: Final = 0.75
FALSE_ALARM_WEIGHT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Durations:
    """How many seconds of which kind there are in what is evaluated; sums over recordings are added with ``+``.

    Parameters
    ----------
    hit_s
        Speech that was found (true positive).
    false_alarm_s
        Silence that was taken for speech (false positive).
    missed_s
        Speech that was taken for silence (false negative).
    silence_s
        Silence that was left alone (true negative).
    """

    hit_s: float = 0.0
    false_alarm_s: float = 0.0
    missed_s: float = 0.0
    silence_s: float = 0.0

    def __add__(self, other: Durations) -> Durations:
        return Durations(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Boundaries:
    """How the segments lie to the regions of the truth; sums over recordings are added with ``+``.

    Parameters
    ----------
    regions, segments
        How many there are.
    missed, false
        Regions that no segment overlaps, and segments that overlap no region.
    splits
        For each region, its segments beyond the first.
    merges
        For each segment, its regions beyond the first.
    onsets, onset_error_s
        How many regions have a beginning to compare with, and the sum of the signed errors: negative is too early.
    offsets, offset_error_s
        The same for their ends.
    """

    regions: int = 0
    segments: int = 0
    missed: int = 0
    false: int = 0
    splits: int = 0
    merges: int = 0
    onsets: int = 0
    onset_error_s: float = 0.0
    offsets: int = 0
    offset_error_s: float = 0.0

    def __add__(self, other: Boundaries) -> Boundaries:
        return Boundaries(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """How well segments agree with the truth: metrics of duration, and what happened at the boundaries.

    Where a metric divides nothing by nothing, it has the value that pyannote.metrics gives it. Evaluations of several
    recordings are added with ``+``: their seconds are, so that long recordings count for more.

    Parameters
    ----------
    durations
        Seconds of hits, false alarms, misses and silence.
    boundaries
        Counts and sums of errors at the boundaries.
    """

    durations: Durations
    boundaries: Boundaries

    def __add__(self, other: Evaluation) -> Self:
        return type(self)(self.durations + other.durations, self.boundaries + other.boundaries)

    @property
    def speech_s(self) -> float:
        """Seconds of speech in the truth."""
        return self.durations.hit_s + self.durations.missed_s

    @property
    def evaluated_s(self) -> float:
        """Seconds that were evaluated."""
        return self.speech_s + self.durations.false_alarm_s + self.durations.silence_s

    @property
    def accuracy(self) -> float:
        """(hits + silence) / everything."""
        return _ratio(self.durations.hit_s + self.durations.silence_s, self.evaluated_s, empty=1.0)

    @property
    def precision(self) -> float:
        """Hits / (hits + false alarms)."""
        return _ratio(self.durations.hit_s, self.durations.hit_s + self.durations.false_alarm_s, empty=1.0)

    @property
    def recall(self) -> float:
        """Hits / (hits + misses)."""
        return _ratio(self.durations.hit_s, self.speech_s, empty=1.0)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall, empty=0.0)

    @property
    def detection_error_rate(self) -> float:
        """(false alarms + misses) / speech in the truth; may exceed 1."""
        wrong = self.durations.false_alarm_s + self.durations.missed_s
        return _ratio(wrong, self.speech_s, empty=float(wrong > 0))

    @property
    def miss_rate(self) -> float:
        """Misses / speech in the truth."""
        return _ratio(self.durations.missed_s, self.speech_s, empty=0.0)

    @property
    def false_alarm_rate(self) -> float:
        """False alarms / silence in the truth."""
        silence = self.durations.false_alarm_s + self.durations.silence_s
        return _ratio(self.durations.false_alarm_s, silence, empty=0.0)

    @property
    def detection_cost(self) -> float:
        """0.75 · miss rate + 0.25 · false alarm rate (DCF of NIST's OpenSAT 2019)."""
        return MISS_WEIGHT * self.miss_rate + FALSE_ALARM_WEIGHT * self.false_alarm_rate

    @property
    def onset_error_s(self) -> float:
        """Mean signed error of beginnings in seconds, negative is too early; NaN if there is none to compare."""
        return _ratio(self.boundaries.onset_error_s, self.boundaries.onsets, empty=math.nan)

    @property
    def offset_error_s(self) -> float:
        """Mean signed error of ends in seconds, negative is too early; NaN if there is none to compare."""
        return _ratio(self.boundaries.offset_error_s, self.boundaries.offsets, empty=math.nan)

    @property
    def splits(self) -> int:
        """For each region of the truth, its segments beyond the first."""
        return self.boundaries.splits

    @property
    def merges(self) -> int:
        """For each segment, its regions of the truth beyond the first."""
        return self.boundaries.merges

    def to_dict(self) -> Mapping[str, float]:
        """Return all metrics by name."""
        return {name: getattr(self, name) for name in METRICS}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name):.3f}" for name in METRICS[:5])
        return f"Evaluation({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{value:.4g}</td></tr>" for name, value in self.to_dict().items()
        )
        return f"<table><caption>Evaluation of {self.evaluated_s:.1f} s</caption><tbody>{rows}</tbody></table>"


METRICS: Final = (
    "f1",
    "precision",
    "recall",
    "accuracy",
    "detection_error_rate",
    "miss_rate",
    "false_alarm_rate",
    "detection_cost",
    "onset_error_s",
    "offset_error_s",
    "splits",
    "merges",
)
"""All metrics, in the order of tables."""

HIGH_IS_GOOD: Final = frozenset({"f1", "precision", "recall", "accuracy"})
"""Of the others, those nearest to 0 are best."""


def _ratio(part: float, whole: float, *, empty: float) -> float:
    return part / whole if whole else empty
