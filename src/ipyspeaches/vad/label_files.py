"""Labels in files: RTTM, Audacity label tracks, comma-separated values, Praat's TextGrids.

Readers return pairs of start and end as they are written, and name the line of whatever they cannot read. Where a line
has more fields than its format, they find out which of them are the times, or refuse it. Times are added and written in
decimal arithmetic, so that what is written and read again is equal to a microsecond.
"""

from __future__ import annotations

import codecs
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import numpy as np

from ipyspeaches.checks import as_path
from ipyspeaches.errors import InputError
from ipyspeaches.tables import write_or_return
from ipyspeaches.vad.intervals import merged

Pairs: TypeAlias = list[tuple[float, float]]
Labelled: TypeAlias = tuple[float, float, str]
Stretch = TypeVar("Stretch")

SILENCE: Final = ("", "silent", "silence", "sil", "sp", "pau", "#", "<sil>", "<p:>")
"""Texts of TextGrid intervals without speech, as Praat and forced aligners write them (in either case)."""
NO_SPEECH: Final = (*SILENCE[1:], "noise", "music", "non-speech", "nonspeech", "no speech")
"""Labels of stretches without speech in CSV files and Audacity's label tracks, where one without a text is speech."""

MAX_BYTES: Final = 256 * 2**20
"""Size of a file of labels: ten hours, phone by phone, take 50 MB."""
MAX_TIME_S: Final = 10**9
"""Times beyond this (30 years) are no times of a recording."""

_EDGE_S: Final = 0.01  # engines count in frames: what begins so much before the recording begins with it
_PADDED_S: Final = 0.5  # by as much, what was padded or rounded may begin before the recording
_RTTM_SPEAKER_FIELDS: Final = 5  # type, file, channel, begin, duration; the others may be missing
_RTTM_MOST_FIELDS: Final = 10
_RTTM_TYPES: Final = frozenset(
    {
        *("SPEAKER", "SPKR-INFO", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH"),
        *("FILLER", "EDIT", "IP", "SU", "CB", "A/P"),
    }
)
_RTTM_CHANNEL: Final = re.compile(r"\d+|\w|<NA>")
# White space of ASCII: names may hold any other, such as an ideographic space.
_RTTM_FIELD: Final = re.compile(r"[^ \t\v\f]+")
_FEW_SECONDS: Final = 100
"""Whole numbers that are further apart are of another unit than seconds."""
_MICROSECOND: Final = Decimal("0.000001")
_EXACT: Final = Context(prec=400)
"""Enough for the sum of any two times, whatever the program that uses this has set for its own numbers."""
_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,60}[.,]?\d{0,60}|[.,]\d{1,60})(?:[eE][-+]?\d{1,3})?")
_DELIMITERS: Final = "\t;,"
_WHISPER: Final = ["start", "end", "text"]
"""The first line of Whisper's own TSV, whose times are milliseconds."""
_NAME_COLUMNS: Final = ("uri", "filename", "file_name", "file", "path", "audio", "audio_file", "recording")
_LABEL_COLUMNS: Final = ("label", "text", "class", "type", "annotation")
# The hanzi that are used (level 1 of GB 2312) and its punctuation. Letters of Latin-1 rarely stand two in a row.
_GB_PAIR: Final = re.compile(rb"[\xa1-\xa9\xb0-\xd7][\xa1-\xfe]")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Praat reads a text file as a row of free-standing numbers, strings in double quotes and flags in angle brackets, and
# takes everything else for a comment (Praat manual, "TextGrid file formats"). So does this, for both text formats.
_TOKEN: Final = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"|<(?P<flag>\w+)>|(?<!\S)(?P<number>[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?)(?!\S)|![^\n]*'
)


def _read_text(path: str | Path, encoding: str | None) -> str:
    """Return the text of a file with lines that end in a line feed, and in nothing else.

    Without an encoding, it is UTF-8 or what the byte order mark says; what is neither is guessed, with a warning.
    """
    try:
        with as_path(path).open("rb") as stream:
            # In pieces: one read of this size would take the memory at once.
            data = b"".join(islice(iter(lambda: stream.read(2**20), b""), MAX_BYTES // 2**20 + 1))
    except (OSError, ValueError) as exc:
        reason = (isinstance(exc, OSError) and exc.strerror) or type(exc).__name__
        raise InputError(f"{path} cannot be read ({reason}): check the name of the label file.") from exc
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES // 2**20} MB: give a file of labels.")
    if data.startswith(b"ooBinaryFile"):
        raise InputError(f"{path} is one of Praat's binary files: save it there as a text file.")
    if encoding is None:
        encoding, certain = _encoding(data)
        if encoding is None:
            raise InputError(f"{path} is not a text file: give a file of labels, saved as text.")
        if not certain:
            warnings.warn(
                f"{path} is not UTF-8 and was read as {encoding}: if its names look wrong, give encoding=.",
                stacklevel=5,  # who called Segments.from_…, which is checked
            )
    try:
        text = data.decode(encoding)
    except (LookupError, TypeError, ValueError) as exc:
        raise InputError(f"{path} cannot be read as {encoding!r}: give the file's encoding=, or none.") from exc
    return re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))


def _encoding(data: bytes) -> tuple[str | None, bool]:
    """Return the encoding of a text, None if it is no text, and whether that is certain."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return (name, True) if _decodes(data, name) else (None, False)
    # Where most characters are digits, every second byte of UTF-16 is 0, which is valid UTF-8 too.
    if data.count(0) > len(data) / 4:
        name = "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
        return (name if _decodes(data, name) else None), False
    if _decodes(data, "utf-8"):
        return "utf-8", True
    if b"\0" in data:
        return None, False
    high = sum(map(len, re.findall(rb"[\x80-\xff]+", data)))
    if 2 * len(_GB_PAIR.findall(data)) >= 0.8 * high and _decodes(data, "gb18030"):
        return "gb18030", False
    return ("cp1252" if _decodes(data, "cp1252") else "latin-1"), False


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def stem(path: str | Path) -> str:
    """Return a file's name without its suffixes, fit to name a recording in RTTM."""
    return _field(Path(path).name.partition(".")[0], "recording")


def _refuse(path: str | Path, line: int, problem: str, cure: str) -> NoReturn:
    raise InputError(f"{path}, line {line}: {problem}. {cure}")


def _number(text: str) -> Decimal | None:
    """Return a decimal number, in which a comma may stand for the point; None if it is none."""
    text = text.strip()
    value = Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
    return None if value is None or abs(value) > MAX_TIME_S else value


def _are_numbers(*texts: str) -> bool:
    return None not in map(_number, texts)


def _seconds(value: float) -> str:
    """Return seconds with as many digits as a microsecond needs, at least three."""
    whole, _, digits = f"{_rounded(value):f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(3, '0')}"


def _rounded(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(_MICROSECOND, context=_EXACT)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Not `splitlines`, which ends a line at a form feed and at U+2028 too: they may stand in a label.
    for index, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield index, line


def read_rttm(path: str | Path, uri: str | None = None, encoding: str | None = None) -> Pairs:
    """Read the ``SPEAKER`` lines of an RTTM file (NIST, Rich Transcription 2009 evaluation plan, appendix A).

    It is an `InputError` if a line cannot be read (it is named), or the file is about other or several recordings.

    Where speakers overlap, speech is where anybody speaks. Lines of the other types and comments (``;;``)
    are skipped. Names with spaces, which the format has not, are understood where the fields around them are clear.

    Parameters
    ----------
    path
        File to read.
    uri
        Name of the recording in the file, with spaces or with the ``_`` that `rttm` writes for them; None if there is
        only one.
    encoding
        Encoding of the file; None for UTF-8 or what its byte order mark says, and else a guess, with a warning.
    """
    found: dict[str, Pairs] = {}
    for line, text in _lines(_read_text(path, encoding)):
        fields = _RTTM_FIELD.findall(text)
        if fields[0].startswith(";;"):
            continue
        if fields[0] not in _RTTM_TYPES:
            _refuse(path, line, f"{fields[0][:20]!r} is not a type of RTTM line", "Give an RTTM file.")
        if fields[0] == "SPEAKER":
            name, pair = _turn(path, line, fields)
            found.setdefault(name, []).append(pair)
    times = np.array(_chosen(path, found, uri), dtype=np.float64).reshape(-1, 2)
    start, end = merged(times[:, 0], times[:, 1], touching=False)
    return list(zip(start.tolist(), end.tolist(), strict=True))


def _chosen(path: str | Path, found: dict[str, list[Stretch]], uri: str | None) -> list[Stretch]:
    """Return what a file says about one recording: the one that is named, or the only one."""
    wanted = None if uri is None else _field(uri)
    if wanted is None and len(found) > 1:
        raise InputError(f"{path} is about {len(found)} recordings: choose one with uri=, of {_few(sorted(found))}.")
    if wanted is not None and found and wanted not in found:
        raise InputError(f"{path} has nothing about {uri!r}: choose one with uri=, of {_few(sorted(found))}.")
    # A file without any stretch is about a recording in which nobody speaks.
    return next(iter(found.values()), []) if wanted is None else found.get(wanted, [])


def _spoken(path: str | Path, labelled: list[Labelled], silence: Iterable[str] | None) -> Pairs:
    """Return the stretches whose label does not say that nobody speaks; where nobody asked for that, it is told."""
    quiet = {text.casefold() for text in (NO_SPEECH if silence is None else silence)}
    spoken = [(start, end) for start, end, label in labelled if label.strip().casefold() not in quiet]
    if silence is None and (count := len(labelled) - len(spoken)):
        labels = _few(sorted({label.strip() for *_, label in labelled if label.strip().casefold() in quiet}))
        warnings.warn(
            f"{path}: {count} of {len(labelled)} stretches are labelled {labels} and were left out as no speech: "
            "silence=() counts them, too.",
            stacklevel=5,
        )
    return spoken


def _turn(path: str | Path, line: int, fields: list[str]) -> tuple[str, tuple[float, float]]:
    """Return whose turn a ``SPEAKER`` line is about, as a name without spaces, and its start and end."""
    if len(fields) < _RTTM_SPEAKER_FIELDS:
        _refuse(path, line, f"{len(fields)} of 9 or 10 fields", "A SPEAKER line says file, channel, begin, duration.")
    at = _begin_field(fields)
    if at is None:
        _refuse(
            path,
            line,
            f"{len(fields)} fields, and it is not clear which of them are the times",
            "A SPEAKER line has 9 or 10: write names without spaces.",
        )
    begin, length = _number(fields[at]), _number(fields[at + 1])
    if begin is None or length is None:
        shown = f"{fields[at][:20]!r} and {fields[at + 1][:20]!r} are not seconds"
        _refuse(path, line, shown, "Fields 4 and 5 are times.")
    if begin < -_PADDED_S or length < 0:
        _refuse(path, line, f"begin {begin} s, duration {length} s", "Neither may be negative.")
    return _field(" ".join(fields[1 : at - 1])), (max(0.0, float(begin)), max(0.0, float(_EXACT.add(begin, length))))


def _begin_field(fields: list[str]) -> int | None:
    """Return which field of a ``SPEAKER`` line is the begin; None if names with spaces leave it open."""
    for at in range(3, len(fields) - 3):
        # The two fields behind the times are always empty in such a line.
        if fields[at + 2] == fields[at + 3] == "<NA>" and _are_numbers(fields[at], fields[at + 1]):
            return at
    shifted = len(fields) > _RTTM_SPEAKER_FIELDS and _are_numbers(fields[3], fields[5])
    clear = len(fields) <= _RTTM_MOST_FIELDS and not shifted and _RTTM_CHANNEL.fullmatch(fields[2])
    return 3 if clear else None


def _few(names: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in names[:5]) + (", …" if len(names) > 5 else "") or "none"


def rttm(segments: Iterable[Any], uri: str) -> str:
    """Return ``SPEAKER`` lines, one a segment; those that name no speaker are all of one.

    It is an `InputError` if a segment begins before 0 or ends before it begins, which the format cannot say.

    White space separates the fields: in names, ``_`` stands for it.
    """
    lines = []
    for s in segments:
        if not (-_EDGE_S <= s.start <= s.end and math.isfinite(s.end)):
            raise InputError(
                f"RTTM cannot hold {s.start:g} to {s.end:g} s: give a start from 0 and an end that is not before it."
            )
        start, end = max(0.0, s.start), max(0.0, s.end)
        begin, length = _seconds(start), _seconds(float(_EXACT.subtract(_rounded(end), _rounded(start))))
        speaker = _field(str(getattr(s, "speaker", "speech")))
        lines.append(f"SPEAKER {_field(uri)} 1 {begin} {length} <NA> <NA> {speaker} <NA> <NA>\n")
    return "".join(lines)


def write_rttm(segments: Iterable[Any], path: str | Path | None, uri: str | None) -> str | None:
    """Write `rttm` to a file, or return it where there is no path; the recording is named after the file by default."""
    return write_or_return(rttm(segments, uri or ("recording" if path is None else stem(path))), path)


def _field(name: str, empty: str = "<NA>") -> str:
    # White space separates fields. Lone surrogates stand for bytes of a file's name that are not UTF-8.
    return re.sub(r"\s+|[\ud800-\udfff]", "_", name.strip()) or empty


def read_audacity(path: str | Path, silence: Iterable[str] | None = None, encoding: str | None = None) -> Pairs:
    r"""Read an Audacity label track: start, end and text, separated by tabs.

    It is an `InputError` if a line cannot be read; it is named.

    Lines that begin with a backslash (frequencies of a spectral selection) and point labels, which have no length, are
    skipped. The decimal sign may be a comma, as Audacity writes it in some languages.

    Parameters
    ----------
    path
        File to read.
    silence
        Labels of what is no speech; None for `NO_SPEECH`, with a warning where there are any.
    encoding
        As in `read_rttm`.
    """
    lines = _lines(_read_text(path, encoding))
    rows = [(line, text.split("\t")) for line, text in lines if not text.startswith("\\")]
    at = _start_field(path, rows)
    labelled = []
    for line, fields in rows:
        # A text may hold tabs; a third number in a longer line means that the first columns are something else.
        if not at and len(fields) > 3 and _are_numbers(fields[2]):
            _refuse(
                path, line, f"{len(fields)} fields, three of them numbers", "A line has a start, an end and a text."
            )
        start, end = _pair(path, line, fields[at : at + 2])
        if start < end:
            labelled.append((start, end, "\t".join(fields[at + 2 :])))
    _check_unit(path, [fields[at : at + 2] for _, fields in rows])
    return _spoken(path, labelled, silence)


def audacity(segments: Iterable[Any]) -> str:
    """Return a label track, one line a segment."""
    return "".join(f"{s.start:.6f}\t{s.end:.6f}\tspeech\n" for s in segments)


def read_csv(
    path: str | Path, uri: str | None = None, silence: Iterable[str] | None = None, encoding: str | None = None
) -> Pairs:
    """Read start and end from a CSV file.

    It is an `InputError` if a line cannot be read (it is named), a column is missing, or the file is about several
    recordings, by a column such as ``filename``.

    Columns are found by their names, ``start`` and ``end``; without a header line, they are the first two, behind the
    numbers of the lines if these are there. Commas, semicolons and tabs separate, whichever of them gives the first
    line these columns. Excel's ``sep=;`` is understood.

    Parameters
    ----------
    path
        File to read.
    uri
        As in `read_rttm`.
    silence
        As in `read_audacity`.
    encoding
        As in `read_rttm`.
    """
    text = _read_text(path, encoding)
    delimiter, said = _delimiter(text)
    rows = [row for row in _csv_rows(text, delimiter) if any(cell.strip() for cell in row[1])][said:]
    if not rows:
        return []
    line, fields = rows[0]
    columns = _csv_columns(path, line, fields)
    width = None if columns is None else len(fields)
    start = 0 if columns else _start_field(path, rows)
    at = columns or (start, start + 1)
    head = [cell.strip().casefold() for cell in fields] if columns else ["", "", "label"]
    found: dict[str, list[Labelled]] = {}
    times: list[list[str]] = []
    for line, fields in rows[0 if columns is None else 1 :]:
        problem = _misplaced(fields, at, width, delimiter)
        if problem:
            _refuse(path, line, problem, "Name the columns in the first line, and put texts and times in quotes.")
        times.append([fields[index] for index in at if index < len(fields)])
        pair = _pair(path, line, times[-1])
        row = dict(zip(head, fields[start:], strict=False))
        name, label = (next((row[one] for one in names if one in row), "") for names in (_NAME_COLUMNS, _LABEL_COLUMNS))
        found.setdefault(_field(name), []).append((*pair, label))
    chosen = _chosen(path, found, uri)
    if head == _WHISPER and delimiter == "\t" and all(cell.strip().isdecimal() for pair in times for cell in pair):
        chosen = [(start / 1000, end / 1000, label) for start, end, label in chosen]
    else:
        _check_unit(path, times)
    return _spoken(path, chosen, silence)


def _delimiter(text: str) -> tuple[str, int]:
    """Return what separates the fields, and how many lines say only that."""
    head = next((line for _, line in _lines(text)), "")
    said = re.fullmatch(r"sep=([\t;,|])", head)
    if said:
        return said[1], 1
    rows = {delimiter: _csv_rows(head, delimiter)[0][1] for delimiter in _DELIMITERS}
    for delimiter, fields in rows.items():
        if {"start", "end"} <= {cell.strip().casefold() for cell in fields}:
            return delimiter, 0
    for delimiter, fields in rows.items():
        if len(fields) > 1 and _are_numbers(*fields[:2]):
            return delimiter, 0
    return max(_DELIMITERS[::-1], key=head.count), 0


def _csv_rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return all rows with the line that each begins in.

    Not Python's ``csv``: there, a quotation mark that is not closed swallows the rows behind it, and a long text is an
    error. Here, quotation marks that do not enclose a whole field are text.
    """
    end = re.escape(delimiter) + r"\n"
    field = re.compile(rf' *"([^"]*+(?:""[^"]*+)*+)" *(?=[{end}]|\Z)|[^{end}]*')
    rows: list[tuple[int, list[str]]] = []
    fields: list[str] = []
    at, line = 0, 1
    while at <= len(text):
        match = field.match(text, at)
        assert match is not None  # a field may be empty
        fields.append(match[0] if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if at == len(text) or text[at] == "\n":
            rows.append((line, fields))
            line += 1 + sum(cell.count("\n") for cell in fields)
            fields = []
        at += 1
    return rows


def _misplaced(fields: list[str], columns: tuple[int, int], width: int | None, delimiter: str) -> str | None:
    """Return why the times may stand in other columns of this line than in those of the header, or None."""
    if width is None:
        decimal = delimiter == "," and len(fields) > 3 and all(cell.strip().isdecimal() for cell in fields[:4])
        return "four whole numbers, which may be two times with decimal commas" if decimal else None
    behind = max(columns) + 1
    # A text with a delimiter in it, behind the times, moves nothing.
    if any(cell.strip() for cell in fields[width:]) and (behind >= width or _are_numbers(fields[behind])):
        return f"{len(fields)} fields under the {width} names of the first line"
    return None


def _csv_columns(path: str | Path, line: int, fields: list[str]) -> tuple[int, int] | None:
    """Return where start and end are if this is a header line."""
    if _are_numbers(fields[0]):
        return None
    names = [cell.strip().casefold() for cell in fields]
    for name in ("start", "end"):
        if names.count(name) > 1:
            _refuse(path, line, f"{names.count(name)} columns are called {name}", "Leave one of them.")
    if "start" not in names or "end" not in names:
        _refuse(path, line, f"no columns start and end among {', '.join(names)[:80]}", "Name them in the first line.")
    return names.index("start"), names.index("end")


def _start_field(path: str | Path, rows: list[tuple[int, list[str]]]) -> int:
    """Return where the times begin in lines without a header: behind the numbers of the lines, as pandas writes them.

    It is an `InputError` if that is not clear.
    """
    counted: list[int] = []
    for _, fields in rows:
        start, end = [*map(_number, fields[1:3]), None, None][:2]
        number = fields[0].strip()
        if start is None or end is None or start > end or not (number.isdecimal() and _are_numbers(number)):
            return 0
        counted.append(int(number))
    if not rows or counted != sorted(set(counted)):
        return 0
    whole = all(field.strip().isdecimal() for _, fields in rows for field in fields[1:3])
    if whole or counted[-1] - counted[0] != len(rows) - 1:
        problem = "three numbers, the first of which may be that of the line"
        _refuse(path, rows[0][0], problem, "Leave the line's number out.")
    return 1


def _pair(path: str | Path, line: int, fields: list[str]) -> tuple[float, float]:
    if len(fields) < 2:
        _refuse(path, line, "an end is missing", "A line says where a stretch begins and where it ends.")
    start, end = _number(fields[0]), _number(fields[1])
    if start is None or end is None:
        _refuse(path, line, f"{fields[0][:20]!r} and {fields[1][:20]!r} are not two times", "Give seconds.")
    if end < start:
        _refuse(path, line, f"the end ({end} s) is before the start ({start} s)", "Swap them.")
    return float(start), float(end)


def _check_unit(path: str | Path, times: list[list[str]]) -> None:
    """Refuse whole numbers that are too far apart to be the seconds of utterances."""
    if not times or not all(cell.strip().isdecimal() for pair in times for cell in pair):
        return
    lengths = sorted(int(end) - int(start) for start, end in times)
    if lengths[len(lengths) // 2] >= _FEW_SECONDS:
        start, end = times[0]
        raise InputError(
            f"{path} has whole numbers for times, such as {start} to {end}, which look like milliseconds, frames or "
            f"samples: write seconds, or {end.strip()}.0 if they are seconds."
        )


class _Reader:
    """Read one value of a TextGrid after the other, each of the kind that must come."""

    def __init__(self, path: str | Path, text: str) -> None:
        self._path = path
        self._tokens: list[tuple[str, str, int]] = []  # kind, value and line
        line, behind = 1, 0
        for match in _TOKEN.finditer(text):
            line, behind = line + text.count("\n", behind, match.start()), match.start()
            if match.lastgroup is not None:
                self._tokens.append((match.lastgroup, match[match.lastgroup], line))
        self._lines = text.count("\n") + 1
        self._next = 0

    def text(self) -> str:
        return self._next_value("text", "a text in quotes").replace('""', '"')

    def seconds(self) -> float:
        text = self._next_value("number", "a time")
        value = _number(text)
        if value is None:
            self.refuse(f"{text[:20]!r} is not a time")
        return float(value)

    def span(self) -> tuple[float, float]:
        start, end = self.seconds(), self.seconds()
        if end < start:
            self.refuse(f"the end ({end:g} s) is before the start ({start:g} s)")
        return start, end

    def count(self) -> int:
        value = self._next_value("number", "a count")
        if not value.isdecimal() or len(value) > 9:
            self.refuse(f"{value[:20]!r} is not a count")
        return int(value)

    def end(self) -> None:
        if self._next < len(self._tokens):
            self._next += 1
            self.refuse("more follows than the file's counts say")

    def flag(self) -> str:
        return self._next_value("flag", "<exists> or <absent>")

    def refuse(self, problem: str) -> NoReturn:
        line = self._tokens[self._next - 1][2] if self._next else 1
        _refuse(self._path, line, problem, "Give a TextGrid that Praat can open.")

    def _next_value(self, kind: str, what: str) -> str:
        if self._next == len(self._tokens):
            _refuse(self._path, self._lines, f"the file ends where {what} is expected", "Give a complete TextGrid.")
        found, value, _ = self._tokens[self._next]
        self._next += 1
        if found != kind:
            self.refuse(f"{value[:20]!r} is where {what} is expected")
        return value


def read_textgrid(
    path: str | Path, tier: str | int | None = None, silence: Iterable[str] | None = None, encoding: str | None = None
) -> Pairs:
    """Read where an interval tier has speech.

    Parameters
    ----------
    path
        File to read.
    tier
        Name of the tier, or its place among the interval tiers, from 0; None if there is only one.
    silence
        Texts of the intervals that are no speech; None for `SILENCE`.
    encoding
        As in `read_rttm`.

    Raises
    ------
    InputError
        If the file is no TextGrid (the line is named), has no such tier, or several and none is chosen.
    """
    tiers = _tiers(_Reader(path, _read_text(path, encoding)))
    numbers = dict(enumerate(tiers))
    chosen = [at for at, (name, _) in numbers.items() if tier is None or tier in (name, at)]
    if len(chosen) != 1:
        kind = "" if tier is None else f" called {tier!r}" if isinstance(tier, str) else f", and none is number {tier}"
        found = len(tiers) if not isinstance(tier, str) else len(chosen)
        names = [repr(name[:40]) for name, _ in tiers]
        if len(set(names)) < len(names):
            names = [f"{at} ({name})" for at, name in enumerate(names)]
        if not names:
            raise InputError(f"{path} has no tier of intervals: mark speech as intervals; points have no length.")
        raise InputError(f"{path} has {found} interval tiers{kind}: choose one with tier=, of {_few(names)}.")
    return _spoken(path, tiers[chosen[0]][1], SILENCE if silence is None else silence)


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
            reader.refuse(f"{kind[:20]!r} is not a kind of tier")
        name = reader.text()
        reader.span()
        if kind == "IntervalTier":
            tiers.append((name, [(*reader.span(), reader.text()) for _ in range(reader.count())]))
        else:
            for _ in range(reader.count()):
                reader.seconds()
                reader.text()
    reader.end()
    return tiers


def textgrid(segments: Iterable[Any], duration: float, *, short: bool) -> str:
    """Return a TextGrid, in the ``short`` text format or the long one, with one interval tier.

    The segments are in order and disjoint, ``duration`` in seconds; what is not speech has an empty text.
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
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    body = "".join(_tier(intervals, total))
    # The short format is what is left without names and numbers of things.
    return head + (re.sub(r".* (?:= |(?=<))|.*:\n", "", body) if short else body)


def _tier(intervals: Sequence[tuple[str, str, str]], total: str) -> Iterator[str]:
    yield f"xmin = 0\nxmax = {total}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
    yield '        class = "IntervalTier"\n        name = "speech"\n'
    yield f"        xmin = 0\n        xmax = {total}\n        intervals: size = {len(intervals)}\n"
    for index, (start, end, text) in enumerate(intervals, start=1):
        yield f"        intervals [{index}]:\n            xmin = {start}\n            xmax = {end}\n"
        yield f'            text = "{text}"\n'
