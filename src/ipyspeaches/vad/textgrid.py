"""Labels in Praat's TextGrid files, long and short text format.

Praat reads a text file as a row of free-standing numbers, strings in double quotes and flags in angle brackets, and
takes everything else for a comment (Praat manual, "TextGrid file formats"). So does this reader, which therefore needs
no difference between the formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from ipyspeaches.errors import InputError
from ipyspeaches.vad.label_files import Pairs, number, read_text, refuse, seconds

SILENCE: Final = ("", "silent", "silence", "sil", "sp", "pau", "#", "<sil>", "<p:>")
"""Texts of intervals without speech, as Praat and forced aligners write them (compared without regard to case)."""

_TOKEN: Final = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|<(?P<flag>\w+)>|(?<!\S)(?P<number>[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?)(?!\S)|![^\n]*'
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str
    line: int


class _Reader:
    """Take one value after the other, each of the kind that must come."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        text = read_text(path)
        self._tokens: list[_Token] = []
        line, behind = 1, 0
        for match in _TOKEN.finditer(text):
            line, behind = line + text.count("\n", behind, match.start()), match.start()
            if match.lastgroup is not None:
                self._tokens.append(_Token(match.lastgroup, match[match.lastgroup], line))
        self._lines = text.count("\n") + 1
        self._next = 0

    def text(self) -> str:
        return self._take("text", "a text in quotes").replace('""', '"')

    def seconds(self) -> float:
        value = self._take("number", "a time")
        try:
            return float(number(value))
        except ValueError:
            self.refuse(f"{value!r} is not a number")

    def span(self) -> tuple[float, float]:
        start, end = self.seconds(), self.seconds()
        if end < start:
            self.refuse(f"the end ({end:g} s) is before the start ({start:g} s)")
        return start, end

    def count(self) -> int:
        value = self._take("number", "a count")
        if not value.isdigit():
            self.refuse(f"{value!r} is not a count")
        return int(value)

    def flag(self) -> str:
        return self._take("flag", "<exists> or <absent>")

    def refuse(self, problem: str) -> NoReturn:
        line = self._tokens[self._next - 1].line if self._next else 1
        refuse(self._path, line, problem, "Give a TextGrid that Praat can open.")

    def _take(self, kind: str, what: str) -> str:
        if self._next == len(self._tokens):
            refuse(self._path, self._lines, f"the file ends where {what} must come", "Give the whole TextGrid.")
        token = self._tokens[self._next]
        self._next += 1
        if token.kind != kind:
            self.refuse(f"{token.value[:20]!r} stands where {what} must come")
        return token.value


def read_textgrid(path: str | Path, tier: str | None = None, silence: Iterable[str] | None = None) -> Pairs:
    """Read where an interval tier has speech.

    Parameters
    ----------
    path
        File to read.
    tier
        Name of the tier; None if the file has only one interval tier.
    silence
        Texts of the intervals that are no speech; None for `SILENCE`.

    Raises
    ------
    InputError
        If the file is no TextGrid (the line is named), has no such tier, or several and none is chosen.
    """
    tiers = _tiers(_Reader(path))
    names = ", ".join(repr(name) for name, _ in tiers) or "none"
    chosen = [intervals for name, intervals in tiers if tier is None or name == tier]
    if len(chosen) != 1:
        problem = f"has {len(chosen)} interval tiers" + ("" if tier is None else f" called {tier!r}")
        raise InputError(f"{path} {problem}: choose one with tier=, of {names}.")
    quiet = {text.casefold() for text in (SILENCE if silence is None else silence)}
    return [(start, end) for start, end, text in chosen[0] if text.strip().casefold() not in quiet]


def _tiers(reader: _Reader) -> list[tuple[str, list[tuple[float, float, str]]]]:
    if not reader.text().startswith("ooTextFile") or reader.text() != "TextGrid":
        reader.refuse("this is no TextGrid")
    reader.span()
    if reader.flag() == "absent":
        return []
    tiers = []
    for _ in range(reader.count()):
        kind = reader.text()
        if kind not in ("IntervalTier", "TextTier"):
            reader.refuse(f"{kind!r} is no kind of tier")
        name = reader.text()
        reader.span()
        if kind == "IntervalTier":
            tiers.append((name, [(*reader.span(), reader.text()) for _ in range(reader.count())]))
        else:
            for _ in range(reader.count()):
                reader.seconds()
                reader.text()
    return tiers


def textgrid(segments: Iterable[Any], duration: float, *, short: bool) -> str:
    """Return a TextGrid with one interval tier; what is not speech has an empty text.

    Parameters
    ----------
    segments
        In order and disjoint.
    duration
        Length of the sound in seconds.
    short
        Which of the two text formats.
    """
    intervals: list[tuple[str, str, str]] = []
    behind = seconds(0.0)
    for segment in segments:
        start, end = seconds(segment.start), seconds(segment.end)
        if float(start) > float(behind):
            intervals.append((behind, start, ""))
        intervals.append((start, end, "speech"))
        behind = end
    total = seconds(duration)
    if float(total) > float(behind):
        intervals.append((behind, total, ""))
    return _short(intervals, total) if short else _long(intervals, total)


def _short(intervals: list[tuple[str, str, str]], total: str) -> str:
    head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", total, "<exists>", "1"]
    tier = ['"IntervalTier"', '"speech"', "0", total, str(len(intervals))]
    body = [line for start, end, text in intervals for line in (start, end, f'"{text}"')]
    return "\n".join([*head, *tier, *body, ""])


def _long(intervals: list[tuple[str, str, str]], total: str) -> str:
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {total}",
        "tiers? <exists>",
        "size = 1",
        "item []:",
        "    item [1]:",
        '        class = "IntervalTier"',
        '        name = "speech"',
        "        xmin = 0",
        f"        xmax = {total}",
        f"        intervals: size = {len(intervals)}",
    ]
    for index, (start, end, text) in enumerate(intervals, start=1):
        lines += [
            f"        intervals [{index}]:",
            f"            xmin = {start}",
            f"            xmax = {end}",
            f'            text = "{text}"',
        ]
    return "\n".join([*lines, ""])
