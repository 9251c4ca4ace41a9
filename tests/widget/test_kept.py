"""What a saved notebook keeps of the widgets: small pictures, words and figures."""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from fake_page import wait_for
from ipyspeaches import EnergyVad, Recording, Segments, Transcriber, TurnDetection, VadLab
from ipyspeaches.audio.extremes import Pyramid
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.widget.drawing import reduced
from ipyspeaches.widget.picture import COLUMNS, Lane, Picture, Wave

ENERGY = EnergyVad(threshold=500)


class Handle:
    """Stands for an output of a cell: keeps what it shows."""

    shown: str = ""

    def update(self, html: Any) -> None:
        self.shown = html.data


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Handle:
    handle = Handle()

    def display(*_args: Any, **more: Any) -> Handle | None:
        return handle if more.get("display_id") else None

    monkeypatch.setattr("IPython.display.display", display)
    return handle


def svg_in(html: str) -> ElementTree.Element:
    """Return the picture in what is kept, which is well formed."""
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert found is not None
    return ElementTree.fromstring(base64.b64decode(found[1]))


def names_in(html: str) -> list[str]:
    return ["".join(text.itertext()) for text in svg_in(html).findall("{*}text")]


def test_a_recording_is_kept_as_a_picture_with_its_words(bursts: Recording, scripted: Any, output: Handle) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=TurnDetection.client(ENERGY), pace=0)
    widget._ipython_display_()
    widget.start()
    widget.wait()
    wait_for(lambda: "utterance 3" in output.shown)
    assert {"Waveform", "Speech score", "Local VAD", "Text"} <= set(names_in(output.shown))
    assert re.findall(r"<code>0:0\d\.\d</code> utterance \d", output.shown)
    assert "style=" not in output.shown.partition(">")[2].partition(">")[2]  # none but the picture's


def test_a_lab_is_kept_as_a_picture_with_its_metrics(bursts: Recording, output: Handle) -> None:
    lab = VadLab(bursts, Segments([(1, 2), (3, 4), (5, 6)]), [ENERGY], locale="zh")
    lab._ipython_display_()
    wait_for(lambda: "<table>" in output.shown)
    f1 = lab.metrics.evaluations[0].f1  # type: ignore[union-attr]
    assert f"<td>{f'{f1:.3f}'.rstrip('0').rstrip('.')}</td>" in output.shown
    assert {"波形", "真值", "energy", "漏检", "误报"} <= set(names_in(output.shown))
    lab.truth = Segments()
    assert "f1" not in output.shown  # nothing to compare with


def test_only_the_text_is_kept_where_that_is_wanted(bursts: Recording, output: Handle) -> None:
    lab = VadLab(bursts, Segments([(1, 2)]), [ENERGY], keep_in_notebook="text")
    lab._ipython_display_()
    wait_for(lambda: "<table>" in output.shown)
    assert "<img" not in output.shown


def test_a_picture_of_hours_is_as_small_as_one_of_a_minute() -> None:
    noise = np.random.default_rng(1).integers(0, 9_000, (360_000, 2)).astype(np.int16) * np.array([-1, 1], np.int16)
    pyramid = Pyramid(np.int16)
    pyramid.append(noise)
    wave = reduced(pyramid, COLUMNS)
    assert wave.shape == (COLUMNS, 2)
    assert (wave[:, 0].min(), wave[:, 1].max()) == (noise[:, 0].min(), noise[:, 1].max())
    spans = [(float(second), second + 0.5) for second in range(3_600)]
    picture = Picture(3_600, [Wave("Waveform", wave), Lane("Text", spans, "#000", ["words"] * 3_600)])
    assert len(picture.html("An hour")) < 16_000


def test_words_are_never_markup_and_what_is_missing_is_told() -> None:
    transcript = Transcript([Segment(0, 9, "<script>alert(1)</script>", language="en")])
    transcript.add_missing(10, 12, "the server <b>failed</b>")
    html = transcript.to_html()
    assert html == (
        '<div dir="auto" lang="en"><code>0:00.0</code> &lt;script&gt;alert(1)&lt;/script&gt;</div>'
        '<div dir="auto"><code>0:10.0</code> [text missing: the server &lt;b&gt;failed&lt;/b&gt;]</div>'
    )
    picture = Picture(10, [Lane("<i>", [(0, 9)], "#000", ["</text><script>"])])
    assert ElementTree.fromstring(picture.svg()) is not None
    assert "<script>" not in picture.svg()


def test_ten_minutes_of_sentences_stay_small() -> None:
    lines = [Segment(5.0 * i, 5.0 * i + 4, "This is a sentence of a long talk.", language="en") for i in range(125)]
    assert len(Transcript(lines).to_html()) < 12_500
