"""An update that was asked of the server, and where the server does something else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ipyspeaches.protocol import wire
from ipyspeaches.protocol.events import Mismatch
from ipyspeaches.protocol.options import NEVER_CUT

_COMPARED: Final = ("type", "threshold", "silence_duration_ms", "prefix_padding_ms", "create_response")
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
    turn_detection, model, language
        What the update asks for; None where it says nothing. A language of ``""`` unsets it.
    barrier
        Its part in a flush.
    """

    turn_detection: dict[str, Any] | None = None
    model: str | None = None
    language: str | None = None
    barrier: Barrier = Barrier.NONE

    @property
    def transcription(self) -> dict[str, Any] | None:
        """``input_audio_transcription`` of the update; the language goes with its model or not at all."""
        if self.model is None:
            return None
        # A language of null changes nothing on the server; only the empty string unsets it.
        return {"model": self.model, "language": self.language or ""}

    def differences(self, session: wire.SessionInfo) -> list[Mismatch]:
        """Return the fields in which the server's session is not as asked."""
        found = []
        if self.turn_detection is not None:
            found += _turn_detection_differences(self.turn_detection, session.vad)
        confirmed = session.transcription
        if self.model is not None and confirmed.model is not None and confirmed.model != self.model:
            found.append(Mismatch("model", self.model, confirmed.model))
        if self.language is not None and (confirmed.language or "") != self.language:
            found.append(Mismatch("language", self.language or None, confirmed.language or None))
        return found


def _turn_detection_differences(asked: dict[str, Any], confirmed: dict[str, Any] | None) -> list[Mismatch]:
    if not confirmed:
        # No VAD at all is as good as one that never cuts.
        return [] if asked["threshold"] >= NEVER_CUT else [Mismatch("turn_detection", asked, confirmed)]
    return [
        Mismatch(f"turn_detection.{name}", asked[name], confirmed.get(name))
        for name in _COMPARED
        if not _same(asked[name], confirmed.get(name))
    ]


def _same(asked: object, confirmed: object) -> bool:
    if isinstance(asked, float) and isinstance(confirmed, float | int):
        return abs(asked - confirmed) <= _TOLERANCE
    return asked == confirmed
