"""The same words by several ways: which got them right, and how long each took; as tables, HTML and figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

import numpy as np

from ipyspeaches.checks import checked
from ipyspeaches.chinese import Script
from ipyspeaches.errors import InputError
from ipyspeaches.plots import Trace, boxes
from ipyspeaches.results.accuracy import ErrorRate, Piece, cer, differences, in_script, wer
from ipyspeaches.results.records import MEASURES, STEPS, Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import CELL, MAX_ROWS, Transcript, clock
from ipyspeaches.tables import Rows, Table
from ipyspeaches.words import needs_space

Reference: TypeAlias = str | Transcript | None

SHARED: Final = 0.5
"""Two utterances are the same speech if they overlap by this part of the shorter one or more."""

_HEAD: Final = "padding:.25em .6em;text-align:start;vertical-align:bottom;"
_LABEL: Final = CELL + "text-align:end;white-space:nowrap;font-weight:normal;font-variant-numeric:tabular-nums;"
_TEXT: Final = CELL + "text-align:start;white-space:normal;min-width:11em;"
# What differs is marked by more than colour.
_SAID: Final = "text-decoration:line-through;opacity:.7"
_HEARD: Final = "text-decoration:underline 2px;background:rgba(214,120,0,.22)"

# Okabe and Ito's colours, which stay apart for every kind of colour vision.
_STEP_COLOURS: Final = {
    "vad_stop_ms": "#999999",
    "commit_ms": "#56b4e9",
    "final_ms": "#0072b2",
    "on_screen_ms": "#009e73",
}
_PARTIAL: Final = "#d55e00"
_WER, _CER = "#0072b2", "#e69f00"
_SPEECH: Final = "rgba(0,114,178,.55)"
_WAITING: Final = "rgba(213,94,0,.8)"
_NAME_LENGTH: Final = 28
_LINE_LENGTH: Final = 60
_ROW_PX: Final = 34
_FRAME_PX: Final = 110
_HALF: Final = 0.32  # half the height of an utterance's box, where rows are 1 apart


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


@checked
class Comparison(Table):
    """One row a run: how many words it got wrong, and the medians of its latencies.

    It is an `InputError` if two runs have the same name.

    Columns: ``run``, ``transport``, ``model``, ``cuts``, ``utterances``, ``wer`` and ``cer`` (NaN without a
    reference, and for a run that failed), the medians of `UtteranceLatency`'s measures in ms, the number of
    ``warnings``, and ``error``.

    Parameters
    ----------
    runs
        What each gave.
    reference
        What was said, if that is known.
    script
        Characters in which Chinese is compared, whatever each run has written; None compares it as it stands.
    """

    def __init__(self, runs: Iterable[ComparedRun], reference: Reference = None, script: Script | None = None) -> None:
        given = tuple(runs)
        self._runs = {run.name: run for run in given}
        if len(self._runs) < len(given):
            raise InputError("Two of the compared runs have the same name: give each a name of its own.")
        self._reference = reference.text if isinstance(reference, Transcript) else reference
        self._script = script
        in_script("", script)  # refuses one that cannot be had, before any figure is wanted

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
        """What each run recognised, by name."""
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

    @property
    def script(self) -> str | None:
        """The characters in which Chinese is compared; None as it stands."""
        return self._script

    def against(self, reference: Reference, script: Script | None = None) -> Comparison:
        """Return the same runs, judged by another reference, with Chinese compared in the characters of a script."""
        return Comparison(self.runs, reference, script)

    def error_rate(self, name: str, unit: str = "words") -> ErrorRate | None:
        """Return how much of a run is wrong, in ``"words"`` or ``"characters"``; None where that is not known."""
        run = self._runs[name]
        if not self._reference or run.error is not None:
            return None
        return (wer if unit == "words" else cer)(self._reference, run.transcript.text, self._script)

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
        """Draw the comparison.

        It is an `InputError` if there is no such figure.

        Parameters
        ----------
        what
            ``"latency"``: medians after the end of speech, step upon step. ``"accuracy"``: words and characters wrong,
            in per cent. ``"timeline"``: where each run's utterances lie, and when their texts came. None: what there is
            of these, below each other.

        Returns
        -------
        plotly.graph_objects.Figure
        """
        if what is not None and what not in _FIGURES:
            raise InputError(f"There is no figure {what!r}: choose one of {', '.join(_FIGURES)}, or None for all.")
        there = [name for name in _FIGURES if name != "accuracy" or self.reference]
        return _plot(self, there if what is None else [what])

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
    """Return a number for each utterance of each run: equal for the same speech, from 0, in the order of time.

    What is two utterances to one run may be one to another. So utterances that overlap belong together, and so do those
    that overlap with one of them. Their ``start`` and ``end`` are in seconds on one clock.
    """
    placed = [(segment, run, row) for run, segments in enumerate(transcripts) for row, segment in enumerate(segments)]
    placed.sort(key=lambda one: one[0].start)
    groups = _Groups(len(placed))
    open_: list[int] = []
    for index, (segment, run, _) in enumerate(placed):
        open_ = [other for other in open_ if placed[other][0].end > segment.start]
        for other in open_:
            if placed[other][1] != run and shared(placed[other][0], segment) >= SHARED:
                groups.join(other, index)
        open_.append(index)
    numbers: dict[int, int] = {}
    matched = [[0] * len(segments) for segments in transcripts]
    for index, (_, run, row) in enumerate(placed):
        matched[run][row] = numbers.setdefault(groups.of(index), len(numbers))
    return matched


def shared(one: Segment, other: Segment) -> float:
    """Return which part of the shorter one both cover; negative if they are apart."""
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
    return f"Compared with {known}: missing words are struck out, added words underlined."


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
            # A run that ended an utterance where another did not has several here, each on a line of its own.
            cells[column] += ("<br>" if cells[column] else "") + _marked(pieces)
            starts[number] = min(segment.start, starts.get(number, math.inf))
    for number in sorted(texts)[:MAX_ROWS]:
        yield _row(clock(starts[number]), texts[number])
    if len(texts) > MAX_ROWS:
        more = f"… and {len(texts) - MAX_ROWS:,} more: .utterances has them all"
        yield f'<tr><td style="{CELL}"></td><td style="{_TEXT}" colspan="{len(runs)}">{more}</td></tr>'


def _pieces(comparison: Comparison, run: ComparedRun) -> list[list[Piece]]:
    texts = [in_script(segment.text, comparison.script) for segment in run.transcript]
    base = _base(comparison)
    known = comparison.reference or (base.transcript.text if base is not None and base is not run else "")
    said = in_script(known, comparison.script)
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


def _plot(comparison: Comparison, shown: Sequence[str]) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw figures below each other."""
    from plotly.subplots import make_subplots

    rows = max(1, len(comparison.runs))
    figure = make_subplots(
        rows=len(shown),
        cols=1,
        vertical_spacing=_spacing(len(shown), rows),
        subplot_titles=[_FIGURES[name][0] for name in shown],
    )
    names = [_name(run.name) + (" (failed)" if run.error else "") for run in comparison.runs]
    for row, name in enumerate(shown, 1):
        _, unit, traces = _FIGURES[name]
        legend = "legend" if row == 1 else f"legend{row}"
        for trace in traces(comparison):
            figure.add_trace({**trace, "legend": legend}, row=row, col=1)
        figure.update_xaxes(title_text=unit, rangemode="tozero", row=row, col=1)
        # The first run on top, as in the tables.
        ticks = {"tickvals": list(range(rows)), "ticktext": names}
        figure.update_yaxes(range=[rows - 0.5, -0.5], automargin=True, row=row, col=1, **ticks)
        top = figure.get_subplot(row, 1).yaxis.domain[1]
        figure.update_layout({legend: {"orientation": "h", "xanchor": "right", "x": 1, "yanchor": "bottom", "y": top}})
    figure.update_layout(barmode="overlay", height=len(shown) * (_FRAME_PX + _ROW_PX * rows), margin={"t": 50, "b": 50})
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    return figure


def _spacing(figures: int, rows: int) -> float:
    """Return the room between figures as a part of the whole, the same number of pixels however many rows."""
    return 0 if figures < 2 else min(0.9 / (figures - 1), 95 / (figures * (_FRAME_PX + _ROW_PX * rows)))


def _latency_bars(comparison: Comparison) -> list[Trace]:
    """Return bars that end where the medians are, and a mark for the first text, which may come before the end."""
    columns = comparison.columns()
    names = [escape(run.name) for run in comparison.runs]
    places = list(range(len(names)))
    traces: list[Trace] = []
    begins = np.zeros(len(names))
    for measure, colour in _STEP_COLOURS.items():
        if not np.isfinite(columns[measure]).any():
            continue
        ends = np.fmax(begins, columns[measure])
        bars = {"type": "bar", "orientation": "h", "name": STEPS[measure], "marker": {"color": colour}}
        traces.append({**bars, "y": places, "x": ends - begins, "base": begins, **_told(names, measure, columns)})
        begins = ends
    texts = [f"{end:.0f} ms" if end else "" for end in begins]
    shown = {"mode": "text", "textposition": "middle right", "hoverinfo": "skip", "showlegend": False}
    traces.append({**shown, "y": places, "x": begins, "text": texts, "cliponaxis": False})
    first = "first_partial_ms"
    if np.isfinite(columns[first]).any():
        marker = {"symbol": "diamond", "size": 11, "color": _PARTIAL, "line": {"width": 1, "color": "white"}}
        marks = {"mode": "markers", "name": STEPS[first], "marker": marker}
        traces.append({**marks, "y": places, "x": columns[first], **_told(names, first, columns)})
    return traces


def _told(names: Sequence[str], measure: str, columns: Mapping[str, Any]) -> Trace:
    """Return what is shown when somebody points at a measure of a run."""
    texts = [f"{name}<br>{STEPS[measure]}: {ms:.0f} ms" for name, ms in zip(names, columns[measure], strict=True)]
    return {"hovertext": texts, "hoverinfo": "text"}


def _accuracy_bars(comparison: Comparison) -> list[Trace]:
    columns = comparison.columns()
    traces = []
    for place, (measure, name, colour) in enumerate((("wer", "words", _WER), ("cer", "characters", _CER))):
        percents = [100 * rate for rate in columns[measure].tolist()]
        traces.append(
            {
                "type": "bar",
                "y": list(range(len(percents))),
                "x": percents,
                "orientation": "h",
                "offset": -0.38 + 0.38 * place,
                "width": 0.38,
                "name": name,
                "marker": {"color": colour},
                "text": [f"{percent:.1f} %" if math.isfinite(percent) else "" for percent in percents],
                "textposition": "outside",
                "cliponaxis": False,
                "hoverinfo": "text+name",
            }
        )
    return traces


def _timeline(comparison: Comparison) -> list[Trace]:
    """Return all utterances as one trace, the ways to their texts as another, and points to read them by."""
    places = {run.name: place for place, run in enumerate(comparison.runs)}
    rows = list(comparison.utterances)
    spoken = [(row.start, row.end, places[row.run] - _HALF, places[row.run] + _HALF) for row in rows]
    waited = [row for row in rows if math.isfinite(row.final_ms)]
    waits = {
        "x": [at for row in waited for at in (row.end, row.end + row.final_ms / 1000, None)],
        "y": [at for row in waited for at in (places[row.run], places[row.run], None)],
        "mode": "lines",
        "line": {"width": 3, "color": _WAITING},
        "name": "until its final text",
        "hoverinfo": "skip",
    }
    points = {
        "x": [(row.start + row.end) / 2 for row in rows],
        "y": [places[row.run] for row in rows],
        "mode": "markers",
        "marker": {"size": 7, "color": "white", "line": {"width": 1, "color": _WER}},
        "hovertext": [_hover(row) for row in rows],
        "hoverinfo": "text",
        "showlegend": False,
    }
    return [boxes(spoken, "utterance", _SPEECH), waits, points]


_FIGURES: Final[dict[str, tuple[str, str, Callable[[Comparison], list[Trace]]]]] = {
    "latency": ("latency (medians)", "ms after the end of speech", _latency_bars),
    "accuracy": ("wrong", "%", _accuracy_bars),
    "timeline": ("utterances, and when their text came", "s", _timeline),
}
"""Title, unit and traces of each figure."""


def _hover(row: ComparedUtterance) -> str:
    """Return an utterance in words, in lines that fit on a screen."""
    lines = [row.text[at : at + _LINE_LENGTH] for at in range(0, len(row.text), _LINE_LENGTH)]
    measures = [f"{STEPS[name]} {getattr(row, name):.0f} ms" for name in MEASURES if math.isfinite(getattr(row, name))]
    head = f"{escape(row.run)}, {row.start:.2f} – {row.end:.2f} s"
    return "<br>".join([head, *map(escape, lines), ", ".join(measures)])


def _name(name: str) -> str:
    return escape(name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…")
