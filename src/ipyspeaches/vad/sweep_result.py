"""What a sweep found, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, METRICS, Evaluation
from ipyspeaches.vad.figures import check_metric


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One setting: the detector, what was swept of it, and how it did on all recordings together."""

    vad: Detector
    settings: Mapping[str, Any]
    evaluation: Evaluation


class SweepResult(Table):
    """One row a setting: what was swept, then all metrics, pooled over the recordings.

    Parameters
    ----------
    rows
        All settings.
    """

    def __init__(self, rows: Sequence[SweepRow]) -> None:
        self.rows = tuple(rows)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was swept, arrays of shape ``(len(self),)``; a value that is left to the detector is NaN."""
        columns = {}
        for name in self.rows[0].settings:
            values = [row.settings[name] for row in self.rows]
            columns[name] = np.array([np.nan if value is None else value for value in values])
        return columns

    def columns(self) -> Mapping[str, Any]:
        """Return the columns, arrays of shape ``(len(self),)``."""
        metrics = {name: np.array([getattr(row.evaluation, name) for row in self.rows]) for name in METRICS}
        return {**self.parameters, **metrics}

    def best(self, metric: str = "f1") -> SweepRow:
        """Return the setting with the highest F1, precision, recall or accuracy, or the error nearest to 0.

        Of equals, it is the one in the middle: where many settings are as good, that is the one that is least sensitive
        to a change.

        Raises
        ------
        InputError
            If there is no such metric, or no setting has it.
        """
        values = np.array([getattr(row.evaluation, check_metric(metric)) for row in self.rows], dtype=np.float64)
        worth = values if metric in HIGH_IS_GOOD else -np.abs(values)
        if np.isnan(worth).all():
            raise InputError(f"No setting has a {metric}: nothing was found in the truth's place, widen the grid.")
        equals = np.flatnonzero(worth == np.nanmax(worth))
        return self.rows[int(equals[len(equals) // 2])]

    def plot(self, metric: str = "f1", x: str | None = None, y: str | None = None) -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure: a heat map over two parameters, or lines over one; see `figures.plot_sweep`."""
        from ipyspeaches.vad.figures import plot_sweep

        return plot_sweep(self, metric, x, y)

    def __repr__(self) -> str:
        best = self.best()
        return f"SweepResult({len(self.rows):,} settings, best f1 {best.evaluation.f1:.3f} with {best.vad.to_code()})"
