"""What ``import ipyspeaches`` costs beyond numpy and anywidget, which every notebook with a widget has loaded anyway.

Each figure is the median over fresh interpreters. Names are imported when they are first used, so that the second
row, where all of them are, is what a whole session pays in the end.
"""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
from collections.abc import Iterator

import ipyspeaches
from rows import Row, arguments, judged, progress, report

BUDGET_S = 0.15
ROUNDS = 11
QUICK_ROUNDS = 5
PROGRAM = """
import time, numpy, anywidget
begin = time.perf_counter()
{statement}
print(time.perf_counter() - begin)
"""
BARE = "import ipyspeaches"
NOTEBOOK = "import ipyspeaches as sp; sp.Transcriber, sp.Recording"
EVERYTHING = "import ipyspeaches as sp; [getattr(sp, name) for name in sp.__all__]"
ANCHOR = "import pandas"


def seconds(statement: str, rounds: int) -> float:
    """Return the median time of a statement in a fresh interpreter, after numpy and anywidget."""
    progress(f"{statement} …")
    command = [sys.executable, "-c", PROGRAM.format(statement=statement)]
    return statistics.median(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(rounds)
    )


def measure(rounds: int) -> Iterator[Row]:
    """Yield the rows; pandas, which most notebooks import, gives the scale of the machine."""
    # As pip does with what it installs; a checkout is not compiled where PYTHONDONTWRITEBYTECODE is set.
    compileall.compile_dir(ipyspeaches.__path__[0], quiet=1)
    yield judged("import ipyspeaches", seconds(BARE, rounds), "s", budget=BUDGET_S)
    yield judged("with Transcriber and Recording", seconds(NOTEBOOK, rounds), "s", budget=BUDGET_S)
    yield judged("with every public name", seconds(EVERYTHING, rounds), "s", budget=None)
    yield judged("import pandas, for scale", seconds(ANCHOR, rounds), "s", budget=None)


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__ or "")
    return report(measure(QUICK_ROUNDS if options.quick else ROUNDS), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
