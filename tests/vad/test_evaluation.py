"""Metrics equal those of pyannote.metrics, boundaries are compared one by one, and a live detector knows them late."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.detection import (
    DetectionAccuracy,
    DetectionCostFunction,
    DetectionErrorRate,
    DetectionPrecision,
    DetectionRecall,
)

from ipyspeaches.errors import InputError
from ipyspeaches.vad.evaluation import (
    BoundaryErrors,
    Evaluation,
    Overlaps,
    Truth,
    evaluate,
)
from ipyspeaches.vad.intervals import Spans
from ipyspeaches.vad.segments import Segments

# The vectors hold the metrics of Python and of the lab's page together.
VECTORS = json.loads((Path(__file__).parents[1] / "data/vad/metrics-vectors.json").read_text(encoding="utf-8"))
END_S = 40
FRAME_S = 0.02
PYANNOTE = {
    "detection_error_rate": DetectionErrorRate,
    "precision": DetectionPrecision,
    "recall": DetectionRecall,
    "accuracy": DetectionAccuracy,
    "detection_cost": DetectionCostFunction,
}


def drawn(rng: np.random.Generator, end_ms: int, most: int, *, at_least: int) -> Segments:
    """Return disjoint stretches with edges on milliseconds."""
    count = int(rng.integers(at_least, most + 1))
    edges = np.sort(rng.choice(end_ms + 1, 2 * count, replace=False)).reshape(-1, 2) / 1000
    return Segments(edges)


def cases(count: int) -> Iterator[tuple[Segments, Segments, float, float]]:
    rng = np.random.default_rng(20_261_122)
    for _ in range(count):
        end_ms = int(rng.integers(50, 9_000))
        found = drawn(rng, end_ms, 7, at_least=0)
        truth = drawn(rng, end_ms, 7, at_least=1)
        collar = float(rng.choice([0.0, 0.0, 0.01, 0.1, 0.25, 0.5, 2.0]))
        yield found, truth, collar, end_ms / 1000


def annotation(segments: Segments) -> Annotation:
    made = Annotation()
    for segment in segments:
        made[Segment(segment.start, segment.end)] = "speech"
    return made


def test_a_thousand_random_cases_equal_pyannote() -> None:
    for number, (found, truth, collar, duration) in enumerate(cases(1_000)):
        span = (0.0, duration) if number % 2 else (0.2 * duration, 0.7 * duration)
        ours = evaluate(found, truth, collar, duration, span)
        heard = Timeline([Segment(*span)])
        reference, hypothesis = annotation(truth), annotation(found)
        for name, metric in PYANNOTE.items():
            theirs = metric(collar=collar)(reference, hypothesis, uem=heard)
            assert getattr(ours, name) == pytest.approx(theirs, abs=1e-9), (name, found, truth, collar, duration)


def test_without_a_duration_the_extent_is_evaluated_as_pyannote_does() -> None:
    for found, truth, collar, _ in cases(200):
        ours = evaluate(found, truth, collar)
        for name, metric in PYANNOTE.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = metric(collar=collar)(annotation(truth), annotation(found))
            assert getattr(ours, name) == pytest.approx(theirs, abs=1e-9), (name, found, truth, collar)


def test_durations_by_hand() -> None:
    result = evaluate(Segments([(1, 3), (6, 7)]), Segments([(2, 5)]), duration=10)
    durations = result.durations
    assert (durations.hit_s, durations.false_alarm_s, durations.missed_s, durations.silence_s) == (1, 2, 2, 5)
    assert result.accuracy == 0.6
    assert result.precision == pytest.approx(1 / 3)
    assert result.recall == pytest.approx(1 / 3)
    assert result.f1 == pytest.approx(1 / 3)
    assert result.detection_error_rate == pytest.approx(4 / 3)
    assert result.miss_rate == pytest.approx(2 / 3)
    assert result.false_alarm_rate == pytest.approx(2 / 7)
    assert result.detection_cost == pytest.approx(0.75 * 2 / 3 + 0.25 * 2 / 7)
    assert "detection_error_rate" in result._repr_html_()
    assert repr(result).startswith("Evaluation(f1=0.333")


def test_a_collar_forgives_its_half_on_either_side() -> None:
    truth, found = Segments([(2, 5)]), Segments([(1.9, 5.1)])
    assert evaluate(found, truth, duration=10).precision < 1
    assert evaluate(found, truth, 0.2, 10).f1 == 1
    assert evaluate(found, truth, 0.2, 10).evaluated_s == pytest.approx(9.6)


def test_only_the_labelled_span_is_evaluated() -> None:
    truth, found = Segments([(2, 5)]), Segments([(2, 5), (20, 900)])
    assert evaluate(found, truth, duration=1_200).f1 < 0.01
    labelled = evaluate(found, truth, duration=1_200, span=(0, 60))
    assert labelled.evaluated_s == 60
    assert labelled.boundaries.false == 1  # its first 40 s are in the span
    assert evaluate(found, truth, span=(0, 15)).f1 == 1
    assert evaluate(found, truth, span=(0, 15)).boundaries.segments == 1
    for wrong in ((3, 3), (-1, 2), (1_300, 1_400)):
        with pytest.raises(InputError, match="span is"):
            evaluate(found, truth, duration=1_200, span=wrong)


def test_evaluations_of_several_recordings_are_pooled() -> None:
    one = evaluate(Segments([(0, 1)]), Segments([(0, 2)]), duration=2)
    two = evaluate(Segments([(0, 6)]), Segments([(0, 6)]), duration=6)
    both: Evaluation = one + two
    assert both.recall == 7 / 8
    assert both.evaluated_s == 8
    assert both.boundaries.regions == 2
    assert both.offset_error_s == -0.5


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        # Each row: segments in each region, signed onset errors, signed offset errors; None where nothing compares.
        ([(1.1, 1.9)], [(1, 2)], ([1], [0.1], [-0.1])),
        ([(0.9, 1.2), (1.5, 2.2)], [(1, 2)], ([2], [-0.1], [0.2])),
        ([(0.9, 4.2)], [(1, 2), (3, 4)], ([1, 1], [-0.1, None], [None, 0.2])),
        ([(5, 6)], [(1, 2)], ([0], [None], [None])),
        ([], [(1, 2)], ([0], [None], [None])),
        ([(2, 3)], [(1, 2), (3, 4)], ([0, 0], [None, None], [None, None])),
        ([(1.5, 3.5), (3.6, 3.9)], [(1, 2), (3, 4)], ([1, 2], [0.5, None], [None, -0.1])),
    ],
)
def test_boundaries(
    found: list[tuple[float, float]],
    truth: list[tuple[float, float]],
    expected: tuple[list[int], list[float | None], list[float | None]],
) -> None:
    columns = BoundaryErrors(Segments(found), Segments(truth)).columns()
    segments, onset, offset = expected
    assert columns["segments"].tolist() == segments
    for name, errors in (("onset_error_s", onset), ("offset_error_s", offset)):
        assert columns[name] == pytest.approx([math.nan if e is None else e for e in errors], nan_ok=True)


def test_splits_merges_misses_and_false_alarms_are_counted() -> None:
    truth = Segments([(1, 2), (3, 4), (5, 9), (10, 11)])
    found = Segments([(0, 0.5), (1, 4), (5, 6), (6, 7), (8, 9), (12, 13)])
    counts = evaluate(found, truth, duration=20).boundaries
    assert (counts.regions, counts.segments) == (4, 6)
    assert (counts.missed, counts.false) == (1, 2)
    assert (counts.splits, counts.merges) == (2, 1)
    assert (counts.onsets, counts.offsets) == (2, 2)


@pytest.mark.parametrize(
    ("truth", "wrong", "message"),
    [
        ([], {}, "The truth is empty"),
        ([(1, 3), (2, 4)], {}, "Region of the truth 1 .* overlaps"),
        ([(1, 3), (2, 4)], {"duration": 10}, "Region of the truth 1 .* overlaps"),
        ([(-1, 3)], {"duration": 10}, "begins before the audio"),
        ([(1, 30)], {"duration": 10}, r"ends after the audio \(10 s\)"),
        ([(1, 3)], {"collar": -0.1}, "collar is -0.1: give 0 seconds or more"),
        ([(1, 3)], {"duration": math.inf}, "duration is inf"),
    ],
)
def test_a_truth_that_cannot_be_used(truth: list[tuple[float, float]], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(Segments([(0, 1)]), Segments(truth), **wrong)


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in VECTORS])
def test_metrics_are_those_of_the_labs_page(vector: dict[str, Any]) -> None:
    found, truth = Segments(vector["found"]), Segments(vector["truth"])
    evaluation = evaluate(found, truth, vector["collar_s"], vector["duration_s"], vector.get("span"))
    for name, value in vector["metrics"].items():
        expected = math.nan if value is None else value
        assert getattr(evaluation, name) == pytest.approx(expected, abs=1e-9, nan_ok=True), name
    assert evaluation.durations.missed_s == pytest.approx(vector["missed_s"], abs=1e-9)
    assert evaluation.durations.false_alarm_s == pytest.approx(vector["false_alarm_s"], abs=1e-9)


# Small whole numbers, so that edges often fall together and stretches often touch.
disjoint = st.lists(st.integers(0, END_S), unique=True, max_size=20).map(
    lambda edges: sorted(edges)[: len(edges) // 2 * 2]
)


def spans(edges: list[int]) -> Spans:
    times = np.array(edges, dtype=np.float64)
    return times[::2], times[1::2]


def pairs(edges: list[int]) -> list[tuple[int, int]]:
    return list(zip(edges[::2], edges[1::2], strict=True))


@given(regions=disjoint, segments=disjoint)
def test_all_overlaps_are_found(regions: list[int], segments: list[int]) -> None:
    found = Overlaps.between(spans(regions), spans(segments))
    overlapping = [
        (region, segment)
        for region, (start, end) in enumerate(zip(*spans(regions), strict=True))
        for segment, (begin, stop) in enumerate(zip(*spans(segments), strict=True))
        if begin < end and stop > start
    ]
    assert found.segments_in.tolist() == [sum(r == one for r, _ in overlapping) for one in range(len(regions) // 2)]
    assert found.regions_in.tolist() == [sum(s == one for _, s in overlapping) for one in range(len(segments) // 2)]
    for region in range(len(regions) // 2):
        touching = [s for r, s in overlapping if r == region]
        first = touching[0] if touching and min(r for r, s in overlapping if s == touching[0]) == region else -1
        last = touching[-1] if touching and max(r for r, s in overlapping if s == touching[-1]) == region else -1
        assert (found.onset_segment[region], found.offset_segment[region]) == (first, last)


@given(regions=disjoint, segments=disjoint)
def test_counts_and_errors_are_those_of_the_pairs(regions: list[int], segments: list[int]) -> None:
    found = Overlaps.between(spans(regions), spans(segments))
    counted = found.boundaries()
    assert (counted.regions, counted.segments) == (len(regions) // 2, len(segments) // 2)
    assert counted.missed == found.segments_in.tolist().count(0)
    assert counted.false == found.regions_in.tolist().count(0)
    assert counted.splits == sum(max(0, count - 1) for count in found.segments_in.tolist())
    assert counted.merges == sum(max(0, count - 1) for count in found.regions_in.tolist())
    compared, errors = found.onset_errors_s()
    assert compared.tolist() == [r for r, s in enumerate(found.onset_segment.tolist()) if s >= 0]
    assert errors.tolist() == [
        segments[2 * s] - regions[2 * r] for r, s in enumerate(found.onset_segment.tolist()) if s >= 0
    ]
    assert (counted.onsets, counted.onset_error_s) == (len(errors), errors.sum())
    compared, errors = found.offset_errors_s()
    assert errors.tolist() == [
        segments[2 * s + 1] - regions[2 * r + 1] for r, s in enumerate(found.offset_segment.tolist()) if s >= 0
    ]
    assert (counted.offsets, counted.offset_error_s) == (len(errors), errors.sum())


@given(regions=disjoint, segments=disjoint, collar=st.sampled_from([0, 2, 4, 10]))
def test_durations_are_those_of_every_second(regions: list[int], segments: list[int], collar: int) -> None:
    seconds = np.arange(END_S) + 0.5
    speech = np.zeros(END_S, dtype=bool)
    found = np.zeros(END_S, dtype=bool)
    evaluated = np.ones(END_S, dtype=bool)
    for start, end in pairs(regions):
        speech[start:end] = True
        for edge in (start, end):
            evaluated &= np.abs(seconds - edge) > collar / 2
    for start, end in pairs(segments):
        found[start:end] = True
    durations = Truth(Segments(pairs(regions)), collar, END_S).evaluate(*spans(segments)).durations
    assert durations.hit_s == (speech & found & evaluated).sum()
    assert durations.false_alarm_s == (~speech & found & evaluated).sum()
    assert durations.missed_s == (speech & ~found & evaluated).sum()
    assert durations.silence_s == (~speech & ~found & evaluated).sum()


@pytest.mark.parametrize(("collar", "duration"), [(-0.1, 1), (float("inf"), 1), (float("nan"), 1), (0, -1)])
def test_what_is_no_length_is_refused(collar: float, duration: float) -> None:
    with pytest.raises(InputError, match="give"):
        Truth(Segments(), collar, duration)
