"""What every benchmark prints: rows of figures, each against its anchor and its budget."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    name
        What was measured, and against what.
    value
        The figure, in ``unit``.
    unit
        Unit of ``value`` and ``anchor``.
    anchor
        What it is compared with, measured in the same run; None if the budget is absolute.
    ratio
        ``value`` over ``anchor``; the median over the rounds, so that a disturbed round counts for little.
    budget
        What the ratio (without an anchor, the value) may not exceed; with ``at_least``, not fall below.
    met
        Whether it keeps to that.
    """

    name: str
    value: float
    unit: str
    anchor: float | None
    ratio: float | None
    budget: float | None
    met: bool | None


def judged(
    name: str,
    value: float,
    unit: str,
    *,
    budget: float | None,
    anchor: float | None = None,
    ratio: float | None = None,
    at_least: bool = False,
) -> Row:
    """Return the row for a figure, with its verdict."""
    if ratio is None and anchor:
        ratio = value / anchor
    measured = value if ratio is None else ratio
    met = None if budget is None else (measured >= budget if at_least else measured <= budget)
    return Row(name, value, unit, anchor, ratio, budget, met)


def arguments(description: str) -> argparse.Namespace:
    """Return the arguments that every benchmark takes: ``json`` and ``quick``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="take less than a minute")
    return parser.parse_args()


def progress(text: str) -> None:
    """Say what is going on, on standard error."""
    print(text, file=sys.stderr, flush=True)


def report(rows: Iterable[Row], *, as_json: bool) -> int:
    """Print the rows on standard output and return the exit code: 1 if a budget was not kept."""
    rows = list(rows)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        for row in rows:
            print(_line(row))
    return int(any(row.met is False for row in rows))


def _line(row: Row) -> str:
    verdict = {True: "met", False: "NOT MET", None: ""}[row.met]
    anchor = "" if row.anchor is None else f" / {row.anchor:.4g} {row.unit}"
    ratio = "" if row.ratio is None else f" = {row.ratio:.3f}"
    budget = "" if row.budget is None else f"  (budget {row.budget:g}) "
    return f"{row.name}: {row.value:.4g} {row.unit}{anchor}{ratio}{budget}{verdict}"
