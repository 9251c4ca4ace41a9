"""Figures of a comparison: where the time goes, what is wrong, and who heard what when."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from ipyspeaches.errors import InputError
from ipyspeaches.results.records import MEASURES, STEPS

if TYPE_CHECKING:
    from ipyspeaches.results.comparison import ComparedUtterance, Comparison

FIGURES: Final = ("latency", "accuracy", "timeline")

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
_HALF: Final = 0.32
"""Half the height of an utterance's box, where rows are 1 apart."""


def plot_comparison(comparison: Comparison, what: str | None = None) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw a comparison.

    Parameters
    ----------
    comparison
        The runs.
    what
        ``"latency"``: medians after the end of speech, step upon step. ``"accuracy"``: words and characters wrong, in
        per cent. ``"timeline"``: where each run's utterances lie, and when their texts came. None: what there is of
        these, below each other.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InputError
        If there is no such figure.
    """
    from plotly.subplots import make_subplots

    if what is not None and what not in FIGURES:
        raise InputError(f"There is no figure {what!r}: choose one of {', '.join(FIGURES)}, or None for all.")
    shown = [name for name in FIGURES if name == what or (what is None and _is_there(comparison, name))]
    rows = max(1, len(comparison.runs))
    titles = {
        "latency": "latency (medians)",
        "accuracy": "wrong",
        "timeline": "utterances, and when their text came",
    }
    figure = make_subplots(
        rows=len(shown), cols=1, vertical_spacing=_spacing(len(shown), rows), subplot_titles=[titles[s] for s in shown]
    )
    names = [_name(run.name) + (" (failed)" if run.error else "") for run in comparison.runs]
    for row, name in enumerate(shown, 1):
        draw, unit = _DRAWN[name]
        for trace in draw(comparison):
            figure.add_trace(trace.update(legend="legend" if row == 1 else f"legend{row}"), row=row, col=1)
        figure.update_xaxes(title_text=unit, rangemode="tozero", row=row, col=1)
        # The first run on top, as in the tables.
        ticks = {"tickvals": list(range(rows)), "ticktext": names}
        figure.update_yaxes(range=[rows - 0.5, -0.5], automargin=True, row=row, col=1, **ticks)
        top = figure.get_subplot(row, 1).yaxis.domain[1]
        legend = {"orientation": "h", "xanchor": "right", "x": 1, "yanchor": "bottom", "y": top}
        figure.update_layout({"legend" if row == 1 else f"legend{row}": legend})
    figure.update_layout(barmode="overlay", height=len(shown) * (_FRAME_PX + _ROW_PX * rows), margin={"t": 50, "b": 50})
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    return figure


def _is_there(comparison: Comparison, name: str) -> bool:
    return name != "accuracy" or bool(comparison.reference)


def _spacing(figures: int, rows: int) -> float:
    """Return the room between figures as a part of the whole, the same number of pixels however many rows."""
    return 0 if figures < 2 else min(0.9 / (figures - 1), 95 / (figures * (_FRAME_PX + _ROW_PX * rows)))


def _latency(comparison: Comparison) -> list[Any]:
    """Return bars that end where the medians are, and a mark for the first text, which may come before the end."""
    import plotly.graph_objects as go

    columns = comparison.columns()
    names = [escape(run.name) for run in comparison.runs]
    traces: list[Any] = []
    begins = [0.0] * len(names)
    for measure, colour in _STEP_COLOURS.items():
        ends = columns[measure].tolist()
        if not any(map(math.isfinite, ends)):
            continue
        lengths = [
            max(0.0, end - begin) if math.isfinite(end) else 0.0 for begin, end in zip(begins, ends, strict=True)
        ]
        traces.append(
            go.Bar(
                y=list(range(len(names))),
                x=lengths,
                base=list(begins),
                orientation="h",
                name=STEPS[measure],
                marker={"color": colour},
                hovertext=[f"{name}<br>{STEPS[measure]}: {ms:.0f} ms" for name, ms in zip(names, ends, strict=True)],
                hoverinfo="text",
            )
        )
        begins = [max(begin, end) if math.isfinite(end) else begin for begin, end in zip(begins, ends, strict=True)]
    ends = [f"{end:.0f} ms" if end else "" for end in begins]
    traces.append(
        go.Scatter(
            y=list(range(len(names))),
            x=begins,
            mode="text",
            text=ends,
            textposition="middle right",
            hoverinfo="skip",
            showlegend=False,
            cliponaxis=False,
        )
    )
    firsts = columns["first_partial_ms"].tolist()
    if any(map(math.isfinite, firsts)):
        marker = {"symbol": "diamond", "size": 11, "color": _PARTIAL, "line": {"width": 1, "color": "white"}}
        hover = [f"{name}<br>first text: {ms:.0f} ms" for name, ms in zip(names, firsts, strict=True)]
        traces.append(
            go.Scatter(
                y=list(range(len(names))),
                x=firsts,
                mode="markers",
                name=STEPS["first_partial_ms"],
                marker=marker,
                hovertext=hover,
                hoverinfo="text",
            )
        )
    return traces


def _accuracy(comparison: Comparison) -> list[Any]:
    import plotly.graph_objects as go

    columns = comparison.columns()
    traces = []
    for place, (measure, name, colour) in enumerate((("wer", "words", _WER), ("cer", "characters", _CER))):
        percents = [100 * rate for rate in columns[measure].tolist()]
        traces.append(
            go.Bar(
                y=list(range(len(percents))),
                x=percents,
                orientation="h",
                offset=-0.38 + 0.38 * place,
                width=0.38,
                name=name,
                marker={"color": colour},
                text=[f"{percent:.1f} %" if math.isfinite(percent) else "" for percent in percents],
                textposition="outside",
                cliponaxis=False,
                hoverinfo="text+name",
            )
        )
    return traces


def _timeline(comparison: Comparison) -> list[Any]:
    """Return all utterances as one trace, the ways to their texts as another, and points to read them by."""
    import plotly.graph_objects as go

    places = {run.name: place for place, run in enumerate(comparison.runs)}
    rows = list(comparison.utterances)
    boxes: tuple[list[float | None], list[float | None]] = ([], [])
    waits: tuple[list[float | None], list[float | None]] = ([], [])
    for row in rows:
        place = places[row.run]
        boxes[0].extend([row.start, row.start, row.end, row.end, None])
        boxes[1].extend([place - _HALF, place + _HALF, place + _HALF, place - _HALF, None])
        if math.isfinite(row.final_ms):
            waits[0].extend([row.end, row.end + row.final_ms / 1000, None])
            waits[1].extend([place, place, None])
    line = {"width": 3, "color": _WAITING}
    return [
        go.Scatter(
            x=boxes[0],
            y=boxes[1],
            fill="toself",
            fillcolor=_SPEECH,
            mode="lines",
            line={"width": 0},
            name="utterance",
            hoverinfo="skip",
        ),
        go.Scatter(x=waits[0], y=waits[1], mode="lines", line=line, name="until its final text", hoverinfo="skip"),
        go.Scatter(
            x=[(row.start + row.end) / 2 for row in rows],
            y=[places[row.run] for row in rows],
            mode="markers",
            marker={"size": 7, "color": "white", "line": {"width": 1, "color": _WER}},
            hovertext=[_told(row) for row in rows],
            hoverinfo="text",
            showlegend=False,
        ),
    ]


_DRAWN: Final[dict[str, tuple[Callable[[Comparison], Sequence[Any]], str]]] = {
    "latency": (_latency, "ms after the end of speech"),
    "accuracy": (_accuracy, "%"),
    "timeline": (_timeline, "s"),
}


def _told(row: ComparedUtterance) -> str:
    """Return an utterance in words, in lines that fit on a screen."""
    lines = [row.text[at : at + _LINE_LENGTH] for at in range(0, len(row.text), _LINE_LENGTH)]
    measures = [f"{STEPS[name]} {getattr(row, name):.0f} ms" for name in MEASURES if math.isfinite(getattr(row, name))]
    head = f"{escape(row.run)}, {row.start:.2f} – {row.end:.2f} s"
    return "<br>".join([head, *map(escape, lines), ", ".join(measures)])


def _name(name: str) -> str:
    return escape(name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…")
