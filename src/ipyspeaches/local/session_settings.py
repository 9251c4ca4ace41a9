"""The settings of a realtime session: what a client may change, and what is refused.

Unlike a Speaches server of 2026-03, a part of ``turn_detection`` is enough, ``null`` turns it off, and
``prefix_padding_ms`` is applied. An update with a value that cannot be is refused as a whole.

A client that asks in the shape of OpenAI's newer realtime interface, everything in ``session.audio.input``, is
answered in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec, model_missing_text

MAX_DURATION_MS = 60_000
_PCM = {"type": "audio/pcm", "rate": SESSION_RATE_HZ}


@dataclass(frozen=True, slots=True)
class TurnDetectionSettings:
    """How the server cuts utterances."""

    threshold: float = 0.5  # probability from 0 to 1 at which speech begins; 1.0 never cuts
    silence_duration_ms: int = 550  # silence that ends an utterance
    prefix_padding_ms: int = 300  # audio before the onset that counts as part of the utterance

    def as_event(self) -> dict[str, Any]:
        """Return the wire's ``turn_detection`` object."""
        return {
            "create_response": False,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_duration_ms,
            "threshold": self.threshold,
            "type": "server_vad",
        }


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What a session transcribes with."""

    model: str  # of the engine
    decoding: DecodingOptions = field(default_factory=DecodingOptions)  # what the engine is told about each utterance
    turn_detection: TurnDetectionSettings | None = TurnDetectionSettings()  # None leaves all cutting to the client
    nested: bool = False  # whether the client speaks the newer shape of a session

    @property
    def server_cuts(self) -> bool:
        """Whether the server cuts utterances: a threshold of 1.0 lets nothing begin one."""
        return self.turn_detection is not None and self.turn_detection.threshold < 1.0

    def as_event(self, session_id: str) -> dict[str, Any]:
        """Return the wire's session object, with the keys of a Speaches server, or those of the newer shape."""
        transcription = {"model": self.model, "language": self.decoding.language}
        turn_detection = None if self.turn_detection is None else self.turn_detection.as_event()
        if self.nested:
            if turn_detection is not None:
                del turn_detection["create_response"]  # unknown to a session that never answers
            audio_input = {
                "format": _PCM,
                "noise_reduction": None,
                "transcription": transcription,
                "turn_detection": turn_detection,
            }
            return {
                "id": session_id,
                "object": "realtime.transcription_session",
                "type": "transcription",
                "audio": {"input": audio_input},
                "include": None,
            }
        return {
            "id": session_id,
            "input_audio_format": "pcm16",
            "input_audio_transcription": transcription,
            "instructions": "",
            "max_response_output_tokens": "inf",
            "modalities": ["audio", "text"],
            "model": self.model,
            "output_audio_format": "pcm16",
            "temperature": 0.8,
            "tool_choice": "auto",
            "tools": [],
            "turn_detection": turn_detection,
            "speech_model": None,
            "voice": None,
        }


def updated(settings: SessionSettings, session: object, find: Callable[[str], EngineSpec | None]) -> SessionSettings:
    """Return the settings after a ``session.update``; keys that do not matter for transcription are ignored.

    ``find`` returns the model of a name, or None. It is an `InputError` if a value cannot be used; nothing is applied
    then.
    """
    if not isinstance(session, Mapping):
        raise InputError("session.update needs a `session` object with the settings to change.")
    if "audio" in session or session.get("type") == "transcription":
        settings, session = replace(settings, nested=True), _flattened(session)
    audio_format = session.get("input_audio_format", "pcm16")
    if audio_format != "pcm16":
        raise InputError(f"`session.input_audio_format` is {audio_format!r}: send pcm16 (24 kHz, mono).")
    if "turn_detection" in session:
        settings = replace(settings, turn_detection=_turn_detection(settings, session["turn_detection"]))
    if "input_audio_transcription" in session:
        settings = _transcription(settings, session["input_audio_transcription"], find)
    return settings


def _flattened(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an update in the newer shape asks for, in the older one."""
    audio_input = _part(_part(session, "audio"), "input")
    audio_format = audio_input.get("format") or _PCM
    if not isinstance(audio_format, Mapping) or {**_PCM, **audio_format} != _PCM:
        raise InputError(f"`session.audio.input.format` is {audio_format!r}: send {_PCM!r} (PCM16, mono).")
    flat: dict[str, Any] = {}
    if "turn_detection" in audio_input:
        flat["turn_detection"] = audio_input["turn_detection"]
    if "transcription" in audio_input:
        asked = audio_input["transcription"]
        # Here null unsets a language.
        unset = isinstance(asked, Mapping) and "language" in asked and asked["language"] is None
        flat["input_audio_transcription"] = {**asked, "language": ""} if unset else asked
    return flat


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name) or {}
    if not isinstance(part, Mapping):
        raise InputError(f"`{name}` of the session must be an object.")
    return part


def _turn_detection(settings: SessionSettings, value: object) -> TurnDetectionSettings | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError("`session.turn_detection` must be an object or null.")
    if value.get("type", "server_vad") != "server_vad":
        raise InputError(f"`session.turn_detection.type` is {value['type']!r}: only server_vad is supported.")
    before = settings.turn_detection or TurnDetectionSettings()
    return TurnDetectionSettings(
        threshold=_number(value, "threshold", before.threshold, 1),
        silence_duration_ms=round(_number(value, "silence_duration_ms", before.silence_duration_ms, MAX_DURATION_MS)),
        prefix_padding_ms=round(_number(value, "prefix_padding_ms", before.prefix_padding_ms, MAX_DURATION_MS)),
    )


def _number(values: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InputError(f"`session.turn_detection.{name}` is {value!r}: give a number from 0 to {most:g}.")
    return value


def _transcription(
    settings: SessionSettings, value: object, find: Callable[[str], EngineSpec | None]
) -> SessionSettings:
    if not isinstance(value, Mapping):
        raise InputError("`session.input_audio_transcription` must be an object with model and language.")
    model = str(value.get("model", settings.model))
    spec = find(model)
    if spec is None:
        raise InputError(model_missing_text(model))
    # As on a Speaches server, null leaves the language as it is and "" unsets it.
    language, decoding = value.get("language"), settings.decoding
    if language is not None:
        if not isinstance(language, str):
            raise InputError("`session.input_audio_transcription.language` must be a language code such as en.")
        decoding = replace(decoding, language=language or None)
    problem = spec.language_problem(decoding)
    if problem is not None:
        raise InputError(problem)
    return replace(settings, model=model, decoding=decoding)
