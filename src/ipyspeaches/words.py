"""A recognised word, and how words and pieces of text become one text.

Engines return one piece of text an utterance and leave the join to the caller. A space is right between most scripts,
and a fault inside Chinese. The rules, in the order in which they are asked:

1. Fullwidth and ideographic punctuation (。，！？「」…) carries its own white space: none next to it.
2. A piece that begins with closing punctuation goes on where the last one stopped: none before it. ``.NET`` and
   ``'tis`` are words, so the punctuation must stand by itself.
3. Between two letters of the same script, none if that script is written without spaces: Han together with kana,
   Thai, Lao, Khmer, Burmese. Marks, quotes, dashes and ellipses are looked through to the letter that they belong to.
4. Everywhere else a space: Korean separates its words; an ASCII full stop after Chinese has no white space of its own;
   and at a border between two scripts (你好 + Hello) it keeps the two utterances apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ipyspeaches.checks import check_fields, seconds, text
from ipyspeaches.terminal import printable


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word, as it comes over the wire and as it stands in results.

    Parameters
    ----------
    word
        The word as the engine wrote it.
    start, end
        Seconds on the session clock; from a server, from the first sample that it was sent.
    probability
        The engine's confidence from 0 to 1, if it gives one.
    """

    word: str
    start: float
    end: float
    probability: float | None = None

    def __post_init__(self) -> None:
        check_fields(self, word=text("text"), start=seconds, end=seconds, probability=seconds)
        object.__setattr__(self, "word", printable(self.word))
        if self.end < self.start:  # as some servers say
            object.__setattr__(self, "end", self.start)

    @property
    def middle(self) -> float:
        """The moment half-way through it, in seconds."""
        return (self.start + self.end) / 2


def words_within(words: Sequence[Word], length_s: float) -> tuple[Word, ...]:
    """Return words with times, or none where most lie beyond the audio: they are milliseconds, or of another audio."""
    beyond = sum(word.start > length_s + _BEYOND_S or word.end > 10 * length_s + _BEYOND_S for word in words)
    return () if beyond and 2 * beyond >= len(words) else tuple(words)


def has_words(text: str) -> bool:
    """Return whether a text says anything: a dot, a note or “[BLANK_AUDIO]” is what recognisers write for nothing."""
    return any(map(str.isalnum, _ASIDE.sub("", text)))


class GrowingText:
    """Text that comes piece by piece, and is told in steps, so that a long one costs no more than its length.

    Whoever is told looks at all of it: the longer it is, the more of it has to be new.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._told = 0

    def __len__(self) -> int:
        return self._length

    def __str__(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def append(self, piece: str) -> bool:
        """Add a piece and return whether it is time to tell the text."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length - self._told < (self._told - _TOLD_AT_ONCE) // 4:
            return False
        self._told = self._length
        return True


# Blocks of the scripts written without spaces between words, by the script that may meet without a space.
_SPACELESS: Final = (
    ("han", 0x2E80, 0x2FDF),  # radicals
    ("han", 0x3005, 0x3007),  # iteration mark 々, 〆, zero 〇
    ("han", 0x3021, 0x3029),  # Hangzhou numerals
    ("han", 0x3031, 0x3035),  # kana repeat marks
    ("han", 0x3040, 0x312F),  # hiragana, katakana, bopomofo
    ("han", 0x31A0, 0x31BF),  # bopomofo extended
    ("han", 0x31F0, 0x31FF),  # katakana extensions
    ("han", 0x3400, 0x4DBF),  # extension A
    ("han", 0x4E00, 0x9FFF),
    ("han", 0xF900, 0xFAFF),  # compatibility ideographs
    ("han", 0xFF66, 0xFF9F),  # halfwidth katakana
    ("han", 0x1AFF0, 0x1B16F),  # kana supplements
    ("han", 0x20000, 0x3FFFF),  # extensions B and later
    ("thai", 0x0E00, 0x0E7F),
    ("lao", 0x0E80, 0x0EFF),
    ("burmese", 0x1000, 0x109F),
    ("burmese", 0xA9E0, 0xA9FF),  # extended B
    ("burmese", 0xAA60, 0xAA7F),  # extended A
    ("khmer", 0x1780, 0x17FF),
    ("khmer", 0x19E0, 0x19FF),  # lunar symbols
)
_ASIDE: Final = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|【[^】]*】|（[^）]*）|\*[^*]*\*")
_BEYOND_S: Final = 1.0
"""How far recognisers err: they see a padded window."""
_TOLD_AT_ONCE: Final = 2_000
"""Characters up to which a text is told at every piece: two minutes of speech."""
_CLOSING: Final = frozenset(".,;:!?)]}%…")
_SENTENCE_END: Final = frozenset(".,;:!?")


def join_text(pieces: Iterable[str]) -> str:
    """Join the texts of consecutive utterances with spaces where their scripts have them.

    Parameters
    ----------
    pieces
        Texts in order; white space around each is ignored, and so are empty ones.
    """
    joined: list[str] = []
    for piece in pieces:
        text = piece.strip()
        if not text:
            continue
        if joined and needs_space(joined[-1], text):
            joined.append(" ")
        joined.append(text)
    return "".join(joined)


def fullest(text: str, *others: str) -> str:
    """Return a text, or of what stands beside it the first that goes on where the text ends."""
    bare = "".join(text.split())
    longer = (other for other in others if len("".join(other.split())) > len(bare))
    return next((other for other in longer if "".join(other.split()).startswith(bare)), text)


def needs_space(left: str, right: str) -> bool:
    """Return whether a space belongs between two texts that do not begin or end with one."""
    if _is_wide_punctuation(left[-1]) or _is_wide_punctuation(right[0]) or _begins_with_closing(right):
        return False
    before = _border_script(reversed(left))
    return before is None or before != _border_script(right)


def spaceless_script(character: str) -> str | None:
    """Return the script of a character if it is one written without spaces, else None."""
    code = ord(character)
    if code < 0x0E00:
        return None
    return next((script for script, first, last in _SPACELESS if first <= code <= last), None)


def _border_script(characters: Iterable[str]) -> str | None:
    """Return the spaceless script of the letter nearest to the border, if no sentence ends in between."""
    for character in characters:
        script = spaceless_script(character)
        if script is not None:
            return script
        if character in _SENTENCE_END or character.isalnum():
            return None
        # Everything else is a mark, quote, dash or symbol: the letter behind it decides.
    return None


def _is_wide_punctuation(character: str) -> bool:
    return (
        unicodedata.category(character).startswith("P")
        and unicodedata.east_asian_width(character) in "WF"
        and spaceless_script(character) is None
    )


def _begins_with_closing(text: str) -> bool:
    rest = text.lstrip("".join(_CLOSING))
    return len(rest) < len(text) and (not rest or rest[0].isspace())
