"""The session as it is asked to be and as the server confirms it.

Updates are answered in the order they were sent, with ``session.updated`` or an error, and never by name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import requests, wire
from ipyspeaches.protocol.asked import Asked, Barrier
from ipyspeaches.protocol.events import Mismatch, Ready, Reconfigured
from ipyspeaches.protocol.options import RealtimeOptions, ServerTurnDetection
from ipyspeaches.protocol.shapes import FlatShape, NestedShape, SessionShape, announced


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

    Attributes
    ----------
    shape
        In which the server has announced its session.
    """

    def __init__(self, options: RealtimeOptions) -> None:
        self.options = options
        self.session = wire.SessionInfo()
        self.shape: SessionShape = FlatShape()
        self._waiting: deque[tuple[str | None, Asked]] = deque()
        self._asked = 0
        self._told: set[str] = set()

    @property
    def is_chat(self) -> bool:
        """Whether the server means to answer with a language model."""
        return bool((self.session.vad or {}).get("create_response"))

    @property
    def settled(self) -> bool:
        """Whether every update has been answered."""
        return not self._waiting

    @property
    def without_effect(self) -> tuple[str, ...]:
        """Names of the given hints that the server has no place for."""
        return self.options.hints.given_besides(self.shape.hints)

    @property
    def _prompt(self) -> str | None:
        return self.options.hints.prompt if "prompt" in self.shape.hints else None

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
        self.shape = announced(session)
        opened = session.transcription
        options = self.options
        turn_detection = self._turn_detection(options)
        asked = Asked(turn_detection, options.model or opened.model, options.language, self._prompt, first=True)
        if isinstance(self.shape, NestedShape):
            return self._ask(asked)  # it announces its defaults, and the address told it nothing
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
            asked = Asked(self._turn_detection(options))
        if model is not None or not isinstance(language, Unset):
            named = self.model_for(model)
            language = options.language if isinstance(language, Unset) else language
            # What was never set needs no unsetting, and GA servers may not know how.
            before = options.language or self.session.transcription.language
            options = replace(options, model=named, language=language)
            unset = "" if before else None
            asked = replace(asked, model=named, language=language or unset, prompt=self._prompt)
        self.options = options
        return self._ask(asked) if asked != Asked() else None

    def model_for(self, model: str | None) -> str:
        """Return the model that goes with a change of the language or the model.

        Raises
        ------
        StateError
            If no model was ever named.
        """
        named = model or self.options.model or self.session.transcription.model
        if named is None:
            raise StateError("Cannot change the language alone: give the model with it, as servers want it.")
        return named

    def barrier(self, part: Barrier) -> bytes:
        """Return the update that opens or closes a flush."""
        cuts = part is Barrier.CLOSES
        turn_detection = self.shape.turn_detection(self.options.turn_detection, cuts=cuts)
        return self._ask(Asked(turn_detection, barrier=part))

    def answered(self, session: wire.SessionInfo | None) -> tuple[Barrier, list[Mismatch]]:
        """Take the answer to the oldest update, None for a refusal; tell each difference once."""
        if session is not None:
            self.session = session
        if not self._waiting:
            return Barrier.NONE, []
        _, asked = self._waiting.popleft()
        if session is None and asked.model is not None and not asked.first:
            self._take_back()
        news = [found for found in asked.differences(self.session) if repr(found) not in self._told]
        self._told.update(repr(found) for found in news)
        return asked.barrier, news

    def _take_back(self) -> None:
        """Forget a model and language that were refused, or the next change would ask for them once more."""
        if any(later.model is not None for _, later in self._waiting):
            return
        holds = self.session.transcription
        self.options = replace(self.options, model=holds.model or self.options.model, language=holds.language or None)

    def refuses(self, error: wire.ErrorDetail) -> bool:
        """Return whether an error is the answer to the oldest update."""
        if self.settled or error.type != "invalid_request_error":
            return False
        name, _ = self._waiting[0]
        if error.event_id is not None:
            return error.event_id == name
        text = error.message or ""
        about_update = "SessionUpdateEvent" in text or "session.update" in text
        return about_update or (error.param or "").startswith("session")

    def _turn_detection(self, options: RealtimeOptions) -> dict[str, Any]:
        return self.shape.turn_detection(options.turn_detection, cuts=not options.client_cuts)

    def _ask(self, asked: Asked) -> bytes:
        self._asked += 1
        # GA servers name the message that an error is about; older ones never do.
        name = f"update_{self._asked}" if isinstance(self.shape, NestedShape) else None
        self._waiting.append((name, asked))
        return requests.session_update(self.shape.session(asked), name)
