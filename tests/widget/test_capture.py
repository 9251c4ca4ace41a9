"""Which page captures: several pages, pages that are reloaded or closed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import MicrophoneError
from ipyspeaches.widget.transcriber import Transcriber
from ipyspeaches.widget.vadlab import VadLab
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


NO_COUNTS: list[Any] = [-1, 1e300, None, "1", []]
KINDS: list[Any] = ["audio", "file", "capture", "peer", "hello", "painted", "bye", "unheard", None, 7, []]
ODD: list[dict[str, Any]] = [
    {},
    {"client_id": []},
    {"items": 3, "seq": "x"},
    {"items": {"main": 3}, "file_id": [], "state": 5, "seq": -1.5},
]
ARGS: list[Any] = [[], None, {"level": None}, {"level": "x", "first_column": [], "columns": 1e300}]
GOOD = {"type": "audio", "seq": 0, "first_frame": 0, "rate": 16_000}


@pytest.mark.parametrize(
    ("wrong", "buffers"),
    [
        *(({name: value}, [bytes(1280)]) for name in ("seq", "first_frame", "rate") for value in NO_COUNTS),
        *(({"rate": rate}, [bytes(1280)]) for rate in (0, 1, 1e12, math.nan, math.inf, True)),
        *(({name: 10**12}, [bytes(1280)]) for name in ("seq", "first_frame")),
        *(({}, buffers) for buffers in ([], [bytes(1281)], [bytes(32_000 * 100)])),
    ],
)
def test_audio_that_cannot_be_right_ends_its_capture_in_a_sentence(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], buffers: list[Any]
) -> None:
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY)
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "me"})
    widget.start()
    capture = page.of("capture")[-1]["capture_id"]
    page.say({**GOOD, "capture_id": capture}, [bytes(1280)])
    page.say({**GOOD, "seq": 1, "first_frame": 640, "capture_id": capture, **wrong}, buffers)
    page.say({**GOOD, "seq": 2, "first_frame": 1280, "capture_id": capture}, [bytes(1280)])
    with pytest.raises(MicrophoneError, match="audio that cannot be right: reload the page and press Record"):
        widget.wait()
    assert page.of("capture")[-1] == {"type": "capture", "action": "stop", "capture_id": capture, "client_id": "me"}
    assert widget.recording.duration == pytest.approx(0.04, abs=0.01)


@pytest.mark.parametrize("widget", [Transcriber, lambda: VadLab(Recording.sample())])
def test_messages_that_no_page_sends_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, widget: Any
) -> None:
    page = Page(widget(), monkeypatch)
    strange: list[Any] = [None, [], "hello", 7, *({"type": kind, **fields} for kind in KINDS for fields in ODD)]
    for content in strange:
        page.say(content, [b"x"])
    for args in ARGS:
        page.say({"type": "command", "id": 1, "name": "window", "args": args, "client_id": []})
    page.say({"type": "command", "name": ["x"]})
    wait_for(lambda: len(page.of("reply")) == 5)
    assert all(reply["error"]["text"].endswith(".") for reply in page.of("reply"))
    assert page.command("unheard") is not None
    assert caplog.records == []
