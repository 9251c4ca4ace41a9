"""The same words by several ways: every run has its row, and none spoils another."""

from __future__ import annotations

import asyncio
import math
import threading
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, InputError
from ipyspeaches.session import events
from ipyspeaches.session.comparing import compare, named, with_defaults
from ipyspeaches.session.engine import run
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.state import SessionState
from ipyspeaches.vad.detectors import EnergyVad, SileroVad
from scripted_http import Reply, document
from sessions import ENERGY

SAID = "utterance 1 utterance 2 utterance four"


async def test_each_run_has_its_row_in_order(scripted: Any, bursts: Recording) -> None:
    wide = TurnDetection.client(EnergyVad(threshold=500, min_silence_duration_ms=1500))
    runs: Any = {"cut": {}, "wide": {"turn_detection": wide}}
    found = await compare(bursts, runs, reference=SAID, server=scripted.url, turn_detection=ENERGY, pace=0)
    table = found.to_pandas()
    assert table["run"].tolist() == ["cut", "wide"]
    assert table["utterances"].tolist() == [3, 1]
    assert table["wer"].tolist() == [pytest.approx(1 / 6), pytest.approx(4 / 6)]
    assert table["model"].tolist() == ["test/model"] * 2
    assert table["cuts"].tolist() == ["energy"] * 2
    assert table["final_ms"].notna().all()
    assert found.transcripts["cut"].text == "utterance 1 utterance 2 utterance 3"
    # What one run hears as one utterance is the same speech as the other's three.
    assert {row.utterance for row in found.utterances} == {0}


async def test_a_run_that_fails_has_its_reason_and_the_others_their_words(scripted: Any, bursts: Recording) -> None:
    runs: Any = {
        "gone": {"server": "http://127.0.0.1:9"},
        "no model": {"model": "no/such"},
        "well": {},
    }
    for at_once in (False, True):
        found = await compare(
            bursts, runs, reference=SAID, at_once=at_once, server=scripted.url, turn_detection=ENERGY, pace=0
        )
        errors = dict(zip(found.columns()["run"], found.columns()["error"], strict=True))
        assert "127.0.0.1:9" in errors["gone"]
        assert "no/such" in errors["no model"]
        assert errors["well"] is None
        assert len(found.transcripts["well"]) == 3
        assert found.columns()["utterances"].tolist() == [0, 0, 3]
        assert math.isnan(found.columns()["wer"][0])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(402, pieces=('{"error": {"message": "out of credit"}}',)), "out of credit"),
        (Reply(200, "text/html", ("<title>Log in</title>",)), "not a Speaches server"),
        (document(text="", error={"message": "out of memory"}), "out of memory"),
    ],
)
@pytest.mark.parametrize("transport", ["chunked", "sse"])
async def test_a_run_without_any_text_has_the_reason_and_no_rate(
    http_script: Any, bursts: Recording, transport: str, reply: Reply, reason: str
) -> None:
    http_script.script(reply)
    found = await compare(
        bursts, {"a": {}}, reference=SAID, server=http_script.url, turn_detection=ENERGY, pace=0, transport=transport
    )
    assert reason in str(found.columns()["error"][0])
    assert math.isnan(found.columns()["wer"][0])


async def test_a_connection_that_is_cut_for_good_keeps_what_was_heard(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 1
    found = await compare(bursts, {"cut": {"give_up_s": 0}}, server=scripted.url, turn_detection=ENERGY, pace=0)
    assert found.transcripts["cut"].text == "utterance 1"
    assert found.runs[0].error is not None


async def test_one_after_the_other_or_side_by_side(scripted: Any, bursts: Recording) -> None:
    async def states(*, at_once: bool) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []

        def note(name: str) -> Any:
            return lambda event: seen.append((name, event.state)) if isinstance(event, events.StateChanged) else None

        runs: Any = {name: {"on_event": note(name)} for name in ("a", "b")}
        await compare(bursts, runs, at_once=at_once, server=scripted.url, turn_detection=ENERGY, pace=20)
        return [one for one in seen if one[1] in {"connecting", "stopped"}]

    assert await states(at_once=False) == [
        ("a", "connecting"),
        ("a", "stopped"),
        ("b", "connecting"),
        ("b", "stopped"),
    ]
    assert [state for _, state in await states(at_once=True)] == ["connecting", "connecting", "stopped", "stopped"]


async def test_cancelling_ends_the_run_that_is_under_way(scripted: Any, bursts: Recording) -> None:
    listening, failed = threading.Event(), threading.Event()

    def note(event: events.SessionEvent) -> None:
        if isinstance(event, events.StateChanged):
            {SessionState.LISTENING: listening, SessionState.FAILED: failed}.get(event.state, threading.Event()).set()

    runs: Any = {"slow": {"on_event": note}, "never": {}}
    task = asyncio.create_task(compare(bursts, runs, server=scripted.url, turn_detection=ENERGY, pace=1))
    assert await asyncio.to_thread(listening.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert await asyncio.to_thread(failed.wait, 10)
    left: Any = cancelled.value
    assert left.comparison.columns()["run"] == ["slow", "never"]


def test_warnings_are_kept_with_their_run(scripted: Any, bursts: Recording) -> None:
    scripted.extra = ['{"type": "error", "error": {"message": "busy", "type": "server_error"}}']
    found = run(compare(bursts, {"a": {}, "b": {}}, server=scripted.url, turn_detection=ENERGY, pace=0))
    assert [len(one.warnings) for one in found.runs] == [1, 0]
    assert "busy" in found.runs[0].warnings[0]
    assert "busy" in found._repr_html_()


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ({}, "nothing to compare"),
        ([], "nothing to compare"),
        ({"a": {"speed": 2}}, "“a”.*speed"),
        ({"a": {}, "b": {"transport": "pigeon"}}, "“b”.*pigeon"),
        ({"a": "sse"}, "no options"),
    ],
)
async def test_options_are_checked_before_anything_runs(runs: Any, words: str, bursts: Recording) -> None:
    with pytest.raises(InputError, match=words):
        await compare(bursts, runs, server="http://127.0.0.1:9")


async def test_a_file_is_read_and_a_missing_one_is_named(scripted: Any, bursts: Recording, tmp_path: Path) -> None:
    found = await compare(bursts.save(tmp_path / "talk.wav"), [{}], server=scripted.url, turn_detection=ENERGY, pace=0)
    assert len(found.transcripts["run 1"]) == 3
    with pytest.raises(AudioError, match=r"none\.wav"):
        await compare(tmp_path / "none.wav", [{}])


def test_runs_without_names_are_named_after_what_they_do_differently() -> None:
    options: Any = [
        {"transport": "sse"},
        {"model": "Systran/faster-whisper-small", "language": "zh"},
        {"turn_detection": TurnDetection.client(SileroVad())},
        {"turn_detection": TurnDetection.server()},
        {"server": "https://me:secret@host:8000/path", "api_key": "secret"},
        {"interim_s": 0.5},
        {},
        {"transport": "sse"},
    ]
    names = list(named(options))
    assert names == [
        "sse",
        "faster-whisper-small, zh",
        "silero",
        "server cuts",
        "host:8000",
        "interim_s=0.5",
        "run 7",
        "sse (8)",
    ]


def test_a_key_goes_to_no_other_server() -> None:
    common: Any = {"server": "http://one", "api_key": "secret", "language": "en"}
    assert with_defaults({"language": "zh"}, common) == {**common, "language": "zh"}
    assert with_defaults({"server": "http://two"}, common) == {"server": "http://two", "language": "en"}


@pytest.mark.realtime
async def test_detectors_and_servers_are_compared_on_real_speech() -> None:
    recording = Recording.sample("quickstart").slice(0, 6.6)
    said = " ".join(sentence.text for sentence in samples.info("quickstart").sentences[:2])
    runs: Any = {
        "silero": {},
        "energy": {"turn_detection": ENERGY},
        "server": {"turn_detection": TurnDetection.server()},
    }
    found = await compare(recording, runs, reference=said, at_once=True)
    table = found.to_pandas().set_index("run")
    assert table["error"].isna().all()
    assert (table["wer"] < 0.2).all()
    assert (table["utterances"] == 2).all()
    assert sorted({row.utterance for row in found.utterances}) == [0, 1]
    # All count from the end of speech: the server, too, is sure of it only half a second after.
    assert (table["vad_stop_ms"] > 0).all()
    assert (table["final_ms"] > table["commit_ms"]).all()
