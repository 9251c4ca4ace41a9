"""How many words or characters of a transcript are wrong, and which.

Texts are normalised before they are compared: Unicode NFKC, case folded, punctuation removed. Scripts written without
spaces have no words to count, so `wer` takes each of their characters as one, the custom for texts that mix Chinese
with English (mixed error rate), and `cer` ignores spaces beside them. Numbers and spellings are not normalised: "20"
and "twenty" differ, and so do 广 and 廣 unless a script is given. The alignment is jiwer's (Levenshtein distance by
RapidFuzz).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias

from ipyspeaches.checks import checked
from ipyspeaches.chinese import Script, converted
from ipyspeaches.words import join_text, spaceless_script

Alike: TypeAlias = Literal["same", "said", "heard"]
Piece: TypeAlias = tuple[Alike, str]
"""Words in a row that are alike, with capitals and punctuation."""

_APOSTROPHES: Final = "'\u2019"
_SPACE: Final = "\u2423"
"""Stands for a space where spaces separate the characters."""
_ALIKE: Final[tuple[Alike, list[str]]] = ("same", [])
"""For a word that the alignment took for a part of the one before: a text that begins with a combining mark."""


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Errors of a text against a reference.

    Parameters
    ----------
    substitutions, deletions, insertions
        Words or characters replaced, left out and added.
    length
        Words or characters of the reference.
    """

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def rate(self) -> float:
        """Errors divided by the reference's length; 1.0 if that is empty and the other is not."""
        errors = self.substitutions + self.deletions + self.insertions
        if self.length:
            return errors / self.length
        return 1.0 if errors else 0.0

    def __float__(self) -> float:
        return self.rate


@checked
def wer(reference: str, hypothesis: str, script: Script | None = None) -> ErrorRate:
    """Return the word error rate: substitutions, deletions and insertions a word of the reference.

    It is a `MissingExtraError` if a script is given and OpenCC is not installed.

    Parameters
    ----------
    reference
        What was said.
    hypothesis
        What was recognised.
    script
        Characters in which Chinese is compared, whatever each text is written in; None compares them as they stand.
    """
    return _compare(*(normalised_words(in_script(text, script)) for text in (reference, hypothesis)))


@checked
def cer(reference: str, hypothesis: str, script: Script | None = None) -> ErrorRate:
    """Return the character error rate: the measure for Chinese, Japanese, Thai and their like.

    A space between words counts as a character, except beside a script that has none. It is a `MissingExtraError` if a
    script is given and OpenCC is not installed.

    Parameters
    ----------
    reference
        What was said.
    hypothesis
        What was recognised.
    script
        Characters in which Chinese is compared, whatever each text is written in; None compares them as they stand.
    """
    return _compare(*(_characters(in_script(text, script)) for text in (reference, hypothesis)))


def in_script(text: str, script: str | None) -> str:
    """Return a text with its Chinese in a script, as it is to be compared; None leaves it as it is."""
    return text if script is None else converted(text, script)


def alignment(reference: str, hypothesis: str) -> list[tuple[Alike, list[str]]]:
    """Return the words of both texts in one line, those in a row that are alike in one entry.

    Words are normalised as for `wer`. A word that was replaced stands twice: as said, then as heard.

    Parameters
    ----------
    reference
        What was said.
    hypothesis
        What was recognised.

    Returns
    -------
    list[tuple[str, list[str]]]
        ``"same"``, ``"said"`` (and left out or replaced) or ``"heard"`` (and not said), with the words.
    """
    import jiwer

    said, heard = normalised_words(reference), normalised_words(hypothesis)
    if not said or not heard:
        kinds: tuple[tuple[Alike, list[str]], ...] = (("said", said), ("heard", heard))
        return [(kind, words) for kind, words in kinds if words]
    found: list[tuple[Alike, list[str]]] = []
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        before = said[chunk.ref_start_idx : chunk.ref_end_idx]
        after = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "equal":
            found.append(("same", before))
            continue
        if not found or found[-1][0] == "same":
            found += [("said", []), ("heard", [])]
        found[-2][1].extend(before)
        found[-1][1].extend(after)
    return [(kind, words) for kind, words in found if words]


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


def normalise(text: str) -> str:
    """Return a text in NFKC, case folded, without punctuation and with single spaces.

    Apostrophes and invisible joiners are part of a word (``don't`` becomes ``dont``); all other punctuation ends one.
    """
    # Folding can undo the composition (ẞ, ǰ), hence twice.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(_without_punctuation(character) for character in folded).split())


def normalised_words(text: str) -> list[str]:
    """Return the words that are compared: each character of a script without spaces, with its marks, is one."""
    words: list[str] = []
    is_open = False
    for character in normalise(text):
        is_mark = unicodedata.category(character).startswith("M")
        is_spaceless = spaceless_script(character) is not None
        if character == " ":
            is_open = False
        elif words and (is_mark or (is_open and not is_spaceless)):
            words[-1] += character
        else:
            words.append(character)
            is_open = not is_spaceless
    return words


def _without_punctuation(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in _APOSTROPHES:
        return ""
    return " " if category[0] in "PC" else character


def _characters(text: str) -> list[str]:
    normal = normalise(text)
    characters = []
    for index, character in enumerate(normal):
        if character != " ":
            characters.append(character)
        elif spaceless_script(normal[index - 1]) is None and spaceless_script(normal[index + 1]) is None:
            characters.append(_SPACE)
    return characters


def _compare(reference: list[str], hypothesis: list[str]) -> ErrorRate:
    # Here, because jiwer and RapidFuzz take a while to import and a live session needs neither.
    import jiwer

    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return ErrorRate(found.substitutions, found.deletions, found.insertions, len(reference))


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
