"""What a server holds at most: models, sessions, and work that waits."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from ipyspeaches.checks import check_fields, number
from ipyspeaches.errors import InputError

TTL_VARIABLES: Final = ("STT_MODEL_TTL", "WHISPER__TTL", "SPEACHES_MODEL_IDLE_TIMEOUT")
"""Today's name of a Speaches server, its old one, and that of tutorials; the first that is set counts."""
MAX_MODELS_VARIABLE: Final = "SPEACHES_MAX_MODELS"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a server holds at most.

    Parameters
    ----------
    max_models
        Models in memory at a time; None for any number.
    model_ttl_s
        Seconds after its last use until a model is unloaded: 0 for at once, -1 for never.
    max_sessions
        Realtime sessions at a time.
    max_wait_s
        Seconds that work may have to wait: what would wait longer is refused, unless it takes long itself.
    """

    max_models: int | None = None
    model_ttl_s: float = 300.0
    max_sessions: int = 100
    max_wait_s: float = 60.0

    def __post_init__(self) -> None:
        check_fields(
            self,
            max_models=number(1, 1000, "a number of models, from 1 on", whole=True),
            model_ttl_s=number(-1, cure="seconds, 0 to unload at once, or -1 for never"),
            max_sessions=number(1, 10_000, "a number of sessions, from 1 to 10000", whole=True),
            max_wait_s=number(1, cure="seconds, from 1 on"),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: float | None) -> Self:
        """Return the limits that were given, else those of the environment, else the usual ones."""
        asked: dict[str, float | None] = {}
        read = os.getenv if environment is None else environment.get
        for name, variables in (("model_ttl_s", TTL_VARIABLES), ("max_models", (MAX_MODELS_VARIABLE,))):
            for variable in variables:
                if name not in asked and (said := read(variable, "").strip()):
                    asked[name] = _number_in(variable, said, whole=name == "max_models")
        return cls(**{**asked, **{name: value for name, value in given.items() if value is not None}})  # type: ignore[arg-type]


def add_limit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add an option for each limit to a command; `limits_from` reads them."""
    parser.add_argument(
        "--max-models",
        type=int,
        metavar="N",
        help="models in memory at a time; one that is asked for takes the place of the one that was not used for "
        f"longest (default: ${MAX_MODELS_VARIABLE}, else any number)",
    )
    parser.add_argument(
        "--model-ttl",
        type=float,
        metavar="SECONDS",
        help="unload a model so long after its last use, 0 at once, -1 never (default: $STT_MODEL_TTL, else 300)",
    )
    parser.add_argument("--max-sessions", type=int, metavar="N", help="realtime sessions at a time (default: 100)")
    parser.add_argument(
        "--max-wait",
        type=float,
        metavar="SECONDS",
        help="refuse work that would have to wait for longer, and say when to come back (default: 60)",
    )


def limits_from(args: argparse.Namespace) -> ServerLimits:
    """Return the limits that a command line asks for, and the environment where it does not."""
    return ServerLimits.from_environment(
        max_models=args.max_models,
        model_ttl_s=args.model_ttl,
        max_sessions=args.max_sessions,
        max_wait_s=args.max_wait,
    )


def _number_in(variable: str, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError as exc:
        raise InputError(f"${variable} is {text!r:.40}: set it to a {'whole ' * whole}number, or unset it.") from exc
