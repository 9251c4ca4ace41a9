"""The session as it is asked to be and as the server confirms it.

Updates are answered in the order they were sent, with ``session.updated`` or an error, and never by name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from ipyspeaches.errors import StateError
from ipyspeaches.languages import language_heard
from ipyspeaches.protocol.protocol_events import ConfigurationChanged, Mismatch, Ready
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.protocol.realtime.shapes import Asked, Barrier, FlatShape, NestedShape, SessionShape, announced
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection

HINTS = ("prompt", "hotwords", "temperature")
"""Options that help a recogniser, where its endpoint has a place for them."""


class Configuration:
    """Knows what was asked, what holds, and which updates have no answer yet."""

    def __init__(self, options: RecognitionOptions) -> None:
        self.options = options  # what was asked last
        self.session = wire.SessionInfo()
        self.shape: SessionShape = FlatShape()  # in which the server has announced its session
        self._waiting: deque[tuple[str | None, Asked]] = deque()
        self._asked = 0
        self._told_differences: set[str] = set()

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
        return self.options.given(name for name in HINTS if name not in self.shape.hints)

    def _prompt(self, options: RecognitionOptions) -> str | None:
        return options.prompt if "prompt" in self.shape.hints else None

    def ready(self) -> Ready:
        """Return what the server has confirmed."""
        transcription = self.session.transcription
        return Ready(
            self.session.id or "", transcription.model, language_heard(transcription.language), self.session.vad
        )

    def reconfigured(self) -> ConfigurationChanged:
        """Return what holds after a change of the running session."""
        transcription = self.session.transcription
        return ConfigurationChanged(transcription.model, language_heard(transcription.language), self.session.vad)

    def begin(self, session: wire.SessionInfo) -> bytes | None:
        """Take the session that the server opened; return the update that it still needs, if any."""
        self.session = session
        self.shape = announced(session)
        opened = session.transcription
        options = self.options
        turn_detection = self._turn_detection(options)
        asked = Asked(
            turn_detection, options.model or opened.model, options.language, self._prompt(options), first=True
        )
        if isinstance(self.shape, NestedShape):
            return self._ask(asked)  # it announces its defaults, and the address told it nothing
        model_differs = options.model is not None and opened.model != options.model
        if session != wire.UNTOLD and not model_differs and not asked.differences(session):
            return None
        language_differs = options.language is not None and language_heard(opened.language) != options.language
        if not (model_differs or language_differs):
            asked = Asked(turn_detection)
        return self._ask(asked)

    def change_server_vad(self, server_vad: ServerTurnDetection | None) -> bytes | None:
        """Return the update for other options of the server's VAD, if they are others."""
        if server_vad is None or server_vad == self.options.server_vad:
            return None
        self.options = replace(self.options, server_vad=server_vad)
        return self._ask(Asked(self._turn_detection(self.options)))

    def change_script(self, options: RecognitionOptions) -> None:
        """Write Chinese in other characters from the next text on, which is for this side alone to do."""
        self.options = replace(self.options, script=options.script, implied_script=options.implied_script)

    def change_recognition(self, options: RecognitionOptions) -> bytes | None:
        """Return the update for another model, language or prompt, if there is any.

        Its errors are those of `model_for`.
        """
        if not self.differs(options):
            return None
        before, named = self.options, self.model_for(options.model)
        self.options = replace(options, model=named, server_vad=before.server_vad)
        # What was never set needs no unsetting, and GA servers may not know how.
        unset = "" if before.language or self.session.transcription.language else None
        return self._ask(Asked(None, named, options.language or unset, self._prompt(options)))

    def differs(self, options: RecognitionOptions) -> bool:
        """Whether another model, language or prompt is wanted than was asked."""
        now = self.options
        wanted = (options.model or now.model, options.language, options.prompt)
        return wanted != (now.model, now.language, now.prompt)

    def model_for(self, model: str | None) -> str:
        """Return the model for a change of the language or the model; a `StateError` if none was ever named."""
        named = model or self.options.model or self.session.transcription.model
        if named is None:
            raise StateError("Cannot change the language alone: give the model with it, as servers want it.")
        return named

    def barrier(self, part: Barrier) -> bytes:
        """Return the update that opens or closes a flush, or a fence, which asks for what was asked."""
        wanted = self.options.server_vad or ServerTurnDetection()
        turn_detection = self.shape.turn_detection(wanted, cuts=part is Barrier.CLOSES)
        return self._ask(Asked(turn_detection, barrier=part))

    def answered(self, session: wire.SessionInfo | None) -> tuple[Barrier, list[Mismatch]]:
        """Take the answer to the oldest update, None for a refusal; tell each difference once."""
        told = session != wire.UNTOLD  # what a server does not tell is not known to be otherwise
        if session is not None and told:
            self.session = session
        if not self._waiting:
            return Barrier.NONE, []
        _, asked = self._waiting.popleft()
        if session is None and asked.model is not None and not asked.first:
            self._take_back()
        differences = asked.differences(self.session) if told else []
        news = [found for found in differences if repr(found) not in self._told_differences]
        self._told_differences.update(repr(found) for found in news)
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

    def _turn_detection(self, options: RecognitionOptions) -> dict[str, Any]:
        return self.shape.turn_detection(options.server_vad or ServerTurnDetection(), cuts=not options.client_cuts)

    def _ask(self, asked: Asked) -> bytes:
        self._asked += 1
        # GA servers name the message that an error is about; older ones never do.
        name = f"update_{self._asked}" if isinstance(self.shape, NestedShape) else None
        self._waiting.append((name, asked))
        return wire.session_update(self.shape.session(asked), name, self.shape.update)
