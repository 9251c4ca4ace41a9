"""Plotly figures of results, for study after the event.

Every figure stays small however long the recording: curves are drawn as the lowest and highest value of each of
`COLUMNS` stretches, which looks the same as all the samples would, and all segments are one trace. Traces are plain
dictionaries, as in Plotly's JSON; Plotly is imported when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording
    from ipyspeaches.results.records import Frames, Latency
    from ipyspeaches.results.transcript import Transcript

Trace: TypeAlias = dict[str, Any]

COLUMNS: Final = 2_000
"""Stretches a curve is drawn with: as many as a wide screen has pixels."""
_LABELLED_SEGMENTS: Final = 100
_LABEL_LENGTH: Final = 24

# The widgets' colours, in tones that are seen on light paper and on dark: a figure knows no theme and has no paper.
_WAVE, _SPEECH, _SCORE, _THRESHOLD = "#7c8795", "rgba(79,131,230,.25)", "#4f83e6", "#7f8791"
_INK, _GRID = "#7f8791", "rgba(128,128,128,.25)"
_COLOURS: Final = ("#4f83e6", "#15998d", "#a763c4", "#c0792f", "#7089a3", "#d2497f")


def envelope(
    time: NDArray[np.float64], values: NDArray[Any], columns: int = COLUMNS
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return a curve of at most ``2 * columns`` points that looks like the whole.

    Parameters
    ----------
    time, values
        Shape ``(n,)``.
    columns
        Stretches to divide the curve into.

    Returns
    -------
    time, values
        Shape ``(min(n, 2 * columns),)``: the lowest and the highest value of each stretch, both where it begins.
    """
    if len(values) <= 2 * columns:
        return time, values
    starts = np.linspace(0, len(values), columns, endpoint=False).astype(np.intp)
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], axis=1)
    return np.repeat(time[starts], 2), ends.ravel()


def plot_recording(recording: Recording, segments: Iterable[Any] | None = None) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw a waveform, and stretches of it in colour.

    Parameters
    ----------
    recording
        Audio to draw.
    segments
        Pairs of start and end in seconds, or anything with ``start`` and ``end``: detector segments, a transcript.

    Returns
    -------
    plotly.graph_objects.Figure
        Amplitude (-1 to 1) over time (s).
    """
    # Traces are painted in order: the boxes first, so that the wave lies on top.
    traces = [_waveform(recording)]
    if segments is not None:
        peak = max(float(np.abs(recording.samples.astype(np.int32)).max()), 1.0) / 32_768
        traces.insert(0, _boxes(_spans(segments), -peak, peak, "speech"))
    return _over_time(traces, "amplitude")


def plot_transcript(transcript: Transcript, recording: Recording | None = None) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw what was said over time; pointing at an utterance shows its text.

    Parameters
    ----------
    transcript
        Utterances to draw.
    recording
        Audio to draw behind them, if it begins where the transcript's clock does.

    Returns
    -------
    plotly.graph_objects.Figure
        One box an utterance over time (s).
    """
    segments = transcript.segments
    texts = {
        "x": [(segment.start + segment.end) / 2 for segment in segments],
        "y": [0.85] * len(segments),
        "mode": "markers+text",
        "marker": {"size": 6, "color": _WAVE},
        "text": [_label(segment.text) if len(segments) <= _LABELLED_SEGMENTS else "" for segment in segments],
        "textposition": "bottom center",
        "hovertext": [f"{segment.start:.2f} – {segment.end:.2f} s<br>{escape(segment.text)}" for segment in segments],
        "hoverinfo": "text",
        "name": "text",
        "showlegend": False,
    }
    waves = [] if recording is None else [_waveform(recording)]
    figure = _over_time([_boxes(_spans(segments), -1, 1, "utterances"), *waves, texts], "amplitude" if waves else "")
    figure.update_yaxes(range=[-1.05, 1.05], showticklabels=recording is not None)
    return figure


def plot_frames(frames: Frames, threshold: float | None = None) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw the detector's score over time, its decision in colour, and the threshold.

    Parameters
    ----------
    frames
        Frames of a session.
    threshold
        Where to draw the line, in the unit of the score.

    Returns
    -------
    plotly.graph_objects.Figure
        Score (energy in int16 units, or a probability) over time (s).
    """
    columns = frames.columns()
    time, score, is_speech = columns["time"], columns["score"], columns["is_speech"]
    top = float(max(np.nanmax(score, initial=0), threshold or 0)) or 1.0
    x, y = envelope(time, score)
    curve = {"x": x, "y": y, "mode": "lines", "line": {"width": 1, "color": _SCORE}, "name": "score"}
    figure = _over_time([_boxes(runs(time, is_speech), 0, top, "speech"), curve], "score")
    if threshold is not None:
        figure.add_hline(threshold, line={"dash": "dash", "color": _THRESHOLD}, annotation_text="threshold")
    return figure


def plot_latency(latency: Latency) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw how long each step took after the end of speech, one box a measure.

    Returns
    -------
    plotly.graph_objects.Figure
        Milliseconds by measure, with the median in the name.
    """
    columns = latency.columns()
    boxes: list[Trace] = []
    for row in latency.summary():
        if row.utterances:
            name = f"{row.measure.removesuffix('_ms').replace('_', ' ')}<br>median {row.median_ms:.0f} ms"
            points = "all" if row.utterances <= 500 else "outliers"
            box = {"type": "box", "y": columns[row.measure], "name": name, "boxpoints": points}
            boxes.append({**box, "hovertext": columns["item_id"]})
    return draw(boxes, yaxis_title="ms after the end of speech", showlegend=False)


def draw(traces: Iterable[Trace], **layout: Any) -> Any:  # noqa: ANN401 - untyped plotly
    """Return a figure of these traces, 420 pixels high if the layout does not say otherwise."""
    import plotly.graph_objects as go

    figure = go.Figure(list(traces)).update_layout(
        template="none",
        colorway=_COLOURS,
        font={"color": _INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(gridcolor=_GRID, zerolinecolor=_GRID, automargin=True)
    figure.update_yaxes(gridcolor=_GRID, zerolinecolor=_GRID, automargin=True)
    return figure.update_layout(**{"height": 420, "margin": {"t": 30}, **layout})


def _over_time(traces: Iterable[Trace], y_title: str) -> Any:  # noqa: ANN401 - untyped plotly
    legend = {"orientation": "h", "y": 1.12}
    return draw(traces, xaxis_title="time (s)", yaxis_title=y_title, height=320, legend=legend)


def _waveform(recording: Recording) -> Trace:
    x, y = envelope(np.arange(len(recording.samples)) / recording.rate, recording.samples)
    line = {"width": 1, "color": _WAVE}
    return {"x": x, "y": y / np.float32(32_768), "mode": "lines", "line": line, "name": "waveform", "hoverinfo": "x+y"}


def _boxes(spans: Iterable[tuple[float, float]], low: float, high: float, name: str) -> Trace:
    return boxes([(start, end, low, high) for start, end in spans], name, _SPEECH)


def boxes(places: Iterable[tuple[float, float, float, float]], name: str, colour: str) -> Trace:
    """Return boxes (left, right, low, high) as one trace: thousands of layout shapes would take seconds to draw."""
    x: list[float | None] = []
    y: list[float | None] = []
    for left, right, low, high in places:
        x += [left, left, right, right, None]
        y += [low, high, high, low, None]
    area = {"fill": "toself", "fillcolor": colour, "mode": "lines", "line": {"width": 0}}
    return {"x": x, "y": y, **area, "name": name, "hoverinfo": "skip"}


def _spans(segments: Iterable[Any]) -> list[tuple[float, float]]:
    try:
        return [(s.start, s.end) if hasattr(s, "start") else (float(s[0]), float(s[1])) for s in segments]
    except (TypeError, ValueError, LookupError) as exc:
        raise InputError("What is drawn are pairs of seconds: give [(start, end), …].") from exc


def runs(time: NDArray[np.float64], is_speech: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return where consecutive frames of speech begin and end."""
    edges = np.flatnonzero(np.diff(is_speech.astype(np.int8), prepend=0, append=0))
    # A run ends where the next frame begins; after the last frame, one frame later.
    ends = np.append(time, time[-1] + (time[-1] - time[-2] if len(time) > 1 else 0.0)) if len(time) else time
    return [(float(ends[a]), float(ends[b])) for a, b in edges.reshape(-1, 2)]


def _label(text: str) -> str:
    return escape(text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…")
