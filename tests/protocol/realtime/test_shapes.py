"""The shapes of a session: how one is told from the other, and what an update says in each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ipyspeaches.protocol.protocol_events import Mismatch
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.shapes import (
    NO_TURN_DETECTION,
    Asked,
    BetaShape,
    FlatShape,
    NestedShape,
    announced,
)
from ipyspeaches.protocol.recognition import ServerTurnDetection
from replay import EXCHANGES, lines

CUTS = ServerTurnDetection(0.4, 300)


def info(session: dict[str, Any]) -> wire.SessionInfo:
    event = wire.decode(json.dumps({"type": "session.created", "session": session}))
    assert isinstance(event, wire.SessionCreated)
    return event.session


@pytest.mark.parametrize(
    ("session", "shape"),
    [
        ({}, FlatShape()),
        ({"input_audio_transcription": None, "turn_detection": None}, FlatShape()),
        ({"type": "realtime"}, FlatShape()),
        ({"audio": {"output": {}}}, FlatShape()),
        ({"type": "transcription"}, NestedShape("transcription")),
        ({"audio": {"input": {}}}, NestedShape("transcription")),
        ({"type": "transcription_session", "input_audio_transcription": None}, BetaShape()),
        ({"type": "realtime", "audio": {"input": {"transcription": None}}}, NestedShape("realtime")),
    ],
)
def test_a_session_announces_its_shape(session: dict[str, Any], shape: FlatShape | NestedShape) -> None:
    assert announced(info(session)) == shape


@pytest.mark.parametrize("name", sorted(path.stem for path in EXCHANGES.glob("*.jsonl")))
def test_the_recorded_server_speaks_the_older_shape(name: str) -> None:
    for line in lines(name)[1:]:
        if line["data"].get("type") == "session.created":
            assert announced(info(line["data"]["session"])) == FlatShape()


def test_the_older_shape_keeps_everything_in_the_session() -> None:
    shape = FlatShape()
    assert shape.turn_detection(CUTS, cuts=True) == CUTS.to_wire()
    assert shape.turn_detection(CUTS, cuts=False) == {**CUTS.to_wire(), "threshold": 1.0}
    # The language goes with its model or not at all, and a prompt has no place.
    assert shape.session(Asked(language="zh", prompt="Names", first=True)) == {}
    assert shape.session(Asked(model="m")) == {"input_audio_transcription": {"model": "m", "language": ""}}


def test_the_newer_shape_keeps_everything_in_the_input() -> None:
    shape = NestedShape()
    vad = {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 300, "prefix_padding_ms": 300}
    assert shape.turn_detection(CUTS, cuts=True) == vad
    assert shape.turn_detection(ServerTurnDetection(prefix_padding_ms=0), cuts=True)["prefix_padding_ms"] == 0
    assert shape.turn_detection(CUTS, cuts=False) is NO_TURN_DETECTION
    asked = Asked(NO_TURN_DETECTION, "m", "zh", "Names", first=True)
    assert shape.session(asked) == {
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "turn_detection": None,
                "transcription": {"model": "m", "language": "zh", "prompt": "Names"},
            }
        },
    }
    assert shape.session(Asked(model="m")) == {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "m"}}},
    }
    assert shape.session(Asked(model="m", language=""))["audio"]["input"]["transcription"]["language"] is None


def test_a_conversation_is_told_not_to_answer() -> None:
    shape = NestedShape("realtime")
    assert shape.turn_detection(CUTS, cuts=True)["create_response"] is False
    assert shape.session(Asked())["type"] == "realtime"


RECORDED = lines("ws-updates")[1:]
FULL = {"type": "server_vad", "silence_duration_ms": 400, "prefix_padding_ms": 300, "create_response": False}


def answer(note: str) -> wire.SessionInfo:
    """Return the session that the server confirmed after the update with this note."""
    index = next(number for number, line in enumerate(RECORDED) if line.get("note") == note)
    for line in RECORDED[index + 1 :]:
        if line["data"].get("type") == "session.updated":
            event = wire.decode(json.dumps(line["data"]))
            assert isinstance(event, wire.SessionUpdated)
            return event.session
    raise AssertionError(f"no answer to {note}")


@pytest.mark.parametrize(
    ("note", "threshold", "differing"),
    [
        ("threshold only", 0.5, {"threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}),
        ("full without prefix_padding_ms", 0.5, {"threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}),
        ("full", 0.6, {"prefix_padding_ms": 0}),
        ("full and one unknown field", 0.8, {"prefix_padding_ms": 0}),
        ("threshold out of range", 1.5, {"threshold": 0.8, "prefix_padding_ms": 0}),
    ],
)
def test_what_is_ignored_in_silence_is_found(note: str, threshold: float, differing: dict[str, Any]) -> None:
    found = Asked({**FULL, "threshold": threshold}).differences(answer(note))
    assert {mismatch.field.removeprefix("turn_detection."): mismatch.confirmed for mismatch in found} == differing


def test_a_language_alone_is_ignored_and_only_an_empty_one_unsets_it() -> None:
    large, tiny = "Systran/faster-whisper-large-v3", "Systran/faster-whisper-tiny"
    applied = answer("transcription model and language")
    assert Asked(model=large, language="zh").differences(applied) == []
    ignored = answer("transcription language only")
    assert Asked(model=large, language="en").differences(ignored) == [Mismatch("language", "en", "zh")]
    kept = answer("transcription language null (language stays)")
    assert Asked(model=tiny, language="").differences(kept) == [Mismatch("language", None, "zh")]
    unset = answer('transcription language "" (the way to unset it)')
    assert Asked(model=tiny, language="").differences(unset) == []


def test_no_turn_detection_differs_from_any_and_a_prompt_is_compared() -> None:
    cutting = wire.SessionInfo(turn_detection={"type": "server_vad"})
    assert Asked(NO_TURN_DETECTION).differences(cutting) == [Mismatch("turn_detection", None, {"type": "server_vad"})]
    assert Asked(NO_TURN_DETECTION).differences(wire.SessionInfo()) == []
    told = wire.SessionInfo(input_audio_transcription=wire.Transcription("m", prompt="Names"))
    assert Asked(model="m", prompt="Names").differences(told) == []
    assert Asked(model="m", prompt="Others").differences(told) == [Mismatch("prompt", "Others", "Names")]
