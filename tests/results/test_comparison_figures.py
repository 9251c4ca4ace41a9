from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results.comparison import ComparedRun, Comparison
from ipyspeaches.results.records import Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript


def run(name: str, vad_ms: float, final_ms: float, text: str = "good morning", error: str | None = None) -> ComparedRun:
    latency = Latency()
    if error is None:
        latency.append(
            item_id=name,
            speech_end_s=2,
            vad_stop_ms=vad_ms,
            commit_ms=vad_ms + 10,
            first_partial_ms=-200,
            final_ms=final_ms,
        )
    return ComparedRun(name, Transcript([Segment(1, 2, text, item_id=name)]), latency, error=error)


BOTH = Comparison([run("fast", 200, 500), run("slow", 550, 900)], "good evening")


def by_name(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_bars_end_where_the_medians_are() -> None:
    traces = by_name(BOTH.plot("latency"))
    bars = [traces[name] for name in ("end noticed", "committed", "final text")]
    ends = [[base + length for base, length in zip(bar.base, bar.x, strict=True)] for bar in bars]
    assert ends == [[200, 550], [210, 560], [500, 900]]
    assert list(traces["first text"].x) == [-200, -200]
    assert "on screen" not in traces


def test_error_rates_are_per_cent() -> None:
    traces = by_name(BOTH.plot("accuracy"))
    assert list(traces["words"].x) == [50, 50]
    assert 0 < traces["characters"].x[0] < 100


def test_the_timeline_has_a_box_and_a_wait_for_each_utterance() -> None:
    traces = by_name(BOTH.plot("timeline"))
    assert list(traces["utterance"].x) == [1, 1, 2, 2, None] * 2
    assert list(traces["until its final text"].x) == [2, 2.5, None, 2, 2.9, None]


def test_everything_that_is_there_is_drawn_together() -> None:
    assert len(BOTH.plot().layout.annotations) == 3
    assert len(BOTH.against(None).plot().layout.annotations) == 2


def test_runs_that_failed_and_strange_names_are_drawn_as_text() -> None:
    comparison = Comparison([run("<b>x</b>", 1, 2, "<i>y</i>"), run("gone", 1, 2, error="It went away.")])
    figure = comparison.plot()
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;x&lt;/b&gt;", "gone (failed)"]
    assert "<b>" not in figure.to_json()
    assert "<i>" not in figure.to_json()
    assert len(Comparison([]).plot().data) >= 0


def test_an_unknown_figure_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="timeline"):
        BOTH.plot("pie")
