"""A recording that an earlier kernel left is offered to pages, opened in the widget, and transcribed to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session import journal
from ipyspeaches.session.engine import run
from ipyspeaches.session.session import Session
from ipyspeaches.widget.transcriber import Transcriber
from left_behind import unanswered
from live_recording import LiveRecording
from sessions import ENERGY


@pytest.fixture
def left(scripted: Any, bursts: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of a kernel that died after the first of three texts."""
    monkeypatch.setenv("IPYSPEACHES_JOURNAL", str(tmp_path / "kept"))

    async def live() -> None:
        async with Session(LiveRecording(bursts), server=scripted.url, turn_detection=ENERGY) as session:
            await session.wait()

    run(live())
    return unanswered(tmp_path / "kept", 1)


def greeted(script: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Transcriber, Page]:
    widget = Transcriber(server=script.url, turn_detection=ENERGY)
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "me"})
    return widget, page


def test_it_is_offered_opened_and_transcribed(scripted: Any, left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.write_line(left, "Renamed", name="Lecture 3")
    widget, page = greeted(scripted, monkeypatch)
    offer: dict[str, Any] = wait_for(lambda: widget._unfinished)
    assert offer["state"] == "offered"
    assert offer["duration_s"] == pytest.approx(7, abs=0.001)
    assert page.command("open_recording") is None
    assert widget._unfinished == {"state": "opened", "started_ms": 0, "duration_s": 0.0, "without_text": 2}
    assert widget.state == "stopped"
    assert [take.name for take in widget.takes] == ["Lecture 3"]
    assert [segment["text"] for segment in page.of("snapshot")[-1]["segments"]] == ["utterance 1"]
    assert page.of("snapshot")[-1]["clock_s"] == pytest.approx(7, abs=0.001)
    wait_for(lambda: sum(one["columns"] for one in page.of("frames")) == 700)
    frames = {one["first_frame"] + index for one in page.of("frames") for index in range(one["frames"])}
    assert frames == set(range(len(widget.frames)))
    assert widget.recording.duration == pytest.approx(7, abs=0.001)
    assert page.command("retry_recording") is None
    assert widget._unfinished is None
    assert len(page.of("snapshot")[-1]["segments"]) == len(widget.transcript) == 3
    assert np.all(np.diff([segment.start for segment in widget.transcript]) > 1)
    other, _ = greeted(scripted, monkeypatch)
    assert page.command("open_recording") is not None
    assert other._unfinished is None


def test_one_that_was_dismissed_is_not_offered_again(
    scripted: Any, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget, page = greeted(scripted, monkeypatch)
    wait_for(lambda: widget._unfinished)
    assert page.command("dismiss_recording") is None
    assert widget._unfinished is None
    refused = page.command("open_recording")
    assert refused is not None
    assert "recordings()" in refused["text"]
    assert left.exists()


def test_nothing_is_said_of_it_once_something_is_recorded(
    scripted: Any, left: Path, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget, _ = greeted(scripted, monkeypatch)
    wait_for(lambda: widget._unfinished)
    widget._controller.settings.use_source(bursts)
    widget.start()
    assert widget._unfinished is None
    run(widget.session._abort())
