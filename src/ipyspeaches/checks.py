"""What options may be: a line says it for each field, and a sentence what to give instead."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache, wraps
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from ipyspeaches.errors import InputError

MOST: Final = 1e9
"""No option is larger, whatever its unit."""
_MOST_BITS: Final = 1000
EXACT: Final = 2**53
"""Below it, floats and whole numbers are the same, and tables hold both in a column."""

Call = TypeVar("Call", bound=Callable[..., Any])
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


def shown(value: object) -> str:
    """Return a value as an error quotes it; Python refuses to print the largest whole numbers."""
    try:
        return f"{value!r:.60}"
    except Exception:  # noqa: BLE001  whatever a class does
        return type(value).__name__


def text(cure: str = "text, or None") -> Check:
    """Return the check of a text."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str):  # not quoted: it may hold a password
            raise InputError(f"{name} is no text but {type(value).__name__}: give {cure}.")
        return value

    return check


def texts(cure: str = "text, a list of texts, or None") -> Check:
    """Return the check of a text that may come as a list of its parts; they are joined by commas."""
    one = text(cure)

    def check(name: str, value: object) -> str:
        parts = value if isinstance(value, list | tuple) else [value]
        return ", ".join(one(name, part) for part in parts)

    return check


def number(low: float, high: float = MOST, cure: str = "", *, whole: bool = False) -> Check:
    """Return the check of a number from ``low`` to ``high``; NumPy's become plain ones, which JSON has."""
    cure = cure or f"a number from {low:g} to {high:g}"

    def check(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            raise InputError(f"{name} is {shown(value)}: give {cure}.")
        plain = int(value) if isinstance(value, Integral) else float(value)
        if isinstance(plain, int) and plain.bit_length() > _MOST_BITS:  # no float holds it, nor does text
            raise InputError(f"{name} is larger than all numbers that are of use: give {cure}.")
        if not low <= plain <= high:  # nor is NaN
            raise InputError(f"{name} is {shown(plain)}: give {cure}.")
        return plain

    return check


def one_of(choices: Sequence[str]) -> Check:
    """Return the check of a word that is one of a few, as `as_word` takes it."""

    def check(name: str, value: object) -> str:
        word = as_word(value, *choices)
        if word is None:
            raise InputError(f"{name} is {shown(value)}: use one of {', '.join(map(repr, choices))}.")
        return word

    return check


def as_word(value: object, *choices: str) -> str | None:
    """Return the one of a few words that is meant, in whichever case and with blanks around it; None if it is none."""
    word = value.strip().casefold() if isinstance(value, str) else None
    return next((one for one in choices if one.casefold() == word), None)


def as_path(path: str | PathLike[str]) -> Path:
    """Return a path that a user gave; ``~`` at its beginning is the home folder, unless something has that name."""
    given = Path(path)
    if os.path.lexists(given):
        return given
    try:
        return given.expanduser()
    except RuntimeError:  # there is no such home
        return given


def instance(kind: Any, cure: str) -> Check:  # noqa: ANN401  a class, or what stands for some
    """Return the check of a value of a class."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, kind):
            raise InputError(f"{name} is {shown(value)}: use {cure}.")
        return value

    return check


def seconds(name: str, value: object) -> object:
    """Check a time: a number, or NaN where nobody knows it; infinite ones are cut off by what cannot hold them."""
    plain = value if isinstance(value, float) else _check_number(name, value)
    return plain if -EXACT < plain < EXACT else float(plain)


def checked(call: Call) -> Call:
    """Have a function, or all public methods of a class, refuse what is not as annotated, in a sentence.

    What takes a key checks for itself: it would be seen in the traceback from here.
    """
    if isinstance(call, type):
        for name, one in list(vars(call).items()):
            made = one.__func__ if isinstance(one, classmethod) else one
            public = inspect.isfunction(made) and (name == "__init__" or not made.__name__.startswith("_"))
            if public and not {"api_key", "options"} & inspect.signature(made).parameters.keys():
                setattr(call, name, classmethod(checked(made)) if isinstance(one, classmethod) else checked(made))
        return cast("Call", call)
    signature = inspect.signature(call)

    @wraps(call)
    def check(*args: object, **kwargs: object) -> object:
        given = signature.bind(*args, **kwargs)
        for name, hint in _hints_of(call).items():
            if name in given.arguments:
                given.arguments[name] = _as(hint, name, given.arguments[name])
        return call(*given.args, **given.kwargs)

    return cast("Call", check)


@cache
def _hints_of(call: Callable[..., Any]) -> dict[str, Any]:
    found = {}
    for name, one in inspect.signature(call).parameters.items():
        if one.annotation is not one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            holder = type("", (), {"__annotations__": {name: one.annotation}})
            with suppress(NameError):  # of what is imported for type checkers alone
                found[name] = get_type_hints(holder, call.__globals__)[name]
    return found


def _as(hint: Any, name: str, value: Any) -> Any:  # noqa: ANN401  any annotation and value
    """Return a value as it is annotated, plain; what is a protocol, or True or False, is not looked at."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint](name, value)
    if origin is Literal:
        return one_of(inner)(name, value)
    if origin in (Union, UnionType):
        for one in inner:
            with suppress(InputError):
                return _as(one, name, value)
    elif origin in _LISTS and inner[0] is not Any:
        if isinstance(value, Iterable) and not isinstance(value, str | bytes):
            return (tuple if origin is tuple else list)(_as(inner[0], f"one of {name}", one) for one in value)
    else:
        kind = dict if is_typeddict(hint) else origin or hint
        unknown = kind is bool or not isinstance(kind, type) or getattr(kind, "_is_protocol", False)
        if unknown or isinstance(value, kind):
            return value
    raise InputError(f"{name} is {shown(value)}: give {_named(hint)}.")


def _named(hint: Any) -> str:  # noqa: ANN401  any annotation
    """Return what to call a type in a sentence."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_named, inner)))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in _LISTS:
        return f"a list of {_named(inner[0])}"
    return _NAMES.get(origin or hint) or f"{getattr(origin or hint, '__name__', hint)}(…)"


_LISTS: Final = (Iterable, Sequence, list, tuple)
_NAMES: Final[dict[Any, str]] = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bytes: "bytes",
    NoneType: "None",
    Any: "values",
    Path: "a path",
    PathLike: "a path",
}
check_seed: Final = number(0, math.inf, "a whole number from 0", whole=True)
_check_number: Final = number(-math.inf, math.inf, "a number")
_PLAIN: Final[dict[Any, Check]] = {
    str: text("text"),
    float: _check_number,
    int: number(-math.inf, math.inf, "a whole number", whole=True),
}
