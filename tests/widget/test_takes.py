"""No click loses work: every recording is a take, which stays while others come."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerUnreachableError, StateError
from ipyspeaches.results.segment import Segment
from ipyspeaches.session.engine import run
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY


@pytest.fixture
def taken(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Transcriber, Page]]:
    """A widget with two takes of three utterances."""
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    for _ in range(2):
        widget.start()
        widget.wait()
    yield widget, page
    widget.close()


def test_a_recording_leaves_the_one_before_as_it_was(taken: tuple[Transcriber, Page]) -> None:
    widget, _page = taken
    first, second = widget.takes
    assert (first.name, second.name) == ("Take 1", "Take 2")
    assert widget.transcript is second.transcript
    assert first.transcript is not second.transcript
    assert [len(one.transcript) for one in widget.takes] == [3, 3]
    assert [one.utterances for one in widget.takes] == [3, 3]
    assert first.duration == pytest.approx(first.recording.duration)
    table = widget.takes.to_pandas()
    assert list(table.columns) == ["number", "name", "started", "kind", "duration", "utterances", "missing"]
    assert table["kind"].tolist() == ["file", "file"]
    assert widget.takes.compare("nothing at all").to_pandas()["run"].tolist() == ["Take 1", "Take 2"]


def test_a_page_shows_another_take_with_all_its_lanes(taken: tuple[Transcriber, Page]) -> None:
    widget, page = taken
    rows = page.ask("list_takes")[0]["takes"]
    assert [row["number"] for row in rows] == [2, 1]
    widget.takes[0].session.mark("here", 1.0)
    assert page.events("mark") == [], "it is of a take that is not shown"
    assert page.command("show_take", number=1) is None
    assert widget._take == {"number": 1, "name": "", "count": 2}
    assert widget.transcript is widget.takes[0].transcript
    snapshot = page.of("snapshot")[-1]
    kinds = [event["type"] for event in snapshot["events"]]
    assert kinds.count("committed") == kinds.count("speech_stopped") == 3
    assert 1 <= kinds.count("sent") <= 3, "what was sent in one go is told in one"
    assert [mark["name"] for mark in snapshot["marks"]] == ["here"]
    assert len(snapshot["segments"]) == 3
    missing = page.command("show_take", number=7)
    assert missing is not None
    assert "removed" in missing["text"]


def test_a_page_lays_two_takes_side_by_side(taken: tuple[Transcriber, Page]) -> None:
    widget, page = taken
    own = Segment(0.0, 1.0, "Utterance 1, <b>and")
    widget.takes[1].session._recorder.rewrite([own], [])
    (sides, _) = page.ask("compare_takes", number=1, **{"with": 2})
    first, second = sides["sides"]
    assert first == [[(False, "utterance 1")], [(True, "utterance 2")], [(True, "utterance 3")]]
    assert second == [[(False, "Utterance 1,"), (True, "<b>and")]]
    assert page.command("compare_takes", number=1) is not None, "with what?"


def test_takes_are_renamed_and_removed_and_put_back(taken: tuple[Transcriber, Page]) -> None:
    widget, page = taken
    hostile = "<b>Anna</b> \u202e🎤"
    assert page.command("rename_take", number=1, name=f" {hostile}\n ") is None
    assert widget.takes[0].name == hostile
    widget.rename("Take 2", hostile)
    assert widget.takes[1].name == f"{hostile} (2)", "a name is one take's"
    assert page.ask("export", format="vtt")[0]["name"] == "-b-Anna-b- -🎤 (2).vtt"
    assert page.command("remove_take", number=2) is None
    assert [take.number for take in widget.takes] == [1]
    assert widget.transcript is widget.takes[0].transcript
    only = page.command("remove_take", number=1)
    assert only is not None
    assert "only take" in only["text"]
    assert page.command("restore_take") is None
    assert [take.number for take in widget.takes] == [1, 2]
    assert widget._take is not None
    assert widget._take["number"] == 2
    with pytest.raises(InputError, match="no take 'Bob'"):
        widget.show("Bob")


def test_nothing_else_is_shown_while_a_take_is_recorded(
    scripted: Any, bursts: Recording, taken: tuple[Transcriber, Page]
) -> None:
    widget, page = taken
    assert page.command("set_pace", pace=1) is None
    widget.start()
    refused = page.command("show_take", number=1)
    assert refused is not None
    assert "stop it first" in refused["text"]
    with pytest.raises(StateError, match="stop it first"):
        widget.remove(widget.takes[-1]) if len(widget.takes) > 2 else widget.show("Take 1")
    assert page.command("set_pace", pace=0) is None
    widget.wait()
    assert [len(take.transcript) for take in widget.takes] == [3, 3, 3]


def test_what_heard_nothing_is_no_take_and_leaves_the_one_before_on_screen(taken: tuple[Transcriber, Page]) -> None:
    widget, page = taken
    assert page.command("set_server", url="http://127.0.0.1:9") is None
    with pytest.raises(ServerUnreachableError):
        widget.start()
    assert wait_for(lambda: widget._take and widget._take["number"] == 2)
    assert len(widget.takes) == 2
    assert len(widget.transcript) == 3
    assert widget._error is not None
    assert widget._error["kind"] == "unreachable"


def test_a_file_is_a_take_with_its_name_and_length(
    scripted: Any, bursts: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY)
    page = Page(widget, monkeypatch)
    content = bursts.save(tmp_path / "x.wav").read_bytes()
    page.say({"type": "file", "file_id": "f", "name": "talk.wav", "size": len(content), "offset": 0}, [content])
    assert page.command("set_source", kind="file", file_id="f") is None
    assert (widget._source_label, widget._source_duration_s) == ("talk.wav", bursts.duration)
    assert page.of("opening")[-1]["share"] == 1
    assert page.command("set_pace", pace=0) is None
    widget.start()
    widget.wait()
    assert (widget._source_label, widget.takes[0].name, widget.takes[0].kind) == ("talk.wav", "talk.wav", "file")
    assert page.ask("export", format="srt")[0]["name"] == "talk.srt"
    empty = io.BytesIO()
    np.save(empty, np.zeros(0))
    page.say({"type": "file", "file_id": "g", "name": "none.wav", "size": 0, "offset": 0}, [b""])
    refused = page.command("set_source", kind="file", file_id="g")
    assert refused is not None
    assert "none.wav" in refused["text"]
    assert len(widget.transcript) == 3
    run(widget.session._abort())


def test_the_reading_of_a_file_is_stopped(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(source=bursts)
    page = Page(widget, monkeypatch)
    begun, going = threading.Event(), threading.Event()

    def load(_file: io.BytesIO, progress: Callable[[float], None]) -> Recording:
        begun.set()
        assert going.wait(10)
        progress(0.5)
        return bursts

    monkeypatch.setattr(Recording, "load", load)
    page.say({"type": "file", "file_id": "f", "name": "talk.wav", "size": 1, "offset": 0}, [b"x"])
    command = {"name": "set_source", "args": {"kind": "file", "file_id": "f"}, "client_id": "me"}
    page.say({"type": "command", "id": 7, **command})
    assert begun.wait(10)
    assert page.command("stop_opening") is None
    going.set()
    reply = wait_for(lambda: next((one for one, _ in page.messages if one.get("id") == 7), None))
    assert "stopped" in reply["error"]["text"]
    assert (widget._source_label, page.of("opening")) == ("", [])
