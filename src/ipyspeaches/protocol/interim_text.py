"""The text of an utterance while it is spoken, from recognitions of its growing audio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from unicodedata import category

from ipyspeaches.results.agreement import LocalAgreement
from ipyspeaches.words import Word, needs_space, spaceless_script

LONG_S: Final = 15.0
"""Audio beyond this length is cut at a settled word, so that each recognition stays short."""

LONGEST_S: Final = 30.0
"""Where hypotheses do not agree on anything for so long, the older half is taken as it is."""


class InterimText:
    """Settled and tentative text of one utterance, whose audio begins at session second ``start_s``."""

    def __init__(self, start_s: float) -> None:
        self.from_s = start_s  # where the audio to recognise next begins; what is before it is settled
        self._agreement = LocalAgreement()
        self._settled = ""

    @property
    def text(self) -> str:
        """All of it so far."""
        return _continued(self._settled, self._agreement.tentative)

    @property
    def stable(self) -> int:
        """How many characters at its start are settled."""
        return len(self._settled)

    def update(self, text: str, words: Sequence[Word], end_s: float) -> None:
        """Take what was recognised between `from_s` and ``end_s``.

        ``text`` is all of it: it tells where words have spaces between them. ``words`` are its words, or longer pieces
        of it, on the session clock; none if only the text is known.
        """
        timed = words or [Word(text, self.from_s, end_s)]
        self._settle(self._agreement.update(_spaced(text, timed, self._settled)))
        if end_s - self.from_s > LONGEST_S:
            self._settle(self._agreement.settle_until(end_s - LONG_S))
            self._cut_before(end_s - LONG_S)
        elif end_s - self.from_s > LONG_S:
            self._cut_before(self.from_s)

    def _cut_before(self, at_least_s: float) -> None:
        """Begin at the last settled word, which stays: a word is heard badly where audio begins in the midst of it."""
        last = self._agreement.last
        self.from_s = at_least_s if last is None else max(at_least_s, last.start)
        self._agreement.forget_before(self.from_s)

    def _settle(self, words: Sequence[Word]) -> None:
        self._settled = _continued(self._settled, words)


def _continued(text: str, words: Iterable[Word]) -> str:
    return (text + "".join(word.word for word in words)).lstrip()


def _spaced(text: str, words: Sequence[Word], before: str) -> list[Word]:
    """Return the pieces on which hypotheses can agree, each with the space that belongs before it.

    ``text`` is what the words say together, ``before`` the text that goes on with them.
    """
    pieces: list[Word] = []
    at = 0
    for word in words:
        core = word.word.strip()
        if not core:
            continue
        found = text.find(core, at)
        spaced = word.word[0].isspace() if found < 0 else text[max(0, found - 1) : found].isspace()
        if not pieces:
            spaced = bool(before) and needs_space(before, core)
        at = max(at, found + len(core))
        pieces += _divided(word, core, spaced=spaced)
    return pieces


def _divided(word: Word, core: str, *, spaced: bool) -> Iterator[Word]:
    """Yield the words inside a piece of text, where it holds several; its time is divided by their length."""
    per_character_s = (word.end - word.start) / len(core)
    lead, at = " " if spaced else "", 0
    for piece in _cut(core):
        start_s = word.start + at * per_character_s
        at += len(piece)
        yield Word(lead + piece, start_s, word.start + at * per_character_s, word.probability)
        lead = ""


def _cut(text: str) -> Iterator[str]:
    """Cut a text into words; in scripts without spaces, into characters. Each piece has the marks that belong to it."""
    piece = ""
    holds = ""  # what the piece holds besides marks: nothing, a word, or a character that is one
    for character in text:
        kind = category(character)
        if character.isspace() or kind in ("Ps", "Pi"):
            begins, then = bool(holds), ""
        elif kind[0] != "M" and spaceless_script(character) is not None:
            begins, then = bool(holds), "character"
        elif kind[0] in "LNS":
            begins, then = holds == "character", "word"
        else:
            begins, then = False, holds
        if begins:
            yield piece
            piece = ""
        piece += character
        holds = then
    if piece:
        yield piece
