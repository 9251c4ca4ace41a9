"""Plotly figures of results, for study after the event.

Every figure stays small however long the recording: curves are drawn as the lowest and highest value of each of
`COLUMNS` stretches, which looks the same as all the samples would, and all segments are one trace. Plotly is imported
when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording
    from ipyspeaches.results import Frames, Latency, Transcript

__all__ = ["envelope", "plot_frames", "plot_latency", "plot_recording", "plot_transcript"]

COLUMNS: Final = 2_000
"""Stretches a curve is drawn with: as many as a wide screen has pixels."""
_LABELLED_SEGMENTS: Final = 100
_LABEL_LENGTH: Final = 24

_WAVE, _SPEECH, _SCORE, _THRESHOLD = "#4c78a8", "rgba(84,162,75,.3)", "#b279a2", "#e45756"


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
    figure = _figure("amplitude")
    # Traces are painted in order: the boxes first, so that the wave lies on top.
    if segments is not None:
        peak = max(float(np.abs(recording.samples.astype(np.int32)).max()), 1.0) / 32_768
        figure.add_trace(_boxes(_spans(segments), -peak, peak, "speech"))
    figure.add_trace(_waveform(recording))
    return figure


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
    import plotly.graph_objects as go

    figure = _figure("amplitude" if recording is not None else "")
    segments = transcript.segments
    figure.add_trace(_boxes(_spans(segments), -1, 1, "utterances"))
    if recording is not None:
        figure.add_trace(_waveform(recording))
    labels = [_label(segment.text) if len(segments) <= _LABELLED_SEGMENTS else "" for segment in segments]
    figure.add_trace(
        go.Scatter(
            x=[(segment.start + segment.end) / 2 for segment in segments],
            y=[0.85] * len(segments),
            mode="markers+text",
            marker={"size": 6, "color": _WAVE},
            text=labels,
            textposition="bottom center",
            hovertext=[f"{segment.start:.2f} – {segment.end:.2f} s<br>{escape(segment.text)}" for segment in segments],
            hoverinfo="text",
            name="text",
            showlegend=False,
        )
    )
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
    import plotly.graph_objects as go

    columns = frames.columns()
    time, score, is_speech = columns["time"], columns["score"], columns["is_speech"]
    figure = _figure("score")
    top = float(max(np.nanmax(score, initial=0), threshold or 0)) or 1.0
    figure.add_trace(_boxes(_runs(time, is_speech), 0, top, "speech"))
    x, y = envelope(time, score)
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line={"width": 1, "color": _SCORE}, name="score"))
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
    import plotly.graph_objects as go

    figure = go.Figure()
    columns = latency.columns()
    for row in latency.summary():
        if row.utterances:
            name = f"{row.measure.removesuffix('_ms').replace('_', ' ')}<br>median {row.median_ms:.0f} ms"
            points = "all" if row.utterances <= 500 else "outliers"
            figure.add_trace(go.Box(y=columns[row.measure], name=name, boxpoints=points, hovertext=columns["item_id"]))
    figure.update_layout(yaxis_title="ms after the end of speech", showlegend=False, height=420, margin={"t": 30})
    return figure


def _figure(y_title: str) -> Any:  # noqa: ANN401 - untyped plotly
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        xaxis_title="time (s)",
        yaxis_title=y_title,
        height=320,
        margin={"t": 30},
        legend={"orientation": "h", "y": 1.12},
    )
    return figure


def _waveform(recording: Recording) -> Any:  # noqa: ANN401 - untyped plotly
    import plotly.graph_objects as go

    samples = recording.samples
    x, y = envelope(np.arange(len(samples)) / recording.rate, samples)
    line = {"width": 1, "color": _WAVE}
    return go.Scatter(x=x, y=y / np.float32(32_768), mode="lines", line=line, name="waveform", hoverinfo="x+y")


def _boxes(spans: list[tuple[float, float]], low: float, high: float, name: str) -> Any:  # noqa: ANN401 - untyped plotly
    """Return all stretches as one trace: thousands of layout shapes would take seconds to draw."""
    import plotly.graph_objects as go

    x: list[float | None] = []
    y: list[float | None] = []
    for start, end in spans:
        x += [start, start, end, end, None]
        y += [low, high, high, low, None]
    return go.Scatter(
        x=x, y=y, fill="toself", fillcolor=_SPEECH, mode="lines", line={"width": 0}, name=name, hoverinfo="skip"
    )


def _spans(segments: Iterable[Any]) -> list[tuple[float, float]]:
    return [(s.start, s.end) if hasattr(s, "start") else (float(s[0]), float(s[1])) for s in segments]


def _runs(time: NDArray[np.float64], is_speech: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return where consecutive frames of speech begin and end."""
    edges = np.flatnonzero(np.diff(is_speech.astype(np.int8), prepend=0, append=0))
    # A run ends where the next frame begins; after the last frame, one frame later.
    ends = np.append(time, time[-1] + (time[-1] - time[-2] if len(time) > 1 else 0.0)) if len(time) else time
    return [(float(ends[a]), float(ends[b])) for a, b in edges.reshape(-1, 2)]


def _label(text: str) -> str:
    return escape(text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…")
