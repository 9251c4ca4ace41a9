"""Public names of a package that are imported when they are first used.

The package's stub, ``__init__.pyi``, is the one list of them, for type checkers and at run time: a line a name,
``from room import Name as Name``. This is the way of SPEC 1 of Scientific Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package, from its stub.

    Parameters
    ----------
    package
        The package's ``__name__``; it calls this while it is imported.
    """
    module = sys.modules[package]
    # Without pathlib, which takes longer to import than all of this.
    with open(f"{module.__path__[0]}/__init__.pyi", encoding="utf-8") as stub:  # noqa: PTH123
        statements = [line.split() for line in stub if line.startswith("from ")]
    room_of = {name: room for _from, room, _import, name, *_as in statements}

    def get(name: str) -> object:
        if name not in room_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(room_of[name]), name)
        setattr(module, name, value)
        return value

    return get, lambda: sorted({*vars(module), *room_of}), sorted(room_of)
