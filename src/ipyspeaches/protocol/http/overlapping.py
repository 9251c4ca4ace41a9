"""Where two windows overlap, each word is told once.

Windows are cut by the clock, so a cut may run through a word. Therefore the next window repeats the end of the one
before: the word at the cut is whole there. The words of a window count until the middle of what both have heard, those
of the next from there on. What is told of a window is final at once, so the later one of two has to fit to the earlier
one:

- With the times of words, a word belongs to the side on which its middle lies. Two recognitions differ by a few
  hundredths of a second, so the later window goes on behind the last word that was told, wherever that is.
- Without them (event streams, translations) the last word of the earlier window, which the cut may have damaged, is
  left to the later one. That goes on where the longest run of words that both have says that it should. Scripts that
  are written without spaces are compared by character.

What is told twice can be struck out, what is not told is lost: a word is left out only where the other text has it, or
has more of it. Somebody who speaks slowly says no word while two windows overlap, and words like it before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.protocol.http.transcriptions import Answer
from ipyspeaches.words import Word, join_text, spaceless_script

REACH_BEFORE_S: Final = 0.25
REACH_BEHIND_S: Final = 0.1
"""How far around that middle the end of the last told word counts. Further before it, the earlier window has heard the
words whole and the later one maybe not; further behind it, the end of a word was stretched over the next one."""

SAME_WORD_S: Final = 0.25
"""The same word, so near to itself, was said once; a repetition comes later, because a word takes about as long."""

WORDS_SHARED: Final = 7
CHARACTERS_SHARED: Final = 11
"""What fits into a second and a half of quick speech, and one for the cut."""

TELLING_LENGTH: Final = 4
"""A word of four letters tells where two texts meet, a shorter one only if no more than a damaged word on each side
lies about it."""

SURELY_SHARED: Final = 3
"""So many words at the same place are no chance where the earlier window has more words than an overlap holds: then the
overlap has words, too, and two that differ at one place of it are two readings of one."""

_DAMAGED_LENGTH: Final = 2
"""Letters that are left of a word for it to be known again."""

LONGEST_KEY: Final = 64
"""What is longer is no word, and comparing it letter by letter could take for ever."""

END_LENGTH: Final = 2_000
"""Characters at either end of a text that can matter: more than that are not looked at word by word."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a character of a script without spaces, at ``text[start:end]``; ``key`` is what is compared."""

    key: str
    start: int
    end: int
    by_character: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What is told of a window, and what the next one needs to know of it."""

    text: str  # what is told
    words: tuple[Word, ...] = ()  # on the session clock
    until_s: float | None = None  # up to where its words count; None if the next window repeats nothing of it
    tail: tuple[Token, ...] = ()  # the last tokens that were heard, told or not
    untold: int = 0  # how many of these are left to the next window
    untold_text: str = ""  # these as text
    untold_words: tuple[Word, ...] = ()
    heard: bool = True  # whether the window has words that are not of the one before


def share_of(whole: Answer, before: Share | None, until_s: float | None) -> Share:
    """Return what is to be told of a window in which ``whole`` was recognised, words on the session clock.

    It repeats the end of ``before`` (None: of none, or of one without text). Its share ends at ``until_s`` because the
    next window repeats its end; None if it counts to its end.
    """
    if before is not None and not whole.text.strip():
        return Share(before.untold_text, before.untold_words, heard=False)
    alone = before is None and until_s is None
    if whole.words and (alone or _tell_the_text(whole)) and (before is None or before.words or not before.text):
        return _share_of_words(whole, before, until_s)
    return _share_of_text(whole.text, before, cut=until_s is not None, until_s=until_s)


def _tell_the_text(answer: Answer) -> bool:
    """Whether the words make up the text and have times: some servers list only some, or give each the same time."""
    spelled, written = ("".join(token.key for token in tokens(text)) for text in (_text_of(answer.words), answer.text))
    return spelled == written and 2 * len({word.middle for word in answer.words}) > len(answer.words)


def unfinished(text: str, before: Share | None) -> str:
    """Return what can be shown of a text that still grows."""
    return _share_of_text(text, before, cut=False, until_s=None).text


def tokens(text: str) -> list[Token]:
    """Return the words of a text, and the characters where its script has no spaces; punctuation counts to them."""
    found: list[Token] = []
    start: int | None = None
    for at, character in enumerate(text):
        if spaceless_script(character) is not None:
            if start is not None:
                _add(found, text, start, at)
            found.append(Token(character, at, at + 1, by_character=True))
            start = None
        elif character.isspace():
            if start is not None:
                _add(found, text, start, at)
            start = None
        elif start is None:
            start = at
    if start is not None:
        _add(found, text, start, len(text))
    return found


def _outer_tokens(text: str) -> list[Token]:
    """Return all tokens of a text; of a long one, those at its two ends."""
    if len(text) > 2 * END_LENGTH:
        # The last token of the one end and the first of the other may be cut in two.
        behind = len(text) - END_LENGTH
        head, tail = tokens(text[:END_LENGTH])[:-1], tokens(text[behind:])[1:]
        if min(len(head), len(tail)) > 2 * CHARACTERS_SHARED:
            return head + [replace(token, start=token.start + behind, end=token.end + behind) for token in tail]
    return tokens(text)


def _add(found: list[Token], text: str, start: int, end: int) -> None:
    letters = text[start : min(end, start + 2 * LONGEST_KEY)].casefold()
    key = "".join(character for character in letters if character.isalnum())[:LONGEST_KEY]
    if key or not found:
        found.append(Token(key, start, end, by_character=False))
    else:
        found[-1] = replace(found[-1], end=end)


def _share_of_words(whole: Answer, before: Share | None, until_s: float | None) -> Share:
    words = whole.words if before is None else _following(whole.words, before)
    told = words if until_s is None else tuple(word for word in words if word.middle < until_s)
    text = whole.text if len(told) == len(whole.words) else _text_of(told)
    untold = words[len(told) :]
    untold_text = _text_of(untold)
    tail = tuple(_outer_tokens(_text_of(words))[-CHARACTERS_SHARED:])
    return Share(text, told, until_s, tail, len(tokens(untold_text)), untold_text, untold, heard=bool(words))


def _following(words: tuple[Word, ...], before: Share) -> tuple[Word, ...]:
    if not before.words or before.until_s is None:
        return words
    last = before.words[-1]
    reached_s = min(max(last.end, before.until_s - REACH_BEFORE_S), before.until_s + REACH_BEHIND_S)
    rest = tuple(word for word in words if word.middle > reached_s)
    return rest[1:] if rest and _is_same(last, rest[0]) else rest


def _is_same(told: Word, word: Word) -> bool:
    same = [token.key for token in tokens(told.word)] == [token.key for token in tokens(word.word)]
    return same and abs(told.middle - word.middle) < SAME_WORD_S


def _text_of(words: tuple[Word, ...]) -> str:
    # Engines whose words carry their own spaces say with it where none belong.
    if any(word.word[:1].isspace() for word in words):
        return "".join(word.word for word in words).strip()
    return join_text(word.word for word in words)


def _share_of_text(text: str, before: Share | None, *, cut: bool, until_s: float | None) -> Share:
    all_tokens = _outer_tokens(text)
    first, lost = (0, "") if before is None else _meeting(before, all_tokens)
    rest = all_tokens[first:]
    told = rest[:-1] if cut else rest
    shown = join_text((lost, text[told[0].start : told[-1].end] if told else ""))
    untold = text[rest[-1].start :].strip() if cut and rest else ""
    tail = tuple(all_tokens[-CHARACTERS_SHARED:])
    return Share(shown, (), until_s, tail, len(rest) - len(told), untold, heard=bool(rest))


def _meeting(before: Share, head: list[Token]) -> tuple[int, str]:
    """Return the first token that was not told before, and what was left untold and is not in this text."""
    tail = before.tail
    span = CHARACTERS_SHARED if _by_character(tail, head) else WORDS_SHARED
    left, right = tail[-span:], head[:span]
    told, untold = left[: len(left) - before.untold], left[len(left) - before.untold :]
    at_left, at_right = _longest_run(left, right, len(tail) - len(left)) or (len(told), 0)
    cut = max(0, at_right + len(told) - at_left)
    if len(tail) > WORDS_SHARED and not _by_character(tail, head):
        ahead = max(0, at_left - at_right)
        if sum(map(_has, right[max(0, at_right - at_left) :], left[ahead:])) >= SURELY_SHARED:
            return cut, ""
    first = min(at_right, cut)
    while at_left < len(told) and first < len(right) and _has(right[first], told[at_left]):
        at_left, first = at_left + 1, first + 1
    # Of the first word of a window its beginning may be missing, so that it looks like two.
    retold = any(_repeats(right[at : at + len(untold)], untold) for at in (first, first + 1, cut, cut + 1))
    return first, "" if retold else before.untold_text


def _repeats(later: list[Token], earlier: tuple[Token, ...]) -> bool:
    return len(later) == len(earlier) and all(map(_has, later, earlier))


def _has(later: Token, earlier: Token) -> bool:
    """Whether two tokens are one word, of which one side may have lost what lies beyond its end of the audio."""
    one, other = earlier.key, later.key
    if one == other or later.by_character or earlier.by_character or min(len(one), len(other)) < _DAMAGED_LENGTH:
        return one == other
    return not any(map(str.isdigit, one + other)) and (
        other.startswith(one) or one.endswith(other) or other.endswith(one)
    )


def _by_character(*texts: tuple[Token, ...] | list[Token]) -> bool:
    return any(token.by_character for text in texts for token in text)


def _longest_run(left: tuple[Token, ...], right: list[Token], unseen: int) -> tuple[int, int] | None:
    """Return the longest run of equal tokens: where it is in each text.

    Among equals, the one nearest to the cut counts. What stands before it in the later text has a place in the earlier
    one, which has ``unseen`` tokens before ``left``; before a single token, it is there.
    Of a run that only repeats itself ("no no no"), text cannot tell how much both windows have heard: so they share no
    more than the last repetition.
    """
    keys, others = [token.key for token in left], [token.key for token in right]
    best: tuple[int, int, int] | None = None
    found: tuple[int, int] | None = None
    for at_left in range(len(keys)):
        for at_right in range(len(others)):
            length = 0
            while (
                at_left + length < len(keys)
                and at_right + length < len(others)
                and keys[at_left + length] == others[at_right + length] != ""
            ):
                length += 1
            behind, before = len(keys) - at_left - length, at_right
            earlier = left[max(0, at_left - before) : at_left]
            same_place = unseen + at_left >= before if length > 1 else _repeats(right[:before], earlier)
            if same_place and _tells(left[at_left : at_left + length], behind, before):
                rank = (length, -behind - before, at_left)
                if best is None or rank > best:
                    repeated = length - _shortest_overlap(keys[at_left : at_left + length])
                    best, found = rank, (at_left + repeated, at_right)
    return found


def _shortest_overlap(keys: list[str]) -> int:
    """Return how many tokens a run and itself share at the least: all but for what repeats itself from end to end."""
    length = len(keys)
    periods = (period for period in range(1, length // 2 + 1) if keys[period:] == keys[:-period])
    period = next(periods, length)
    return length % period or period


def _tells(run: tuple[Token, ...], behind: int, before: int) -> bool:
    """Whether a run is evidence: a short word alone is met by chance, unless only damaged words lie about it."""
    if len(run) != 1:
        return bool(run)
    at_the_cut = behind <= 1 and before <= 1
    return at_the_cut or (not run[0].by_character and len(run[0].key) >= TELLING_LENGTH)
