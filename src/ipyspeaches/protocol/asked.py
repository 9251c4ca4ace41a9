"""An update that was asked of the server, and where the server does something else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ipyspeaches.protocol import wire
from ipyspeaches.protocol.events import Mismatch
from ipyspeaches.protocol.options import NEVER_CUT

NO_TURN_DETECTION: Final[dict[str, Any]] = {}
"""Asks that the server cut nothing; goes over the wire as null."""

_TOLERANCE: Final = 1e-6


class Barrier(Enum):
    """The part that an update plays in a flush."""

    NONE = 0
    OPENS = 1
    CLOSES = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """An update that waits for its answer.

    Parameters
    ----------
    turn_detection, model, language, prompt
        What the update asks for; None where it says nothing. A language of ``""`` unsets it, and
        `NO_TURN_DETECTION` asks for none.
    barrier
        Its part in a flush.
    first
        Whether it opens the session, and so names the format of the sound where the shape has a place for it.
    """

    turn_detection: dict[str, Any] | None = None
    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    barrier: Barrier = Barrier.NONE
    first: bool = False

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
        if self.language is not None and (confirmed.language or "") != self.language:
            found.append(Mismatch("language", self.language or None, confirmed.language or None))
        if self.prompt is not None and (confirmed.prompt or "") != self.prompt:
            found.append(Mismatch("prompt", self.prompt, confirmed.prompt))
        return found


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
