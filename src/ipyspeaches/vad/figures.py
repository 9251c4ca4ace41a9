"""Plotly figures of sweeps, curves and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.plots import COLUMNS, Trace, draw
from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, check_metric

if TYPE_CHECKING:
    from ipyspeaches.vad.curves import PrecisionRecallCurve, RocCurve
    from ipyspeaches.vad.noise import NoiseScores
    from ipyspeaches.vad.sweeps import SweepResult

_LINES = ("f1", "precision", "recall")


def plot_sweep(result: SweepResult, metric: str, x: str | None, y: str | None) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw a sweep: a heat map of two parameters, or lines over one; by default the first that have several values.

    The colour is the metric; of all settings in a cell, the best.
    """
    varied = [name for name, column in result.parameters.items() if len(np.unique(column)) > 1]
    names = [name for name in (x, y) if name is not None]
    for name in names:
        if name not in result.parameters:
            raise InputError(f"{name!r} was not swept: choose from {', '.join(result.parameters)}.")
    names += [name for name in varied if name not in names]
    if len(names) < 2:
        return _lines(result, check_metric(metric), (names or list(result.parameters))[0])
    return _heat_map(result, check_metric(metric), names[0], names[1])


def _heat_map(result: SweepResult, metric: str, x: str, y: str) -> Any:  # noqa: ANN401 - untyped plotly
    columns = result.columns()
    across, at_x = np.unique(columns[x], return_inverse=True)
    up, at_y = np.unique(columns[y], return_inverse=True)
    values = np.full((len(up), len(across)), np.nan)
    good = metric in HIGH_IS_GOOD
    for row, column, value in zip(at_y, at_x, columns[metric], strict=True):
        now = values[row, column]
        if np.isnan(now) or (value > now if good else abs(value) < abs(now)):
            values[row, column] = value
    best = result.best(metric)
    cells = {
        "type": "heatmap",
        "x": across,
        "y": up,
        "z": values,
        "colorscale": "Viridis" if good else "Viridis_r",
        "colorbar": {"title": metric},
        "hoverongaps": False,
    }
    star = {
        "x": [best.settings[x]],
        "y": [best.settings[y]],
        "mode": "markers",
        "marker": {"symbol": "star", "size": 14, "color": "white", "line": {"width": 1, "color": "black"}},
        "name": f"best: {getattr(best.evaluation, metric):.3f}",
    }
    return draw([cells, star], xaxis_title=x, yaxis_title=y, legend={"orientation": "h"})


def _lines(result: SweepResult, metric: str, x: str) -> Any:  # noqa: ANN401 - untyped plotly
    columns = result.columns()
    order = np.argsort(columns[x], kind="stable")
    traces = [
        _line(columns[x][order], columns[name][order], name, width=3 if name == metric else 1)
        for name in dict.fromkeys((metric, *_LINES))
    ]
    figure = draw(traces, xaxis_title=x, legend={"orientation": "h"})
    figure.add_vline(result.best(metric).settings[x], line={"dash": "dash"}, annotation_text="best")
    return figure


def _line(x: Any, y: Any, name: str, width: int = 2) -> Trace:  # noqa: ANN401 - columns of a table
    return {"x": x, "y": y, "mode": "lines+markers", "name": name, "line": {"width": width}}


def plot_roc(curve: RocCurve) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw hits over false alarms, with the line of guessing; pointing shows the threshold."""
    figure = _curve(curve.false_positive_rate, curve.true_positive_rate, curve.threshold, f"AUC {curve.auc:.3f}")
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"dash": "dot", "width": 1})
    figure.update_layout(xaxis_title="false positive rate", yaxis_title="true positive rate")
    return figure


def plot_precision_recall(curve: PrecisionRecallCurve) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw precision over recall; pointing shows the threshold."""
    figure = _curve(curve.recall, curve.precision, curve.threshold, f"AUC {curve.auc:.3f}")
    figure.update_layout(xaxis_title="recall", yaxis_title="precision")
    return figure


def _curve(x: Any, y: Any, threshold: Any, name: str) -> Any:  # noqa: ANN401 - untyped plotly
    # An hour has a hundred thousand thresholds, a screen two thousand columns.
    shown = np.unique(np.linspace(0, len(x) - 1, min(len(x), COLUMNS)).astype(np.intp))
    line = {
        "x": x[shown],
        "y": y[shown],
        "customdata": threshold[shown],
        "mode": "lines",
        "name": name,
        "hovertemplate": "%{x:.3f}, %{y:.3f} at threshold %{customdata:.4g}<extra></extra>",
    }
    return draw([line], showlegend=True, xaxis_range=[-0.01, 1.01], yaxis_range=[-0.01, 1.01])


def plot_noise(scores: NoiseScores, metric: str) -> Any:  # noqa: ANN401 - untyped plotly
    """Draw a metric over the SNR, one line a noise."""
    columns = scores.columns()
    noises, levels, values = np.array(columns["noise"]), columns["snr_db"], columns[check_metric(metric)]
    lines = []
    for noise in dict.fromkeys(columns["noise"]):
        at = np.flatnonzero(noises == noise)
        at = at[np.argsort(levels[at])]
        lines.append(_line(levels[at], values[at], noise))
    return draw(lines, xaxis_title="SNR (dB)", yaxis_title=metric)
