from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.protocol.protocol_events import Unknown
from ipyspeaches.protocol.realtime import wire
from realtime_wire import ready
from replay import EXCHANGES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
KNOWN = [
    *("session.created", "session.updated", "error", "conversation.item.created"),
    *(f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed", "cleared")),
    *(f"conversation.item.input_audio_transcription.{name}" for name in ("delta", "completed", "failed")),
    *("response.audio_transcript.delta", "response.audio_transcript.done", "response.created"),
]
NUMBERS = st.floats(allow_nan=False) | st.integers()
LIKELY = st.fixed_dictionaries(
    {"type": st.sampled_from(KNOWN)},
    optional={
        "item_id": st.sampled_from(["a", "b", "c", "", None]),
        "audio_start_ms": NUMBERS,
        "audio_end_ms": NUMBERS,
        "delta": st.text(max_size=5) | st.fixed_dictionaries({"text": st.text(max_size=5)}) | JSON,
        "transcript": st.text(max_size=5),
        "usage": st.fixed_dictionaries({"seconds": NUMBERS}) | st.none(),
        "words": st.lists(st.fixed_dictionaries({"word": st.text(), "start": NUMBERS, "end": NUMBERS}), max_size=3),
        "item": st.fixed_dictionaries({"id": st.sampled_from(["a", "b", None])}) | JSON,
        "session": st.fixed_dictionaries({}, optional={"turn_detection": JSON, "audio": JSON}),
        "error": st.fixed_dictionaries({"message": st.text(max_size=20)}, optional={"code": JSON, "type": JSON}),
    },
)


@settings(deadline=None)
@given(st.lists(st.one_of(LIKELY.map(json.dumps), JSON.map(json.dumps), st.text(), st.binary()), max_size=20))
def test_nothing_that_a_server_sends_raises(messages: list[str | bytes]) -> None:
    for client_cuts in (True, False):
        protocol = ready(client_cuts=client_cuts)
        for message in messages:
            for event in protocol.receive_message(message):
                assert repr(event)
        assert protocol.pending >= 0


@pytest.mark.parametrize(
    ("message", "kind", "data"),
    [
        ('{"type": "rate_limits.updated", "x": 1}', "rate_limits.updated", {"type": "rate_limits.updated", "x": 1}),
        ('{"type": "conversation.created"}', "conversation.created", {"type": "conversation.created"}),
        ('{"a": 1}', "", {"a": 1}),
        ('{"type": 5}', "", {"type": 5}),
        ("[1]", "", {"value": [1]}),
        ("{", "", {"text": "{"}),
        (b"\xff{", "", {"text": "�{"}),
        ("[" * 100_000, "", {"text": "[" * 100_000}),
    ],
)
def test_what_is_not_known_is_kept(message: str | bytes, kind: str, data: dict[str, Any]) -> None:
    [event] = ready(client_cuts=True).receive_message(message)
    assert event == Unknown(kind, data)


def test_unknown_fields_of_known_events_do_no_harm() -> None:
    event = wire.decode('{"type":"input_audio_buffer.speech_started","item_id":"a","audio_start_ms":5,"new":[1]}')
    assert event == wire.BufferSpeechStarted("a", 5)


def test_every_recorded_event_is_known_but_for_those_of_a_chat() -> None:
    unknown = set()
    for path in EXCHANGES.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            if entry["dir"] == "recv":
                event = wire.decode(json.dumps(entry["data"]))
                if isinstance(event, wire.Unrecognised):
                    unknown.add(event.type)
    assert unknown == {"response.created"}


@pytest.mark.parametrize(
    "session",
    [
        {"turn_detection": {"threshold": 1.0}, "input_audio_transcription": {"model": "m", "language": "en"}},
        {"audio": {"input": {"turn_detection": {"threshold": 1.0}, "transcription": {"model": "m", "language": "en"}}}},
    ],
    ids=["beta", "general availability"],
)
def test_a_session_is_read_in_both_shapes(session: dict[str, Any]) -> None:
    event = wire.decode(json.dumps({"type": "session.updated", "session": session}))
    assert isinstance(event, wire.SessionUpdated)
    assert event.session.vad == {"threshold": 1.0}
    assert event.session.transcription == wire.Transcription("m", "en")
