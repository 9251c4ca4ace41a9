"""Labels in files: RTTM, Audacity label tracks, comma-separated values, Praat's TextGrids.

Readers return pairs of start and end as they are written, and name the line of whatever they cannot read. Times are
added and written in decimal arithmetic, so that what is written and read again is equal to a microsecond.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import write_file
from ipyspeaches.vad.intervals import merged

Pairs: TypeAlias = list[tuple[float, float]]

SILENCE: Final = ("", "silent", "silence", "sil", "sp", "pau", "#", "<sil>", "<p:>")
"""Texts of TextGrid intervals without speech, as Praat and forced aligners write them (in either case)."""

_RTTM_SPEAKER_FIELDS: Final = 5  # type, file, channel, begin, duration; the others may be missing
_RTTM_TYPES: Final = frozenset(
    {
        *("SPEAKER", "SPKR-INFO", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH"),
        *("FILLER", "EDIT", "IP", "SU", "CB", "A/P"),
    }
)
_MICROSECOND: Final = Decimal("0.000001")
# Praat reads a text file as a row of free-standing numbers, strings in double quotes and flags in angle brackets, and
# takes everything else for a comment (Praat manual, "TextGrid file formats"). So does this, for both text formats.
_TOKEN: Final = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|<(?P<flag>\w+)>|(?<!\S)(?P<number>[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?)(?!\S)|![^\n]*'
)


def _read_text(path: str | Path) -> str:
    """Return the text of a file in UTF-8 or, with a byte order mark, UTF-16."""
    try:
        data = Path(path).read_bytes()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError(f"{path} cannot be read ({reason}): check the name of the label file.") from exc
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not a text file in UTF-8 or UTF-16: give a file of labels.") from exc


def write_or_return(text: str, path: str | Path | None) -> str | None:
    """Write text to a file, or return it where there is no path."""
    if path is None:
        return text
    write_file(path, text.encode())
    return None


def stem(path: str | Path) -> str:
    """Return a file's name without its suffixes, fit to name a recording in RTTM."""
    return re.sub(r"\s+", "_", Path(path).name.partition(".")[0]) or "recording"


def _refuse(path: str | Path, line: int, problem: str, cure: str) -> NoReturn:
    raise InputError(f"{path}, line {line}: {problem}. {cure}")


def _number(text: str) -> Decimal:
    """Return a finite decimal number, in which a comma may stand for the point, or raise a `ValueError`."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation as exc:
        raise ValueError(text) from exc
    if not value.is_finite():
        raise ValueError(text)
    return value


def _seconds(value: float) -> str:
    """Return seconds with as many digits as a microsecond needs, at least three."""
    whole, _, digits = f"{_rounded(value):f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(3, '0')}"


def _rounded(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(_MICROSECOND)


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(_read_text(path).splitlines(), start=1):
        if line.strip():
            yield index, line


def read_rttm(path: str | Path, uri: str | None = None) -> Pairs:
    """Read the ``SPEAKER`` lines of an RTTM file (NIST, Rich Transcription 2009 evaluation plan, appendix A).

    Where speakers overlap, speech is where anybody speaks. Lines of the other types and comments (``;;``)
    are skipped.

    Parameters
    ----------
    path
        File to read.
    uri
        Name of the recording in the file; None if there is only one.

    Raises
    ------
    InputError
        If a line cannot be read (it is named), or the file is about other or several recordings.
    """
    found: dict[str, Pairs] = {}
    for line, text in _lines(path):
        fields = text.split()
        if fields[0].startswith(";;"):
            continue
        if fields[0] not in _RTTM_TYPES:
            _refuse(path, line, f"{fields[0][:20]!r} is not a type of RTTM line", "Give an RTTM file.")
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < _RTTM_SPEAKER_FIELDS:
            _refuse(
                path, line, f"{len(fields)} of 9 or 10 fields", "A SPEAKER line says file, channel, begin, duration."
            )
        try:
            begin, length = _number(fields[3]), _number(fields[4])
        except ValueError:
            _refuse(path, line, f"{fields[3]!r} and {fields[4]!r} are not seconds", "Fields 4 and 5 are times.")
        if begin < 0 or length < 0:
            _refuse(path, line, f"begin {begin} s, duration {length} s", "Neither may be negative.")
        found.setdefault(fields[1], []).append((float(begin), float(begin + length)))
    if uri is None and len(found) > 1:
        raise InputError(f"{path} is about {len(found)} recordings: choose one with uri=, of {_few(found)}.")
    if uri is not None and uri not in found:
        raise InputError(f"{path} has nothing about {uri!r}: choose one with uri=, of {_few(found)}.")
    pairs = found.get(uri, []) if uri is not None else next(iter(found.values()), [])
    times = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    start, end = merged(times[:, 0], times[:, 1], touching=False)
    return list(zip(start.tolist(), end.tolist(), strict=True))


def _few(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:5]) + (", …" if len(listed) > 5 else "") or "none"


def rttm(segments: Iterable[Any], uri: str) -> str:
    """Return ``SPEAKER`` lines, one a segment; those that name no speaker are all of one."""
    return "".join(
        f"SPEAKER {uri} 1 {_seconds(s.start)} {_seconds(float(_rounded(s.end) - _rounded(s.start)))} "
        f"<NA> <NA> {_field(getattr(s, 'speaker', 'speech'))} <NA> <NA>\n"
        for s in segments
    )


def write_rttm(segments: Iterable[Any], path: str | Path | None, uri: str | None) -> str | None:
    """Write `rttm` to a file, or return it where there is no path; the recording is named after the file by default."""
    return write_or_return(rttm(segments, uri or ("recording" if path is None else stem(path))), path)


def _field(name: str) -> str:
    # White space separates fields.
    return re.sub(r"\s+", "_", name.strip()) or "<NA>"


def read_audacity(path: str | Path) -> Pairs:
    r"""Read an Audacity label track: start, end and text, separated by tabs.

    Lines that begin with a backslash (frequencies of a spectral selection) and point labels, which have no length, are
    skipped. The decimal sign may be a comma, as Audacity writes it in some languages.

    Raises
    ------
    InputError
        If a line cannot be read; it is named.
    """
    pairs = []
    for line, text in _lines(path):
        if text.startswith("\\"):
            continue
        fields = text.split("\t")
        pair = _pair(path, line, fields[:2])
        if pair[0] < pair[1]:
            pairs.append(pair)
    return pairs


def audacity(segments: Iterable[Any]) -> str:
    """Return a label track, one line a segment."""
    return "".join(f"{s.start:.6f}\t{s.end:.6f}\tspeech\n" for s in segments)


def read_csv(path: str | Path) -> Pairs:
    """Read start and end from a CSV file.

    Columns are found by their names, ``start`` and ``end``; without a header line, they are the first two. Commas,
    semicolons and tabs separate.

    Raises
    ------
    InputError
        If a line cannot be read (it is named), or a column is missing.
    """
    text = _read_text(path)
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";\t,", key=head.count)
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    columns: tuple[int, int] | None = None
    pairs: Pairs = []
    for fields in rows:
        if not any(cell.strip() for cell in fields):
            continue
        if columns is None:
            columns = _csv_columns(path, rows.line_num, fields)
            if columns is not None:
                continue
            columns = (0, 1)
        pairs.append(_pair(path, rows.line_num, [fields[at] for at in columns if at < len(fields)]))
    return pairs


def _csv_columns(path: str | Path, line: int, fields: list[str]) -> tuple[int, int] | None:
    """Return where start and end are if this is a header line."""
    try:
        _number(fields[0])
    except ValueError:
        names = [cell.strip().casefold() for cell in fields]
        if "start" in names and "end" in names:
            return names.index("start"), names.index("end")
        _refuse(path, line, f"no columns start and end among {', '.join(names)[:80]}", "Name them in the first line.")
    return None


def _pair(path: str | Path, line: int, fields: list[str]) -> tuple[float, float]:
    if len(fields) < 2:
        _refuse(path, line, "an end is missing", "A line says where a stretch begins and where it ends.")
    try:
        start, end = _number(fields[0]), _number(fields[1])
    except ValueError:
        _refuse(path, line, f"{fields[0][:20]!r} and {fields[1][:20]!r} are not two times", "Give seconds.")
    if end < start:
        _refuse(path, line, f"the end ({end} s) is before the start ({start} s)", "Swap them.")
    return float(start), float(end)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str
    line: int


class _Reader:
    """Read one value of a TextGrid after the other, each of the kind that must come."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        text = _read_text(path)
        self._tokens: list[_Token] = []
        line, behind = 1, 0
        for match in _TOKEN.finditer(text):
            line, behind = line + text.count("\n", behind, match.start()), match.start()
            if match.lastgroup is not None:
                self._tokens.append(_Token(match.lastgroup, match[match.lastgroup], line))
        self._lines = text.count("\n") + 1
        self._next = 0

    def text(self) -> str:
        return self._next_value("text", "a text in quotes").replace('""', '"')

    def seconds(self) -> float:
        value = self._next_value("number", "a time")
        try:
            return float(_number(value))
        except ValueError:
            self.refuse(f"{value!r} is not a number")

    def span(self) -> tuple[float, float]:
        start, end = self.seconds(), self.seconds()
        if end < start:
            self.refuse(f"the end ({end:g} s) is before the start ({start:g} s)")
        return start, end

    def count(self) -> int:
        value = self._next_value("number", "a count")
        if not value.isdigit():
            self.refuse(f"{value!r} is not a count")
        return int(value)

    def flag(self) -> str:
        return self._next_value("flag", "<exists> or <absent>")

    def refuse(self, problem: str) -> NoReturn:
        line = self._tokens[self._next - 1].line if self._next else 1
        _refuse(self._path, line, problem, "Give a TextGrid that Praat can open.")

    def _next_value(self, kind: str, what: str) -> str:
        if self._next == len(self._tokens):
            _refuse(self._path, self._lines, f"the file ends where {what} is expected", "Give a complete TextGrid.")
        token = self._tokens[self._next]
        self._next += 1
        if token.kind != kind:
            self.refuse(f"{token.value[:20]!r} is where {what} is expected")
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
        reader.refuse("this is not a TextGrid")
    reader.span()
    if reader.flag() == "absent":
        return []
    tiers = []
    for _ in range(reader.count()):
        kind = reader.text()
        if kind not in ("IntervalTier", "TextTier"):
            reader.refuse(f"{kind!r} is not a kind of tier")
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
        Length of the audio in seconds.
    short
        Which of the two text formats.
    """
    intervals: list[tuple[str, str, str]] = []
    behind = _seconds(0.0)
    for segment in segments:
        start, end = _seconds(segment.start), _seconds(segment.end)
        if float(start) > float(behind):
            intervals.append((behind, start, ""))
        intervals.append((start, end, "speech"))
        behind = end
    total = _seconds(duration)
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
