"""Live text that is never taken back."""

from __future__ import annotations

from collections.abc import Sequence

from ipyspeaches.local.engine import RecognisedWord
from ipyspeaches.results.agreement import LocalAgreement


class StableText:
    """Turn a series of hypotheses into text that only grows."""

    def __init__(self) -> None:
        self._agreement = LocalAgreement[RecognisedWord]()

    def update(self, hypothesis: Sequence[RecognisedWord]) -> str:
        """Take the present hypothesis and return the text to add, with its leading space; often empty."""
        lead = "" if self._agreement.last is None else " "
        added = self._agreement.update(hypothesis)
        return lead + " ".join(word.word for word in added) if added else ""
