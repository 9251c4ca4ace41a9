"""OpenAI's realtime messages, checked against the types of the official package, and a protocol ready to take them.

There is no recording of OpenAI's own server here. What stands for one is made of the events that its documentation and
types describe; both directions are validated, and a field that the types do not know is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pydantic
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from openai.types.realtime.realtime_transcription_session_create_response import (
    RealtimeTranscriptionSessionCreateResponse,
)

from ipyspeaches.protocol.protocol_events import Mismatch
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import without_fences

_CLIENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RealtimeClientEvent)
_SERVER: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RealtimeServerEvent)
# The types of session.created describe a request: these the server adds.
_ADDED = {"id", "object", "expires_at"}

MODEL = "gpt-4o-transcribe"
OPTIONS = RecognitionOptions(model=MODEL)
CUT_THERE = RecognitionOptions(model=MODEL, server_vad=ServerTurnDetection(0.5, 500))
CUTTING = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
SESSION: dict[str, Any] = {
    "object": "realtime.transcription_session",
    "type": "transcription",
    "id": "sess_abc123",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "noise_reduction": None,
            "transcription": None,
            "turn_detection": CUTTING,
        }
    },
    "include": None,
}


def sent(raw: bytes) -> dict[str, Any]:
    """Return a message of ours, checked."""
    _check(_CLIENT.validate_json(raw))
    message: dict[str, Any] = json.loads(raw)
    return message


def event(kind: str, **fields: Any) -> str:
    """Return a message of the server, checked."""
    message = {"type": kind, "event_id": "event_1", **fields}
    if kind.startswith("session."):
        _check(RealtimeTranscriptionSessionCreateResponse.model_validate(message["session"]))
        known = {name: value for name, value in message["session"].items() if name not in _ADDED}
        _check(_SERVER.validate_python({**message, "session": known}))
    else:
        _check(_SERVER.validate_python(message))
    return json.dumps(message)


def session(kind: str, **changed: Any) -> str:
    """Return ``session.created`` or ``session.updated`` with another ``audio.input``."""
    return event(kind, session={**SESSION, "audio": {"input": {**SESSION["audio"]["input"], **changed}}})


def utterance(item_id: str, *pieces: str, before: str | None = None) -> Iterator[str]:
    """Yield what follows a commit: committed, the item, its deltas, and the whole text charged by tokens."""
    content = [{"type": "input_audio", "transcript": None}]
    item = {"id": item_id, "type": "message", "status": "completed", "role": "user", "content": content}
    about: dict[str, Any] = {"item_id": item_id, "content_index": 0}
    transcription = "conversation.item.input_audio_transcription"
    yield event("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
    yield event("conversation.item.added", item=item, previous_item_id=before)
    yield event("conversation.item.done", item=item, previous_item_id=before)
    for piece in pieces:
        yield event(f"{transcription}.delta", **about, delta=piece)
    details = {"audio_tokens": 17, "text_tokens": 0}
    usage = {"type": "tokens", "total_tokens": 22, "input_tokens": 17, "output_tokens": 5}
    usage |= {"input_token_details": details}
    yield event(f"{transcription}.completed", **about, transcript="".join(pieces), usage=usage)


def error(message: str, **fields: Any) -> str:
    """Return ``error``."""
    return event("error", error={"message": message, "type": "invalid_request_error", **fields})


def told(protocol: RealtimeProtocol) -> list[dict[str, Any]]:
    """Return what waits to be sent, each message checked against the official types."""
    return [sent(raw) for raw in protocol.messages_to_send()]


def inputs(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ``audio.input`` of the updates, each of a transcription session and with a name of its own."""
    updates = [message for message in messages if message["type"] == "session.update"]
    assert all(update["session"]["type"] == "transcription" for update in updates)
    assert len({update["event_id"] for update in updates}) == len(updates)
    return [update["session"]["audio"]["input"] for update in updates]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Return the types of messages, without their common beginning."""
    return [message["type"].removeprefix("input_audio_buffer.") for message in messages]


def opened(options: RecognitionOptions) -> RealtimeProtocol:
    """Return a protocol to which the server has announced its session."""
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    assert protocol.receive_message(session("session.created")) == []
    return protocol


def ready(options: RecognitionOptions = OPTIONS) -> RealtimeProtocol:
    """Return a protocol whose configuration is confirmed as asked, with nothing left to send."""
    protocol = opened(options)
    [asked] = inputs(told(protocol))
    events = protocol.receive_message(session("session.updated", **asked))
    assert not [event for event in events if isinstance(event, Mismatch)]
    assert protocol.state is ProtocolState.READY
    return without_fences(protocol)


def _check(model: Any) -> None:
    """Fail at a field that the types do not know, however deep."""
    if isinstance(model, list):
        for one in model:
            _check(one)
    elif isinstance(model, pydantic.BaseModel):
        unknown = set(model.model_extra or {})
        assert not unknown, f"{type(model).__name__} has no {', '.join(sorted(unknown))}"
        for name in type(model).model_fields:
            _check(getattr(model, name))
