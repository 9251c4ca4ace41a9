"""``python -m ipyspeaches.local``: run the embedded server."""

from __future__ import annotations

import argparse
import sys

from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import ENGINE_NAMES
from ipyspeaches.local.limits import add_limit_arguments, limits_from
from ipyspeaches.local.local_server import ERROR_PREFIX, serve
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE


def main(arguments: list[str] | None = None) -> int:
    """Run the server and return the exit code: 0 ended, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m ipyspeaches.local", description="A Speaches-compatible server.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--api-key", help=f"key to ask for; better set ${API_KEY_VARIABLE}, which `ps` does not show")
    parser.add_argument("--engine", choices=ENGINE_NAMES, help="default: the best that is at hand")
    parser.add_argument("--model", help="Whisper model: a folder, an id on the Hugging Face hub, or a size")
    parser.add_argument("--auto-download", action="store_true", help="download the model if it is not here")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input is closed")
    add_limit_arguments(parser)
    args = parser.parse_args(arguments)
    try:
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
    except SpeachesError as exc:
        sys.stderr.write(f"{ERROR_PREFIX}{exc}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
