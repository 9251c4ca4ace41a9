"""Give every parser inputs that are nearly right: what comes must be usable, or an error that is documented.

    make fuzz ARGS="--inputs 1000000 --seed 1"

Inputs are mutations of real ones: recorded answers and events, files of labels, short audio, a page's commands. Each is
made from the seed, the parser's name and its number alone, so that it can be made again. A finding is any other
exception, and an input that takes the CPU longer than `SLOWEST_S`; an input that never ends ends the run with a
traceback. Counts, the slowest input and the peak of memory are printed.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fuzzed import Parser, parsers

SLOWEST_S = 5.0
HANGS_S = 300
"""For so many inputs together as `AT_ONCE`."""
AT_ONCE = 500
MOST_FINDINGS = 20


@dataclass
class Tally:
    """What became of one parser's inputs; ``grown_kib`` is how much one of them raised the peak of memory at most."""

    parser: str
    inputs: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    slowest: int = 0
    longest_message: int = 0
    grown_kib: int = 0
    grown_by: int = 0
    findings: list[str] = field(default_factory=list)


def run(parser: Parser, count: int, seed: str, first: int = 0, tally: Tally | None = None) -> Tally:
    """Give a parser so many inputs, and go on with a tally."""
    tally = tally or Tally(parser.name)
    for number in range(first, first + count):
        data = parser.make(chance(seed, parser, number))
        peak, begin = peak_kib(), time.thread_time()
        problem = ""
        try:
            with warnings.catch_warnings(action="ignore"):
                parser.read(data)
        except parser.errors as exc:
            tally.refused += 1
            tally.longest_message = max(tally.longest_message, len(str(exc)))
        except Exception as exc:  # noqa: BLE001 - that is what is looked for
            problem = f"{type(exc).__name__}: {str(exc)[:200]}"
        took_s = time.thread_time() - begin
        if took_s > SLOWEST_S:
            problem = problem or f"{took_s:.1f} s"
        if problem and len(tally.findings) < MOST_FINDINGS:
            tally.findings.append(f"{parser.name}, input {number} of seed {seed}: {problem} for {repr(data)[:300]}")
        if took_s > tally.slowest_s:
            tally.slowest_s, tally.slowest = took_s, number
        if (grown_kib := peak_kib() - peak) > tally.grown_kib:
            tally.grown_kib, tally.grown_by = grown_kib, number
        tally.inputs += 1
    return tally


def chance(seed: str, parser: Parser, number: int) -> random.Random:
    """Return what an input is made with."""
    return random.Random(f"{seed} {parser.name} {number}")


def peak_kib() -> int:
    """Return the peak of this process's memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def shares(inputs: int, chosen: Sequence[Parser]) -> list[int]:
    """Return how many inputs each parser gets: by its weight, and all together so many."""
    whole = sum(parser.weight for parser in chosen)
    counts = [inputs * parser.weight // whole for parser in chosen]
    counts[0] += inputs - sum(counts)
    return counts


def run_watched(parser: Parser, count: int, seed: str, first: int) -> Tally:
    """Give a parser its inputs in parts, each of which has to end."""
    tally = Tally(parser.name)
    for begin in range(first, first + count, AT_ONCE):
        faulthandler.dump_traceback_later(HANGS_S, exit=True)  # also where the interpreter's lock is held
        run(parser, min(AT_ONCE, first + count - begin), seed, begin, tally)
    faulthandler.cancel_dump_traceback_later()
    return tally


def main() -> int:
    """Run it from the command line; return the exit code."""
    arguments = argparse.ArgumentParser(description="Fuzz all parsers.")
    arguments.add_argument("--inputs", type=int, default=20_000, help="how many in all (default 20,000)")
    arguments.add_argument("--seed", default="1", help="makes the same inputs again (default 1)")
    arguments.add_argument("--parser", help="only this one")
    arguments.add_argument("--first", type=int, default=0, help="number of the first input of each parser")
    asked = arguments.parse_args()
    begin, tallies = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder, parsers(Path(folder)) as known:
        chosen = [parser for parser in known if asked.parser in (None, parser.name)]
        for parser, count in zip(chosen, shares(asked.inputs, chosen), strict=True):
            tally = run_watched(parser, count, asked.seed, asked.first)
            tallies.append(tally)
            print(json.dumps(asdict(tally), ensure_ascii=True), flush=True)
    findings = sum(len(tally.findings) for tally in tallies)
    slowest = max(tallies, key=lambda tally: tally.slowest_s)
    print(
        f"seed {asked.seed}: {sum(tally.inputs for tally in tallies):,} inputs over {len(tallies)} parsers, "
        f"{sum(tally.refused for tally in tallies):,} refused, {findings} findings; "
        f"slowest {slowest.slowest_s:.2f} s ({slowest.parser}, input {slowest.slowest}); "
        f"peak memory {peak_kib() // 1024} MiB; {time.monotonic() - begin:.0f} s"
    )
    return int(findings > 0)


if __name__ == "__main__":
    sys.exit(main())
