from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ipyspeaches.audio.recording import Recording
from ipyspeaches.plots import COLUMNS, draw, envelope, plot_frames, plot_latency, plot_recording, plot_transcript
from ipyspeaches.results.records import Frames, Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript


def noise(seconds: int) -> Recording:
    return Recording(np.random.default_rng(0).integers(-3000, 3000, seconds * 8000, np.int16), 8000)


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


@given(hnp.arrays(np.int16, st.integers(1, 300)), st.integers(1, 40))
def test_an_envelope_keeps_every_peak_in_few_points(values: NDArray[np.int16], columns: int) -> None:
    time = np.arange(len(values)) / 10
    x, y = envelope(time, values, columns)
    assert len(x) == len(y) == min(len(values), 2 * columns)
    assert (y.min(), y.max()) == (values.min(), values.max())
    assert (np.diff(x) >= 0).all()


def test_a_short_curve_is_drawn_as_it_is() -> None:
    x, y = envelope(np.arange(4.0), np.arange(4), 2)
    assert x.tolist() == y.tolist() == [0, 1, 2, 3]


def test_the_figure_of_an_hour_is_small_and_has_its_loudest_sample() -> None:
    hour = noise(3600)
    figure = hour.plot([(1.0, 2.0)])
    wave = traces(figure)["waveform"]
    assert len(wave.x) == 2 * COLUMNS
    assert np.max(wave.y) == pytest.approx(hour.samples.max() / 32_768)
    assert len(figure.to_json()) < 200_000


def test_segments_of_any_kind_are_one_trace_however_many() -> None:
    recording = noise(10)
    pairs = [(n / 100, n / 100 + 0.005) for n in range(1000)]
    objects = [Segment(start, end, "x") for start, end in pairs]
    drawn = [traces(plot_recording(recording, kind))["speech"].x for kind in (pairs, objects, Transcript(objects))]
    assert drawn[0] == drawn[1] == drawn[2]
    assert drawn[0][:5] == (0.0, 0.0, 0.005, 0.005, None)
    assert len(plot_recording(recording).data) == 1


def test_text_in_a_figure_cannot_become_markup_and_long_text_is_shortened() -> None:
    transcript = Transcript([Segment(0, 2, "<b>a & b</b> and a lot more than fits on a label")])
    text = traces(plot_transcript(transcript, noise(3)))["text"]
    assert text.hovertext[0].startswith("0.00 – 2.00 s<br>&lt;b&gt;a &amp; b&lt;/b&gt; and a lot more")
    assert text.text[0] == "&lt;b&gt;a &amp; b&lt;/b&gt; and a lot …"
    assert text.x == (1.0,)


def test_a_transcript_is_drawn_without_sound_and_without_segments() -> None:
    assert "waveform" not in traces(plot_transcript(Transcript()))
    assert len(traces(plot_transcript(Transcript()))["utterances"].x) == 0
    many = Transcript([Segment(n, n + 0.5, "word") for n in range(500)])
    assert set(traces(plot_transcript(many))["text"].text) == {""}


def frames(scores: list[float], threshold: float) -> Frames:
    result = Frames()
    score = np.array(scores)
    result.append(
        time=np.arange(len(score)) * 0.1,
        level_db=np.zeros(len(score)),
        energy=score,
        score=score,
        is_speech=score > threshold,
    )
    return result


def test_frames_show_score_decision_and_threshold() -> None:
    figure = plot_frames(frames([0, 900, 800, 0, 700], 500), threshold=500)
    assert traces(figure)["score"].y.tolist() == [0, 900, 800, 0, 700]
    boxes = [round(x, 6) for x in traces(figure)["speech"].x if x is not None]
    assert boxes == [0.1, 0.1, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5]
    assert figure.layout.shapes[0].y0 == 500


@pytest.mark.parametrize("scores", [[], [1.0]])
def test_hardly_any_frames_are_drawn(scores: list[float]) -> None:
    figure = plot_frames(frames(scores, 0.5))
    assert len(traces(figure)["score"].x) == len(scores)


def test_many_frames_make_a_small_figure() -> None:
    noise = np.random.default_rng(0).uniform(0, 1, 200_000)
    figure = plot_frames(frames(noise.tolist(), 2.0))
    assert len(figure.to_json()) < 200_000


def test_latency_has_a_box_for_each_measure_that_happened() -> None:
    latency = Latency()
    for number in range(3):
        latency.append(item_id=f"item{number}", speech_end_s=number, commit_ms=10 + number, final_ms=100 + number)
    figure = plot_latency(latency)
    assert [trace.name for trace in figure.data] == ["commit<br>median 11 ms", "final<br>median 101 ms"]
    assert json.loads(plot_latency(Latency()).to_json())["data"] == []


def test_a_figure_has_the_widgets_colours_and_no_paper_of_its_own() -> None:
    figure = draw([{"y": [1.0, 2.0]}], yaxis_title="y")
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.colorway[0] == "#4f83e6"
    assert figure.layout.yaxis.title.text == "y"
