"""How long everything took, counted from the end of speech."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from ipyspeaches.results.growing import GrowingColumns
from ipyspeaches.results.segment import optional_numbers
from ipyspeaches.tables import Table, row_position

MEASURES: Final = ("vad_stop_ms", "commit_ms", "first_partial_ms", "final_ms", "on_screen_ms")
STEPS: Final = {
    "vad_stop_ms": "end noticed",
    "commit_ms": "committed",
    "first_partial_ms": "first text",
    "final_ms": "final text",
    "on_screen_ms": "on screen",
}
"""The measures in words."""


class UtteranceLatency(NamedTuple):
    """The way of one utterance, in milliseconds after the end of its speech; NaN for what did not happen.

    Parameters
    ----------
    item_id
        The server's name for the utterance.
    speech_end_s
        Where its speech ends, in session seconds.
    vad_stop_ms
        The detector was sure that it had ended.
    commit_ms
        The server took the utterance.
    first_partial_ms
        The first text came; negative if that was during the speech.
    final_ms
        The final text came.
    on_screen_ms
        A page had painted the final text. The page says so after the frame, and the kernel notes when that arrives:
        the way back is in it. Without a page in view it did not happen.
    """

    item_id: str | None
    speech_end_s: float
    vad_stop_ms: float
    commit_ms: float
    first_partial_ms: float
    final_ms: float
    on_screen_ms: float


class MeasureSummary(NamedTuple):
    """Median and 95th percentile of one measure over the utterances that have it."""

    measure: str
    utterances: int
    median_ms: float
    p95_ms: float


class LatencySummary(Table):
    """One row a measure: how many utterances have it, its median and its 95th percentile."""

    def __init__(self, rows: tuple[MeasureSummary, ...]) -> None:
        self._rows = rows

    def columns(self) -> Mapping[str, Any]:
        """Return the measures' names, their counts as int64 and the milliseconds as float64."""
        return {
            "measure": [row.measure for row in self._rows],
            "utterances": np.array([row.utterances for row in self._rows], dtype=np.int64),
            "median_ms": np.array([row.median_ms for row in self._rows], dtype=np.float64),
            "p95_ms": np.array([row.p95_ms for row in self._rows], dtype=np.float64),
        }

    def __iter__(self) -> Iterator[MeasureSummary]:
        return iter(self._rows)

    def __getitem__(self, index: int) -> MeasureSummary:
        return self._rows[index]

    def of(self, measure: str) -> MeasureSummary:
        """Return the row of a measure such as ``"final_ms"``."""
        return self._rows[MEASURES.index(measure)]


class Latency(Table):
    """One row an utterance, in the order in which the final texts came.

    One thread may append and amend while others read.
    """

    def __init__(self) -> None:
        self._item_ids: list[str | None] = []
        self._numbers = GrowingColumns(dict.fromkeys(("speech_end_s", *MEASURES), np.float64))

    def append(
        self,
        *,
        item_id: str | None,
        speech_end_s: float,
        vad_stop_ms: float | None = None,
        commit_ms: float | None = None,
        first_partial_ms: float | None = None,
        final_ms: float | None = None,
        on_screen_ms: float | None = None,
    ) -> None:
        """Add an utterance; None for what did not happen. See `UtteranceLatency` for the measures."""
        values = (speech_end_s, vad_stop_ms, commit_ms, first_partial_ms, final_ms, on_screen_ms)
        # The name first: readers take as many names as there are numbers.
        self._item_ids.append(item_id)
        self._numbers.append(dict(zip(("speech_end_s", *MEASURES), optional_numbers(values), strict=True)))

    def painted(self, item_id: str, on_screen_ms: float) -> bool:
        """Note when the final text of an utterance was on screen; only the first time counts.

        Returns
        -------
        bool
            Whether it was noted: False if no row has this ``item_id``, or it was on screen before.
        """
        columns = self.columns()
        # What is painted came a moment ago: look from the end.
        for row in range(len(columns["item_id"]) - 1, -1, -1):
            if columns["item_id"][row] == item_id:
                first = math.isnan(columns["on_screen_ms"][row])
                if first:
                    self._numbers.amend("on_screen_ms", row, on_screen_ms)
                return first
        return False

    def columns(self) -> Mapping[str, Any]:
        """Return ``item_id`` as text and the measures as float64 of shape ``(len(self),)``, NaN where not there."""
        views = self._numbers.views()
        return {"item_id": self._item_ids[: len(views["speech_end_s"])], **views}

    def summary(self) -> LatencySummary:
        """Return median and 95th percentile of each measure; NaN where no utterance has it."""
        views = self._numbers.views()
        rows = []
        for measure in MEASURES:
            values = views[measure].astype(np.float64)
            there = values[~np.isnan(values)]
            median_ms, p95_ms = np.percentile(there, (50, 95)).tolist() if len(there) else (math.nan, math.nan)
            rows.append(MeasureSummary(measure, len(there), median_ms, p95_ms))
        return LatencySummary(tuple(rows))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[UtteranceLatency]:
        item_ids, *numbers = self.columns().values()
        return map(UtteranceLatency, item_ids, *(column.tolist() for column in numbers))

    def __getitem__(self, index: int) -> UtteranceLatency:
        item_ids, *numbers = self.columns().values()
        at = row_position(index, len(item_ids))
        return UtteranceLatency(item_ids[at], *(column[at].item() for column in numbers))
