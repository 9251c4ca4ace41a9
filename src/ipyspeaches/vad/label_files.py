"""Labels in line-based files: RTTM, Audacity label tracks, comma-separated values.

Readers return pairs of start and end as they are written, and name the line of whatever they cannot read. Times are
added and written in decimal arithmetic, so that what is written and read again is equal to a microsecond.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import write_file
from ipyspeaches.vad.intervals import merged

Pairs: TypeAlias = list[tuple[float, float]]

_RTTM_SPEAKER_FIELDS: Final = 5  # type, file, channel, begin, duration; the others may be missing
_RTTM_TYPES: Final = frozenset(
    {
        *("SPEAKER", "SPKR-INFO", "SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH"),
        *("FILLER", "EDIT", "IP", "SU", "CB", "A/P"),
    }
)
_MICROSECOND: Final = Decimal("0.000001")


def read_text(path: str | Path) -> str:
    """Return the text of a file in UTF-8 or, with a byte order mark, UTF-16.

    Raises
    ------
    InputError
        If there is no such file or it is no text.
    """
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


def give(text: str, path: str | Path | None) -> str | None:
    """Write text to a file, or return it where there is none."""
    if path is None:
        return text
    write_file(path, text.encode())
    return None


def stem(path: str | Path) -> str:
    """Return a file's name without its suffixes, fit to be the name of a recording in RTTM."""
    return re.sub(r"\s+", "_", Path(path).name.partition(".")[0]) or "recording"


def refuse(path: str | Path, line: int, problem: str, cure: str) -> NoReturn:
    """Raise the error for a line that cannot be read.

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(f"{path}, line {line}: {problem}. {cure}")


def number(text: str) -> Decimal:
    """Return a decimal number; a comma may stand for the point.

    Raises
    ------
    ValueError
        If it is none, or not finite.
    """
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation as exc:
        raise ValueError(text) from exc
    if not value.is_finite():
        raise ValueError(text)
    return value


def seconds(value: float) -> str:
    """Return seconds with as many digits as a microsecond needs, at least three."""
    whole, _, digits = f"{_rounded(value):f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(3, '0')}"


def _rounded(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(_MICROSECOND)


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            yield index, line


def read_rttm(path: str | Path, uri: str | None = None) -> Pairs:
    """Read the ``SPEAKER`` lines of an RTTM file (NIST, Rich Transcription 2009 evaluation plan, appendix A).

    Where speakers overlap, speech is where anybody speaks. Lines of the other types and comments (``;;``)
    are passed over.

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
            refuse(path, line, f"{fields[0][:20]!r} is no type of RTTM line", "Give an RTTM file.")
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < _RTTM_SPEAKER_FIELDS:
            refuse(
                path, line, f"{len(fields)} of 9 or 10 fields", "A SPEAKER line says file, channel, begin, duration."
            )
        try:
            begin, length = number(fields[3]), number(fields[4])
        except ValueError:
            refuse(path, line, f"{fields[3]!r} and {fields[4]!r} are not seconds", "Fields 4 and 5 are times.")
        if begin < 0 or length < 0:
            refuse(path, line, f"begin {begin} s, duration {length} s", "Neither may be negative.")
        found.setdefault(fields[1], []).append((float(begin), float(begin + length)))
    if uri is None and len(found) > 1:
        raise InputError(f"{path} is about {len(found)} recordings: choose one with uri=, of {_few(found)}.")
    if uri is not None and uri not in found:
        raise InputError(f"{path} says nothing about {uri!r}: choose one with uri=, of {_few(found)}.")
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
        f"SPEAKER {uri} 1 {seconds(s.start)} {seconds(float(_rounded(s.end) - _rounded(s.start)))} "
        f"<NA> <NA> {_field(getattr(s, 'speaker', 'speech'))} <NA> <NA>\n"
        for s in segments
    )


def _field(name: str) -> str:
    # White space separates fields.
    return re.sub(r"\s+", "_", name.strip()) or "<NA>"


def read_audacity(path: str | Path) -> Pairs:
    r"""Read an Audacity label track: start, end and text, separated by tabs.

    Lines that begin with a backslash (frequencies of a spectral selection) and point labels, which have no length, are
    passed over. The decimal sign may be a comma, as Audacity writes it in some languages.

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
    text = read_text(path)
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
        number(fields[0])
    except ValueError:
        names = [cell.strip().casefold() for cell in fields]
        if "start" in names and "end" in names:
            return names.index("start"), names.index("end")
        refuse(path, line, f"no columns start and end among {', '.join(names)[:80]}", "Name them in the first line.")
    return None


def _pair(path: str | Path, line: int, fields: list[str]) -> tuple[float, float]:
    if len(fields) < 2:
        refuse(path, line, "an end is missing", "A line says where a stretch begins and where it ends.")
    try:
        start, end = number(fields[0]), number(fields[1])
    except ValueError:
        refuse(path, line, f"{fields[0][:20]!r} and {fields[1][:20]!r} are not two times", "Give seconds.")
    if end < start:
        refuse(path, line, f"the end ({end} s) is before the start ({start} s)", "Exchange them.")
    return float(start), float(end)
