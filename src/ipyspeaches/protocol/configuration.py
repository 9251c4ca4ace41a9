"""The session as it is asked to be and as the server confirms it.

Updates are answered in the order they were sent, with ``session.updated`` or an error, and never by name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum
from typing import Final

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import requests, wire
from ipyspeaches.protocol.asked import Asked, Barrier
from ipyspeaches.protocol.events import Mismatch, Ready, Reconfigured
from ipyspeaches.protocol.options import NEVER_CUT, RealtimeOptions, ServerTurnDetection


class Unset(Enum):
    """Marks an argument that was not given, where None has a meaning of its own."""

    UNSET = 0


UNSET: Final = Unset.UNSET


class Configuration:
    """Knows what was asked, what holds, and which updates have no answer yet.

    Parameters
    ----------
    options
        What the session is asked to be.
    """

    def __init__(self, options: RealtimeOptions) -> None:
        self.options = options
        self.session = wire.SessionInfo()
        self._waiting: deque[Asked] = deque()
        self._told: set[str] = set()

    @property
    def is_chat(self) -> bool:
        """Whether the server means to answer with a language model."""
        return bool((self.session.vad or {}).get("create_response"))

    @property
    def settled(self) -> bool:
        """Whether every update has been answered."""
        return not self._waiting

    def ready(self) -> Ready:
        """Return what the server has confirmed."""
        transcription = self.session.transcription
        return Ready(self.session.id or "", transcription.model, transcription.language or None, self.session.vad)

    def reconfigured(self) -> Reconfigured:
        """Return what holds after a change of the running session."""
        transcription = self.session.transcription
        return Reconfigured(transcription.model, transcription.language or None, self.session.vad)

    def begin(self, session: wire.SessionInfo) -> bytes | None:
        """Take the session that the server opened; return the update that it still needs, if any."""
        self.session = session
        opened = session.transcription
        options = self.options
        turn_detection = options.wire_turn_detection()
        asked = Asked(turn_detection, model=options.model or opened.model, language=options.language)
        model_differs = options.model is not None and opened.model != options.model
        if not model_differs and not asked.differences(session):
            return None
        language_differs = options.language is not None and opened.language != options.language
        if not (model_differs or language_differs):
            asked = Asked(turn_detection)
        return self._ask(asked)

    def change(
        self, turn_detection: ServerTurnDetection | None, language: str | Unset | None, model: str | None
    ) -> bytes | None:
        """Note other options and return the update for them, if there is anything to say.

        Raises
        ------
        StateError
            If the language changes and no model was ever named.
        """
        options, asked = self.options, Asked()
        if turn_detection is not None:
            options = replace(options, turn_detection=turn_detection)
            asked = Asked(options.wire_turn_detection())
        if model is not None or not isinstance(language, Unset):
            named = model or options.model or self.session.transcription.model
            if named is None:
                raise StateError("Cannot change the language alone: give the model with it, as servers want it.")
            language = options.language if isinstance(language, Unset) else language
            options = replace(options, model=named, language=language)
            asked = replace(asked, model=named, language=language or "")
        self.options = options
        return self._ask(asked) if asked != Asked() else None

    def barrier(self) -> tuple[bytes, bytes]:
        """Return the updates that open and close a flush."""
        turn_detection = self.options.turn_detection
        opening = Asked(turn_detection.to_wire(threshold=NEVER_CUT), barrier=Barrier.OPENS)
        return self._ask(opening), self._ask(Asked(turn_detection.to_wire(), barrier=Barrier.CLOSES))

    def answered(self, session: wire.SessionInfo | None) -> tuple[Barrier, list[Mismatch]]:
        """Take the answer to the oldest update, None for a refusal; tell each difference once."""
        if session is not None:
            self.session = session
        if not self._waiting:
            return Barrier.NONE, []
        asked = self._waiting.popleft()
        news = [found for found in asked.differences(self.session) if repr(found) not in self._told]
        self._told.update(repr(found) for found in news)
        return asked.barrier, news

    def refuses(self, error: wire.ErrorDetail) -> bool:
        """Return whether an error is the answer to the oldest update."""
        if self.settled or error.type != "invalid_request_error":
            return False
        text = error.message or ""
        about_update = "SessionUpdateEvent" in text or "session.update" in text
        return about_update or (error.param or "").startswith("session")

    def _ask(self, asked: Asked) -> bytes:
        self._waiting.append(asked)
        return requests.session_update(turn_detection=asked.turn_detection, transcription=asked.transcription)
