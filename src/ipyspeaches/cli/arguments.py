"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TypeAlias

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.address import BASE_URL_VARIABLE, asked_address
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE, ApiKey, key_from_environment, read_key

# argparse keeps this type to itself, and it takes parameters only in the eyes of type checkers.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_server_arguments(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add ``--server``, which may come ``again``, ``--model`` and the two ways to name a key."""
    add_address_arguments(parser, again=again)
    parser.add_argument("--model", metavar="ID", help="the model (default: the server's first recognition model)")


def add_address_arguments(parser: argparse.ArgumentParser, *, several: bool = False, again: bool = False) -> None:
    """Add ``--server``, which may name ``several`` or come ``again``, and the two ways to name a key."""
    parser.add_argument(
        "--server",
        metavar="URL",
        nargs="+" if several else None,
        action="append" if again else "store",
        help="a Speaches server, e.g. http://localhost:8000, "
        f"or the word embedded (default: ${BASE_URL_VARIABLE}, else embedded)"
        + ("; of several, the next one goes on where one is lost, and a key that is named goes to all" * again),
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--api-key-env",
        metavar="NAME",
        help=f"environment variable that holds the server's key (default: {API_KEY_VARIABLE})",
    )
    keys.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"the key itself; anyone on this machine can read it in the process list, so prefer ${API_KEY_VARIABLE}",
    )


def add_download_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--auto-download``."""
    parser.add_argument(
        "--auto-download",
        action="store_true",
        help="let the embedded server's Whisper model be downloaded if it is not here (base: 148 MB), from "
        "$HF_ENDPOINT if that is set",
    )


def better_model_text() -> str | None:
    """Return that only PocketSphinx is here, and how to get better; None where it is not, or was asked for."""
    from ipyspeaches.local.engines import model_to_download
    from ipyspeaches.local.weights import MODEL_VARIABLE, SIZES_BYTES, size_text

    wanted = None if os.getenv(MODEL_VARIABLE) else model_to_download()
    if wanted is None:
        return None
    return (
        "The recogniser at hand hears English only, and badly: get a better one with --auto-download "
        f"({size_text(SIZES_BYTES[wanted])})"
    )


def tell_of_better_model() -> None:
    """Say on standard error what `better_model_text` says."""
    if told := better_model_text():
        print(f"ipyspeaches: {told}.", file=sys.stderr)


def port(text: str) -> int:
    """Return the port that ``--port`` names; what is none leaves through argparse."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give 1 to 65535, or 0 for any free one")
    return number


def server_url(args: argparse.Namespace) -> str | None:
    """Return the server asked for, or None for the embedded one."""
    return asked_address(args.server)


def given_key(args: argparse.Namespace) -> ApiKey | None:
    """Return the key that is named, None where none is: a session takes that of the environment for its own server.

    It is an `InputError` if ``--api-key-env`` names a variable that is not set, or the key cannot be one.
    """
    if args.api_key:
        return read_key(args.api_key)
    if args.api_key_env:
        if os.getenv(args.api_key_env) is None:
            # Not quoted where it may be the key itself.
            named = args.api_key_env.replace("_", "A")
            name = f" {args.api_key_env}" if named.isalnum() and named.isupper() else ""
            raise InputError(
                f"The environment variable{name} is not set: --api-key-env takes the name of one that holds the key."
            )
        return read_key(os.getenv(args.api_key_env))
    return None


def api_key(args: argparse.Namespace) -> ApiKey | None:
    """Return the server's key, or None without one; that of the environment only if it is meant for the server.

    It is an `InputError` as of `given_key`.
    """
    return given_key(args) or key_from_environment(server_url(args))
