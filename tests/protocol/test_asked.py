"""What recorded updates really changed, against what they asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ipyspeaches.protocol import Mismatch, wire
from ipyspeaches.protocol.asked import NO_TURN_DETECTION, Asked
from replay import lines

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
