"""What options may be: a line says it for each field, and a sentence what to give instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from numbers import Integral, Real
from typing import Any, Final, TypeAlias

from ipyspeaches.errors import InputError

MOST: Final = 1e9
"""No option is larger, whatever its unit."""

Check: TypeAlias = Callable[[str, Any], Any]
"""Takes the name of an option and its value; returns the value as a plain one, or raises an `InputError`."""


def shown_if_made(shown: Callable[[Any], str]) -> Callable[[Any], str]:
    """Have a ``__repr__`` name the class alone where ``__init__`` refused: tracebacks may show what is half made."""

    @wraps(shown)
    def show(made: object) -> str:
        try:
            return shown(made)
        except Exception:  # noqa: BLE001  whatever is missing
            return f"<{type(made).__name__}>"

    return show


def check_fields(options: Any, **checks: Check) -> None:  # noqa: ANN401  a dataclass, whichever
    """Check fields of a frozen dataclass in place; None passes where it is the default.

    Raises
    ------
    InputError
        With the first field that cannot be used.
    """
    for name, check in checks.items():
        value = getattr(options, name)
        if value is not None or options.__dataclass_fields__[name].default is not None:
            object.__setattr__(options, name, check(name, value))


def text(cure: str = "text, or None") -> Check:
    """Return the check of a text."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str):  # not quoted: it may hold a password
            raise InputError(f"{name} is no text but {type(value).__name__}: give {cure}.")
        return value

    return check


def number(low: float, high: float = MOST, cure: str = "", *, whole: bool = False) -> Check:
    """Return the check of a number from ``low`` to ``high``; NumPy's become plain ones, which JSON has."""
    cure = cure or f"a number from {low:g} to {high:g}"

    def check(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            raise InputError(f"{name} is {value!r:.60}: give {cure}.")
        plain = int(value) if isinstance(value, Integral) else float(value)
        if not low <= plain <= high:  # nor is NaN
            raise InputError(f"{name} is {plain!s:.60}: give {cure}.")
        return plain

    return check


def one_of(choices: Sequence[str]) -> Check:
    """Return the check of a text that is one of a few."""

    def check(name: str, value: object) -> str:
        if not (isinstance(value, str) and value in choices):
            raise InputError(f"{name} is {value!r:.60}: use one of {', '.join(map(repr, choices))}.")
        return value

    return check


def instance(kind: Any, cure: str) -> Check:  # noqa: ANN401  a class, or what stands for some
    """Return the check of a value of a class."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, kind):
            raise InputError(f"{name} is {value!r:.60}: use {cure}.")
        return value

    return check
