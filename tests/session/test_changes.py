"""A session that is changed while it listens, and what the server says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ModelNotFoundError, StateError
from ipyspeaches.session import events
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad
from sessions import ENERGY, next_event, session


async def test_server_vad_changes_while_listening_and_is_confirmed(scripted: Any, bursts: Recording) -> None:
    turn = TurnDetection.server(0.9, 550, detector=EnergyVad())
    running = Session(bursts, server=scripted.url, turn_detection=turn, pace=4)
    async with running:
        await running.set_turn_detection(TurnDetection.server(0.4, 300, detector=EnergyVad()))
        with pytest.raises(StateError, match="from the next recording on"):
            await running.set_turn_detection(ENERGY)
        told = [event async for event in running if isinstance(event, events.Reconfigured)]
    confirmed = told[-1].turn_detection
    assert confirmed is not None
    assert (confirmed["threshold"], confirmed["silence_duration_ms"]) == (0.4, 300)
    sent = [m["session"]["turn_detection"] for m in scripted.received if m["type"] == "session.update"]
    full = {"type", "threshold", "silence_duration_ms", "prefix_padding_ms", "create_response"}
    assert all(set(turn_detection) == full for turn_detection in sent)


def changes_of(scripted: Any) -> list[dict[str, Any]]:
    """Return what the session's updates said about transcription."""
    updates = [m["session"] for m in scripted.received if m["type"] == "session.update"]
    return [session["input_audio_transcription"] for session in updates if "input_audio_transcription" in session]


async def test_language_and_model_change_between_utterances(scripted: Any, bursts: Recording) -> None:
    scripted.models.append("test/other")
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        assert (running.model, running.language) == ("test/model", None)
        await next_event(running, events.SpeechStarted)
        # Somebody is speaking: that utterance keeps what it began with.
        await running.set_language("zh")
        await running.set_model("test/other")
        await running.wait()
    assert scripted.transcribed == [
        {"model": "test/model", "language": None},
        *[{"model": "test/other", "language": "zh"}] * 2,
    ]
    assert (running.model, running.language) == ("test/other", "zh")
    told = [row for row in running.events.columns()["detail"] if "test/other" in row]
    assert told


async def test_none_lets_the_server_find_the_language_out(scripted: Any, bursts: Recording) -> None:
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4, language="zh") as running:
        assert running.language == "zh"
        await running.set_language(None)
        await running.wait()
    assert changes_of(scripted) == [
        {"model": "test/model", "language": "zh"},
        {"model": "test/model", "language": ""},
    ]
    assert running.language is None


async def test_an_unknown_model_changes_nothing(scripted: Any, bursts: Recording) -> None:
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        with pytest.raises(ModelNotFoundError, match=r"no/such.*choose one of test/model"):
            await running.set_model("no/such")
        assert running.model == "test/model"
        await running.wait()
    assert changes_of(scripted) == []
    assert len(running.transcript) == 3


async def test_a_server_that_confirms_something_else_is_a_warning(scripted: Any, bursts: Recording) -> None:
    scripted.stubborn = True
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        await running.set_language("zh")
        await running.wait()
    assert running.language is None
    assert "The server uses language = None, not 'zh' as asked." in running.events.columns()["text"]


async def test_changes_before_the_start_and_after_the_end(scripted: Any, bursts: Recording) -> None:
    running = session(scripted, bursts)
    await running.set_language("de")
    assert running.language == "de"
    starting = asyncio.create_task(running.start())
    await asyncio.sleep(0)
    await running.set_language("zh")  # waits until there is a connection that can be told
    await starting
    await running.wait()
    await running.set_language("en")
    await running.set_model("whatever")
    assert changes_of(scripted) == [{"model": "test/model", "language": language} for language in ("de", "zh")]


@pytest.mark.parametrize("while_it_runs", [False, True])
async def test_what_cannot_be_asked_for_is_refused_and_changes_nothing(
    scripted: Any, bursts: Recording, while_it_runs: bool
) -> None:
    running: Any = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4, language="de")
    if while_it_runs:
        await running.start()
    before = running.options
    changes: list[Callable[[], Any]] = [
        lambda: running.set_language("klingon"),
        lambda: running.set_language(5),
        lambda: running.set_model(5),
        lambda: running.set_model(" "),
        lambda: running.set_model(""),
        lambda: running.set_detector("energy"),
        lambda: running.set_turn_detection(EnergyVad()),
        lambda: running.set_turn_detection(None),
        lambda: running.reconfigure({"speed": 2}),
        lambda: running.reconfigure({"temperature": "hot"}),
        lambda: running.reconfigure({"task": "translate"}),
        lambda: running.reconfigure({"server_vad": 0.5}),
    ]
    for change in changes:
        with pytest.raises(InputError) as refused:
            await change()
        assert str(refused.value).endswith(".")
    assert running.options == before
    if while_it_runs:
        await running.wait()
        assert len(running.transcript) == 3
        assert changes_of(scripted) == [{"model": "test/model", "language": "de"}]


async def test_what_a_server_cuts_with_may_change_before_the_start(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.BEHIND_S", 0.1)
    turn = TurnDetection.server(0.9, 550, detector=EnergyVad())
    running = Session(bursts, server=scripted.url, turn_detection=turn, pace=0)
    await running.set_turn_detection(TurnDetection.server(0.4, 300, detector=EnergyVad()))
    async with running:
        await running.wait()
    sent = [m["session"]["turn_detection"] for m in scripted.received if m["type"] == "session.update"]
    assert (sent[0]["threshold"], sent[0]["silence_duration_ms"]) == (0.4, 300)


async def test_a_language_that_most_servers_do_not_know_is_handed_on_and_told(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts, language="GSW_ch") as running:
        await running.wait()
    assert changes_of(scripted) == [{"model": "test/model", "language": "gsw-CH"}]
    assert running.language == "gsw-CH"
    told = [text for text in running.events.columns()["text"] if "none of Whisper's" in text]
    assert len(told) == 1
