"""The ``ipyspeaches`` command: one module a subcommand, `main` around them all; never a traceback.

========  =====================================================================
code      meaning
========  =====================================================================
0         done
1         the work failed; one sentence on stderr says why and what to do
2         wrong usage
130, 143  stopped by Ctrl-C, by SIGTERM; 129 when its terminal was closed
========  =====================================================================

``IPYSPEACHES_DEBUG=1`` shows the traceback of a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType

from ipyspeaches.cli import demo, doctor, manage_models, manage_recordings, measure_load, serve, transcribe_files
from ipyspeaches.errors import SpeachesError
from ipyspeaches.terminal import ERROR_PREFIX, printable

FAILED = 1
INTERRUPTED = 128 + signal.SIGINT
_ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _Terminated(BaseException):
    """A signal arrived, whose number it has: unwind, so that what was started is stopped."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with these arguments (None: the process's); the exit codes are in the table above.

    From argparse comes a `SystemExit`: code 2 after wrong usage, code 0 after ``--help`` and ``--version``.
    """
    _fill_closed_streams()
    _let_streams_take_all_characters()
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    unknown = [word.partition("=")[0] for word in rest if word.startswith("-")]
    if hasattr(args, "ids") and not unknown:
        args.ids += rest  # behind an option, argparse takes no more of them
    elif hasattr(args, "files") and not unknown:
        args.files += map(Path, rest)
    elif rest:
        # What follows a misspelt option may be a key.
        parser.error(f"unrecognized arguments: {' '.join(unknown or rest)}")
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        with _signals_unwind():
            code = command(args)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except _Terminated as end:
        return 128 + int(end.args[0])
    except BrokenPipeError:
        # The reader went away (`… | head`). Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as exc:  # noqa: BLE001  the user gets a sentence, whatever happened
        return _report(exc)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every subcommand."""
    parser = argparse.ArgumentParser(
        prog="ipyspeaches",
        description="Live speech recognition for notebooks, and for the command line.",
        epilog="Exit codes: 0 done, 1 the work failed, 2 wrong usage. IPYSPEACHES_DEBUG=1 shows tracebacks.",
    )
    parser.add_argument("--version", action="version", version=f"ipyspeaches {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (demo, serve, transcribe_files, manage_recordings, manage_models, measure_load, doctor):
        module.add_command(commands)
    return parser


def _fill_closed_streams() -> None:
    """Open what a service may have closed: the next file or socket would get what libraries print."""
    while (unused := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(unused)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123


def _let_streams_take_all_characters() -> None:
    """Let no character stop a print: a finished transcript would be lost to a terminal's cp1252, or to ``LC_ALL=C``."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        # A terminal knows only its own encoding, and shows the rest as escapes; files and pipes get UTF-8.
        own = stream is sys.stderr or stream.isatty()
        stream.reconfigure(encoding=None if own else "utf-8", errors="backslashreplace")


def _version() -> str:
    try:
        return metadata.version("ipyspeaches")
    except metadata.PackageNotFoundError:
        return "(not installed: running from source)"


def _report(exc: Exception) -> int:
    if os.getenv("IPYSPEACHES_DEBUG") == "1":
        traceback.print_exception(exc)
    elif isinstance(exc, SpeachesError):
        print(f"{ERROR_PREFIX}{printable(str(exc))}", file=sys.stderr)
    elif isinstance(exc, OSError):
        place = f" ({exc.filename})" if exc.filename else ""
        print(f"{ERROR_PREFIX}{exc.strerror or exc}{place}.", file=sys.stderr)
    else:
        print(
            f"{ERROR_PREFIX}unexpected {type(exc).__name__}: {exc}. "
            "Run it again with IPYSPEACHES_DEBUG=1 and report what it shows.",
            file=sys.stderr,
        )
    return FAILED


@contextlib.contextmanager
def _signals_unwind() -> Iterator[None]:
    """Let the end of the process or of its terminal unwind the stack as Ctrl-C does; only the main thread may ask."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminals = [stream for stream in (1, 2) if os.isatty(stream)]

    def unwind(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGTERM:
            for terminal in terminals:  # it is gone: a print on the way out would raise
                os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
        raise _Terminated(number)

    kept = {number: signal.getsignal(number) for number in _ENDINGS}
    kept = {number: handler for number, handler in kept.items() if handler is not signal.SIG_IGN}  # nohup's
    for number in kept:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
