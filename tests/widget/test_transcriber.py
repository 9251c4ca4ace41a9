"""The widget without a browser: its traits, its commands, and what it says to a page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, StateError
from ipyspeaches.session import SessionState, TurnDetection
from ipyspeaches.vad import EnergyVad, SileroVad
from ipyspeaches.widget import Transcriber

ENERGY = TurnDetection.client(EnergyVad(threshold=500))


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
    assert wait_for(lambda: sum(frames["columns"] for frames in page.of("frames")) == 700)
    assert widget.source_kind == "file"
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
    assert widget.source_label == "Desk mic"
    assert widget.recording.duration == pytest.approx(7, abs=0.001)


def test_a_refused_microphone_is_shown_with_ways_out(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    capture = page.of("capture")[0]["capture_id"]
    page.say({"type": "capture", "state": "failed", "capture_id": capture, "error": "denied", "detail": "NotAllowed"})
    error = wait_for(lambda: widget.error)
    assert error["kind"] == "denied"
    assert "allow it for this page" in error["text"]
    assert [action["name"] for action in error["actions"]] == ["retry", "use_kernel", "open_file"]
    assert wait_for(lambda: widget.state == "failed")


def test_an_unreachable_server_is_one_sentence_in_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server="http://127.0.0.1:9")
    page = Page(widget, monkeypatch)
    error = page.command("start")
    assert error is not None
    assert error["kind"] == "unreachable"
    assert widget.error == error
    assert widget.state == "failed"
    # The next try begins with a clean cell.
    page.command("start")
    assert widget.session.state is SessionState.FAILED


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


def test_the_detector_follows_the_page(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_detector", threshold=0.7, min_silence_duration_ms=300) is None
    assert widget.turn_detection.detector == SileroVad(threshold=0.7, min_silence_duration_ms=300)
    assert widget.detector["threshold"] == 0.7
    assert page.command("start") is None
    assert page.command("set_detector", name="energy", threshold=800) is None
    assert widget.session.turn_detection.detector.describe() == EnergyVad(threshold=800).describe()
    wrong = page.command("set_detector", threshold=-1)
    assert wrong is not None
    assert "threshold is -1" in wrong["text"]
    assert widget.detector["threshold"] == 800
    widget.stop()


def test_an_uploaded_file_is_transcribed(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    content = bursts.save(tmp_path / "talk.wav").read_bytes()
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    for offset in range(0, len(content), 100_000):
        message = {"type": "file", "file_id": "f", "name": "talk.wav", "size": len(content), "offset": offset}
        page.say(message, [content[offset : offset + 100_000]])
    assert page.command("set_source", kind="file", file_id="f") is None
    assert (widget.source_kind, widget.source_label) == ("file", "talk.wav")
    widget.start()
    widget.wait()
    assert len(widget.transcript) == 3
    missing = page.command("set_source", kind="file", file_id="never")
    assert missing is not None
    assert "open it again" in missing["text"]


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
    assert wait_for(lambda: sum(frames["columns"] for frames in page.of("frames")) == 700)


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
    state = {name: value for name, value in widget.get_state().items() if not name.startswith("_")}
    assert "very-secret" not in json.dumps(state)
    assert "utterance" not in json.dumps(state)


def test_the_page_may_take_sound_windows_marks_and_files(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    widget.start()
    widget.wait()
    wait_for(lambda: len(page.events("final")) == 3)
    wait_for(lambda: sum(frames["columns"] for frames in page.of("frames")) == 700)
    data, (sound,) = page.ask("sound", start_s=1.0, end_s=2.0)
    assert np.array_equal(np.frombuffer(sound, dtype="<i2"), widget.recording.slice(1.0, 2.0).samples)
    data, buffers = page.ask("window", level=1, first_column=0, columns=500)
    assert data["columns"] == 88
    assert len(buffers[0]) == 88 * 4
    data, _ = page.ask("mark", time_s=3.0, name="<b>Q1</b>")
    page.ask("mark", id=data["id"], name="Q2")
    assert [mark.name for mark in widget.session.marks] == ["Q2"]
    assert [mark["name"] for mark in wait_for(lambda: page.events("mark"))][:1] == ["<b>Q1</b>"]
    for form, begin in {"srt": b"1\n", "vtt": b"WEBVTT", "txt": b"utterance 1", "json": b"{", "wav": b"RIFF"}.items():
        _, (content,) = page.ask("export", format=form)
        assert content.startswith(begin), form
    refused = page.command("export", format="docx")
    assert refused is not None
    assert "docx" in refused["text"]


def test_the_server_is_checked_and_changed_from_the_page(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server="http://127.0.0.1:9")
    page = Page(widget, monkeypatch)
    refused = page.command("check_server")
    assert refused is not None
    assert refused["kind"] == "unreachable"
    assert page.command("set_server", url=scripted.url, api_key="very-secret") is None
    data, _ = page.ask("check_server")
    assert data["models"] == ["test/model"]
    assert widget.server_state == "ready"
    assert "very-secret" not in json.dumps([content for content, _ in page.messages])
    assert "very-secret" not in repr(widget.get_state())


def test_server_cuts_are_chosen_changed_and_confirmed(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_turn_detection", kind="server", threshold=0.8) is None
    assert widget.turn_detection_kind == "server"
    assert widget.server_turn_detection == {"threshold": 0.8, "silence_duration_ms": 550}
    assert page.command("start") is None
    assert page.command("set_turn_detection", threshold=0.3) is None
    (confirmed,) = wait_for(lambda: page.events("reconfigured"))
    assert confirmed["turn_detection"]["threshold"] == 0.3
    widget.stop()


def test_kernel_microphones_are_listed_or_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(Transcriber(), monkeypatch)
    data, _ = page.ask("list_devices")
    if data["error"] is None:
        assert all(device["name"] and device["channels"] > 0 for device in data["devices"])
    else:
        assert "libportaudio2" in data["error"]
        assert data["devices"] == []


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
    assert 'class="ipyspeaches-saved"' in last


def test_unknown_options_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Unknown option modell"):
        Transcriber(modell="x")  # type: ignore[call-arg]


def test_model_and_language_reach_the_running_session_and_the_traits_follow_the_server(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.models.append("test/other")
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    assert (widget.model, widget.language) == ("test/model", "")
    assert page.command("set_language", language="zh") is None
    assert wait_for(lambda: widget.language == "zh")
    assert page.command("set_model", model="test/other") is None
    assert wait_for(lambda: widget.model == "test/other")
    unknown = page.command("set_model", model="no/such")
    assert unknown is not None
    assert unknown["kind"] == "model"
    assert "choose one of test/model, test/other" in unknown["text"]
    assert page.command("pause") is None
    assert (widget.model, widget.language) == ("test/other", "zh")
    assert page.command("set_language", language="") is None
    assert wait_for(lambda: widget.language == "")
    widget.stop()
    # What was confirmed counts for the next recording, too.
    assert page.command("start") is None
    assert widget.model == "test/other"
    widget.stop()
    updates = [message["session"] for message in scripted.received if message["type"] == "session.update"]
    told = [update["input_audio_transcription"] for update in updates if "input_audio_transcription" in update]
    assert told[:3] == [
        {"model": "test/model", "language": "zh"},
        {"model": "test/other", "language": "zh"},
        {"model": "test/other", "language": ""},
    ]


def test_what_the_server_refuses_is_not_shown_and_not_kept(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.stubborn = True
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    assert page.command("set_language", language="zh") is None
    (warning,) = wait_for(lambda: page.events("warning"))
    assert warning["kind"] == "server_differs"
    assert widget.language == ""
    widget.stop()
    assert widget.session_keywords.get("language") is None


def test_model_and_language_of_the_next_recording(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_language", language="zh") is None
    assert page.command("set_model", model="test/model") is None
    assert (widget.model, widget.language) == ("test/model", "zh")
    assert page.command("start") is None
    assert widget.session.language == "zh"
    widget.stop()
