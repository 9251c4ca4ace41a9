"""``ipyspeaches loadtest``: how many sessions at once a server holds, level by level."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipyspeaches.cli.arguments import Commands, add_address_arguments, api_key
from ipyspeaches.cli.transcribe_files import turn_detection
from ipyspeaches.protocol.address import EMBEDDED
from ipyspeaches.session.options import TRANSPORTS
from ipyspeaches.terminal import one_line, printable

if TYPE_CHECKING:
    from ipyspeaches import LoadReport
    from ipyspeaches.results.load_report import LoadLevel

_HEADS: Final = ("sessions", "refused", "utterances", "final", "failed", "lost", "doubled", "words wrong")
_MORE: Final = ("first P50/P95 s", "final P50/P95/P99 s", "own lag ms", "server cores", "server MB", "holds")


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "loadtest",
        help="find out how many sessions at once a server holds",
        description="Plays the words of a file to a server in many sessions at once, each at the speed of a "
        "microphone, and says for each number of sessions what became of the utterances and how soon the texts came. "
        "The first level is one session. Ends with 1 if a level that was named does not hold.",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what everybody says")
    add_address_arguments(parser, several=True)
    parser.add_argument("--model", type=_listed, metavar="ID[,ID]", help="the model, or several in turn")
    parser.add_argument(
        "--sessions",
        type=_counts,
        metavar="N,N",
        help="how many at once, level by level (default: doubled until the server does not hold them)",
    )
    parser.add_argument(
        "--transport", type=_transports, default=["realtime"], metavar="NAME[,NAME]", help=", ".join(TRANSPORTS)
    )
    parser.add_argument("--language", metavar="CODE", help="e.g. en, zh-CN (default: the model decides)")
    parser.add_argument(
        "--within",
        type=float,
        default=3.0,
        metavar="S",
        help="a level holds if 95 of 100 texts come within so many seconds after the end of speech (default: 3)",
    )
    parser.add_argument("--ramp", type=float, metavar="S", help="seconds over which the sessions of a level begin")
    parser.add_argument(
        "--pace", type=float, default=1.0, metavar="X", help="1 (default): as microphones do; 0: files, at full speed"
    )
    parser.add_argument("--vad", choices=("silero", "energy"), default="silero", help="what cuts (default: silero)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Run the levels and print them; return 1 if one does not hold."""
    servers = list(args.server or [])
    if args.file is None and servers and "://" not in servers[-1] and servers[-1] != EMBEDDED:
        args.file = Path(servers.pop())  # argparse takes it for another address
    if args.file is None:
        args.parser.error("the following arguments are required: FILE")
    args.server = servers[0] if servers else None
    import ipyspeaches

    test = ipyspeaches.load_test(
        servers or None,
        args.file,
        args.sessions,
        transport=args.transport,
        model=args.model,
        within_s=args.within,
        ramp_s=args.ramp,
        language=args.language,
        pace=args.pace,
        turn_detection=turn_detection(args.vad),
        api_key=api_key(args) if args.api_key or args.api_key_env else None,
    )
    try:
        report = ipyspeaches.run(test)
    except BaseException as exc:
        done: LoadReport | None = getattr(exc, "report", None)
        if done is not None and len(done):
            _print(done, as_json=args.json)
        raise
    _print(report, as_json=args.json)
    if args.sessions is None:
        return int(not all(report.knees.values()))
    return int(len(report) < _wanted(args) or not all(level.holds(report.within_s) for level in report))


def _wanted(args: argparse.Namespace) -> int:
    return len({1, *args.sessions}) * len(args.transport)


def _print(report: LoadReport, *, as_json: bool) -> None:
    if as_json:
        print(report.to_json(), end="")
        return
    for transport, held in report.knees.items():
        rows = [_cells(level, report.within_s) for level in report if level.transport == transport]
        print(f"{transport}: holds {held} {'session' if held == 1 else 'sessions'} within {report.within_s:g} s")
        heads = (*_HEADS, *_MORE)
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in (heads, *rows):
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for error in report.errors:
        where = f"level {error.sessions}, {error.transport}"
        print(printable(f"{where}: {error.number} x {error.kind}: {one_line(error.example)}"))
    for note in report.notes:
        print(f"ipyspeaches: {note}", file=sys.stderr)


def _cells(level: LoadLevel, within_s: float) -> tuple[str, ...]:
    counts = (level.sessions, level.refused, level.utterances, level.final, level.failed, level.lost, level.doubled)
    return (
        *map(str, counts),
        _number(level.words_wrong, ".3f"),
        _seconds(level.first_p50_ms, level.first_p95_ms),
        _seconds(level.final_p50_ms, level.final_p95_ms, level.final_p99_ms),
        _number(level.late_p99_ms, ".0f"),
        _number(level.server_cores, ".2f"),
        _number(level.server_mb, ".0f"),
        "yes" if level.holds(within_s) else "no",
    )


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _seconds(*values_ms: float) -> str:
    return " / ".join(_number(value / 1000, ".2f") for value in values_ms)


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _transports(text: str) -> list[str]:
    names = _listed(text)
    if not names or set(names) - set(TRANSPORTS):
        raise argparse.ArgumentTypeError(f"{text!r} names none of {', '.join(TRANSPORTS)}")
    return names


def _counts(text: str) -> list[int]:
    try:
        counts = [int(one) for one in _listed(text)]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1 on, such as 1,2,4,8")
    return counts
