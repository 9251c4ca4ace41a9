"""Servers that begin in another way than Speaches: what can be understood is, and what cannot is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.beta.realtime import TranscriptionSessionUpdate

from ipyspeaches.errors import (
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerUnreachableError,
)
from ipyspeaches.protocol.protocol_events import (
    ConfigurationChanged,
    Disconnected,
    Flushed,
    ItemCompleted,
    Ready,
    Reported,
)
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import (
    NEVER,
    SILENCE,
    committed,
    completed,
    created,
    cut,
    error,
    feed,
    message,
    session,
    started,
    without_fences,
)

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


def test_the_texts_and_errors_of_vllm_are_understood() -> None:
    protocol = begun(message("session.created", session=BETA))
    protocol.receive_message(message("session.updated", session={**BETA, "turn_detection": None}))
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0, 0, 24_000))
    protocol.messages_to_send()
    events = feed(protocol, committed("a"), message("transcription.delta", delta="Guten "))
    events += feed(protocol, message("transcription.done", text="Guten Tag", usage={}))
    assert isinstance(events[-1], ItemCompleted)
    assert events[-1].text == "Guten Tag"
    [said] = protocol.receive_message(json.dumps({"object": "error", "message": "engine died", "code": 500}))
    assert isinstance(said, Reported)
    assert said.message == "engine died"


def test_a_change_goes_in_a_message_of_the_beta() -> None:
    protocol = begun(beta("created"))
    protocol.receive_message(beta("updated", **update(protocol)))
    without_fences(protocol).reconfigure({"language": "en"})
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


VLLM = message("session.created", id="sess-1", created=1)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ('{"message_type": "SessionBegins"}', "{'message_type': 'SessionBegins'}"),
        ('{"error": "no such path"}', "{'error': 'no such path'}"),
        ("hello there", "hello there"),
        ('"hello there"', "hello there"),
        ("<html>", "<html>"),
        (b"\x00\x01\xff", "\ufffd"),
        ("[" * 100_000, "[[["),
    ],
)
def test_what_no_server_of_the_family_says_ends_the_session_at_once(said: str | bytes, named: str) -> None:
    protocol = RealtimeProtocol(OPTIONS)
    protocol.connection_opened()
    *_, lost = protocol.receive_message(said)
    assert isinstance(lost, Disconnected)
    assert isinstance(lost.error, NotSpeachesError)
    assert f"{named}" in str(lost.error)
    assert "instead of session.created: " in str(lost.error)
    assert len(str(lost.error)) < 400
    assert protocol.state is ProtocolState.FAILED
    assert protocol.connection_lost(1000) == []


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (error("You must not specify a beta header."), ProtocolError, "refused to open a session (“You must not"),
        (error("Incorrect API key provided", code="invalid_api_key"), ServerAuthError, "valid key"),
        (
            error("Full: try again in 9 s.", code="rate_limit_exceeded"),
            ServerUnreachableError,
            "9 s.”): wait, or use an",
        ),
        (error("The model 'x' does not exist"), ModelNotFoundError, "the model 'x'"),
        (message("error", error="busy"), ProtocolError, "“busy”"),
        (message("error", detail="no zz here"), ProtocolError, "“no zz here”"),
        (message("error"), ProtocolError, "“an error without a message”"),
    ],
)
def test_an_error_before_the_session_is_its_end(said: str, kind: type[Exception], words: str) -> None:
    protocol = RealtimeProtocol(OPTIONS)
    protocol.connection_opened()
    reported, lost = protocol.receive_message(said)
    assert isinstance(reported, Reported)
    assert isinstance(lost, Disconnected)
    assert type(lost.error) is kind
    assert words in str(lost.error)


def test_a_server_of_another_kind_refuses_the_update_in_its_own_words() -> None:
    protocol = begun(VLLM)
    _, lost = protocol.receive_message(error("The model `None` does not exist.", code="model_not_found"))
    assert isinstance(lost, Disconnected)
    assert "“The model `None` does not exist.”" in str(lost.error)
    assert 'transport="chunked"' in str(lost.error)


def test_an_error_in_a_session_that_is_not_confirmed_yet_is_no_end() -> None:
    protocol = begun(session(language="en"))
    events = protocol.receive_message(error("Something else", "server_error"))
    assert not [event for event in events if isinstance(event, Disconnected)]
    assert protocol.began_otherwise
    assert "settings of the session (“Something else”)" in str(protocol.not_ready(3))
    [confirmed, *_] = protocol.receive_message(session("session.updated", language="en"))
    assert isinstance(confirmed, Ready)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            error("The model 'm' does not exist or you do not have access to it.", code="model_not_found"),
            ModelNotFoundError,
        ),
        (error("Incorrect API key provided", code="invalid_api_key"), ServerAuthError),
        (error("Full: try again in 9 s.", code="rate_limit_exceeded"), ServerUnreachableError),
    ],
)
def test_a_refusal_that_no_waiting_helps_ends_a_session_before_it_is_confirmed(
    said: str, kind: type[Exception]
) -> None:
    _, lost = begun(session(language="en")).receive_message(said)
    assert isinstance(lost, Disconnected)
    assert type(lost.error) is kind


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ([], ServerUnreachableError, "did not answer within 10 s"),
        ([message("Begin", id="x")], NotSpeachesError, "began with “Begin” instead of session.created"),
        ([created("a")], NotSpeachesError, "began with “conversation.item.created” instead"),
        ([message("ping"), message("pong")], NotSpeachesError, "began with “ping”"),
        (
            [message("hello"), session(language="en")],
            ProtocolError,
            "opened a session and did not confirm its settings",
        ),
        ([VLLM], ProtocolError, "a session that it says nothing about and did not confirm its settings within 10 s"),
    ],
)
def test_what_a_server_began_with_is_named_when_it_says_no_more(
    said: list[str], kind: type[Exception], words: str
) -> None:
    protocol = RealtimeProtocol(OPTIONS)
    protocol.connection_opened()
    assert not [event for event in feed(protocol, *said) if isinstance(event, Disconnected)]
    assert protocol.began_otherwise is (kind is NotSpeachesError)
    error = protocol.not_ready(10)
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith(".")


def test_an_unknown_event_before_the_session_does_no_harm() -> None:
    protocol = RealtimeProtocol(RecognitionOptions(model="some/model"))
    protocol.connection_opened()
    events = feed(protocol, message("proxy.connected"), session(vad=NEVER))
    assert isinstance(events[-1], Ready)
