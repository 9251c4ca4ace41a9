"""What would have been transcribed: the same stretch under two settings, and which words differ from what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipyspeaches.audio.recording import Recording
from ipyspeaches.results import Transcript, alignment, join_text, wer
from ipyspeaches.session import SessionKeywords, TurnDetection
from ipyspeaches.session.transcribe import transcribe
from ipyspeaches.vad import Detector

if TYPE_CHECKING:
    from typing import TypeAlias

    Reference: TypeAlias = "str | Transcript | None"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording and what was said in it, where that is known."""

    recording: Recording
    start_s: float
    end_s: float
    reference: str | None

    @property
    def sound(self) -> Recording:
        """The part."""
        return self.recording.slice(self.start_s, self.end_s)


def said(reference: Reference, start_s: float, end_s: float) -> str | None:
    """Return what was said in a stretch: of a transcript, what lies in it; a plain text is taken as it is."""
    if not isinstance(reference, Transcript):
        return reference
    words = [word for word in reference.words if start_s <= (word.start + word.end) / 2 <= end_s]
    if words:
        return " ".join(word.word.strip() for word in words)
    return " ".join(one.text for one in reference if start_s <= (one.start + one.end) / 2 <= end_s)


async def compare(stretch: Stretch, settings: dict[str, Detector], keywords: SessionKeywords) -> dict[str, Any]:
    """Transcribe a stretch under each of several settings, one after the other.

    Parameters
    ----------
    stretch
        What to transcribe.
    settings
        Detectors by their role.
    keywords
        Server, model and so on.

    Returns
    -------
    dict[str, Any]
        By role: ``text``, ``wer`` (None without a reference) and ``words``, pairs of ``"same"``, ``"said"`` (and not
        transcribed) or ``"heard"`` (and not said) with the words.

    Raises
    ------
    ServerError
        If the server cannot be reached, refuses, or fails.
    """
    found: dict[str, Any] = {}
    for role, detector in settings.items():
        options = keywords.copy()
        options["turn_detection"] = TurnDetection.client(detector)
        options["pace"] = 0
        found[role] = _judged((await transcribe(stretch.sound, **options)).text, stretch.reference)
    return found


def _judged(text: str, reference: str | None) -> dict[str, Any]:
    if not reference:
        return {"text": text, "wer": None, "words": [["same", text]] if text else []}
    words = [[kind, join_text(part)] for kind, part in alignment(reference, text)]
    return {"text": text, "wer": wer(reference, text).rate, "words": words}
