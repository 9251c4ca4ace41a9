"""JSON as others write it: what fits is taken, and one odd field costs no more than itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from itertools import chain
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

Kind = TypeVar("Kind")
Json: TypeAlias = Any
TypeForm: TypeAlias = Any
"""A class, or a union or list of such."""

_LONGEST_INTEGER: Final = 18
_DEEPEST: Final = 100
_LISTS: Final = (list, tuple)
# Integers that no float holds and nothing prints, and escapes that may be half a character, which no file can hold.
_ODD: Final = r"\d{19}|\\u[dD][89a-fA-F]"
_ODD_TEXT: Final = re.compile(_ODD)
_ODD_BYTES: Final = re.compile(_ODD.encode())
_ESCAPE: Final = re.compile(r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89a-fA-F]\w\w)|.)", re.DOTALL)


def is_odd(content: bytes | str) -> bool:
    """Return whether JSON may hold numbers or characters that `parse_json` leaves out."""
    return (_ODD_TEXT.search(content) if isinstance(content, str) else _ODD_BYTES.search(content)) is not None


def parse_json(content: bytes | str) -> Json:
    """Return what JSON says, also with a byte order mark, NaN, or text in another encoding than UTF-8.

    Numbers that nothing can hold are None.

    Raises
    ------
    ValueError
        If it is no JSON, or nested without end.
    """
    try:
        data = _parsed(content)
    except (RecursionError, ValueError) as exc:
        problem = "nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        content = ""  # it may quote a key, and tracebacks may show what is in a frame
        raise ValueError(problem) from None
    level = [data]
    for _ in range(_DEEPEST):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        if not inner:
            return data
        level = list(chain.from_iterable(inner))
    raise ValueError("nested too deeply")


def _parsed(content: bytes | str) -> Json:
    if not is_odd(content):
        try:
            return msgspec.json.decode(content)
        except (msgspec.MsgspecError, UnicodeError):
            pass
    text = (content if isinstance(content, str) else _text(content)).removeprefix("\ufeff")
    whole = _ESCAPE.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)
    return json.loads(whole, parse_constant=lambda _: None, parse_float=_finite, parse_int=_short)


def fit(data: Json, kind: type[Kind]) -> Kind:
    """Return JSON data as a type, without the optional fields and the entries of lists that do not fit it.

    Raises
    ------
    ValueError
        If something does not fit that cannot be left out; so does a list none of whose entries fits.
    """
    return cast("Kind", _fit(data, kind))


def _fit(data: Json, kind: TypeForm) -> Json:
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, OverflowError):
        pass
    origin: TypeForm = get_origin(kind)
    if origin in (Union, UnionType):
        return _first_fit(data, kind)
    if origin in _LISTS and isinstance(data, list):
        entries = list(_fitting(data, get_args(kind)[0]))
        if entries:
            return origin(entries)
    elif origin is dict and isinstance(data, dict):
        return {name: fitting for name, value in data.items() for fitting in _fitting([value], get_args(kind)[1])}
    elif isinstance(data, dict) and (
        is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))
    ):
        return _fit_fields(data, kind)
    raise ValueError(f"no {kind}")


def _first_fit(data: Json, kind: TypeForm) -> Json:
    for one in get_args(kind):
        try:
            return _fit(data, one)
        except ValueError:
            continue
    raise ValueError(f"no {kind}")


def _fitting(data: list[Json], kind: TypeForm) -> Iterator[Json]:
    for entry in data:
        try:
            yield _fit(entry, kind)
        except ValueError:
            continue


def _fit_fields(data: dict[str, Json], kind: TypeForm) -> Json:
    given = {}
    for name, wanted in get_type_hints(kind, include_extras=True).items():
        if name in data:
            try:
                given[name] = _fit(data[name], wanted)
            except ValueError:
                continue
    try:
        return kind(**given)
    except TypeError:
        raise ValueError(f"no {kind}") from None  # a field that must be there is not


def _text(content: bytes) -> str:
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeError:
        return content.decode("latin-1")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _short(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else None
