"""Where a server keeps the settings of a session, and how an update for them looks.

Two shapes are about. In the older one, which Speaches speaks, everything lies in the session itself. In that of
OpenAI's Realtime API since its general availability (GA, 2025) it lies in ``session.audio.input``, and the session has
a type. Servers are spoken to in the shape in which they announce their session.

A client that cuts asks the one for a threshold that nothing passes, because Speaches refuses ``null``; the other for no
turn detection at all, which GA servers document as the way to commit by hand, and which some of their models demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol import wire
from ipyspeaches.protocol.asked import NO_TURN_DETECTION, Asked
from ipyspeaches.protocol.options import NEVER_CUT, ServerTurnDetection

GA_PREFIX_PADDING_MS: Final = 300
"""OpenAI's own default; without it, words lose their first sound."""

_TRANSCRIPTION: Final = "transcription"


@dataclass(frozen=True, slots=True)
class FlatShape:
    """The older shape: ``session.turn_detection`` and ``session.input_audio_transcription``."""

    clock_restarts = True
    """The server's times count from the start of its current buffer."""
    buffer_grows = True
    """Silence stays in the server's buffer, and costs it more with every append."""
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
    """OpenAI's GA shape: everything in ``session.audio.input``.

    Parameters
    ----------
    kind
        ``session.type`` as the server announced it: an update must repeat it.
    """

    kind: str = _TRANSCRIPTION
    clock_restarts = False
    buffer_grows = False
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
        """Return the ``session`` of an update; noise reduction stays as it is, because the sound is sent as heard."""
        sound: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": SESSION_RATE_HZ}} if asked.first else {}
        if asked.turn_detection is not None:
            sound["turn_detection"] = asked.turn_detection or None
        if asked.model is not None:
            transcription: dict[str, Any] = {"model": asked.model}
            if asked.language is not None:
                transcription["language"] = asked.language or None
            if asked.prompt is not None:
                transcription["prompt"] = asked.prompt
            sound["transcription"] = transcription
        return {"type": self.kind, "audio": {"input": sound}}


SessionShape = FlatShape | NestedShape


def announced(session: wire.SessionInfo) -> SessionShape:
    """Return the shape in which a server has announced its session."""
    nested = session.audio is not None and session.audio.input is not None
    if nested or session.type == _TRANSCRIPTION:
        return NestedShape(session.type or _TRANSCRIPTION)
    return FlatShape()
