"""What a page may ask of the widget, and what comes of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, Detector, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY


def test_the_detector_follows_the_page(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_detector", threshold=0.7, min_silence_duration_ms=300) is None
    assert widget.turn_detection.detector == SileroVad(threshold=0.7, min_silence_duration_ms=300)
    assert widget._detector["threshold"] == 0.7
    assert page.command("start") is None
    assert page.command("set_detector", name="energy", threshold=800) is None
    assert widget.session.turn_detection.detector.describe() == EnergyVad(threshold=800).describe()
    wrong = page.command("set_detector", threshold=-1)
    assert wrong is not None
    assert "threshold is -1" in wrong["text"]
    assert widget._detector["threshold"] == 800
    widget.stop()


@pytest.mark.parametrize("vad", [RmsVad(), AdaptiveEnergyVad(), WebRtcVad()], ids=lambda vad: vad.name)
def test_every_detector_can_be_moved_and_chosen(vad: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(turn_detection=TurnDetection.client(vad))
    page = Page(widget, monkeypatch)
    assert page.command("set_detector", min_silence_duration_ms=300) is None
    assert widget.turn_detection.detector == dataclasses.replace(vad, min_silence_duration_ms=300)
    assert page.command("set_detector", name="silero") is None
    assert page.command("set_detector", name=vad.name) is None
    assert widget.turn_detection.detector == vad
    assert vad.name in widget._detectors
    refused = page.command("set_detector", name="ears")
    assert refused is not None
    assert "There is no detector 'ears': choose one of silero, energy, rms" in refused["text"]


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
    assert (widget._source_kind, widget._source_label) == ("file", "talk.wav")
    widget.start()
    widget.wait()
    assert len(widget.transcript) == 3
    missing = page.command("set_source", kind="file", file_id="never")
    assert missing is not None
    assert "open it again" in missing["text"]


def test_the_page_may_take_sound_windows_marks_and_files(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    page = Page(widget, monkeypatch)
    widget.start()
    widget.wait()
    wait_for(lambda: len(page.events("final")) == 3)
    wait_for(lambda: sum(frames["columns"] for frames in page.of("frames")) == 700)
    data, (sound,) = page.ask("audio", start_s=1.0, end_s=2.0)
    assert np.array_equal(np.frombuffer(sound, dtype="<i2"), widget.recording.slice(1.0, 2.0).samples)
    data, buffers = page.ask("window", level=1, first_column=0, columns=500)
    assert data["columns"] == 88
    assert len(buffers[0]) == 88 * 4
    coarsest, _ = page.ask("window", level=2**63, first_column=0, columns=500)
    assert coarsest["level"] == 5
    nowhere = page.command("mark", time_s=float("inf"))
    assert nowhere is not None
    assert "give a moment in the 7.00 s recorded so far" in nowhere["text"]
    page.say({"type": "command", "id": "bare", "name": "mark", "args": 5})
    bare = wait_for(lambda: next((reply for reply in page.of("reply") if reply["id"] == "bare"), None))
    assert "without its arguments" in bare["error"]["text"]
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
    assert refused["kind"] == widget._server_state == "unreachable"
    assert widget._server_url == "http://127.0.0.1:9"
    assert page.command("set_server", url=scripted.url, api_key="very-secret") is None
    assert widget._server_url == scripted.url
    data, _ = page.ask("check_server")
    assert data["models"] == ["test/model"]
    assert widget._server_state == "ready"
    ENGINE.loop.call_soon_threadsafe(widget._controller._show_old)  # as a minute later
    assert wait_for(lambda: widget._server_state == "rested")
    assert page.command("set_server", url="embedded", api_key="") is None
    assert (widget._server_label, widget._server_url, widget.model) == ("local", "embedded", "")
    assert "very-secret" not in json.dumps([content for content, _ in page.messages])
    assert "very-secret" not in repr(widget.get_state())


def test_server_cuts_are_chosen_changed_and_confirmed(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_turn_detection", kind="server", threshold=0.8) is None
    assert widget._turn_detection_kind == "server"
    assert widget._server_turn_detection == {"threshold": 0.8, "silence_duration_ms": 550}
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


def test_the_characters_of_chinese_follow_the_language_that_a_page_chooses(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_language", language="zh-Hant") is None
    assert (widget.language, widget.script) == ("zh", "traditional")
    assert page.command("start") is None
    assert (widget.session.language, widget.session.script) == ("zh", "traditional")
    # To the server it is one language, so that nobody but this side confirms the change.
    assert page.command("set_language", language="zh-Hans") is None
    assert (widget.language, widget.script, widget.session.script) == ("zh", "simplified", "simplified")
    widget.language = "zh-TW"
    assert (widget.language, widget.script, widget.session.script) == ("zh", "traditional", "traditional")
    widget.stop()
    # What was chosen counts for the next recording, too.
    assert page.command("start") is None
    assert widget.session.script == "traditional"
    assert page.command("set_language", language="en") is None
    assert wait_for(lambda: widget.language == "en")
    assert widget.script == ""
    assert widget.session.script is None
    widget.stop()


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
    assert widget._controller.settings.keywords.get("language") is None


def test_model_and_language_of_the_next_recording(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    assert page.command("set_language", language="zh") is None
    assert page.command("set_model", model="test/model") is None
    assert (widget.model, widget.language) == ("test/model", "zh")
    assert page.command("start") is None
    assert widget.session.language == "zh"
    widget.stop()
