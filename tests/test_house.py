"""The rules of the house: which room may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "ipyspeaches"

# Data flows one way: a room may import the rooms above it in this list, never those below.
ROOMS = (
    ("errors", "samples", "words"),
    ("_frames", "tables", "plots", "terminal"),
    ("audio",),
    ("vad", "results"),
    ("protocol",),
    ("server", "transports", "sources"),
    ("local",),
    ("session",),
    ("widget",),
    ("cli",),
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
PURE = ("audio", "vad", "protocol", "results", "tables", "terminal", "words")
IMPURE_MODULES = frozenset(
    {
        *("asyncio", "socket", "selectors", "ssl", "threading", "multiprocessing", "subprocess", "concurrent"),
        *("websockets", "httpx", "httpx2", "aiortc", "requests", "urllib.request", "http.client"),
        *("anywidget", "ipywidgets", "traitlets", "IPython", "comm", "sounddevice", "starlette", "uvicorn"),
    }
)
# What is expensive to import, or missing without an extra, is imported by the function that needs it.
EXPENSIVE = (
    *("pandas", "polars", "pyarrow", "plotly", "IPython", "jupyterlab", "openai", "sounddevice", "starlette"),
    *("aiortc", "av"),
)
LINES_PER_FILE = 300
LINES_PER_FUNCTION = 60


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name below the package and the file of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute names that a module imports when it runs, not those for type checkers alone."""
    for node in runtime_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which hides where it leads"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the bodies of ``if TYPE_CHECKING:``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from runtime_nodes(child)


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


MODULES = [pytest.param(name, path, id=name or "ipyspeaches") for name, path in modules()]


@pytest.mark.parametrize(("name", "path"), MODULES)
def test_every_room_has_its_place(name: str, path: Path) -> None:
    room = name.split(".")[0]
    assert room in {*LEVEL, "", "__main__"}, f"{path.name} is in no room: give it a place in ROOMS and in the README"


@pytest.mark.parametrize(("name", "path"), [param for param in MODULES if str(param.id).split(".")[0] in LEVEL])
def test_lower_rooms_do_not_import_upper_ones(name: str, path: Path) -> None:
    room = name.split(".")[0]
    for imported in imports(path):
        parts = imported.split(".")
        if parts[0] == "ipyspeaches" and parts[1:] and parts[1] in LEVEL:
            assert LEVEL[parts[1]] <= LEVEL[room], f"{name} imports {imported}, which is above it"


@pytest.mark.parametrize(("name", "path"), [param for param in MODULES if str(param.id).split(".")[0] in PURE])
def test_pure_rooms_touch_nothing(name: str, path: Path) -> None:
    for imported in imports(path):
        assert not any(is_below(imported, module) for module in IMPURE_MODULES), (
            f"{name} is pure but imports {imported}"
        )


@pytest.mark.parametrize(("name", "path"), MODULES)
def test_files_and_functions_can_be_read_at_once(name: str, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LINES_PER_FILE, f"{name} is too long: split it along its state"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
            assert lines <= LINES_PER_FUNCTION, f"{name}.{node.name} has {lines} lines"


def test_importing_the_package_imports_nothing_expensive() -> None:
    program = f"import sys, ipyspeaches; print(*(name for name in {EXPENSIVE} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    import ipyspeaches

    missing = [name for name in ipyspeaches.__all__ if getattr(ipyspeaches, name, None) is None]
    assert missing == []
    assert set(ipyspeaches.__all__) <= set(dir(ipyspeaches))


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import ipyspeaches

    with pytest.raises(AttributeError, match="no attribute 'Transscript'"):
        _ = ipyspeaches.Transscript  # type: ignore[attr-defined]


def test_type_checkers_see_the_public_names() -> None:
    """The names for type checkers and the names that are imported lazily are the same ones, from the same rooms."""
    import ipyspeaches

    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == ipyspeaches._ROOM_OF
    assert sorted(seen) == sorted(ipyspeaches.__all__)
