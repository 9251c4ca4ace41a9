"""Tab completion is documentation: a widget shows what users call, and nothing else."""

from __future__ import annotations

from typing import Any

import anywidget
import pytest
import traitlets

from fake_page import Page, wait_for
from ipyspeaches import EnergyVad, InputError, Recording, Transcriber, TurnDetection, VadLab

TRANSCRIBER = """
    comparison events frames language latency locale mark marks model pause recording remove rename resume script
    session set_detector show start state stop takes transcript turn_detection wait
"""
LAB = """
    collar detectors false_alarms labelled locale metrics missed recording reference save segments server_segments span
    transcriber truth vad
"""


def own_names(widget: anywidget.AnyWidget) -> list[str]:
    inherited = {*dir(anywidget.AnyWidget()), *dir(traitlets.HasTraits())}
    return [name for name in dir(widget) if not name.startswith("_") and name not in inherited]


def test_a_transcriber_shows_what_users_call() -> None:
    assert own_names(Transcriber()) == TRANSCRIBER.split()


def test_a_lab_shows_what_users_call(bursts: Recording) -> None:
    assert own_names(VadLab(bursts)) == LAB.split()


def test_everything_that_is_shown_is_explained(bursts: Recording) -> None:
    for widget in (Transcriber(), VadLab(bursts)):
        for name in own_names(widget):
            shown = getattr(type(widget), name)
            assert isinstance(shown, traitlets.TraitType) or shown.__doc__, f"{name} says nothing"


def test_settings_can_be_set_before_a_recording(bursts: Recording) -> None:
    widget = Transcriber(source=bursts, turn_detection=TurnDetection.client(EnergyVad()))
    widget.language, widget.model = "zh", "accurate"
    widget.turn_detection = TurnDetection.server(0.8)
    assert (widget.language, widget.model) == ("zh", "accurate")
    assert widget.turn_detection == TurnDetection.server(0.8)
    assert (widget._language, widget._model, widget._turn_detection_kind) == ("zh", "accurate", "server")
    for name in ("language", "model"):
        setattr(widget, name, None)
    assert (widget.language, widget.model) == ("", "")
    with pytest.raises(InputError, match=r"turn_detection is 0\.5"):
        widget.turn_detection = 0.5  # type: ignore[assignment]
    requests = Transcriber(source=bursts, transport="chunked")
    with pytest.raises(InputError, match="cut"):
        requests.turn_detection = TurnDetection.server()


def test_a_mark_is_set_from_python(scripted: object, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, pace=0)  # type: ignore[attr-defined]
    page = Page(widget, monkeypatch)
    widget.start()
    widget.wait()
    assert widget.mark("Q1", 2.5) in list(widget.marks)
    assert wait_for(lambda: page.events("mark")) == [{"type": "mark", "id": 0, "time_s": 2.5, "name": "Q1"}]


def test_language_and_model_can_be_observed_and_read_back_at_once(scripted: Any, bursts: Recording) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, pace=1)
    seen: list[tuple[str, str]] = []
    widget.observe(lambda change: seen.append((change["name"], change["new"])), names=["language", "model"])
    widget.start()
    widget.language = "zh"
    assert widget.language == "zh"
    assert ("language", "zh") in seen
    widget.stop()
    with pytest.raises(InputError, match="englsh"):
        widget.language = "englsh"
    assert widget.language == widget._language
