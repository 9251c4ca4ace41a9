"""The vectors that hold the metrics of Python and of the lab's page together."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches.vad import Segments, evaluate

FILE = Path(__file__).parents[1] / "data/vad/metrics-vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in VECTORS])
def test_metrics(vector: dict[str, Any]) -> None:
    found, truth = Segments(vector["found"]), Segments(vector["truth"])
    evaluation = evaluate(found, truth, vector["collar_s"], vector["duration_s"])
    for name, value in vector["metrics"].items():
        expected = math.nan if value is None else value
        assert getattr(evaluation, name) == pytest.approx(expected, abs=1e-9, nan_ok=True), name
    assert evaluation.durations.missed_s == pytest.approx(vector["missed_s"], abs=1e-9)
    assert evaluation.durations.false_alarm_s == pytest.approx(vector["false_alarm_s"], abs=1e-9)
