"""What a recogniser is told about speech, and by which way speech goes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipyspeaches.errors import InputError

TRANSPORTS: Final = ("realtime",)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the recogniser is told about the speech.

    Parameters
    ----------
    model
        A model id or a preset (``"realtime"``, ``"accurate"``, ``"fastest"``); None for the server's first
        recognition model.
    language
        Code such as ``"en"`` or ``"zh"``; None lets the server find out.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    model: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if self.model is not None and not self.model.strip():
            raise InputError("model is empty: give a model id, or None for the server's first recognition model.")


@dataclass(frozen=True, slots=True)
class Route:
    """By which way speech goes to the recogniser and text comes back.

    Parameters
    ----------
    transport
        ``"realtime"``: OpenAI-Realtime events over a WebSocket.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    transport: str = "realtime"

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise InputError(f"transport is {self.transport!r}: use one of {', '.join(map(repr, TRANSPORTS))}.")
