"""A comparison as static HTML: the runs side by side, with the words that differ marked.

As in `markup`, styles are inline and colours are inherited or half transparent. What differs is marked by more than
colour: words that were said and not recognised are struck out, words that were recognised and not said underlined.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from ipyspeaches.results.differences import Piece, differences
from ipyspeaches.results.latency import MEASURES, STEPS
from ipyspeaches.results.markup import MAX_ROWS, clock
from ipyspeaches.results.matching import match
from ipyspeaches.words import needs_space

if TYPE_CHECKING:
    from ipyspeaches.results.comparison import ComparedRun, Comparison

_CELL: Final = "padding:.25em .6em;border-top:1px solid rgba(128,128,128,.35);vertical-align:top;"
_HEAD: Final = "padding:.25em .6em;text-align:start;vertical-align:bottom;"
_LABEL: Final = _CELL + "text-align:end;white-space:nowrap;font-weight:normal;font-variant-numeric:tabular-nums;"
_TEXT: Final = _CELL + "text-align:start;white-space:normal;min-width:11em;"
_SAID: Final = "text-decoration:line-through;opacity:.7"
_HEARD: Final = "text-decoration:underline 2px;background:rgba(214,120,0,.22)"


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
