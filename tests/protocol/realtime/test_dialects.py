"""Servers that begin in another way than Speaches: what can be understood is, and what cannot is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.beta.realtime import TranscriptionSessionUpdate

from ipyspeaches.protocol import (
    ConfigurationChanged,
    Flushed,
    ItemCompleted,
    ProtocolState,
    Ready,
    RealtimeProtocol,
    RecognitionOptions,
    ServerTurnDetection,
)
from realtime_wire import SILENCE, committed, completed, created, cut, feed, message, session, started

MODEL = "gpt-4o-transcribe"
OPTIONS = RecognitionOptions(model=MODEL, language="de", prompt="Namen")
BETA: dict[str, Any] = {
    "id": "sess_1",
    "object": "realtime.transcription_session",
    "input_audio_format": "pcm16",
    "input_audio_transcription": None,
    "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200},
}


def beta(kind: str, **changed: Any) -> str:
    return message(f"transcription_session.{kind}", session={**BETA, **changed})


def begun(first: str, options: RecognitionOptions = OPTIONS) -> RealtimeProtocol:
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    assert protocol.receive_message(first) == []
    return protocol


def update(protocol: RealtimeProtocol) -> dict[str, Any]:
    """Return the session of the update that waits, checked against the official types of the beta."""
    [raw] = protocol.messages_to_send()
    TranscriptionSessionUpdate.model_validate_json(raw, extra="forbid")
    asked: dict[str, Any] = json.loads(raw)["session"]
    return asked


def test_a_transcription_session_of_the_beta_is_understood() -> None:
    protocol = begun(beta("created"))
    asked = update(protocol)
    assert asked == {
        "input_audio_format": "pcm16",
        "turn_detection": None,
        "input_audio_transcription": {"model": MODEL, "language": "de", "prompt": "Namen"},
    }
    assert protocol.receive_message(beta("updated", **asked)) == [Ready("sess_1", MODEL, "de", None)]
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0, 0, 24_000))
    protocol.messages_to_send()
    [_, text] = feed(protocol, committed("a"), created("a"), completed("a", "Guten Tag"))
    assert isinstance(text, ItemCompleted)
    assert text.text == "Guten Tag"


def test_a_change_goes_in_a_message_of_the_beta() -> None:
    protocol = begun(beta("created"))
    protocol.receive_message(beta("updated", **update(protocol)))
    protocol.reconfigure({"language": "en"})
    asked = update(protocol)
    assert asked == {"input_audio_transcription": {"model": MODEL, "language": "en", "prompt": "Namen"}}
    [changed] = protocol.receive_message(beta("updated", turn_detection=None, **asked))
    assert changed == ConfigurationChanged(MODEL, "en", None)


def test_a_server_of_the_beta_that_cuts_is_flushed() -> None:
    protocol = begun(beta("created"), RecognitionOptions(model=MODEL, server_vad=ServerTurnDetection(0.4, 300)))
    asked = update(protocol)
    assert asked["turn_detection"] == {**BETA["turn_detection"], "threshold": 0.4, "silence_duration_ms": 300}
    [confirmed] = protocol.receive_message(beta("updated", **asked))
    assert isinstance(confirmed, Ready)
    protocol.send_append(SILENCE, 0)
    protocol.receive_message(started("a", 100))
    protocol.messages_to_send()
    protocol.send_flush()
    assert update(protocol) == {"turn_detection": None}
    protocol.receive_message(beta("updated", turn_detection=None))
    commit, opened_again = protocol.messages_to_send()
    assert b"commit" in commit
    assert json.loads(opened_again)["type"] == "transcription_session.update"
    protocol.receive_message(committed("a"))
    assert protocol.receive_message(beta("updated", **asked)) == [Flushed(("a",))]


@pytest.mark.parametrize("first", [message("session.created"), message("session.created", session=None)])
@pytest.mark.parametrize("answer", [message("session.updated"), session("session.updated", language="de")])
def test_a_server_that_says_nothing_about_its_session_is_asked_for_everything(first: str, answer: str) -> None:
    protocol = begun(first, RecognitionOptions(model="some/model", language="de"))
    [raw] = protocol.messages_to_send()
    asked = json.loads(raw)["session"]
    assert asked["input_audio_transcription"] == {"model": "some/model", "language": "de"}
    assert asked["turn_detection"]["threshold"] == 1.0
    [ready, *differences] = protocol.receive_message(answer)
    assert isinstance(ready, Ready)
    # What it does not tell is not known to be otherwise.
    assert bool(differences) is ("threshold" in answer)
    assert protocol.state is ProtocolState.READY
