"""What a session is asked to be, and what the server makes of it."""

from __future__ import annotations

import json

import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import (
    Mismatch,
    ProtocolState,
    Ready,
    RealtimeOptions,
    RealtimeProtocol,
    Reconfigured,
    Reported,
    ServerTurnDetection,
)
from realtime_wire import DEFAULT_VAD, MODEL, NEVER, error, feed, message, ready, session

PADDING_ERROR = "Specifying `session.turn_detection.prefix_padding_ms` is not supported. The server either does not"


def opened(options: RealtimeOptions) -> RealtimeProtocol:
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    return protocol


def updates(protocol: RealtimeProtocol) -> list[dict[str, object]]:
    """Return the sessions of the updates that wait to be sent."""
    messages = [json.loads(data) for data in protocol.data_to_send()]
    return [data["session"] for data in messages if data["type"] == "session.update"]


def test_a_session_as_asked_needs_no_update() -> None:
    protocol = opened(RealtimeOptions(MODEL, client_cuts=False))
    [event] = protocol.receive(session())
    assert event == Ready("sess_1", MODEL, None, DEFAULT_VAD)
    assert protocol.state is ProtocolState.READY
    assert protocol.data_to_send() == []


def test_client_cuts_ask_for_a_threshold_that_nothing_passes() -> None:
    protocol = opened(RealtimeOptions(MODEL))
    assert protocol.receive(session()) == []
    assert protocol.state == "configuring"
    assert updates(protocol) == [{"turn_detection": NEVER}]
    assert feed(protocol, error(PADDING_ERROR)) == []
    [event] = protocol.receive(session("session.updated", vad=NEVER))
    assert isinstance(event, Ready)
    assert protocol.state == "ready"


def test_another_model_or_language_is_asked_for_with_both() -> None:
    protocol = opened(RealtimeOptions("other/model", client_cuts=False))
    protocol.receive(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": "other/model", "language": ""}
    protocol = opened(RealtimeOptions(None, "zh", client_cuts=False))
    protocol.receive(session())
    [asked] = updates(protocol)
    assert asked["input_audio_transcription"] == {"model": MODEL, "language": "zh"}


def test_a_server_that_does_otherwise_is_a_mismatch_and_no_failure() -> None:
    options = RealtimeOptions(MODEL, "en", ServerTurnDetection(0.5, 400, 300), client_cuts=False)
    protocol = opened(options)
    protocol.receive(session())
    echo = {"type": "semantic_vad", "eagerness": "auto"}
    first, *mismatches = protocol.receive(session("session.updated", vad=echo, model="theirs"))
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
        protocol = opened(RealtimeOptions(MODEL, None, ServerTurnDetection(0.5), client_cuts=client_cuts))
        protocol.receive(session())
        events = protocol.receive(session("session.updated", vad={}))
        assert sum(isinstance(event, Mismatch) for event in events) == expected


def test_an_update_that_is_refused_ends_the_waiting_with_what_holds() -> None:
    protocol = opened(RealtimeOptions(MODEL))
    protocol.receive(session())
    reported, confirmed, mismatch = feed(protocol, error("2 validation errors for tagged-union[SessionUpdateEvent,…"))
    assert isinstance(reported, Reported)
    assert isinstance(confirmed, Ready)
    assert mismatch == Mismatch("turn_detection.threshold", 1.0, 0.9)
    assert protocol.state is ProtocolState.READY


def test_the_same_difference_is_told_once() -> None:
    protocol = ready(client_cuts=False)
    for _ in range(2):
        protocol.update(turn_detection=ServerTurnDetection(prefix_padding_ms=300))
    echo = session("session.updated")
    told = feed(protocol, echo, echo)
    assert [event for event in told if isinstance(event, Mismatch)] == [
        Mismatch("turn_detection.prefix_padding_ms", 300, 0)
    ]
    assert sum(isinstance(event, Reconfigured) for event in told) == 2


def test_a_language_is_unset_with_an_empty_one() -> None:
    protocol = ready(client_cuts=True, language="zh")
    protocol.update(language=None)
    assert updates(protocol) == [{"input_audio_transcription": {"model": MODEL, "language": ""}}]
    (confirmed,) = feed(protocol, session("session.updated", vad=NEVER, language=""))
    assert confirmed == Reconfigured(MODEL, None, NEVER)
    assert protocol.options.language is None
    protocol.update(language="en")
    protocol.update(model="other/model")
    both = [{"model": MODEL, "language": "en"}, {"model": "other/model", "language": "en"}]
    assert [asked["input_audio_transcription"] for asked in updates(protocol)] == both


def test_a_language_needs_a_model() -> None:
    protocol = opened(RealtimeOptions(client_cuts=False))
    protocol.receive(message("session.created", session={"turn_detection": DEFAULT_VAD}))
    with pytest.raises(StateError, match="give the model with it"):
        protocol.update(language="en")
    protocol.update()
    assert protocol.data_to_send() == []
