"""OpenAI's GA shape of a transcription session: how it is asked for, and what is confirmed.

No server of OpenAI was recorded: the server's side here is made of the events in the official documentation and types,
and every message in either direction is validated by the types of the ``openai`` package (see `openai_events.py`).
"""

from __future__ import annotations

from dataclasses import replace

import pydantic
import pytest

from ipyspeaches.errors import ModelNotFoundError
from ipyspeaches.protocol.address import realtime_query
from ipyspeaches.protocol.protocol_events import ConfigurationChanged, Disconnected, Mismatch, Ready, Reported
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol, without_effect_here
from openai_events import CUT_THERE, CUTTING, MODEL, OPTIONS, error, event, inputs, opened, ready, sent, session, told
from realtime_wire import feed, message

PCM = {"type": "audio/pcm", "rate": 24_000}


def test_what_the_official_types_do_not_know_is_found() -> None:
    with pytest.raises(AssertionError, match="has no input_audio_transcription"):
        sent(b'{"type": "session.update", "session": {"type": "transcription", "input_audio_transcription": {}}}')
    with pytest.raises(pydantic.ValidationError):
        event("input_audio_buffer.speech_started", item_id="item_1")


def test_the_address_names_no_model() -> None:
    assert realtime_query("https://api.openai.com", OPTIONS) == {"intent": "transcription"}


def test_client_cuts_turn_the_servers_vad_off() -> None:
    protocol = opened(OPTIONS)
    [asked] = inputs(told(protocol))
    assert asked == {"format": PCM, "turn_detection": None, "transcription": {"model": MODEL}}
    [event] = protocol.receive_message(session("session.updated", **asked))
    assert event == Ready("sess_abc123", MODEL, None, None)


def test_a_prompt_is_sent_and_what_has_no_place_is_named() -> None:
    protocol = opened(replace(OPTIONS, language="de", prompt="Namen", hotwords="Speaches", temperature=0.2))
    [asked] = inputs(told(protocol))
    assert asked["transcription"] == {"model": MODEL, "language": "de", "prompt": "Namen"}
    confirmed, ignored = protocol.receive_message(session("session.updated", **asked))
    assert isinstance(confirmed, Ready)
    assert ignored == without_effect_here(("hotwords", "temperature"))


def test_server_cuts_ask_for_the_whole_turn_detection() -> None:
    protocol = opened(CUT_THERE)
    [asked] = inputs(told(protocol))
    assert asked["turn_detection"] == CUTTING
    echo = {**asked, "turn_detection": {**CUTTING, "threshold": 0.8}}
    confirmed, *mismatches = protocol.receive_message(session("session.updated", **echo))
    assert isinstance(confirmed, Ready)
    assert mismatches == [Mismatch("turn_detection.threshold", 0.5, 0.8)]


def test_a_server_that_goes_on_cutting_is_a_mismatch() -> None:
    protocol = opened(OPTIONS)
    told(protocol)
    echo = session("session.updated", transcription={"model": MODEL})
    assert Mismatch("turn_detection", None, CUTTING) in protocol.receive_message(echo)


def test_an_update_that_is_refused_is_known_by_its_name() -> None:
    protocol = opened(CUT_THERE)
    [update] = told(protocol)
    [other] = feed(protocol, error("Something else.", event_id="event_of_ours"))
    assert isinstance(other, Reported)
    assert protocol.state == "configuring"
    refusal = error("Turn detection is not supported for this model.", event_id=update["event_id"])
    reported, confirmed, *mismatches = feed(protocol, refusal)
    assert isinstance(reported, Reported)
    assert isinstance(confirmed, Ready)
    assert mismatches == [Mismatch("model", MODEL, None)]
    assert protocol.state is ProtocolState.READY


def test_model_and_language_change_while_it_runs() -> None:
    protocol = ready(replace(OPTIONS, prompt="Names"))
    protocol.reconfigure({"language": "zh"})
    protocol.reconfigure({"model": "whisper-1"})
    protocol.reconfigure({"language": None})
    changed = [asked["transcription"] for asked in inputs(told(protocol))]
    assert changed == [
        {"model": MODEL, "language": "zh", "prompt": "Names"},
        {"model": "whisper-1", "language": "zh", "prompt": "Names"},
        {"model": "whisper-1", "language": None, "prompt": "Names"},
    ]
    echo = [session("session.updated", turn_detection=None, transcription=asked) for asked in changed]
    assert feed(protocol, *echo) == [
        ConfigurationChanged(MODEL, "zh", None),
        ConfigurationChanged("whisper-1", "zh", None),
        ConfigurationChanged("whisper-1", None, None),
    ]


def test_a_model_that_does_not_transcribe_is_named() -> None:
    protocol = ready()
    feed(protocol, error('Model "gpt-4o-transcribe" is not supported in transcription mode.', code="invalid_model"))
    [lost] = protocol.connection_lost(4000, "invalid_request_error.invalid_model")
    assert isinstance(lost, Disconnected)
    assert isinstance(lost.error, ModelNotFoundError)
    assert "not supported in transcription mode" in str(lost.error)


def test_a_conversation_that_announces_the_newer_shape_is_not_made_a_transcription() -> None:
    protocol = RealtimeProtocol(CUT_THERE)
    protocol.connection_opened()
    announced = {"type": "realtime", "audio": {"input": {"format": PCM, "turn_detection": CUTTING}}}
    protocol.receive_message(message("session.created", session=announced))
    [update] = told(protocol)
    assert update["session"]["type"] == "realtime"
    assert update["session"]["audio"]["input"]["turn_detection"] == {**CUTTING, "create_response": False}
