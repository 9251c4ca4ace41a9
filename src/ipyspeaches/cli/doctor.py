"""``ipyspeaches doctor``: what works here, and the cure for what does not."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from ipyspeaches.cli.checks import Check, run_checks
from ipyspeaches.cli.options import Commands, add_server_arguments, api_key, server_url
from ipyspeaches.server.models import model_id


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="say what works here and how to cure what does not",
        description="Look at everything that recognition needs. The exit code is 1 only when it cannot work at all.",
    )
    add_server_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Run every check and print its line.

    Returns
    -------
    int
        1 when something essential fails.
    """
    model = None if args.model is None else model_id(args.model)
    checks = run_checks(server_url(args), api_key(args), model)
    if args.json:
        json.dump([asdict(check) for check in checks], sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        for check in checks:
            print(_line(check))
    return int(any(check.essential and not check.ok for check in checks))


def _line(check: Check) -> str:
    mark = "ok  " if check.ok else "FAIL" if check.essential else "-   "
    line = f"{mark} {check.name:<18} {check.found}"
    return f"{line}\n{'':<24}-> {check.cure}" if check.cure and not check.ok else line
