"""The widget without a browser: its traits, and what it says to a page."""

from __future__ import annotations

import json
import traceback
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import ConnectionLostError, InputError, StateError
from ipyspeaches.session.state import SessionState
from ipyspeaches.widget.transcriber import Transcriber
from scripted_server import without_loopback
from sessions import ENERGY
from wrong_options import WRONG


def test_a_recording_is_drawn_and_written_out(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    widget.start()
    widget.wait()
    wait_for(lambda: len(page.events("final")) == 3)
    assert widget.state == "stopped"
    assert widget.transcript.text == "utterance 1 utterance 2 utterance 3"
    assert [event["text"] for event in page.events("final")] == ["utterance 1", "utterance 2", "utterance 3"]
    # The last ones may come twice: as news, and with what a page that comes late is told.
    assert wait_for(lambda: columns_in(page.of("frames")) == set(range(700)))
    assert widget._source_kind == "file"
    assert widget.model == "test/model"
    assert page.messages[0][0] == {"type": "reset"}


def test_browser_sound_becomes_text(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    (order,) = page.of("capture")
    assert order["action"] == "start"
    assert order["client_id"] == "me"
    capture = order["capture_id"]
    page.say({"type": "capture", "state": "started", "capture_id": capture, "label": "Desk mic", "rate": 16_000})
    for sequence, samples in enumerate(np.split(bursts.samples, range(640, len(bursts.samples), 640))):
        content = {"type": "audio", "seq": sequence, "first_frame": sequence * 640, "rate": 16_000}
        page.say({**content, "capture_id": capture}, [samples.tobytes()])
    page.say({"type": "audio", "seq": 0, "first_frame": 0, "rate": 16_000, "capture_id": "old"}, [b"\0\0"])
    wait_for(lambda: len(page.events("final")) == 3)
    assert page.command("stop") is None
    assert widget.state == "stopped"
    assert widget._source_label == "Desk mic"
    assert widget.recording.duration == pytest.approx(7, abs=0.001)


def test_a_refused_microphone_is_shown_with_ways_out(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    capture = page.of("capture")[0]["capture_id"]
    page.say({"type": "capture", "state": "failed", "capture_id": capture, "error": "denied", "detail": "NotAllowed"})
    error = wait_for(lambda: widget._error)
    assert error["kind"] == "denied"
    assert "choose “Allow”" in error["text"]
    assert [action["name"] for action in error["actions"]] == ["retry", "use_kernel", "open_file"]
    assert wait_for(lambda: widget.state == "failed")


def test_an_unreachable_server_is_one_sentence_in_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server="http://127.0.0.1:9")
    page = Page(widget, monkeypatch)
    error = page.command("start")
    assert error is not None
    assert error["kind"] == "unreachable"
    assert widget._error == error
    assert (widget.state, widget._server_state) == ("failed", "unreachable")
    # The next try begins with a clean cell.
    page.command("start")
    assert widget.session.state is SessionState.FAILED


def test_a_server_that_cannot_reach_itself_is_told_in_the_cell(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.FIRST_WAIT_S", 0.01)
    without_loopback(scripted, client_cuts=True)
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    with pytest.raises(ConnectionLostError, match="LOOPBACK_HOST_URL"):
        widget.wait()
    error = wait_for(lambda: widget._error)
    assert error["kind"] == "lost"
    assert "LOOPBACK_HOST_URL=http://localhost:8000" in error["text"]
    assert [action["name"] for action in error["actions"]] == ["retry", "change_server", "use_embedded"]
    assert widget.state == "failed"


def test_start_twice_stop_before_start_and_unknown_commands(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    with pytest.raises(StateError, match="press Record or call start"):
        widget.stop()
    with pytest.raises(StateError, match="press Record or call start"):
        _ = widget.transcript
    assert page.command("start") is None
    twice = page.command("start")
    assert twice is not None
    assert "already recording" in twice["text"]
    assert widget.state == "listening"
    unknown = page.command("dance")
    assert unknown is not None
    assert "dance" in unknown["text"]
    assert page.command("pause") is None
    assert widget.state == "paused"
    assert page.command("resume") is None
    widget.stop()
    assert widget.state == "stopped"


def columns_in(frames: list[dict[str, Any]]) -> set[int]:
    return {first + at for one in frames for first in [one["first_column"]] for at in range(one["columns"])}


def test_a_page_that_comes_late_gets_everything(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    widget.start()
    widget.wait()
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "late"})
    (snapshot,) = wait_for(lambda: page.of("snapshot"))
    assert [segment["text"] for segment in snapshot["segments"]] == ["utterance 1", "utterance 2", "utterance 3"]
    lanes = [event["type"] for event in snapshot["events"]]
    assert [lanes.count(kind) for kind in ("speech_stopped", "sent", "committed", "partial")] == [3, 3, 3, 0]
    assert all(0 <= segment["cut_s"] <= segment["taken_s"] for segment in snapshot["segments"])
    # The last ones may come twice: as news, and with what a page that comes late is told.
    assert wait_for(lambda: columns_in(page.of("frames")) == set(range(700)))


def test_messages_are_plain_json(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    widget.start()
    widget.wait()
    wait_for(lambda: len(page.events("final")) == 3)
    json.dumps([content for content, _ in page.messages], allow_nan=False)


def test_neither_key_nor_sound_nor_words_are_in_the_saved_state(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, api_key="very-secret", turn_detection=ENERGY, pace=0)
    widget.start()
    widget.wait()
    state = {name: value for name, value in widget.get_state().items() if name != "_esm"}
    assert "_error" in state
    assert "very-secret" not in json.dumps(state)
    assert "utterance" not in json.dumps(state)


def test_the_saved_notebook_holds_the_words_as_plain_html(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, html: Any) -> None:
            shown.append(html.data)

    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    monkeypatch.setattr("IPython.display.display", lambda *_args, **_more: Handle())
    widget._ipython_display_()
    widget.start()
    widget.wait()
    last = wait_for(lambda: shown and shown[-1])
    assert "utterance 3" in last
    assert f'class="{widget._kept_class}"' in last
    assert "data:image/svg+xml" in last


@pytest.mark.parametrize("keep", ["picture", "text", "nothing"])
def test_a_cell_keeps_what_it_is_told_to(keep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda *_args, **more: shown.append(more))
    Transcriber(keep_in_notebook=keep)._ipython_display_()
    placed = [more for more in shown if more.get("display_id")]
    assert placed == ([] if keep == "nothing" else [{"display_id": True}])


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_an_option_that_cannot_be_used_is_refused_at_once(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name.replace("api_key", "API key")):
        Transcriber(**{name: value})


def test_what_is_no_source_is_refused_in_words() -> None:
    with pytest.raises(InputError, match=r"ndarray is not a source: .*Recording\.from_array\(array, rate\)"):
        Transcriber(source=np.zeros(100, dtype=np.int16))  # type: ignore[arg-type]


def test_unknown_options_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Unknown option modell"):
        Transcriber(modell="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["server", "api_key", "source", "transport", "prompt", "compare"])
def test_what_is_chosen_when_the_widget_is_made_is_not_changed_without_effect(name: str) -> None:
    widget = Transcriber()
    with pytest.raises(
        InputError, match=rf"{name} is chosen when the widget is made: .*Transcriber\({name}="
    ) as refused:
        setattr(widget, name, "sk-secret")
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(refused.value.__traceback__)]
    assert "sk-secret" not in repr(frames[1:])
    widget.turn_detection = ENERGY
    widget.mine = 1
