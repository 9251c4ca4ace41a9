"""Sessions that listen along with a widget's recording: they hear the same, and cannot disturb it."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest

from fake_page import Page, wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerUnreachableError
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY

WIDE = TurnDetection.client(EnergyVad(threshold=500, min_silence_duration_ms=1500))
NOWHERE = "http://127.0.0.1:9"


def play(widget: Transcriber) -> None:
    widget.start()
    widget.wait()


def states(widget: Transcriber) -> dict[str, str]:
    return {shown["name"]: shown["state"] for shown in widget._compared}


def test_the_same_words_by_several_ways(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(
        source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0, compare={"wide": {"turn_detection": WIDE}}
    )
    page = Page(widget, monkeypatch)
    assert states(widget) == {"wide": "idle"}
    play(widget)
    found = widget.comparison
    assert found.to_pandas()["run"].tolist() == ["main", "wide"]
    assert found.to_pandas()["utterances"].tolist() == [3, 1]
    assert found.transcripts["wide"].text == "utterance 1"
    assert found.against("utterance 1").columns()["wer"].tolist() == [2.0, 0.0]
    wait_for(lambda: len(page.events("final")) == 4)
    told = [(event.get("run"), event["text"]) for event in page.events("final")]
    assert sorted(told, key=str) == [
        ("wide", "utterance 1"),
        (None, "utterance 1"),
        (None, "utterance 2"),
        (None, "utterance 3"),
    ]
    assert states(widget) == {"wide": "stopped"}
    assert widget._compared[0]["about"] == "realtime · model · energy"


def test_what_fails_is_shown_and_disturbs_nobody(scripted: Any, bursts: Recording) -> None:
    runs: Any = [{"server": NOWHERE}, {"model": "no/such"}, {"turn_detection": WIDE}]
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0, compare=runs)
    play(widget)
    assert widget.state == "stopped"
    assert len(widget.transcript) == 3
    assert widget._error is None
    assert states(widget) == {"127.0.0.1:9": "failed", "such": "failed", "energy": "stopped"}
    assert [shown["error"] and shown["error"]["kind"] for shown in widget._compared] == ["unreachable", "model", None]
    assert [run.error is None for run in widget.comparison.runs] == [True, False, False, True]


def test_a_main_session_that_fails_ends_the_others(bursts: Recording, scripted: Any) -> None:
    runs: Any = {"well": {"server": scripted.url}}
    widget = Transcriber(source=bursts, server=NOWHERE, turn_detection=ENERGY, pace=0, compare=runs)
    with pytest.raises(ServerUnreachableError):
        widget.start()
    with pytest.raises(ServerUnreachableError):
        widget.wait()
    assert states(widget) == {"well": "stopped"}
    assert widget._error is not None


def test_browser_sound_goes_to_all_and_a_pause_cuts_all(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(server=scripted.url, turn_detection=ENERGY, compare={"other": {}})
    page = Page(widget, monkeypatch)
    assert page.command("start") is None
    capture = page.of("capture")[0]["capture_id"]
    pieces = np.split(bursts.samples, range(640, len(bursts.samples), 640))

    def send(first: int, last: int) -> None:
        for number in range(first, last):
            content = {"type": "audio", "seq": number, "first_frame": number * 640, "rate": 16_000}
            page.say({**content, "capture_id": capture}, [pieces[number].tobytes()])

    half = 38  # 1.52 s: in the middle of the first burst
    send(0, half)
    wait_for(lambda: widget.session._pipeline.store.duration_s > 1.4)
    assert page.command("pause") is None
    wait_for(lambda: len(page.events("final")) == 2)
    assert page.command("resume") is None
    capture = page.of("capture")[-1]["capture_id"]
    send(half, len(pieces))
    wait_for(lambda: len(page.events("final")) == 8)
    widget.stop()
    found = widget.comparison
    assert found.columns()["utterances"].tolist() == [4, 4]
    assert [row.utterance for row in found.utterances] == [0, 0, 1, 1, 2, 2, 3, 3]
    ends = [[segment.end for segment in transcript] for transcript in found.transcripts.values()]
    assert ends[0] == pytest.approx(ends[1], abs=0.001)


def test_a_page_that_comes_late_gets_their_words_too(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0, compare={"other": {}})
    play(widget)
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "late"})
    (snapshot,) = wait_for(lambda: page.of("snapshot"))
    assert [segment["text"] for segment in snapshot["runs"]["other"]] == ["utterance 1", "utterance 2", "utterance 3"]


def test_what_the_page_has_painted_is_timed_by_session(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=4, compare={"other": {}})
    page = Page(widget, monkeypatch)
    widget.start()
    wait_for(lambda: len(page.events("final")) >= 2)
    items = {"main": ["item_1"], "other": ["item_1", "item_9"], "nobody": ["item_1"]}
    page.say({"type": "painted", "items": items, "sent_s": time.monotonic(), "held_s": 0.03})
    widget.wait()
    wait_for(lambda: not math.isnan(widget.latency[0].on_screen_ms))
    for latency in widget.comparison.latencies.values():
        first, *others = list(latency)
        assert first.on_screen_ms >= first.final_ms
        assert all(math.isnan(row.on_screen_ms) for row in others)
    assert all(ms > 0 for ms in widget.comparison.columns()["on_screen_ms"])


def test_a_new_recording_begins_with_nobody_s_old_words(scripted: Any, bursts: Recording) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0, compare={"other": {}})
    play(widget)
    first = widget.comparison
    play(widget)
    assert len(widget.comparison.transcripts["other"]) == 3
    assert widget.comparison.transcripts["other"] is not first.transcripts["other"]


def test_a_moved_threshold_counts_for_those_that_cut_like_the_main_session(scripted: Any, bursts: Recording) -> None:
    runs: Any = {"follows": {}, "own": {"turn_detection": WIDE}}
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=2, compare=runs)
    widget.start()
    widget.set_detector(EnergyVad(threshold=30_000))
    widget.wait()
    found = dict(zip(widget.comparison.columns()["run"], widget.comparison.columns()["utterances"], strict=True))
    assert (found["main"], found["follows"], found["own"]) == (0, 0, 1)


def test_keys_are_in_no_trait_and_no_message(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: Any = [{"server": scripted.url, "api_key": "very-secret"}, {"server": NOWHERE, "api_key": "very-secret"}]
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0, compare=runs)
    page = Page(widget, monkeypatch)
    play(widget)
    wait_for(lambda: page.events("final"))
    said = json.dumps([message for message, _ in page.messages]) + json.dumps(widget._compared)
    assert "very-secret" not in said + repr(widget.comparison) + widget.comparison._repr_html_()


@pytest.mark.parametrize(
    ("runs", "words"),
    [({"main": {}}, "widget's own"), ({"a": {"speed": 1}}, "“a”.*speed"), ([{"transport": "pigeon"}], "pigeon")],
)
def test_wrong_options_are_refused_at_once(runs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Transcriber(compare=runs)


def test_without_anything_to_compare_there_is_the_recording_alone(scripted: Any, bursts: Recording) -> None:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    play(widget)
    assert widget._compared == []
    assert widget.comparison.columns()["run"] == ["main"]
