"""What a series of hypotheses agrees on.

LocalAgreement-2 (Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System", 2023): a word is
settled once two hypotheses in a row agree on it and on all before it, and then it is never taken back. Words that are
settled are found again by what they say, and where that has changed, by their times: so a later change of mind about
them does not hold up the rest, and the audio before them need not be recognised again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from ipyspeaches.words import Word

UNSETTLED_WORDS: Final = 1
"""Words at the end of a hypothesis that are not believed yet: the recogniser is still inside them."""

JITTER_S: Final = 0.5
"""How far a recogniser may move a word from one hypothesis to the next."""


class LocalAgreement:
    """Sorts the words of each new hypothesis into those that are settled and those that may still change."""

    def __init__(self) -> None:
        self.tentative: tuple[Word, ...] = ()  # the words of the latest hypothesis behind the settled ones
        self._settled: list[Word] = []

    @property
    def last(self) -> Word | None:
        """The last settled word."""
        return self._settled[-1] if self._settled else None

    def update(self, hypothesis: Sequence[Word]) -> list[Word]:
        """Take the present hypothesis and return the words that it settles."""
        rest = hypothesis[self._covered(hypothesis) :]
        believed = rest[: max(0, len(rest) - UNSETTLED_WORDS)]
        pairs = zip(self.tentative, believed, strict=False)
        agreed = sum(1 for _ in takewhile(lambda pair: comparable(pair[0].word) == comparable(pair[1].word), pairs))
        return self._settle(rest, agreed)

    def settle_until(self, time_s: float) -> list[Word]:
        """Settle the tentative words that end before ``time_s``, agreed on or not, and return them."""
        count = sum(1 for _ in takewhile(lambda word: word.end <= time_s, self.tentative))
        return self._settle(self.tentative, count)

    def forget_before(self, time_s: float) -> None:
        """Forget the settled words that begin before ``time_s``: hypotheses to come begin there."""
        self._settled = [word for word in self._settled[:-1] if word.start >= time_s] + self._settled[-1:]

    def _settle(self, words: Sequence[Word], count: int) -> list[Word]:
        self._settled += words[:count]
        self.tentative = tuple(words[count:])
        return list(words[:count])

    def _covered(self, hypothesis: Sequence[Word]) -> int:
        """Return how many words at the start of a hypothesis are settled already."""
        if not self._settled:
            return 0
        said = [comparable(word.word) for word in hypothesis]
        settled = [comparable(word.word) for word in self._settled]
        until_s = self._settled[-1].end
        if said[: len(settled)] == settled and hypothesis[len(settled) - 1].start < until_s + JITTER_S:
            return len(settled)
        # The last settled word may have moved a little; one that only sounds like it is farther off.
        near = [(abs(word.end - until_s), i) for i, word in enumerate(hypothesis) if said[i] == settled[-1]]
        distance_s, at = min(near, default=(JITTER_S, 0))
        if distance_s < JITTER_S:
            return at + 1
        return sum(1 for _ in takewhile(lambda word: word.middle < until_s, hypothesis))


def comparable(word: str) -> str:
    """Return what counts when words are compared: neither case nor the punctuation around them."""
    folded = word.strip().casefold()
    letters = [i for i, character in enumerate(folded) if character.isalnum()]
    return folded[letters[0] : letters[-1] + 1] if letters else folded
