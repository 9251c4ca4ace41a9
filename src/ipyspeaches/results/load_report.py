"""What many sessions at once gave: per level, how many utterances have their text, how soon, and what went wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.checks import checked
from ipyspeaches.plots import Trace
from ipyspeaches.results.accuracy import ErrorRate, wer
from ipyspeaches.results.comparison import SHARED, shared
from ipyspeaches.results.records import Latency
from ipyspeaches.results.segment import Gap, Gaps, Segment
from ipyspeaches.tables import Rows, write_or_return
from ipyspeaches.words import join_text

PERCENTILES: Final = (50, 95, 99)
_OUTCOMES: Final = {"final": "#009e73", "failed": "#e69f00", "lost": "#d55e00", "doubled": "#cc79a7"}
_LINES: Final = {"final_p50_ms": "solid", "final_p95_ms": "dash", "final_p99_ms": "dot"}
_TRANSPORT_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


class LoadLevel(NamedTuple):
    """So many sessions at once, by one transport.

    Times are milliseconds after the end of speech, NaN where no text came.

    Parameters
    ----------
    transport, sessions
        By which way, and how many.
    refused
        Sessions that the server did not take.
    utterances
        How many were spoken in all of them, those that were refused among them.
    final
        Of these, the ones that have their final text.
    failed
        The ones that have none, which the session says, with the reason.
    lost
        The ones that have none, and nobody says so.
    doubled
        Texts of what has one already.
    words_wrong
        Word error rate against the text of the session that had the server for itself.
    first_p50_ms, first_p95_ms, first_p99_ms
        The first text of an utterance, negative while it is spoken; the final one where there was no other before.
    final_p50_ms, final_p95_ms, final_p99_ms
        Its final text.
    late_p99_ms
        How late this process was itself.
    client_cores, server_cores
        Cores that this process and the server kept busy, NaN where nobody knows.
    server_mb
        Memory of the server at its most, in MB; NaN where nobody knows.
    errors
        How many there were; `LoadReport.errors` has them by kind.
    """

    transport: str
    sessions: int
    refused: int
    utterances: int
    final: int
    failed: int
    lost: int
    doubled: int
    words_wrong: float
    first_p50_ms: float
    first_p95_ms: float
    first_p99_ms: float
    final_p50_ms: float
    final_p95_ms: float
    final_p99_ms: float
    late_p99_ms: float = math.nan
    client_cores: float = math.nan
    server_cores: float = math.nan
    server_mb: float = math.nan
    errors: int = 0

    def holds(self, within_s: float) -> bool:
        """Return whether every utterance has its text once, and 95 of 100 had it within so many seconds."""
        return not (self.refused or self.failed or self.lost or self.doubled) and self.final_p95_ms <= within_s * 1000


class LoadError(NamedTuple):
    """What went wrong in a level, how often, and what one of them said."""

    transport: str
    sessions: int
    kind: str
    number: int
    example: str


class LoadErrors(Rows[LoadError]):
    """One row a level and kind of error."""

    _row_type: ClassVar = LoadError


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """What one of the sessions gave.

    Parameters
    ----------
    finals
        The final text of each utterance, also where it is empty, in order of time.
    missing
        Stretches that have no text, each with its reason.
    latency
        How long it took.
    refused
        Whether the server did not take it.
    errors
        Kind and words of each.
    alone
        What the same gave with the server for itself.
    """

    finals: Sequence[Segment]
    missing: Sequence[Gap] | Gaps = ()
    latency: Latency = field(default_factory=Latency)
    refused: bool = False
    errors: Sequence[tuple[str, str]] = ()
    alone: Sequence[Segment] = ()

    def of(self, speech: Sequence[Segment]) -> Counter[str]:
        """Return how many of these stretches of speech are ``final``, ``failed`` or ``lost``, and texts ``doubled``."""
        counts: Counter[str] = Counter()
        for stretch in speech:
            answered = any(shared(stretch, one) >= SHARED for one in self.finals)
            told = any(gap.start < stretch.end and stretch.start < gap.end for gap in self.missing)
            counts["final" if answered else "failed" if told else "lost"] += 1
        closest = [_closest(speech, final) for final in self.finals]
        for number, final in enumerate(self.finals):
            before = zip(closest[:number], self.finals[:number], strict=True)
            counts["doubled"] += any(one is closest[number] and shared(other, final) >= SHARED for one, other in before)
        return counts

    @property
    def accuracy(self) -> ErrorRate | None:
        """How far the texts that came differ from those with the server for itself; None if none came."""
        known = [one for one in self.alone if any(shared(one, final) >= SHARED for final in self.finals)]
        if not known:
            return None
        return wer(join_text(one.text for one in known), join_text(one.text for one in self.finals))


def _closest(speech: Sequence[Segment], final: Segment) -> Segment | None:
    """Return the stretch that has most in common with a final text."""

    def likeness(one: Segment) -> float:
        both = min(one.end, final.end) - max(one.start, final.start)
        return both / max(one.end - one.start + final.end - final.start - both, 1e-9)

    return max(speech, key=likeness, default=None)


def level_of(
    transport: str,
    sessions: int,
    outcomes: Sequence[SessionOutcome],
    speech: Sequence[Segment],
    **measured: Any,  # noqa: ANN401  numbers
) -> LoadLevel:
    """Return a level as a row.

    Parameters
    ----------
    transport, sessions
        By which way, and how many at a time.
    outcomes
        What each session gave.
    speech
        The stretches of speech that each of them heard.
    **measured
        What is known of the processes: fields of `LoadLevel`.
    """
    counts = sum((one.of(speech) for one in outcomes), Counter[str]())
    rates = [rate for one in outcomes if (rate := one.accuracy) is not None]
    wrong = sum(rate.substitutions + rate.deletions + rate.insertions for rate in rates)
    words = sum(rate.length for rate in rates)
    final_ms = np.concatenate([one.latency.columns()["final_ms"] for one in outcomes])
    first_ms = np.concatenate([one.latency.columns()["first_partial_ms"] for one in outcomes])
    first_ms = np.where(np.isnan(first_ms), final_ms, first_ms)
    return LoadLevel(
        transport,
        sessions,
        sum(one.refused for one in outcomes),
        len(outcomes) * len(speech),
        **{name: counts[name] for name in _OUTCOMES},
        words_wrong=wrong / words if words else math.nan,
        **_percentiles("first", first_ms),
        **_percentiles("final", final_ms),
        errors=sum(len(one.errors) for one in outcomes),
        **measured,
    )


def _percentiles(name: str, values: NDArray[np.float64]) -> dict[str, Any]:
    there = values[~np.isnan(values)]
    found = np.percentile(there, PERCENTILES).tolist() if len(there) else [math.nan] * len(PERCENTILES)
    return {f"{name}_p{percent}_ms": round(value, 1) for percent, value in zip(PERCENTILES, found, strict=True)}


def errors_of(level: LoadLevel, outcomes: Iterable[SessionOutcome]) -> list[LoadError]:
    """Return the errors of a level by their kind, the most frequent first."""
    all_of_them = [error for one in outcomes for error in one.errors]
    counts = Counter(kind for kind, _ in all_of_them)
    examples = dict(reversed(all_of_them))
    return [LoadError(*level[:2], kind, number, examples[kind]) for kind, number in counts.most_common()]


@checked
class LoadReport(Rows[LoadLevel]):
    """One row a level, in the order in which they ran.

    Parameters
    ----------
    levels
        The rows.
    errors
        What went wrong in them.
    notes
        What to know beside the figures, in sentences.
    within_s
        Seconds after the end of speech within which 95 of 100 texts must come for a level to hold.
    """

    _row_type: ClassVar = LoadLevel

    def __init__(
        self,
        levels: Iterable[LoadLevel] = (),
        errors: Iterable[LoadError] = (),
        notes: Iterable[str] = (),
        within_s: float = math.inf,
    ) -> None:
        super().__init__(levels)
        self.errors = LoadErrors(errors)
        self.notes = tuple(notes)
        self.within_s = within_s

    @property
    def knees(self) -> Mapping[str, int]:
        """How many sessions a server holds by each transport: the last level before the first that does not hold."""
        held: dict[str, int] = {}
        full: set[str] = set()
        for level in sorted(self, key=lambda one: one.sessions):
            held.setdefault(level.transport, 0)
            if not level.holds(self.within_s):
                full.add(level.transport)
            elif level.transport not in full:
                held[level.transport] = level.sessions
        return held

    def to_json(self, path: str | Path | None = None) -> str | None:
        """Write levels, errors, notes and how many sessions the server holds as JSON; without a path, return it.

        It is an `InputError` if the file cannot be written.
        """
        plain = {
            "within_s": self.within_s,
            "holds": self.knees,
            "levels": [{**level._asdict(), "holds": level.holds(self.within_s)} for level in self],
            "errors": [error._asdict() for error in self.errors],
            "notes": self.notes,
        }
        return write_or_return(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n", path)

    def plot(self) -> Any:  # noqa: ANN401 - untyped plotly
        """Draw how soon texts came, and what became of the utterances, over the number of sessions.

        Returns
        -------
        plotly.graph_objects.Figure
            P50, P95 and P99 in seconds above, shares of all utterances in per cent below.
        """
        from plotly.subplots import make_subplots

        titles = ("end of speech to final text (s)", "utterances (%)")
        figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12, subplot_titles=titles)
        for number, transport in enumerate(self.knees):
            levels = [level for level in self if level.transport == transport]
            for trace in _times(levels, _TRANSPORT_COLOURS[number % len(_TRANSPORT_COLOURS)]):
                figure.add_trace(trace, row=1, col=1)
            for trace in _shares(levels, legend=number == 0):
                figure.add_trace(trace, row=2, col=1)
        if math.isfinite(self.within_s):
            figure.add_hline(self.within_s, line={"dash": "dot", "color": "#7f8791"}, row=1, col=1)
        counts = sorted({level.sessions for level in self})
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(map(str, counts)))
        figure.update_xaxes(title_text="sessions at once", row=2, col=1)
        figure.update_yaxes(rangemode="tozero")
        return figure.update_layout(template="none", barmode="relative", height=520, margin={"t": 40})


def _times(levels: Sequence[LoadLevel], colour: str) -> list[Trace]:
    where = [str(level.sessions) for level in levels]
    return [
        {
            "x": where,
            "y": [getattr(level, name) / 1000 for level in levels],
            "mode": "lines+markers",
            "line": {"dash": dash, "color": colour},
            "name": f"{levels[0].transport}, {name[6:9].upper()}",
        }
        for name, dash in _LINES.items()
    ]


def _shares(levels: Sequence[LoadLevel], *, legend: bool) -> list[Trace]:
    where = [str(level.sessions) for level in levels]
    return [
        {
            "type": "bar",
            "x": where,
            "y": [100 * getattr(level, name) / max(1, level.utterances) for level in levels],
            "marker": {"color": colour},
            "name": name,
            "legendgroup": name,
            "showlegend": legend,
            "hovertext": [levels[0].transport] * len(levels),
            "offsetgroup": levels[0].transport,
        }
        for name, colour in _OUTCOMES.items()
    ]
