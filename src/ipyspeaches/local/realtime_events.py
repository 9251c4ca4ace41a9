"""The events of a realtime session: what a client sends, checked, and what it gets, as from a Speaches server."""

from __future__ import annotations

import binascii
import secrets
import string
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.terminal import one_line

Event = dict[str, Any]

RATE_LIMIT_CODE: Final = "rate_limit_exceeded"
_ALPHABET: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 21


def parse_event(text: str) -> Event:
    """Return a client event; an `InputError` if the text is no JSON object with a ``type``."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InputError(f"The message is not JSON ({exc}): send each event as a JSON object.") from exc
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InputError("The message is not an event: send a JSON object with a `type`.")
    return message


def decode_audio(audio: object) -> NDArray[np.int16]:
    """Return the samples (int16, 24 kHz) of an append's ``audio``.

    It is an `InputError` if it is not base64 of at least one PCM16 sample.
    """
    if not isinstance(audio, str):
        raise InputError("input_audio_buffer.append needs `audio`: base64 of 24 kHz mono PCM16.")
    try:
        data = binascii.a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError) as exc:
        raise InputError(f"`audio` is not base64 ({exc}); it was dropped.") from exc
    if not data:
        raise InputError("`audio` is empty: append at least one sample.")
    if len(data) % 2:
        raise InputError(f"`audio` holds {len(data)} bytes, but PCM16 has two for a sample; it was dropped.")
    return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)


def new_id(kind: str) -> str:
    """Return a fresh id such as ``item_…``."""
    return f"{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def event(kind: str, **fields: object) -> Event:
    """Return an event with its id."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error(
    message: str, kind: str = "invalid_request_error", about: str | None = None, param: str | None = None
) -> Event:
    """Return an ``error`` event; ``about`` is the client's own id of the event that was wrong, ``param`` its part."""
    detail = {"message": one_line(message), "type": kind, "code": None, "event_id": about, "param": param}
    return event("error", error=detail)


def busy(message: str, retry_after_s: int) -> Event:
    """Return the ``error`` event of a server that takes no more work for now."""
    refusal = error(message, "rate_limit_error")
    refusal["error"] |= {"code": RATE_LIMIT_CODE, "retry_after_s": retry_after_s}
    return refusal


def item_events(item_id: str, previous_item_id: str | None, *, nested: bool) -> list[Event]:
    """Return what announces an utterance without text yet; the newer interface says the same twice."""
    item = {
        "id": item_id,
        "status": "completed",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    if not nested:
        item["object"] = "realtime.item"
    kinds = ("added", "done") if nested else ("created",)
    return [event(f"conversation.item.{kind}", item=item, previous_item_id=previous_item_id) for kind in kinds]


def transcription_event(kind: str, item_id: str, **fields: object) -> Event:
    """Return an event about the text of an item; ``kind`` is ``delta``, ``completed`` or ``failed``."""
    name = f"conversation.item.input_audio_transcription.{kind}"
    return event(name, item_id=item_id, content_index=0, **fields)
