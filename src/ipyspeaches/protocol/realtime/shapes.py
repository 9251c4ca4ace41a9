"""Where a server keeps the settings of a session, and how an update for them looks.

Three shapes are about. In the older one, which Speaches speaks, everything lies in the session itself. In that of
OpenAI's Realtime API since its general availability (GA, 2025) it lies in ``session.audio.input``, and the session has
a type. In OpenAI's beta, transcription sessions lay flat as well, with messages of their own names. Servers are spoken
to in the shape in which they announce their session.

A client that cuts asks the one for a threshold that nothing passes, because Speaches refuses ``null``; the other for no
turn detection at all, which GA servers document as the way to commit by hand, and which some of their models demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.languages import language_heard
from ipyspeaches.protocol.protocol_events import Mismatch
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.recognition import NEVER_CUT, ServerTurnDetection

NO_TURN_DETECTION: Final[dict[str, Any]] = {}
"""Asks that the server cut nothing; goes over the wire as null."""

_TOLERANCE: Final = 1e-6
GA_PREFIX_PADDING_MS: Final = 300
"""OpenAI's own default; without it, words lose their first sound."""
_TRANSCRIPTION: Final = "transcription"


class Barrier(Enum):
    """What an update is sent for beside its settings: it opens or closes a flush, or stands around a commit."""

    NONE = 0
    OPENS = 1
    CLOSES = 2
    FENCE = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """An update that waits for its answer: what it asks for, None where it says nothing."""

    turn_detection: dict[str, Any] | None = None  # `NO_TURN_DETECTION` asks for none
    model: str | None = None
    language: str | None = None  # ``""`` unsets it
    prompt: str | None = None
    barrier: Barrier = Barrier.NONE
    first: bool = False  # opens the session, and so names the format of the audio where the shape has a place for it

    def differences(self, session: wire.SessionInfo) -> list[Mismatch]:
        """Return the fields in which the server's session is not as asked."""
        found = []
        if self.turn_detection is not None:
            found += _turn_detection_differences(self.turn_detection, session.vad)
        confirmed = session.transcription
        # Servers of the older shape may leave the model out; where the newer one has none, nothing is transcribed.
        says = confirmed.model is not None or session.audio is not None
        if self.model is not None and says and confirmed.model != self.model:
            found.append(Mismatch("model", self.model, confirmed.model))
        if self.language is not None and (language_heard(confirmed.language) or "") != self.language:
            found.append(Mismatch("language", self.language or None, confirmed.language or None))
        if self.prompt is not None and (confirmed.prompt or "") != self.prompt:
            found.append(Mismatch("prompt", self.prompt, confirmed.prompt))
        return found


@dataclass(frozen=True, slots=True)
class FlatShape:
    """The older shape: ``session.turn_detection`` and ``session.input_audio_transcription``."""

    clock_restarts = True
    """The server's times count from the start of its current buffer."""
    buffer_grows = True
    """Silence stays in the server's buffer, and costs it more with every append."""
    update = "session.update"
    """What an update is called."""
    hints: tuple[str, ...] = ()
    """Names of the hints that the endpoint has; Speaches drops a prompt in silence."""

    def turn_detection(self, wanted: ServerTurnDetection, *, cuts: bool) -> dict[str, Any]:
        """Return ``turn_detection`` for a server that is to cut, or not to."""
        return wanted.to_wire(threshold=None if cuts else NEVER_CUT)

    def session(self, asked: Asked) -> dict[str, Any]:
        """Return the ``session`` of an update."""
        session: dict[str, Any] = {}
        if asked.turn_detection is not None:
            session["turn_detection"] = asked.turn_detection
        if asked.model is not None:
            # The language goes with its model or not at all; null changes nothing, only the empty string unsets it.
            session["input_audio_transcription"] = {"model": asked.model, "language": asked.language or ""}
        return session


@dataclass(frozen=True, slots=True)
class NestedShape:
    """OpenAI's GA shape: everything in ``session.audio.input``."""

    kind: str = _TRANSCRIPTION  # ``session.type`` as the server announced it: an update must repeat it
    clock_restarts = False
    buffer_grows = False
    update = "session.update"
    hints: tuple[str, ...] = ("prompt",)

    def turn_detection(self, wanted: ServerTurnDetection, *, cuts: bool) -> dict[str, Any]:
        """Return ``turn_detection`` for a server that is to cut, or not to."""
        if not cuts:
            return NO_TURN_DETECTION
        padding = wanted.prefix_padding_ms
        whole = {
            "type": "server_vad",
            "threshold": wanted.threshold,
            "silence_duration_ms": wanted.silence_duration_ms,
            "prefix_padding_ms": GA_PREFIX_PADDING_MS if padding is None else padding,
        }
        # A transcription session has no model that could answer, and nothing to say about it.
        return whole if self.kind == _TRANSCRIPTION else {**whole, "create_response": wanted.create_response}

    def session(self, asked: Asked) -> dict[str, Any]:
        """Return the ``session`` of an update; noise reduction stays as it is, as audio is sent as it was heard."""
        audio: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": SESSION_RATE_HZ}} if asked.first else {}
        if asked.turn_detection is not None:
            audio["turn_detection"] = asked.turn_detection or None
        if asked.model is not None:
            transcription: dict[str, Any] = {"model": asked.model}
            if asked.language is not None:
                transcription["language"] = asked.language or None
            if asked.prompt is not None:
                transcription["prompt"] = asked.prompt
            audio["transcription"] = transcription
        return {"type": self.kind, "audio": {"input": audio}}


@dataclass(frozen=True, slots=True)
class BetaShape(NestedShape):
    """That of transcription sessions in OpenAI's beta: the same, but flat."""

    update = f"{wire.TRANSCRIPTION_SESSION}.update"

    def session(self, asked: Asked) -> dict[str, Any]:
        """Return the ``session`` of an update."""
        nested = NestedShape.session(self, asked)["audio"]["input"]
        names = {"format": "input_audio_format", "transcription": "input_audio_transcription"}
        flat = {names.get(name, name): value for name, value in nested.items()}
        return {**flat, "input_audio_format": "pcm16"} if asked.first else flat


SessionShape = FlatShape | NestedShape


def announced(session: wire.SessionInfo) -> SessionShape:
    """Return the shape in which a server has announced its session."""
    if session.type == wire.TRANSCRIPTION_SESSION:
        return BetaShape()
    nested = session.audio is not None and session.audio.input is not None
    if nested or session.type == _TRANSCRIPTION:
        return NestedShape(session.type or _TRANSCRIPTION)
    return FlatShape()


def _turn_detection_differences(asked: dict[str, Any], confirmed: dict[str, Any] | None) -> list[Mismatch]:
    if not confirmed:
        # No VAD at all is as good as one that never cuts.
        never = asked == NO_TURN_DETECTION or asked["threshold"] >= NEVER_CUT
        return [] if never else [Mismatch("turn_detection", asked, confirmed)]
    if asked == NO_TURN_DETECTION:
        return [Mismatch("turn_detection", None, confirmed)]
    return [
        Mismatch(f"turn_detection.{name}", value, confirmed.get(name))
        for name, value in asked.items()
        if not _same(value, confirmed.get(name))
    ]


def _same(asked: object, confirmed: object) -> bool:
    if isinstance(asked, float) and isinstance(confirmed, float | int):
        return abs(asked - confirmed) <= _TOLERANCE
    return asked == confirmed
