"""What a session is asked to be, and what the server makes of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol.protocol_events import ConfigurationChanged, Mismatch, Ready, Reported
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import (
    DEFAULT_VAD,
    MODEL,
    NEVER,
    committed,
    completed,
    created,
    cut,
    error,
    feed,
    kinds,
    message,
    ready,
    session,
    started,
    stopped,
)

PADDING_ERROR = "Specifying `session.turn_detection.prefix_padding_ms` is not supported. The server either does not"


def opened(options: RecognitionOptions) -> RealtimeProtocol:
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    return protocol


def updates(protocol: RealtimeProtocol) -> list[dict[str, object]]:
    """Return the sessions of the updates that wait to be sent."""
    messages = [json.loads(data) for data in protocol.messages_to_send()]
    return [data["session"] for data in messages if data["type"] == "session.update"]


def test_a_session_as_asked_needs_no_update() -> None:
    protocol = opened(RecognitionOptions(model=MODEL, server_vad=ServerTurnDetection()))
    [event] = protocol.receive_message(session())
    assert event == Ready("sess_1", MODEL, None, DEFAULT_VAD)
    assert protocol.state is ProtocolState.READY
    assert protocol.messages_to_send() == []


def test_client_cuts_ask_for_a_threshold_that_nothing_passes() -> None:
    protocol = opened(RecognitionOptions(model=MODEL))
    assert protocol.receive_message(session()) == []
    assert protocol.state == "configuring"
    assert updates(protocol) == [{"turn_detection": NEVER}]
    assert feed(protocol, error(PADDING_ERROR)) == []
    [event] = protocol.receive_message(session("session.updated", vad=NEVER))
    assert isinstance(event, Ready)
    assert protocol.state == "ready"


def test_another_model_or_language_is_asked_for_with_both() -> None:
    protocol = opened(RecognitionOptions(model="other/model", server_vad=ServerTurnDetection()))
    protocol.receive_message(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": "other/model", "language": ""}
    protocol = opened(RecognitionOptions(language="zh", server_vad=ServerTurnDetection()))
    protocol.receive_message(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": MODEL, "language": "zh"}


def test_a_server_that_does_otherwise_is_a_mismatch_and_no_failure() -> None:
    options = RecognitionOptions(model=MODEL, language="en", server_vad=ServerTurnDetection(0.5, 400, 300))
    protocol = opened(options)
    protocol.receive_message(session())
    echo = {"type": "semantic_vad", "eagerness": "auto"}
    first, *mismatches = protocol.receive_message(session("session.updated", vad=echo, model="theirs"))
    assert isinstance(first, Ready)
    assert protocol.state is ProtocolState.READY
    assert [(event.field, event.confirmed) for event in mismatches if isinstance(event, Mismatch)] == [
        ("turn_detection.type", "semantic_vad"),
        ("turn_detection.threshold", None),
        ("turn_detection.silence_duration_ms", None),
        ("turn_detection.prefix_padding_ms", None),
        ("turn_detection.create_response", None),
        ("model", "theirs"),
        ("language", None),
    ]


def test_no_turn_detection_at_all_suits_client_cuts_alone() -> None:
    for client_cuts, expected in ((True, 0), (False, 1)):
        server_vad = None if client_cuts else ServerTurnDetection(0.5)
        protocol = opened(RecognitionOptions(model=MODEL, server_vad=server_vad))
        protocol.receive_message(session())
        events = protocol.receive_message(session("session.updated", vad={}))
        assert sum(isinstance(event, Mismatch) for event in events) == expected


def test_an_update_that_is_refused_ends_the_waiting_with_what_holds() -> None:
    protocol = opened(RecognitionOptions(model=MODEL))
    protocol.receive_message(session())
    reported, confirmed, mismatch = feed(protocol, error("2 validation errors for tagged-union[SessionUpdateEvent,…"))
    assert isinstance(reported, Reported)
    assert isinstance(confirmed, Ready)
    assert mismatch == Mismatch("turn_detection.threshold", 1.0, 0.9)
    assert protocol.state is ProtocolState.READY


def test_the_same_difference_is_told_once() -> None:
    protocol = ready(client_cuts=False)
    for silence_ms in (550, 551):
        protocol.reconfigure({"server_vad": ServerTurnDetection(0.9, silence_ms, prefix_padding_ms=300)})
    echo = session("session.updated")
    told = feed(protocol, echo, session("session.updated", vad={**DEFAULT_VAD, "silence_duration_ms": 551}))
    assert [event for event in told if isinstance(event, Mismatch)] == [
        Mismatch("turn_detection.prefix_padding_ms", 300, 0)
    ]
    assert sum(isinstance(event, ConfigurationChanged) for event in told) == 2


def test_a_language_is_unset_with_an_empty_one() -> None:
    protocol = ready(client_cuts=True, language="zh")
    protocol.reconfigure({"language": None})
    assert updates(protocol) == [{"input_audio_transcription": {"model": MODEL, "language": ""}}]
    (confirmed,) = feed(protocol, session("session.updated", vad=NEVER, language=""))
    assert confirmed == ConfigurationChanged(MODEL, None, NEVER)
    assert protocol.options.language is None
    protocol.reconfigure({"language": "en"})
    protocol.reconfigure({"model": "other/model"})
    both = [{"model": MODEL, "language": "en"}, {"model": "other/model", "language": "en"}]
    assert [asked["input_audio_transcription"] for asked in updates(protocol)] == both


def test_a_language_needs_a_model() -> None:
    protocol = opened(RecognitionOptions(server_vad=ServerTurnDetection()))
    protocol.receive_message(message("session.created", session={"turn_detection": DEFAULT_VAD}))
    with pytest.raises(StateError, match="give the model with it"):
        protocol.reconfigure({"language": "en"})
    protocol.reconfigure({})
    assert protocol.messages_to_send() == []


SOUND = np.zeros(24_000, np.int16)


def asked(protocol: RealtimeProtocol) -> list[dict[str, Any]]:
    """Return what the updates that wait to be sent say about transcription."""
    messages = [json.loads(data) for data in protocol.messages_to_send()]
    return [m["session"]["input_audio_transcription"] for m in messages if m["type"] == "session.update"]


ZH = {"model": MODEL, "language": "zh"}


def test_in_silence_a_change_goes_out_at_once() -> None:
    for client_cuts in (True, False):
        protocol = ready(client_cuts=client_cuts)
        protocol.reconfigure({"language": "zh"})
        assert asked(protocol) == [ZH]


def test_an_utterance_that_was_appended_keeps_its_language() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SOUND, 0)
    protocol.reconfigure({"language": "zh"})
    assert kinds(protocol.messages_to_send()) == ["append"]
    protocol.send_append(SOUND, 24_000)
    protocol.send_commit(cut(0))
    assert kinds(protocol.messages_to_send()) == ["append", "commit"]
    # A server reads the language when it handles the commit, which `committed` does not yet say.
    feed(protocol, committed("a"))
    assert asked(protocol) == []
    feed(protocol, created("a"))
    assert asked(protocol) == [ZH]


def test_the_next_utterance_may_have_begun() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SOUND, 0)
    protocol.reconfigure({"language": "zh"})
    protocol.send_commit(cut(0))
    protocol.send_append(SOUND, 48_000)
    protocol.messages_to_send()
    feed(protocol, committed("a"), created("a"))
    assert asked(protocol) == [ZH]


def test_a_server_that_never_speaks_of_items_is_waited_for_until_its_text() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SOUND, 0)
    protocol.reconfigure({"language": "zh"})
    protocol.send_commit(cut(0))
    feed(protocol, committed("a"), completed("a", "text"))
    assert asked(protocol) == [ZH]


def test_what_the_server_hears_keeps_its_language() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_append(SOUND, 0)
    feed(protocol, started("a", 100))
    protocol.reconfigure({"language": "zh"})
    feed(protocol, stopped("a", 900), committed("a"))
    assert asked(protocol) == []
    feed(protocol, created("a"))
    assert asked(protocol) == [ZH]


def test_several_changes_become_one_and_the_servers_numbers_do_not_wait() -> None:
    protocol = ready(client_cuts=False)
    protocol.send_append(SOUND, 0)
    feed(protocol, started("a", 100))
    protocol.reconfigure({"language": "zh", "server_vad": ServerTurnDetection(0.4)})
    protocol.reconfigure({"model": "other/model"})
    protocol.reconfigure({"language": None})
    messages = [json.loads(data) for data in protocol.messages_to_send()]
    assert [list(m["session"]) for m in messages if m["type"] == "session.update"] == [["turn_detection"]]
    feed(protocol, stopped("a", 900), committed("a"), created("a"))
    assert asked(protocol) == [{"model": "other/model", "language": ""}]
    assert protocol.options.language is None


def test_a_commit_that_is_refused_holds_nothing_up() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SOUND, 0)
    protocol.reconfigure({"language": "zh"})
    protocol.send_commit(cut(0))
    feed(protocol, error("Error committing input audio buffer: buffer too small."))
    assert asked(protocol) == [ZH]
    confirmed = feed(protocol, session("session.updated", vad=NEVER, language="zh"))
    assert [event for event in confirmed if isinstance(event, ConfigurationChanged)] == [
        ConfigurationChanged(MODEL, "zh", NEVER)
    ]


def test_what_was_refused_is_not_asked_for_again() -> None:
    protocol = ready(client_cuts=True, language="en")
    protocol.reconfigure({"language": "sv"})
    assert asked(protocol) == [{"model": MODEL, "language": "sv"}]
    feed(protocol, error("No such language.", param="session"))
    assert protocol.options.language == "en"
    protocol.reconfigure({"model": "other/model"})
    assert asked(protocol) == [{"model": "other/model", "language": "en"}]
    # A later change that is on its way already stands.
    protocol.reconfigure({"language": "fi"})
    feed(protocol, error("No such model.", param="session"))
    assert protocol.options.language == "fi"


def test_nothing_is_sent_into_a_session_that_ends() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(SOUND, 0)
    protocol.reconfigure({"language": "zh"})
    protocol.send_commit(cut(0))
    protocol.messages_to_send()
    protocol.close()
    feed(protocol, committed("a"), created("a"))
    assert protocol.messages_to_send() == []
    with pytest.raises(StateError, match="open a new connection"):
        protocol.reconfigure({"language": "en"})
