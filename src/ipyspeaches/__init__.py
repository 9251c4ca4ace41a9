"""Live speech recognition for notebooks.

The public names are in ``__init__.pyi``, for type checkers and for this module, which imports each when it is first
used: ``import ipyspeaches as sp`` costs nothing that it does not need (SPEC 1 of Scientific Python).
"""

from __future__ import annotations

from importlib import import_module

# A line a name: from room import Name as Name. Without pathlib, which takes longer to import than all of this.
with open(f"{__path__[0]}/__init__.pyi", encoding="utf-8") as _stub:  # noqa: PTH123
    _ROOM_OF = {line.split()[3]: line.split()[1] for line in _stub if line.startswith("from ")}
__all__ = sorted(_ROOM_OF)


def __getattr__(name: str) -> object:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
    except AttributeError:  # a module itself
        value = globals()[name] = import_module(f"{_ROOM_OF[name]}.{name}")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF})
