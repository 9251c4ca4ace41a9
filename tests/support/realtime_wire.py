"""Messages of a realtime server for tests, and a protocol that is ready to take them."""

from __future__ import annotations

import binascii
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.protocol.protocol_events import ProtocolEvent
from ipyspeaches.protocol.realtime.media import Media
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from ipyspeaches.vad.gate import Cut, Utterance

DEFAULT_VAD = {
    "type": "server_vad",
    "threshold": 0.9,
    "silence_duration_ms": 550,
    "prefix_padding_ms": 0,
    "create_response": False,
}
MODEL = "some/model"
# What is asked for where this side cuts: a threshold that nothing passes.
NEVER = {**DEFAULT_VAD, "threshold": 1.0}
# A second of it.
SILENCE = np.zeros(24_000, np.int16)


def session(kind: str = "session.created", *, vad: dict[str, Any] | None = None, **transcription: str | None) -> str:
    """Return ``session.created`` or ``session.updated``."""
    inside = {
        "id": "sess_1",
        "turn_detection": DEFAULT_VAD if vad is None else vad,
        "input_audio_transcription": {"model": MODEL, "language": None, **transcription},
    }
    return json.dumps({"type": kind, "session": inside})


def started(item_id: str, audio_start_ms: float) -> str:
    """Return ``speech_started``."""
    return message("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=audio_start_ms)


def stopped(item_id: str, audio_end_ms: float) -> str:
    """Return ``speech_stopped``."""
    return message("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=audio_end_ms)


def committed(item_id: str) -> str:
    """Return ``committed``."""
    return message("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)


def created(item_id: str) -> str:
    """Return ``item.created``."""
    return message("conversation.item.created", item={"id": item_id, "role": "user"}, previous_item_id=None)


def completed(item_id: str, transcript: str, seconds: float | None = None, **more: object) -> str:
    """Return ``…transcription.completed``."""
    usage = None if seconds is None else {"type": "duration", "seconds": seconds}
    kind = "conversation.item.input_audio_transcription.completed"
    return message(kind, item_id=item_id, transcript=transcript, usage=usage, **more)


def delta(item_id: str, text: object, **more: object) -> str:
    """Return ``…transcription.delta``."""
    return message("conversation.item.input_audio_transcription.delta", item_id=item_id, delta=text, **more)


def error(text: str, kind: str = "invalid_request_error", **more: object) -> str:
    """Return ``error``."""
    return message("error", error={"message": text, "type": kind, **more})


def message(kind: str, **fields: object) -> str:
    """Return any message."""
    return json.dumps({"type": kind, "event_id": "event_1", **fields})


def pcm(data: bytes) -> NDArray[np.int16]:
    """Return the samples of an append message."""
    return np.frombuffer(binascii.a2b_base64(json.loads(data)["audio"]), "<i2")


def kinds(messages: list[bytes]) -> list[str]:
    """Return the types of messages, without their common beginning."""
    return [json.loads(data)["type"].removeprefix("input_audio_buffer.") for data in messages]


def ready(
    *,
    client_cuts: bool,
    model: str | None = MODEL,
    language: str | None = None,
    media: Media | None = None,
    api_key: str | None = None,
) -> RealtimeProtocol:
    """Return a protocol whose configuration is confirmed, with nothing left to send; the server refuses fences."""
    server_vad = None if client_cuts else ServerTurnDetection()
    options = RecognitionOptions(model=model, language=language, server_vad=server_vad)
    protocol = RealtimeProtocol(options, media=media, api_key=api_key)
    protocol.connection_opened()
    protocol.receive_message(session(vad=NEVER if client_cuts else DEFAULT_VAD, model=model, language=language))
    return without_fences(protocol)


def without_fences(protocol: RealtimeProtocol) -> RealtimeProtocol:
    """Return a protocol whose server refuses the first fence, with nothing left to send."""
    fences = protocol.stream_to_send()
    assert len(fences) == protocol.options.client_cuts
    for _ in fences:
        feed(protocol, error("Once is enough.", param="session"))
    return protocol


def cut(number: int, start: int = 0, end: int = 0) -> Utterance:
    """Return an utterance that this side has cut."""
    return Utterance(number, start, end)


def server_cut(number: int, start_s: float, end_s: float) -> Utterance:
    """Return an utterance that the server has cut."""
    return Utterance(number, round(start_s * 24_000), round(end_s * 24_000), Cut.SERVER)


def feed(protocol: RealtimeProtocol, *messages: str) -> list[ProtocolEvent]:
    """Give a protocol messages of the server and return all events."""
    return [event for data in messages for event in protocol.receive_message(data)]
