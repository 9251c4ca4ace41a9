"""The session in the shape of OpenAI's newer realtime interface: everything in ``session.audio.input``.

A client that asks in that shape is answered in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.errors import InputError

if TYPE_CHECKING:
    from ipyspeaches.local.session_settings import SessionSettings

_PCM = {"type": "audio/pcm", "rate": SESSION_RATE_HZ}


def is_nested(session: Mapping[str, Any]) -> bool:
    """Return whether an update asks in the newer shape."""
    return "audio" in session or session.get("type") == "transcription"


def flattened(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an update asks for, in the older shape.

    Raises
    ------
    InputError
        If a part of it is no object, or the sound has another format.
    """
    sound = _part(_part(session, "audio"), "input")
    audio_format = sound.get("format") or _PCM
    if not isinstance(audio_format, Mapping) or {**_PCM, **audio_format} != _PCM:
        raise InputError(f"`session.audio.input.format` is {audio_format!r}: send {_PCM!r} (PCM16, mono).")
    flat: dict[str, Any] = {}
    if "turn_detection" in sound:
        flat["turn_detection"] = sound["turn_detection"]
    if "transcription" in sound:
        asked = sound["transcription"]
        # Here null unsets a language.
        unset = isinstance(asked, Mapping) and "language" in asked and asked["language"] is None
        flat["input_audio_transcription"] = {**asked, "language": ""} if unset else asked
    return flat


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name) or {}
    if not isinstance(part, Mapping):
        raise InputError(f"`{name}` of the session must be an object.")
    return part


def nested_event(settings: SessionSettings, session_id: str) -> dict[str, Any]:
    """Return the wire's session object."""
    turn_detection = None if settings.turn_detection is None else settings.turn_detection.as_event()
    if turn_detection is not None:
        del turn_detection["create_response"]  # unknown to a session that never answers
    sound = {
        "format": _PCM,
        "noise_reduction": None,
        "transcription": {"model": settings.model, "language": settings.language},
        "turn_detection": turn_detection,
    }
    return {
        "id": session_id,
        "object": "realtime.transcription_session",
        "type": "transcription",
        "audio": {"input": sound},
        "include": None,
    }
