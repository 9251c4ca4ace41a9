"""The settings of a realtime session: what a client may change, and what is refused.

Unlike a Speaches server of 2026-03, a part of ``turn_detection`` is enough, ``null`` turns it off, and
``prefix_padding_ms`` is applied. An update with a value that cannot be is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ipyspeaches.errors import InputError
from ipyspeaches.local.engine import EngineSpec
from ipyspeaches.local.nested_session import flattened, is_nested, nested_event

MAX_DURATION_MS = 60_000


@dataclass(frozen=True, slots=True)
class TurnDetectionSettings:
    """How the server cuts utterances.

    Parameters
    ----------
    threshold
        Probability from 0 to 1 at which speech begins; 1.0 never cuts.
    silence_duration_ms
        Silence that ends an utterance.
    prefix_padding_ms
        Sound before the onset that counts as part of the utterance.
    """

    threshold: float = 0.5
    silence_duration_ms: int = 550
    prefix_padding_ms: int = 300

    @property
    def cuts(self) -> bool:
        """Whether any sound can begin an utterance."""
        return self.threshold < 1.0

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
    """What a session transcribes with.

    Parameters
    ----------
    model, language
        Of the engine; None for a language that nobody has named.
    turn_detection
        None leaves all cutting to the client.
    nested
        Whether the client speaks the newer shape of a session; see `nested_session`.
    """

    model: str
    language: str | None = None
    turn_detection: TurnDetectionSettings | None = TurnDetectionSettings()
    nested: bool = False

    @property
    def server_cuts(self) -> bool:
        """Whether the server cuts utterances."""
        return self.turn_detection is not None and self.turn_detection.cuts

    def as_event(self, session_id: str) -> dict[str, Any]:
        """Return the wire's session object, with the keys of a Speaches server, or those of the newer shape."""
        if self.nested:
            return nested_event(self, session_id)
        return {
            "id": session_id,
            "input_audio_format": "pcm16",
            "input_audio_transcription": {"model": self.model, "language": self.language},
            "instructions": "",
            "max_response_output_tokens": "inf",
            "modalities": ["audio", "text"],
            "model": self.model,
            "output_audio_format": "pcm16",
            "temperature": 0.8,
            "tool_choice": "auto",
            "tools": [],
            "turn_detection": None if self.turn_detection is None else self.turn_detection.as_event(),
            "speech_model": None,
            "voice": None,
        }


def model_missing_text(model: str) -> str:
    """Return what a Speaches server says about a model that it does not have."""
    return f"Model '{model}' is not installed locally. You can download the model using `POST /v1/models`"


def language_missing_text(spec: EngineSpec, language: str) -> str:
    """Return why a language cannot be transcribed."""
    return (
        f"Model '{spec.model}' does not understand the language '{language}', only {', '.join(spec.languages)}: "
        "leave the language out, or use a Speaches server with a Whisper model."
    )


def updated(settings: SessionSettings, session: object, spec: EngineSpec) -> SessionSettings:
    """Return the settings after a ``session.update``.

    Parameters
    ----------
    settings
        The present ones.
    session
        The update's ``session`` as it came; keys that do not matter for transcription are ignored.
    spec
        The engine, which knows its model and languages.

    Raises
    ------
    InputError
        If a value cannot be used; nothing is applied then.
    """
    if not isinstance(session, Mapping):
        raise InputError("session.update needs a `session` object with the settings to change.")
    if is_nested(session):
        settings, session = replace(settings, nested=True), flattened(session)
    audio_format = session.get("input_audio_format", "pcm16")
    if audio_format != "pcm16":
        raise InputError(f"`session.input_audio_format` is {audio_format!r}: send pcm16 (24 kHz, mono).")
    if "turn_detection" in session:
        settings = replace(settings, turn_detection=_turn_detection(settings, session["turn_detection"]))
    if "input_audio_transcription" in session:
        settings = _transcription(settings, session["input_audio_transcription"], spec)
    return settings


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


def _transcription(settings: SessionSettings, value: object, spec: EngineSpec) -> SessionSettings:
    if not isinstance(value, Mapping):
        raise InputError("`session.input_audio_transcription` must be an object with model and language.")
    model = value.get("model", settings.model)
    if model != spec.model:
        raise InputError(model_missing_text(str(model)))
    # As on a Speaches server, null leaves the language as it is and "" unsets it.
    language = value.get("language")
    if language is None:
        return settings
    if not isinstance(language, str):
        raise InputError("`session.input_audio_transcription.language` must be a language code such as en.")
    if not spec.understands(language):
        raise InputError(language_missing_text(spec, language))
    return replace(settings, language=language or None)
