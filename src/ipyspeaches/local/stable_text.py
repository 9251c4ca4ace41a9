"""Live text that is never taken back.

LocalAgreement-2 (Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System", 2023): a word is
said once two hypotheses in a row agree on it and on all before it. Words are told apart by their times, so that a
later change of mind about words that are out does not hold up the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from ipyspeaches.local.engine import RecognisedWord

UNSETTLED_WORDS: Final = 1
"""Words at the end of a hypothesis that are not believed yet: the decoder is still inside them."""


class StableText:
    """Turn a series of hypotheses into text that only grows."""

    def __init__(self) -> None:
        self._before: tuple[str, ...] = ()
        self._said_until_s = 0.0
        self._started = False

    def update(self, hypothesis: Sequence[RecognisedWord]) -> str:
        """Take the present hypothesis and return the text to add, with its leading space; often empty."""
        words = hypothesis[: len(hypothesis) - UNSETTLED_WORDS]
        agreed = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1].word, zip(self._before, words, strict=False)))
        self._before = tuple(word.word for word in hypothesis)
        added: list[str] = []
        for word in words[:agreed]:
            if word.start_s >= self._said_until_s:
                added.append(word.word)
                self._said_until_s = word.end_s
        if not added:
            return ""
        lead = " " if self._started else ""
        self._started = True
        return lead + " ".join(added)
