"""A transcript as static HTML: readable in every notebook front end, on GitHub and on paper.

Styles are inline and colours are inherited or half transparent, so that light and dark themes both work where style
sheets are stripped. ``dir="auto"`` and ``lang`` let the browser choose direction, font and voice for each text.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from ipyspeaches.results.segment import Segment

MAX_ROWS: Final = 500
"""Rows shown: a notebook keeps its outputs, and nobody reads more in a cell."""

_CELL: Final = "padding:.25em .6em;border-top:1px solid rgba(128,128,128,.35);vertical-align:top;"
_NUMBER: Final = _CELL + "text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.75;"
_TEXT: Final = _CELL + "text-align:start;white-space:normal;min-width:12em;"


def transcript_html(segments: Sequence[Segment], partial: str) -> str:
    """Return segments, and the text that is not final yet, as an HTML table of time, text, language and latency."""
    rows = [_row(segment) for segment in segments[:MAX_ROWS]]
    hidden = len(segments) - len(rows)
    if hidden > 0:
        note = f"… and {hidden:,} more: .save() writes them all"
        rows.append(f'<tr><td style="{_NUMBER}"></td><td style="{_TEXT}" colspan="3">{note}</td></tr>')
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
    attribute = f' lang="{language}"' if language else ""
    latency = "" if segment.latency_s is None else f"{segment.latency_s:.2f} s"
    return (
        f'<tr><td style="{_NUMBER}">{clock(segment.start)} – {clock(segment.end)}</td>'
        f'<td style="{_TEXT}" dir="auto"{attribute}>{escape(segment.text)}</td>'
        f'<td style="{_CELL}text-align:start">{language}</td><td style="{_NUMBER}">{latency}</td></tr>'
    )


def clock(time_s: float) -> str:
    """Return seconds as people read them: ``0:07.3``, ``12:00.0``, ``1:02:03.4``."""
    tenths = max(0, round(time_s * 10))
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"
