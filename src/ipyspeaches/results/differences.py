"""Which words of a transcript differ from a reference, utterance by utterance, as they were written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from ipyspeaches.results.accuracy import Alike, alignment, normalised_words
from ipyspeaches.words import join_text, spaceless_script

Piece: TypeAlias = tuple[Alike, str]
"""Words in a row that are alike, with capitals and punctuation."""

_ALIKE: Final[tuple[Alike, list[str]]] = ("same", [])
"""For a word that the alignment took for a part of the one before: a text that begins with a combining mark."""


def differences(reference: str, texts: Sequence[str]) -> list[list[Piece]]:
    """Return each text in pieces that are alike, with the words that it lacks.

    All texts are aligned with the reference at once, so that a word is found again whatever the cuts. A word that is
    in no text stands where it would have come: before the next one that was recognised.

    Parameters
    ----------
    reference
        What was said.
    texts
        What was recognised, one text an utterance.

    Returns
    -------
    list[list[tuple[str, str]]]
        For each text: ``"same"``, ``"said"`` (and left out or replaced) or ``"heard"`` (and not said), with the words.
    """
    marks = _marks(reference, texts)
    found: list[list[Piece]] = []
    for text in texts:
        pieces: list[Piece] = []
        for token in _tokens(text):
            kinds: set[Alike] = set()
            for _ in normalised_words(token):
                kind, lacking = next(marks, _ALIKE)
                pieces += [("said", word) for word in lacking]
                kinds.add(kind)
            # Punctuation alone has no words: it belongs to what it follows.
            before: Alike = "heard" if pieces and pieces[-1][0] == "heard" else "same"
            pieces.append(("heard" if "heard" in kinds else "same" if kinds else before, token))
        found.append(pieces)
    if found:
        found[-1] += [("said", word) for _, lacking in marks for word in lacking]
    return [_joined(pieces) for pieces in found]


def _marks(reference: str, texts: Iterable[str]) -> Iterator[tuple[Alike, list[str]]]:
    """Yield whether each recognised word was said, with what was said before it and not recognised; last, the rest."""
    lacking: list[str] = []
    for kind, words in alignment(reference, " ".join(texts)):
        if kind == "said":
            lacking = lacking + words
            continue
        for _ in words:
            yield kind, lacking
            lacking = []
    yield "same", lacking


def _tokens(text: str) -> list[str]:
    """Return a text in the words that are compared, as they were written."""
    tokens = list(_as_written(text))
    normal = normalised_words(text)
    # Compatibility characters may become one letter with their neighbours; then the normal form has to do.
    return tokens if sum(len(normalised_words(token)) for token in tokens) == len(normal) else normal


def _as_written(text: str) -> Iterator[str]:
    """Yield what stands between spaces; each character of a script without them, with what belongs to it, by itself."""
    for part in text.split():
        token = ""
        for character in part:
            alone = spaceless_script(character) is not None or (token and spaceless_script(token[0]) is not None)
            if token and alone and unicodedata.category(character)[0] not in "MPC":
                yield token
                token = ""
            token += character
        yield token


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with neighbours of one kind as one."""
    return [(kind, join_text(text for _, text in group)) for kind, group in groupby(pieces, key=lambda piece: piece[0])]
