"""The events that a realtime session sends, in the shapes of a Speaches server."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from typing import Any, Final

from ipyspeaches.words import Word

Event = dict[str, Any]

_ALPHABET: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 21


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
    detail = {"message": message, "type": kind, "code": None, "event_id": about, "param": param}
    return event("error", error=detail)


def speech_started(item_id: str, audio_start_ms: int) -> Event:
    """Return ``input_audio_buffer.speech_started``; milliseconds from the buffer's start."""
    return event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=audio_start_ms)


def speech_stopped(item_id: str, audio_end_ms: int) -> Event:
    """Return ``input_audio_buffer.speech_stopped``; milliseconds from the buffer's start."""
    return event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=audio_end_ms)


def committed(item_id: str, previous_item_id: str | None) -> Event:
    """Return ``input_audio_buffer.committed``."""
    return event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous_item_id)


def item_created(item_id: str, previous_item_id: str | None) -> tuple[Event, ...]:
    """Return ``conversation.item.created`` for an utterance without text yet."""
    return (event("conversation.item.created", item=_item(item_id), previous_item_id=previous_item_id),)


def item_added(item_id: str, previous_item_id: str | None) -> tuple[Event, ...]:
    """Return ``conversation.item.added`` and ``.done``, which say the same in the newer interface."""
    item = {name: value for name, value in _item(item_id).items() if name != "object"}
    return (
        event("conversation.item.added", item=item, previous_item_id=previous_item_id),
        event("conversation.item.done", item=item, previous_item_id=previous_item_id),
    )


def _item(item_id: str) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "status": "completed",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }


def transcription_delta(item_id: str, delta: str) -> Event:
    """Return a piece of live text."""
    return event(
        "conversation.item.input_audio_transcription.delta",
        item_id=item_id,
        content_index=0,
        delta=delta,
        logprobs=None,
    )


def transcription_completed(
    item_id: str, transcript: str, seconds: float, words: Sequence[Word], language: str | None
) -> Event:
    """Return the final text of an item.

    Parameters
    ----------
    item_id
        The item.
    transcript
        Its text; empty if nobody spoke.
    seconds
        Length of the item's buffer.
    words
        In seconds from the start of that buffer. (A Speaches server of 2026-03 sends neither these nor the language.)
    language
        Language code that was recognised.
    """
    return event(
        "conversation.item.input_audio_transcription.completed",
        item_id=item_id,
        content_index=0,
        transcript=transcript,
        usage={"seconds": round(seconds, 6), "type": "duration"},
        logprobs=None,
        words=[
            {"word": word.word, "start": word.start, "end": word.end, "probability": word.probability} for word in words
        ],
        language=language,
    )


def transcription_failed(item_id: str, message: str) -> Event:
    """Return that an item has no text because the engine failed."""
    detail = {"type": "server_error", "code": None, "message": message, "param": None}
    return event("conversation.item.input_audio_transcription.failed", item_id=item_id, content_index=0, error=detail)
