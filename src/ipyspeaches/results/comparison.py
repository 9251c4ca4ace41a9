"""The same words by several ways: which got them right, and how long each took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.results.accuracy import ErrorRate, cer, wer
from ipyspeaches.results.compared_markup import comparison_html
from ipyspeaches.results.latency import MEASURES, Latency
from ipyspeaches.results.matching import match
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.tables import Table

if TYPE_CHECKING:
    from typing import TypeAlias

    Reference: TypeAlias = str | Transcript | None


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


class ComparedUtterances(Table):
    """One row an utterance and run, ordered by time: what is the same speech stands together.

    Parameters
    ----------
    rows
        The rows, in order.
    """

    def __init__(self, rows: Iterable[ComparedUtterance]) -> None:
        self._rows = tuple(rows)

    def columns(self) -> Mapping[str, Any]:
        """Return the fields of `ComparedUtterance`: ``utterance`` as int64, seconds and milliseconds as float64."""
        texts = {"run", "text", "item_id"}
        columns: dict[str, Any] = {}
        for position, name in enumerate(ComparedUtterance._fields):
            values = [row[position] for row in self._rows]
            dtype = np.int64 if name == "utterance" else np.float64
            columns[name] = values if name in texts else np.array(values, dtype=dtype)
        return columns

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[ComparedUtterance]:
        return iter(self._rows)

    def __getitem__(self, index: int) -> ComparedUtterance:
        return self._rows[index]


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
            _row(number, run.name, segment, measures)
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
        """Return a Plotly figure; see `ipyspeaches.results.compared_figures.plot_comparison`."""
        from ipyspeaches.results.compared_figures import plot_comparison

        return plot_comparison(self, what)

    def _repr_html_(self) -> str:
        return comparison_html(self)


def _row(
    number: int, run: str, segment: Segment, measures: Mapping[str | None, tuple[float, ...]]
) -> ComparedUtterance:
    nothing = (math.nan,) * len(MEASURES)
    found = measures.get(segment.item_id, nothing) if segment.item_id is not None else nothing
    return ComparedUtterance(number, run, segment.start, segment.end, segment.text, segment.item_id, *found)


def _measures(latency: Latency) -> dict[str | None, tuple[float, ...]]:
    return {row.item_id: tuple(getattr(row, measure) for measure in MEASURES) for row in latency}


def _rate(rate: ErrorRate | None) -> float:
    return math.nan if rate is None else rate.rate
