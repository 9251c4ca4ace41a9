"""What was said in a session or a file, utterance by utterance."""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import msgspec

from ipyspeaches.checks import as_path, checked, shown_if_made
from ipyspeaches.errors import InputError
from ipyspeaches.languages import language_heard
from ipyspeaches.liberal import fit, parse_json
from ipyspeaches.results import subtitles
from ipyspeaches.results.diarization import Dialogue, Diarization, Line
from ipyspeaches.results.records import Marks
from ipyspeaches.results.segment import Gap, Gaps, Segment, Words
from ipyspeaches.tables import Kind, Rows, write_file
from ipyspeaches.terminal import printable
from ipyspeaches.words import Word, join_text

SUBTITLES: Final = ("srt", "vtt")
FORMATS: Final = ("srt", "vtt", "txt", "json", "csv")
_MAX_TIME_S: Final = 1e9
_MAX_ID: Final = 2**53
MAX_ROWS: Final = 500
"""Rows shown: a notebook keeps its outputs, and nobody reads more in a cell."""

# Styles are inline and colours are inherited or half transparent, so that light and dark themes, GitHub and paper work
# where style sheets are stripped.
CELL: Final = "padding:.25em .6em;border-top:1px solid rgba(128,128,128,.35);vertical-align:top;"
_NUMBER: Final = CELL + "text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.75;"
_TEXT: Final = CELL + "text-align:start;white-space:normal;min-width:12em;"


class _Document(msgspec.Struct):
    """The JSON file: as OpenAI's ``verbose_json``, whose other fields are ignored."""

    segments: tuple[Segment, ...] = ()
    text: str = ""
    missing: tuple[Gap, ...] = ()


class _Read(_Document):
    """What may stand in one: other programs have the words beside the segments, or no segments."""

    words: tuple[Word, ...] = ()
    language: str | None = None
    duration: float = 0.0

    def __post_init__(self) -> None:
        if self.words and not any(segment.words for segment in self.segments):
            self.segments = tuple(self._with_words(segment) for segment in self.segments)
        if any(segment.text.strip() for segment in self.segments):
            self.segments = self._with_the_rest()
        else:
            self.segments = self._whole() or self.segments
        self.segments = tuple(self._with_code(segment) for segment in self.segments)

    def _with_code(self, segment: Segment) -> Segment:
        """Return a segment with its language as a code: Whisper's programs name it once for all, in English."""
        return dataclasses.replace(segment, language=language_heard(segment.language or self.language))

    def _with_words(self, segment: Segment) -> Segment:
        words = tuple(word for word in self.words if segment.start <= word.middle < segment.end)
        return dataclasses.replace(segment, words=words)

    def _with_the_rest(self) -> tuple[Segment, ...]:
        """Return the segments, and others for what the text has between and behind them."""
        text, at, end_s = " ".join(printable(self.text).split()), 0, 0.0
        said = [segment for segment in self.segments if segment.text.strip()]
        rows: list[Segment] = []
        for segment in said:
            own = " ".join(segment.text.split())
            begins = text.find(own, at)
            if begins < 0:  # the text is written otherwise
                return self.segments
            if between := text[at:begins].strip():
                rows.append(Segment(end_s, segment.start, between))
            rows.append(segment)
            at, end_s = begins + len(own), segment.end
        if rest := text[at:].strip():
            rows.append(Segment(end_s, max(end_s, self.duration), rest))
        return self.segments if len(rows) == len(said) else tuple(dataclasses.replace(row, id=-1) for row in rows)

    def _whole(self) -> tuple[Segment, ...]:
        text = self.text.strip() or join_text(word.word for word in self.words)
        start, end = (self.words[0].start, self.words[-1].end) if self.words else (0.0, self.duration)
        return (Segment(start, end, text, self.words, self.language, id=0),) if text else ()


def _segments(given: Any) -> list[dict[str, Any]]:  # noqa: ANN401  JSON
    """Return segments that all have times and a text, from what stands around; ids only where they rise."""
    rows = list(_timed(given))
    ids = [row.get("id") for row in rows]
    numbers = [one for one in ids if isinstance(one, int) and 0 <= one <= _MAX_ID]
    rises = numbers == ids and all(one < other for one, other in pairwise(numbers))
    end_s = 0.0
    for row, following in zip(rows, [*rows[1:], {}], strict=False):
        start_s = row.get("start", end_s)
        end_s = row.get("end", following.get("start", start_s))
        row |= {"start": start_s, "end": max(start_s, end_s), "id": row.get("id", -1) if rises else -1}
        if row["words"] and not isinstance(row.get("text"), str):
            row["text"] = join_text(str(word.get("word") or "") for word in row["words"])
    return rows


def _timed(given: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  JSON
    """Iterate over the segments, words or gaps in a list; times are numbers, or not there."""
    for row in _rows(given):
        times = {name: _time(value) for name, value in {**_span(row), "latency_s": row.get("latency_s")}.items()}
        bare = {name: value for name, value in row.items() if name not in times}
        bare |= {name: time for name, time in times.items() if time is not None}
        yield {**bare, "words": list(_timed(row.get("words")))}


def _rows(given: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  JSON
    return (row for row in given if isinstance(row, dict)) if isinstance(given, list) else iter(())


def _span(row: dict[str, Any]) -> dict[str, Any]:
    """Return when a row begins and ends, in seconds as most programs say it; whisper.cpp and transformers otherwise."""
    match row:
        case {"timestamp": [start, end]}:
            return {"start": start, "end": end}
        case {"offsets": {"from": int(start_ms), "to": int(end_ms)}}:
            return {"start": start_ms / 1000, "end": end_ms / 1000}
    return {name: row.get(name) for name in ("start", "end")}


def _read(content: str | bytes) -> dict[str, Any]:
    """Return JSON as a document with segments, text or words, whichever program has written it how."""
    try:
        data = parse_json(content)
    except ValueError:
        text = content if isinstance(content, str) else content.decode("utf-8-sig", "replace")
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not all(line.startswith("{") and line.endswith("}") for line in lines):
            raise
        data = list(map(parse_json, lines))
    if isinstance(data, list) and data:
        words = any(isinstance(row, dict) and "word" in row for row in data)
        return {"words" if words else "segments": data}
    given = data if isinstance(data, dict) else {}
    others = [given[name] for name in ("transcription", "chunks", "transcript") if given.get(name)]
    found = {"text" if isinstance(one, str) else "segments": one for one in others}
    return {**found, **{name: value for name, value in given.items() if value or name not in found}}


def _time(value: Any) -> float | None:  # noqa: ANN401  JSON
    """Return a time, also one that is written as text; None if it is at no time of a recording."""
    try:
        time_s = float(value)
    except (TypeError, ValueError):
        return None
    return time_s if abs(time_s) <= _MAX_TIME_S else None  # nor is NaN


class _Lines(Rows[Segment]):
    """Segments; in a file, also what stands for those that are missing."""

    _row_type: ClassVar = Segment
    kinds: ClassVar = {
        "words": {"word": Kind.TEXT, "start": Kind.NUMBER, "end": Kind.NUMBER, "probability": Kind.NUMBER}
    }

    def columns(self) -> Mapping[str, Any]:
        """Return the columns: the fields of `Segment`, times in seconds as float64 arrays of shape ``(len(self),)``."""
        columns = super().columns()
        words = [tuple(dataclasses.asdict(word) for word in words) for words in columns["words"]]
        return {**columns, "words": words}


@checked
class Transcript(_Lines):
    """Segments in the order in which they were recorded; one row each in data frames.

    One thread may add while others read: they see the transcript before or after a change, never during it.

    Parameters
    ----------
    segments
        Segments to begin with.
    missing
        Stretches without text to begin with.

    Attributes
    ----------
    name
        What it is of, such as a take or a file; empty where nobody says. JSON and WebVTT have it.
    marks
        Moments that were marked; JSON, CSV and WebVTT have them.
    """

    def __init__(self, segments: Iterable[Segment] = (), missing: Iterable[Gap] = ()) -> None:
        self.name = ""
        self.marks = Marks()
        self._missing = tuple(missing)
        self._partials: Mapping[str, str] = {}
        placed: dict[int, Segment] = {}
        top = -1
        for segment in segments:  # as by `append`, which would copy all others for each
            placing = segment if segment.id >= 0 else dataclasses.replace(segment, id=top + 1)
            if placing.id in placed:
                raise _taken(placing.id)
            placed[placing.id] = placing
            top = max(top, placing.id)
        self._rows: tuple[Segment, ...] = tuple(placed[at] for at in sorted(placed))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The final utterances, ordered by their ``id``."""
        return self._rows

    @property
    def text(self) -> str:
        """All final text as one: without spaces inside Chinese, with spaces inside English (see `join_text`)."""
        return join_text(segment.text for segment in self._rows)

    @property
    def words(self) -> Words:
        """All words with times, as a table; empty where the engine gives none."""
        return Words(word for segment in self._rows for word in segment.words)

    @property
    def missing(self) -> Gaps:
        """Stretches that have no text although they should, each with its reason; empty when all is there.

        Files name them: subtitles, plain text, CSV and Parquet in brackets at their place, JSON in a list of its own.
        Data frames have a row a segment, and none for these: this is a table of its own.
        """
        return Gaps(self._missing)

    @property
    def partial(self) -> str:
        """Text of utterances that are not final yet; it may still change."""
        return join_text(self._partials.values())

    def append(self, segment: Segment) -> Segment:
        """Put a final segment in its place and forget the partial text of its item.

        It is an `InputError` if there is a segment with this ``id`` already.

        Finals may arrive in any order: the ``id`` is the place. Without one (-1) the segment comes last.

        Returns
        -------
        Segment
            The segment as it was added, with its ``id``.
        """
        segments = self._rows
        if segment.id < 0:
            segment = dataclasses.replace(segment, id=segments[-1].id + 1 if segments else 0)
        at = self._find(segment.id)
        if at < len(segments) and segments[at].id == segment.id:
            raise _taken(segment.id)
        # A whole new tuple instead of a lock: copying the references of 10,000 segments takes microseconds.
        self._rows = (*segments[:at], segment, *segments[at:])
        self._forget_partial(segment.item_id)
        return segment

    def replace(self, segment: Segment) -> None:
        """Put a segment in the place of the one with the same ``id``; an `InputError` if there is none."""
        segments = self._rows
        at = self._find(segment.id)
        if at == len(segments) or segments[at].id != segment.id:
            raise InputError(f"The transcript has no segment {segment.id} to replace: use append() to add it.")
        self._rows = (*segments[:at], segment, *segments[at + 1 :])
        self._forget_partial(segment.item_id)

    def remove(self, segment_id: int) -> None:
        """Take back a segment, if it is there."""
        self._rows = tuple(segment for segment in self._rows if segment.id != segment_id)

    def add_missing(self, start: float, end: float, reason: str) -> None:
        """Note that there is no text from ``start`` to ``end`` (s), and why."""
        gap = Gap(start, max(start, end), reason)
        self._missing = tuple(sorted((*self._missing, gap), key=lambda one: (one.start, one.end)))

    def forget_missing(self, start: float, end: float) -> None:
        """Note that there is a text from ``start`` to ``end`` (s) now."""
        self._missing = tuple(gap for gap in self._missing if (gap.start, gap.end) != (start, end))

    def with_speakers(self, diarization: Diarization) -> Dialogue:
        """Return who said what: each segment with the speaker who speaks longest in it, None where nobody does.

        A stretch without text is a line, too, with the reason in brackets and the id -1.

        Parameters
        ----------
        diarization
            Who speaks when in the session's recording, whose clock is this transcript's.
        """
        return Dialogue(
            Line(one.start, one.end, diarization.speaker_between(one.start, one.end), one.text, one.language, one.id)
            for one in self._with_gaps()
        )

    def set_partial(self, item_id: str, text: str) -> None:
        """Set what an unfinished item says so far; an empty text forgets it."""
        if text:
            self._partials = {**self._partials, item_id: text}
        else:
            self._forget_partial(item_id)

    def partial_of(self, item_id: str) -> str:
        """Return what an unfinished item says so far, if anything."""
        return self._partials.get(item_id, "")

    def to_srt(self, *, split: bool = True) -> str:
        """Return SubRip subtitles; segments without text are left out, missing stretches named.

        Parameters
        ----------
        split
            Whether texts are wrapped to two lines of 42 characters, and longer ones split at words; else each segment
            is one subtitle on one line.
        """
        return subtitles.to_srt(self._cues() if split else self._spans(), wrapped=split)

    def to_vtt(self, *, split: bool = True) -> str:
        """Return WebVTT subtitles; as `to_srt`, with notes of the name and the marks."""
        notes = [*filter(None, [self.name]), *(f"{clock(mark.time)} {mark.name}" for mark in self.marks)]
        return subtitles.to_vtt(self._cues() if split else self._spans(), notes, wrapped=split)

    def to_txt(self) -> str:
        """Return one line of text a segment; segments without text are left out, missing stretches named."""
        lines = (subtitles.one_line(row.text) for row in self._with_gaps())
        return "".join(f"{line}\n" for line in lines if line)

    def render(self, kind: str, *, split: bool = True) -> str:
        """Return the transcript in a format such as ``"srt"``: what the method of that name returns.

        It is an `InputError` if it is none of `FORMATS`.

        ``split`` is for subtitles, see `to_srt`.
        """
        if kind not in FORMATS:
            raise InputError(f"A transcript has no format {kind!r}: choose one of {', '.join(FORMATS)}.")
        write: Callable[..., str | None] = getattr(self, f"to_{kind}")
        return write(**({"split": split} if kind in SUBTITLES else {})) or ""

    def to_json(self) -> str:
        """Return the whole transcript as JSON, in the shape of OpenAI's ``verbose_json``; `from_json` reads it."""
        segments, missing = tuple(map(_bounded, self._rows)), tuple(map(_bounded, self._missing))
        more: dict[str, Any] = {"name": self.name} if self.name else {}
        if len(self.marks):
            more["marks"] = [{"time": mark.time, "name": mark.name} for mark in self.marks]
        encoded = msgspec.json.encode({**msgspec.to_builtins(_Document(segments, self.text, missing)), **more})
        return msgspec.json.format(encoded, indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes | bytearray | memoryview) -> Self:
        """Return the transcript that `to_json` or a recogniser wrote; text or words alone count, too.

        What stands beside the text and does not fit is left out. It is an `InputError` if the text is no JSON, or not
        that of a transcript.
        """
        try:
            given = _read(text if isinstance(text, str) else bytes(text))
            rows = {"segments": _segments(given.get("segments"))}
            rows |= {name: list(_timed(given.get(name))) for name in ("words", "missing")}
            document = fit({**given, **rows, "duration": _time(given.get("duration"))}, _Read)
            empty = any(given.get(name) in ("", []) for name in ("text", "segments", "words"))
            if not (document.segments or document.missing or empty):
                raise ValueError("it has neither segments nor text")
            read = cls(document.segments, document.missing)
            read.name = printable(given["name"]) if isinstance(given.get("name"), str) else ""
            for mark in _timed([{**one, "start": one.get("time")} for one in _rows(given.get("marks"))]):
                if "start" in mark:
                    read.marks.add(mark["start"], str(mark.get("name") or ""))
            return read
        except ValueError as exc:
            problem = str(exc)
        raise InputError(f"This is not a transcript ({problem}): give the text that to_json() returned.")

    def save(self, path: str | Path, *, bom: bool = False, split: bool = True) -> Path:
        """Write the transcript in the format that the file's suffix names.

        Parameters
        ----------
        path
            File ending in ``.srt``, ``.vtt``, ``.txt``, ``.json``, ``.csv`` or ``.parquet``.
        bom
            Whether a text file begins with a byte order mark: without one, Excel and old players do not see that it is
            UTF-8.
        split
            Whether long subtitles are wrapped and split, see `to_srt`.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            If the suffix is none of these, or the file cannot be written.
        MissingExtraError
            For Parquet, if neither pyarrow nor polars is installed.
        """
        file = as_path(path)
        kind = file.suffix.lower().removeprefix(".")
        if kind == "parquet":
            self.to_parquet(file)
        elif kind in FORMATS:
            write_file(file, self.render(kind, split=split).encode("utf-8-sig" if bom else "utf-8"))
        else:
            known = ", ".join(f".{name}" for name in (*FORMATS, "parquet"))
            raise InputError(f"A transcript cannot be saved as {file.name!r}: end the name with one of {known}.")
        return file

    @shown_if_made
    def __repr__(self) -> str:
        text = self.text
        shown = text if len(text) <= 60 else text[:59] + "…"
        missing = f", {len(self._missing)} missing" if self._missing else ""
        return f"Transcript({len(self)} segments{missing}: {shown!r})"

    def _repr_html_(self) -> str:
        return transcript_html(self._rows, self.partial, self._missing)

    def to_html(self) -> str:
        """Return the text as bare HTML: a line with its time for each segment, and for what is missing."""
        return "".join(
            f'<div dir="auto"{_lang(line)}><code>{clock(line.start)}</code> {escape(line.text)}</div>'
            for line in self._with_gaps()
        )

    def _spans(self) -> Iterator[tuple[float, float, str]]:
        return ((segment.start, segment.end, segment.text) for segment in self._with_gaps())

    def _cues(self) -> Iterator[tuple[float, float, str]]:
        for line in self._with_gaps():
            if line.id < 0:  # no segment, but what says that one is missing
                yield line.start, line.end, line.text
            else:
                yield from subtitles.split(line.start, line.end, line.text.replace("\0", ""), line.words)

    def _filed(self) -> _Lines:
        lines = self._with_gaps()
        for mark in self.marks:
            at = next((at for at, line in enumerate(lines) if line.start > mark.time), len(lines))
            lines.insert(at, Segment(mark.time, mark.time, f"[mark: {mark.name}]"))
        return _Lines(lines)

    def _with_gaps(self) -> list[Segment]:
        """Return the segments, and where text is missing, what says so."""
        lines = list(self._rows)
        for gap in self._missing:
            at = next((at for at, line in enumerate(lines) if line.start > gap.start), len(lines))
            lines.insert(at, Segment(gap.start, gap.end, f"[text missing: {gap.reason}]"))
        return lines

    def _find(self, order: int) -> int:
        """Return where a segment with this ``id`` is or belongs."""
        return bisect_left(self._rows, order, key=lambda segment: segment.id)

    def _forget_partial(self, item_id: str | None) -> None:
        self._partials = {item: text for item, text in self._partials.items() if item != item_id}


def _taken(number: int) -> InputError:
    return InputError(f"The transcript already has a segment {number}: use replace() to change its text.")


def _bounded(row: Any) -> Any:  # noqa: ANN401  a segment, a word or a gap
    """Return a row for JSON, which has no infinite times: the text counts."""
    given = {name: getattr(row, name, None) for name in ("start", "end", "latency_s")}
    changes: dict[str, Any] = {
        name: 0.0 if math.isnan(time) else math.copysign(_MAX_TIME_S, time)
        for name, time in given.items()
        if time is not None and not abs(time) <= _MAX_TIME_S  # nor is NaN
    }
    if isinstance(row, Segment) and (words := tuple(map(_bounded, row.words))) != row.words:
        changes["words"] = words
    return dataclasses.replace(row, **changes) if changes else row


def transcript_html(segments: Sequence[Segment], partial: str, missing: Sequence[Gap] = ()) -> str:
    """Return segments as an HTML table of time, text, language and latency; then what is missing or not final yet."""
    rows = [_row(segment) for segment in segments[:MAX_ROWS]]
    hidden = len(segments) - len(rows)
    if hidden > 0:
        note = f"… and {hidden:,} more: .save() writes them all"
        rows.append(f'<tr><td style="{_NUMBER}"></td><td style="{_TEXT}" colspan="3">{note}</td></tr>')
    for gap in missing[:MAX_ROWS]:
        text = f'<td style="{_TEXT}" dir="auto" colspan="3"><em>text missing: {escape(gap.reason)}</em></td>'
        rows.append(f'<tr><td style="{_NUMBER}">{clock(gap.start)} – {clock(gap.end)}</td>{text}</tr>')
    if partial:
        text = f'<td style="{_TEXT}opacity:.6" dir="auto" colspan="3"><em>{escape(partial)}</em></td>'
        rows.append(f'<tr><td style="{_NUMBER}">…</td>{text}</tr>')
    if not rows:
        rows.append(f'<tr><td style="{_TEXT}" colspan="4">Nothing has been said yet.</td></tr>')
    head = "".join(
        f'<th scope="col" style="padding:.25em .6em;text-align:{align}">{name}</th>'
        for name, align in (("time", "end"), ("text", "start"), ("language", "start"), ("latency", "end"))
    )
    style = "border-collapse:collapse;color:inherit;background:transparent"
    return f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _row(segment: Segment) -> str:
    language = escape(segment.language or "")
    latency = "" if segment.latency_s is None else f"{segment.latency_s:.2f} s"
    return (
        f'<tr><td style="{_NUMBER}">{clock(segment.start)} – {clock(segment.end)}</td>'
        f'<td style="{_TEXT}" dir="auto"{_lang(segment)}>{escape(segment.text)}</td>'
        f'<td style="{CELL}text-align:start">{language}</td><td style="{_NUMBER}">{latency}</td></tr>'
    )


def _lang(segment: Segment) -> str:
    return f' lang="{escape(segment.language)}"' if segment.language else ""


def clock(time_s: float) -> str:
    """Return seconds as people read them: ``0:07.3``, ``12:00.0``, ``1:02:03.4``; ``?`` where nobody knows them."""
    if not math.isfinite(time_s * 10):
        return "?"
    tenths = max(0, round(time_s * 10))
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"
