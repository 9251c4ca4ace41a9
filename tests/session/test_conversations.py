"""What a realtime session is asked to be, and how a session goes on a server of OpenAI's newer shape."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.protocol import Hints, RealtimeOptions, ServerTurnDetection
from ipyspeaches.server import ServerInfo
from ipyspeaches.session import Session, SessionOptions, TurnDetection, events
from ipyspeaches.session.conversations import realtime_options
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.vad import EnergyVad

ENERGY = TurnDetection.client(EnergyVad(threshold=500))
MODEL = "gpt-4o-transcribe"


def asked(url: str, turn: TurnDetection = ENERGY, **keywords: Any) -> RealtimeOptions:
    destination = Destination(url, None, ServerInfo(None, (), "m"), embedded=False)
    return realtime_options(destination, SessionOptions.of(keywords), Hearing(turn))


def test_what_the_recogniser_is_told_reaches_the_protocol() -> None:
    options = asked("http://host:8000", language="zh", prompt="Names", hotwords="Speaches", temperature=0.2)
    assert options == RealtimeOptions("m", "zh", hints=Hints("Names", "Speaches", 0.2))
    cut = asked("http://host:8000", TurnDetection.server(0.4, 300))
    assert cut == RealtimeOptions("m", turn_detection=ServerTurnDetection(0.4, 300), client_cuts=False)


@pytest.mark.parametrize(("url", "named"), [("http://host:8000", True), ("https://api.openai.com", False)])
def test_only_openai_has_no_model_in_the_address(url: str, named: bool) -> None:
    assert asked(url).model_in_address is named


async def test_a_server_of_the_newer_shape_is_spoken_to_in_it(openai_server: Any, bursts: Recording) -> None:
    seen: list[Any] = []
    told: Any = {"model": MODEL, "language": "en", "prompt": "Names", "hotwords": "Speaches"}
    running = Session(bursts, server=openai_server.url, turn_detection=ENERGY, pace=0, on_event=seen.append, **told)
    async with running:
        await running.wait()
    assert running.transcript.text == "utterance 1 utterance 2 utterance 3"
    assert [segment.start for segment in running.transcript] == pytest.approx([1, 3, 5], abs=0.03)
    assert [event.text for event in seen if isinstance(event, events.Partial)][:2] == ["utterance ", "utterance 1"]
    assert openai_server.inputs == [
        {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "turn_detection": None,
            "transcription": {"model": MODEL, "language": "en", "prompt": "Names"},
        }
    ]
    assert "intent=transcription" in openai_server.query
    [warning] = [event.text for event in seen if isinstance(event, events.Warning)]
    assert warning.startswith("hotwords has no effect")


async def test_model_and_language_change_there_too(openai_server: Any, bursts: Recording) -> None:
    options: Any = {"server": openai_server.url, "turn_detection": ENERGY, "model": MODEL}
    async with Session(bursts, pace=4, **options) as running:
        await running.set_language("zh")
        await running.set_model("whisper-1")
        await running.wait()
    assert openai_server.transcribed == [{"model": "whisper-1", "language": "zh"}] * 3
    assert (running.model, running.language) == ("whisper-1", "zh")


async def test_its_server_vad_gets_everything_and_a_barrier_at_the_end(openai_server: Any, bursts: Recording) -> None:
    turn = TurnDetection.server(0.5, 500, detector=EnergyVad(threshold=500))
    async with Session(bursts, server=openai_server.url, turn_detection=turn, pace=0, model=MODEL) as running:
        await running.wait()
    first, off, on = [asked["turn_detection"] for asked in openai_server.inputs]
    assert first == on
    assert first == {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500, "prefix_padding_ms": 300}
    assert off is None
    # It never said that it heard anything: there was nothing to commit.
    assert openai_server.transcribed == []
