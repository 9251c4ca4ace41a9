"""The vectors that hold the Python and the TypeScript segmenters together."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipyspeaches.vad.batch import Runs
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions
from padding import pad_segments
from silero_rules import padded, speech_stretches

FILE = Path(__file__).parents[1] / "data/vad/segmenter-vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))
every_vector = pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in VECTORS])


def options(vector: dict[str, Any]) -> SegmentOptions:
    values = dict(vector["options"])
    longest = values.pop("max_speech_duration_s")
    return SegmentOptions(**values, max_speech_duration_s=math.inf if longest is None else longest)


def pairs(spans: list[tuple[int, int]]) -> list[list[int]]:
    return [list(span) for span in spans]


@every_vector
def test_streaming(vector: dict[str, Any]) -> None:
    rules = options(vector)
    segmenter = Segmenter(rules, vector["hop"], vector["rate"])
    events = segmenter.advance(vector["scores"]) + segmenter.finish(vector["length"])
    closed = [event for event in events if isinstance(event, Closed)]
    assert [[segment.start, segment.end] for segment in closed] == vector["unpadded"]
    padding = rules.speech_pad_ms * vector["rate"] / 1000
    assert pairs(pad_segments(closed, padding, vector["length"])) == vector["padded"]


@every_vector
def test_batch(vector: dict[str, Any]) -> None:
    rules = options(vector)
    scores = Scores(np.array(vector["scores"], np.float32), vector["hop"], vector["rate"], vector["length"])
    runs = Runs(scores, rules.threshold, rules.neg_threshold)
    assert np.transpose(runs.segment_unpadded(rules)).tolist() == vector["unpadded"]
    assert np.transpose(runs.segment(rules)).tolist() == vector["padded"]


@every_vector
def test_rules_of_silero(vector: dict[str, Any]) -> None:
    rules = options(vector)
    found = speech_stretches(vector["scores"], rules, vector["length"], vector["hop"], vector["rate"])
    assert pairs(found) == vector["unpadded"]
    assert pairs(padded(found, rules.speech_pad_ms * vector["rate"] / 1000, vector["length"])) == vector["padded"]


def test_scores_are_float32_so_that_both_languages_compare_the_same_numbers() -> None:
    for vector in VECTORS:
        assert np.array(vector["scores"], dtype=np.float32).tolist() == vector["scores"]
