"""What a session is told: where, what, and who cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

from ipyspeaches.errors import InputError
from ipyspeaches.session.events import SessionEvent
from ipyspeaches.session.turn_detection import TurnDetection

TRANSPORTS = ("realtime",)


class SessionKeywords(TypedDict, total=False):
    """The keywords of `Session`, `transcribe` and `Transcriber`; see `SessionOptions`."""

    server: str | None
    api_key: str | None
    model: str | None
    language: str | None
    transport: str
    turn_detection: TurnDetection | None
    pace: float
    on_event: Callable[[SessionEvent], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Where speech goes and how it is cut.

    Parameters
    ----------
    server
        Base address of a Speaches server, such as ``"http://host:8000"``; None for ``$SPEACHES_BASE_URL``, and the
        embedded server where that is not set.
    api_key
        The server's key; None for ``$SPEACHES_API_KEY``. It is never shown.
    model
        A model id or a preset (``"realtime"``, ``"accurate"``, ``"fastest"``); None for the server's first
        recognition model.
    language
        Code such as ``"en"`` or ``"zh"``; None lets the server find out.
    transport
        ``"realtime"``: OpenAI-Realtime events over a WebSocket.
    turn_detection
        Who cuts utterances; None for `TurnDetection.client` with Silero.
    pace
        For recordings: speed as a multiple of real time, 0 for as fast as the server takes it. None: real time.
    on_event
        Called with each session event, on the engine's thread; it must not wait.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    server: str | None = None
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    language: str | None = None
    transport: str = "realtime"
    turn_detection: TurnDetection | None = None
    pace: float | None = None
    on_event: Callable[[SessionEvent], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise InputError(f"transport is {self.transport!r}: use one of {', '.join(map(repr, TRANSPORTS))}.")
        if self.turn_detection is not None and not isinstance(self.turn_detection, TurnDetection):
            raise InputError(
                f"turn_detection is {self.turn_detection!r}: use TurnDetection.client(…) or TurnDetection.server(…)."
            )
        if self.model is not None and not self.model.strip():
            raise InputError("model is empty: give a model id, or None for the server's first recognition model.")

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> SessionOptions:
        """Return the options for keywords, refusing unknown ones by name.

        Raises
        ------
        InputError
            If a keyword is unknown or its value cannot be used.
        """
        known = cls.__dataclass_fields__
        unknown = sorted(set(keywords) - set(known))
        if unknown:
            raise InputError(f"Unknown option {', '.join(unknown)}: the options are {', '.join(sorted(known))}.")
        return cls(**keywords)
