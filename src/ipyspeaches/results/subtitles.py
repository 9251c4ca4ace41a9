"""Timed text, ``(start, end, text)`` with seconds, as SubRip and WebVTT.

SubRip has no specification; what players agree on is followed. WebVTT is https://www.w3.org/TR/webvtt1/.
Both end a cue's text at a blank line and find times by ``-->``, so neither may occur inside a text.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple, TypeAlias

from ipyspeaches.checks import EXACT
from ipyspeaches.errors import InputError
from ipyspeaches.terminal import columns, graphemes
from ipyspeaches.words import Word, spaceless_script

LINE_COLUMNS: Final = 42
"""What broadcasters put on a line: 42 Latin letters, half as many Chinese characters, which are as wide as two."""
_SENTENCE_ENDS: Final = tuple(".!?…。！？")
_CLAUSE_ENDS: Final = tuple(",;:，；：、")
_OPENING: Final = frozenset({"Ps", "Pi"})
_CLOSING: Final = "\"')]”’」』）》】"
_UNMARKED: Final = str.maketrans("<>{}", "‹›()")
"""Players take SubRip's angle brackets and braces for markup, and show none of what is in them."""
_MID_PHRASE: Final = 8
"""Columns by which two lines may differ more, where that keeps a phrase of a script without spaces together."""

_MOST_LETTERS_PER_S: Final = 100
"""Nobody speaks a quarter as fast."""

Span: TypeAlias = tuple[float, float, str]


class Cue(NamedTuple):
    """One subtitle: whole milliseconds, ``start_ms < end_ms``, and text without empty lines."""

    start_ms: int
    end_ms: int
    text: str


def cues(spans: Iterable[Span]) -> Iterator[Cue]:
    """Iterate over the spans that have text, with times that a player accepts."""
    for start, end, given in spans:
        text = one_line(given)
        if not text:
            continue
        if not (abs(start) < EXACT and abs(end) < EXACT):  # nor is NaN
            raise InputError(f"{text!r:.60} has no time ({start:g} to {end:g} s): give its start and end in seconds.")
        start_ms = max(0, round(start * 1000))
        # WebVTT requires that a cue ends after it starts; an engine may report a word of no length.
        yield Cue(start_ms, max(start_ms + 1, round(end * 1000)), text)


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(line.strip() for line in text.replace("\0", "").splitlines() if line.strip())


def split(start: float, end: float, text: str, words: Sequence[Word] = ()) -> Iterator[Span]:
    """Split a text that is too long for two lines, between words, and where there is a choice after a sentence.

    The times are those of the words if they are the text's, go forward and leave time for each piece, else they follow
    from the number of characters.
    """
    pieces = list(_pieces(_atoms(text)))
    ends = list(accumulate(map(_letters, pieces)))
    spelled = [(word.start, word.end) for word in words for _ in range(_letters(word.word))]
    times = _times_of_words(start, end, ends, spelled) or _times_by_length(start, end, ends)
    yield from ((from_s, until_s, piece) for (from_s, until_s), piece in zip(times, pieces, strict=True))


def _letters(text: str) -> int:
    return len("".join(text.split()))


def _times_of_words(
    start: float, end: float, ends: Sequence[int], spelled: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return from when to when pieces are said that end behind so many letters; none if the letters' times do not fit.

    Some servers give each word the times of its segment, or none that go forward.
    """
    starts = [from_s for from_s, _ in spelled]
    if not ends or len(spelled) != ends[-1] or not all(map(math.isfinite, chain(*spelled))) or starts != sorted(starts):
        return []
    times, from_s = [], start
    for begun, done in pairwise((0, *ends)):
        from_s = min(max(spelled[begun][0], from_s), end) if begun else start
        until_s = end if done == ends[-1] else min(max(spelled[done - 1][1], from_s), end)
        if until_s - from_s < (done - begun) / _MOST_LETTERS_PER_S:
            return []
        times.append((from_s, until_s))
        from_s = until_s
    return times


def _times_by_length(start: float, end: float, ends: Sequence[int]) -> list[tuple[float, float]]:
    return list(pairwise(start + (end - start) * done / max(1, ends[-1]) for done in (0, *ends))) if ends else []


def wrap(text: str) -> str:
    """Return a text on two lines of about one length, if it is too long for one line."""
    if columns(text) <= LINE_COLUMNS:
        return text
    atoms = _atoms(text)
    pairs = [("".join(atoms[:at]).strip(), "".join(atoms[at:]).strip()) for at in range(1, len(atoms))]
    if not pairs:
        return text
    costs = [_cost(pair, cuts_phrase=_cuts_phrase(atoms, at)) for at, pair in enumerate(pairs, 1)]
    return "\n".join(pairs[costs.index(min(costs))])


def _cost(lines: tuple[str, str], *, cuts_phrase: bool) -> tuple[int, int]:
    """Return what speaks against two lines: what is too long, then the length of the longer one."""
    longer = max(map(columns, lines))
    return max(0, longer - LINE_COLUMNS), longer + _MID_PHRASE * cuts_phrase


def _atoms(text: str) -> list[str]:
    """Return the pieces between which a line may end; each begins with the white space before it."""
    atoms: list[list[str]] = []
    for before, after in pairwise(["", *graphemes(" ".join(text.split()))]):
        if not before or after[0] == " " or _may_break(before[0], after[0]):
            atoms.append([])
        atoms[-1].append(after)
    return ["".join(characters) for characters in atoms]


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters without a space, as in scripts that have none.

    It may not before a mark that closes, nor behind one that opens.
    """
    kind = unicodedata.category(after)
    if before == " " or (kind[0] in "PM" and kind not in _OPENING) or unicodedata.category(before) in _OPENING:
        return False
    wide = unicodedata.east_asian_width(before) in "WF"
    return spaceless_script(after) is not None or spaceless_script(before) is not None or wide


def _pieces(atoms: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(atoms):
        stop = _piece_end(atoms, at)
        yield "".join(atoms[at:stop]).strip()
        at = stop


def _cuts_phrase(atoms: Sequence[str], at: int) -> bool:
    """Whether a line that ends before an atom does so inside a run of a script without spaces."""
    return spaceless_script(atoms[at - 1][-1]) is not None and spaceless_script(atoms[at][0]) is not None


def _ends_clause(atoms: Sequence[str], at: int) -> bool:
    """Whether a clause ends before an atom: by its mark, or a space in Chinese, which recognisers write for a pause."""
    last = atoms[at - 1].rstrip(_CLOSING)
    return last.endswith(_CLAUSE_ENDS) or (atoms[at][0] == " " and spaceless_script(last[-1:] or " ") is not None)


def _piece_end(atoms: Sequence[str], start: int) -> int:
    """Return where a piece ends that fits on two lines: after a sentence or clause in its second half, or when full."""
    lines, width, stop = 1, 0, start
    while stop < len(atoms):
        atom = atoms[stop] if width else atoms[stop].lstrip()
        if width and width + columns(atom) > LINE_COLUMNS:
            if lines == 2:
                break
            lines, width, atom = 2, 0, atom.lstrip()
        width += columns(atom)
        stop += 1
    if stop == len(atoms):
        return stop
    half = start + (stop - start) // 2
    places = range(stop, half, -1)
    sentences = (at for at in places if atoms[at - 1].rstrip(_CLOSING).endswith(_SENTENCE_ENDS))
    clauses = (at for at in places if _ends_clause(atoms, at))
    return next(sentences, next(clauses, stop))


def to_srt(spans: Iterable[Span], *, wrapped: bool = False) -> str:
    """Return spans as SubRip, which cannot escape: ``-->`` becomes an arrow, brackets and braces of markup others."""
    lines = wrap if wrapped else str
    blocks = [
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n"
        f"{lines(cue.text.replace('-->', '→').translate(_UNMARKED))}\n"
        for number, cue in enumerate(cues(spans), 1)
    ]
    return "\n".join(blocks)


def to_vtt(spans: Iterable[Span], notes: Iterable[str] = (), *, wrapped: bool = False) -> str:
    """Return spans as WebVTT with ``&``, ``<`` and ``>`` escaped, and before them notes, which players pass over."""
    lines = wrap if wrapped else str
    blocks = [
        f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{escape(lines(cue.text), quote=False)}\n"
        for cue in cues(spans)
    ]
    said = [f"NOTE {one_line(note).replace('-->', '→')}\n" for note in notes]
    return "\n".join(["WEBVTT\n", *said, *blocks])


def _clock(time_ms: int, separator: str) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"
