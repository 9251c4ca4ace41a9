"""Which page captures: several pages, pages that are reloaded or closed."""

from __future__ import annotations

from typing import Any

import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY


def speak(page: Page, capture: int, samples: Any, rate: int, seq: int = 0) -> None:
    for number, at in enumerate(range(0, len(samples), rate // 25), seq):
        content = {"type": "audio", "seq": number, "first_frame": at, "rate": rate, "capture_id": capture}
        page.say(content, [samples[at : at + rate // 25].tobytes()])


def test_the_page_that_came_last_captures_when_python_starts(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    for client in ("a", "b", "c"):
        page.say({"type": "hello", "client_id": client})
    page.say({"type": "bye", "client_id": "c"})
    widget.start()
    assert [order["client_id"] for order in page.of("capture")] == ["b"]
    widget.pause()
    assert page.command("resume") is None
    assert page.of("capture")[-1]["client_id"] == "me"
    assert page.of("capture")[-1]["capture_id"] != page.of("capture")[0]["capture_id"]
    widget.stop()


def test_a_reloaded_page_goes_on_capturing_after_a_gap(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY)
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "before"})
    widget.start()
    first = page.of("capture")[-1]["capture_id"]
    speak(page, first, bursts.samples, bursts.rate)
    wait_for(lambda: len(page.events("final")) == 3)
    page.say({"type": "hello", "client_id": "other"})
    assert wait_for(lambda: page.of("snapshot")[1:])[-1]["capturing"] == "before"
    refused = page.command("resume_capture")
    assert refused is not None
    assert "Another page" in refused["text"]
    page.say({"type": "bye", "client_id": "before"})
    page.say({"type": "hello", "client_id": "me"})
    assert wait_for(lambda: page.of("snapshot")[2:])[-1]["capturing"] is None
    assert page.command("resume_capture") is None
    order = page.of("capture")[-1]
    assert (order["action"], order["client_id"]) == ("start", "me")
    speak(page, first, bursts.samples, bursts.rate)  # the rest of the capture that has ended
    speak(page, order["capture_id"], bursts.samples, bursts.rate)
    wait_for(lambda: len(page.events("final")) == 6)
    widget.stop()
    assert widget.recording.duration >= 14


def test_nothing_to_resume(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(source=bursts, server=scripted.url)
    page = Page(widget, monkeypatch)
    refused = page.command("resume_capture")
    assert refused is not None
    assert "press Record" in refused["text"]
    widget.start()
    refused = page.command("resume_capture")
    assert refused is not None
    assert "does not come from a page" in refused["text"]
    widget.stop()
