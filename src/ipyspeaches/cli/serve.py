"""``ipyspeaches serve``: the embedded server, for other programs and other notebooks."""

from __future__ import annotations

import argparse

from ipyspeaches.cli.arguments import Commands, add_download_argument, port, tell_of_better_model
from ipyspeaches.local.engines import ENGINE_NAMES
from ipyspeaches.local.limits import add_limit_arguments, limits_from
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="run the embedded recognition server",
        description="Run the embedded recognition server until Ctrl-C. It speaks Speaches' protocol and prints "
        "`listening on http://…` when it is ready. It uses the best Whisper model that is at hand, else PocketSphinx, "
        "which hears English only, and badly; nothing is downloaded without --auto-download. Clients may ask for every "
        "model that is at hand.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=port, default=8000, help="port, 0 for any free one (default: 8000)")
    parser.add_argument("--engine", choices=ENGINE_NAMES, help="default: the best that is at hand")
    parser.add_argument(
        "--model", metavar="ID", help="Whisper model: a folder, an id on the Hugging Face hub, or a size"
    )
    add_download_argument(parser)
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"the key that clients must send; anyone on this machine can read it in the process list, so prefer "
        f"${API_KEY_VARIABLE}",
    )
    add_limit_arguments(parser)
    parser.add_argument("--exit-with-stdin", action="store_true", help=argparse.SUPPRESS)  # of a `LocalServer`
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C, and return 0."""
    from ipyspeaches.local import serve

    if not (args.engine or args.model or args.auto_download):
        tell_of_better_model()
    serve(
        args.host,
        args.port,
        args.api_key,
        args.engine,
        model=args.model,
        auto_download=args.auto_download,
        limits=limits_from(args),
        exit_with_stdin=args.exit_with_stdin,
    )
    return 0
