"""The same words by several ways: which got them right, and how long each took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.results.accuracy import ErrorRate, Piece, cer, differences, wer
from ipyspeaches.results.records import MEASURES, STEPS, Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import MAX_ROWS, Transcript, clock
from ipyspeaches.tables import Rows, Table
from ipyspeaches.words import needs_space

Reference: TypeAlias = str | Transcript | None

SHARED: Final = 0.5
"""Two utterances are the same speech if they overlap by this part of the shorter one or more."""

# As for a transcript, styles are inline and colours are inherited or half transparent.
_CELL: Final = "padding:.25em .6em;border-top:1px solid rgba(128,128,128,.35);vertical-align:top;"
_HEAD: Final = "padding:.25em .6em;text-align:start;vertical-align:bottom;"
_LABEL: Final = _CELL + "text-align:end;white-space:nowrap;font-weight:normal;font-variant-numeric:tabular-nums;"
_TEXT: Final = _CELL + "text-align:start;white-space:normal;min-width:11em;"
# What differs is marked by more than colour.
_SAID: Final = "text-decoration:line-through;opacity:.7"
_HEARD: Final = "text-decoration:underline 2px;background:rgba(214,120,0,.22)"


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What one of the compared runs gave.

    Parameters
    ----------
    name
        What it is called.
    transcript, latency
        What was said, and how long it took.
    transport
        By which way speech went.
    model
        Model id; None if the run did not come so far.
    cuts
        Who cut: a detector's name, or ``"server"``.
    warnings
        What the user should know of it.
    error
        What made it fail, in words; None if nothing did.
    """

    name: str
    transcript: Transcript
    latency: Latency
    transport: str = "realtime"
    model: str | None = None
    cuts: str = "silero"
    warnings: tuple[str, ...] = ()
    error: str | None = None


class ComparedUtterance(NamedTuple):
    """An utterance of one run; the same ``utterance`` in another run is the same speech.

    Times are in session seconds; the measures are those of `UtteranceLatency`.
    """

    utterance: int
    run: str
    start: float
    end: float
    text: str
    item_id: str | None
    vad_stop_ms: float
    commit_ms: float
    first_partial_ms: float
    final_ms: float
    on_screen_ms: float


class ComparedUtterances(Rows[ComparedUtterance]):
    """One row an utterance and run, ordered by time: what is the same speech stands together."""

    _row_type: ClassVar = ComparedUtterance


class Comparison(Table):
    """One row a run: how many words it got wrong, and the medians of its latencies.

    Columns: ``run``, ``transport``, ``model``, ``cuts``, ``utterances``, ``wer`` and ``cer`` (NaN without a
    reference, and for a run that failed), the medians of `UtteranceLatency`'s measures in ms, the number of
    ``warnings``, and ``error``.

    Parameters
    ----------
    runs
        What each gave.
    reference
        What was said, if that is known.

    Raises
    ------
    InputError
        If two runs have the same name.
    """

    def __init__(self, runs: Iterable[ComparedRun], reference: Reference = None) -> None:
        given = tuple(runs)
        self._runs = {run.name: run for run in given}
        if len(self._runs) < len(given):
            raise InputError("Two of the compared runs have the same name: give each a name of its own.")
        self._reference = reference.text if isinstance(reference, Transcript) else reference

    @property
    def runs(self) -> Sequence[ComparedRun]:
        """The runs, in order."""
        return tuple(self._runs.values())

    @property
    def reference(self) -> str | None:
        """What was said, if that is known."""
        return self._reference

    @property
    def transcripts(self) -> Mapping[str, Transcript]:
        """What each run heard, by name."""
        return {name: run.transcript for name, run in self._runs.items()}

    @property
    def latencies(self) -> Mapping[str, Latency]:
        """How long each utterance of each run took, by name."""
        return {name: run.latency for name, run in self._runs.items()}

    @property
    def utterances(self) -> ComparedUtterances:
        """All utterances of all runs, with the number of the speech that they are of (see `match`)."""
        segments = [run.transcript.segments for run in self.runs]
        rows = [
            _utterance(number, run.name, segment, measures)
            for run, own, numbers in zip(self.runs, segments, match(segments), strict=True)
            for measures in [_measures(run.latency)]
            for segment, number in zip(own, numbers, strict=True)
        ]
        return ComparedUtterances(sorted(rows, key=lambda row: row.utterance))

    def against(self, reference: Reference) -> Comparison:
        """Return the same runs, judged by another reference."""
        return Comparison(self.runs, reference)

    def error_rate(self, name: str, unit: str = "words") -> ErrorRate | None:
        """Return how much of a run is wrong, in ``"words"`` or ``"characters"``; None where that is not known."""
        run = self._runs[name]
        if not self._reference or run.error is not None:
            return None
        return (wer if unit == "words" else cer)(self._reference, run.transcript.text)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns: counts as int64, rates and milliseconds as float64, NaN where not there."""
        runs = self.runs
        summaries = [run.latency.summary() for run in runs]
        return {
            "run": [run.name for run in runs],
            "transport": [run.transport for run in runs],
            "model": [run.model for run in runs],
            "cuts": [run.cuts for run in runs],
            "utterances": np.array([len(run.transcript) for run in runs], dtype=np.int64),
            "wer": np.array([_rate(self.error_rate(run.name)) for run in runs], dtype=np.float64),
            "cer": np.array([_rate(self.error_rate(run.name, "characters")) for run in runs], dtype=np.float64),
            **{
                measure: np.array([summary.of(measure).median_ms for summary in summaries], dtype=np.float64)
                for measure in MEASURES
            },
            "warnings": np.array([len(run.warnings) for run in runs], dtype=np.int64),
            "error": [run.error for run in runs],
        }

    def plot(self, what: str | None = None) -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure; see `ipyspeaches.results.comparison_figures.plot_comparison`."""
        from ipyspeaches.results.comparison_figures import plot_comparison

        return plot_comparison(self, what)

    def _repr_html_(self) -> str:
        return comparison_html(self)


def _utterance(
    number: int, run: str, segment: Segment, measures: Mapping[str | None, tuple[float, ...]]
) -> ComparedUtterance:
    nothing = (math.nan,) * len(MEASURES)
    found = measures.get(segment.item_id, nothing) if segment.item_id is not None else nothing
    return ComparedUtterance(number, run, segment.start, segment.end, segment.text, segment.item_id, *found)


def _measures(latency: Latency) -> dict[str | None, tuple[float, ...]]:
    return {row.item_id: tuple(getattr(row, measure) for measure in MEASURES) for row in latency}


def _rate(rate: ErrorRate | None) -> float:
    return math.nan if rate is None else rate.rate


def match(transcripts: Sequence[Sequence[Segment]]) -> list[list[int]]:
    """Return a number for each utterance: equal for the same speech, from 0, in the order of time.

    Runs cut differently: what one hears as two utterances may be one for another. So utterances that overlap belong
    together, and so do those that overlap with one of them.

    Parameters
    ----------
    transcripts
        Utterances with ``start`` and ``end`` in seconds on one clock, one sequence a run.

    Returns
    -------
    list[list[int]]
        Numbers in the shape of ``transcripts``.
    """
    placed = [(segment, run, row) for run, segments in enumerate(transcripts) for row, segment in enumerate(segments)]
    placed.sort(key=lambda one: one[0].start)
    groups = _Groups(len(placed))
    open_: list[int] = []
    for index, (segment, run, _) in enumerate(placed):
        open_ = [other for other in open_ if placed[other][0].end > segment.start]
        for other in open_:
            if placed[other][1] != run and _shared(placed[other][0], segment) >= SHARED:
                groups.join(other, index)
        open_.append(index)
    numbers: dict[int, int] = {}
    matched = [[0] * len(segments) for segments in transcripts]
    for index, (_, run, row) in enumerate(placed):
        matched[run][row] = numbers.setdefault(groups.of(index), len(numbers))
    return matched


def _shared(one: Segment, other: Segment) -> float:
    """Return which part of the shorter one both cover."""
    shorter = min(one.end - one.start, other.end - other.start)
    if shorter <= 0:
        return 1.0  # a moment inside the other
    return (min(one.end, other.end) - max(one.start, other.start)) / shorter


class _Groups:
    """Sets of indices that are joined two by two (union-find)."""

    def __init__(self, count: int) -> None:
        self._leader = list(range(count))

    def of(self, index: int) -> int:
        while self._leader[index] != index:
            self._leader[index] = self._leader[self._leader[index]]
            index = self._leader[index]
        return index

    def join(self, one: int, other: int) -> None:
        self._leader[self.of(other)] = self.of(one)


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as an HTML table: a column a run, its numbers on top and its words below, in time."""
    runs = comparison.runs
    if not runs:
        return "<p>Nothing was compared.</p>"
    heads = "".join(f'<th scope="col" style="{_HEAD}" dir="auto">{escape(run.name)}</th>' for run in runs)
    body = "".join([*_numbers(comparison), *_failures(runs), *_words(comparison)])
    style = "border-collapse:collapse;color:inherit;background:transparent"
    caption = f'<caption style="text-align:start;opacity:.75">{escape(_caption(comparison))}</caption>'
    table = f'<table style="{style}">{caption}<thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div style="overflow-x:auto">{table}</div>'


def _base(comparison: Comparison) -> ComparedRun | None:
    """Return the run that the others are compared with where it is not known what was said: the first that worked."""
    if comparison.reference:
        return None
    return next((run for run in comparison.runs if run.error is None and run.transcript.text), None)


def _caption(comparison: Comparison) -> str:
    base = _base(comparison)
    if not comparison.reference and (base is None or len(comparison.runs) == 1):
        return ""
    known = "what was said" if base is None else f"“{base.name}”"
    return f"Compared with {known}: words that are missing are struck out, words that are not in it underlined."


def _numbers(comparison: Comparison) -> Iterator[str]:
    columns = comparison.columns()
    if comparison.reference:
        yield _line("words wrong", [_percent(rate) for rate in columns["wer"]])
        yield _line("characters wrong", [_percent(rate) for rate in columns["cer"]])
    yield _line("utterances", [f"{count:,}" for count in columns["utterances"]])
    for measure in MEASURES:
        if any(map(math.isfinite, columns[measure])):
            yield _line(STEPS[measure], [f"{ms:.0f} ms" if math.isfinite(ms) else "" for ms in columns[measure]])


def _failures(runs: Sequence[ComparedRun]) -> Iterator[str]:
    if any(run.warnings for run in runs):
        yield _line("warnings", [" ".join(dict.fromkeys(run.warnings)) for run in runs])
    if any(run.error for run in runs):
        yield _line("failed", [run.error or "" for run in runs])


def _words(comparison: Comparison) -> Iterator[str]:
    """Yield one row for each stretch of speech."""
    runs = comparison.runs
    numbers = match([run.transcript.segments for run in runs])
    texts: dict[int, list[str]] = {}
    starts: dict[int, float] = {}
    for column, (run, own) in enumerate(zip(runs, numbers, strict=True)):
        segments = run.transcript.segments
        for segment, number, pieces in zip(segments, own, _pieces(comparison, run), strict=True):
            cells = texts.setdefault(number, [""] * len(runs))
            # A run that cut where another did not has several utterances here, each on a line of its own.
            cells[column] += ("<br>" if cells[column] else "") + _marked(pieces)
            starts[number] = min(segment.start, starts.get(number, math.inf))
    for number in sorted(texts)[:MAX_ROWS]:
        yield _row(clock(starts[number]), texts[number])
    if len(texts) > MAX_ROWS:
        more = f"… and {len(texts) - MAX_ROWS:,} more: .utterances has them all"
        yield f'<tr><td style="{_CELL}"></td><td style="{_TEXT}" colspan="{len(runs)}">{more}</td></tr>'


def _pieces(comparison: Comparison, run: ComparedRun) -> list[list[Piece]]:
    texts = [segment.text for segment in run.transcript]
    base = _base(comparison)
    said = comparison.reference or (base.transcript.text if base is not None and base is not run else "")
    return differences(said, texts) if said else [[("same", text)] for text in texts]


def _marked(pieces: Sequence[Piece]) -> str:
    """Return pieces as HTML, with the spaces that their scripts have."""
    html, before = "", ""
    for kind, text in pieces:
        space = " " if before and text and needs_space(before, text) else ""
        shown = escape(text)
        if kind == "said":
            shown = f'<del style="{_SAID}">{shown}</del>'
        elif kind == "heard":
            shown = f'<ins style="{_HEARD}">{shown}</ins>'
        html, before = f"{html}{space}{shown}", text or before
    return html


def _line(label: str, values: Sequence[str]) -> str:
    return _row(label, [escape(value) for value in values])


def _row(label: str, cells: Sequence[str]) -> str:
    tds = "".join(f'<td style="{_TEXT}" dir="auto">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{_LABEL}">{escape(label)}</th>{tds}</tr>'


def _percent(rate: float) -> str:
    return f"{rate:.1%}" if math.isfinite(rate) else ""
