"""Live text that is never taken back."""

from __future__ import annotations

from collections.abc import Sequence

from ipyspeaches.results.agreement import LocalAgreement
from ipyspeaches.words import Word


class StableText:
    """Turn a series of hypotheses into text that only grows."""

    def __init__(self) -> None:
        self._agreement = LocalAgreement()

    def update(self, hypothesis: Sequence[Word]) -> str:
        """Take the present hypothesis and return the text to add, with its leading space; often empty."""
        lead = "" if self._agreement.last is None else " "
        added = self._agreement.update(hypothesis)
        return lead + " ".join(word.word for word in added) if added else ""
