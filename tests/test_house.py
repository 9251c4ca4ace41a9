"""The rules of the house, as the README's section "The house" draws them: which room may import what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ipyspeaches

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "ipyspeaches"
HOUSE = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## The house\n")[2].partition("\n## ")[0]
FLOORS = re.findall(
    r"^    (\w.*)$", HOUSE.partition("who may import whom")[2].partition("\n\n    src/")[0], re.MULTILINE
)
FLOOR_OF = {room: height for height, rooms in enumerate(reversed(FLOORS)) for room in rooms.split(" · ")}
PURE = set(re.findall(r"^ +(\w+)\S* +PURE ", HOUSE, re.MULTILINE))
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
LINES_PER_FUNCTION = 60


@cache
def modules() -> dict[str, ast.Module]:
    """Return the tree of every module by its dotted name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs, at once or when a function is called: all but the bodies of ``if TYPE_CHECKING:``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from running(child)


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the absolute names that a module imports when it runs."""
    for node in running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str:
    return name.split(".")[0]


def our_imports(name: str) -> Iterator[str]:
    """Yield the modules below the package that one of them imports."""
    for imported in imports(modules()[name]):
        package, _, rest = imported.partition(".")
        while rest and rest not in modules():
            rest = rest.rpartition(".")[0]
        if package == "ipyspeaches" and rest not in {"", name}:
            yield rest


def test_the_picture_shows_every_room_and_no_other() -> None:
    assert set(FLOOR_OF) == {room_of(name) for name in modules()} - {"", "__main__"}
    assert {"audio", "vad", "protocol", "results"} <= PURE <= set(FLOOR_OF)


def test_a_room_imports_no_upper_floor() -> None:
    upwards = [
        f"{name} imports {imported}"
        for name in modules()
        for imported in our_imports(name)
        if FLOOR_OF.get(room_of(imported), 0) > FLOOR_OF.get(room_of(name), len(FLOORS))
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: set(our_imports(name)) for name in modules()}).prepare()


def test_imports_say_where_they_lead() -> None:
    assert [name for name, tree in modules().items() for imported in imports(tree) if imported.startswith(".")] == []


def test_pure_rooms_touch_nothing() -> None:
    touched = [
        f"{name} imports {imported}"
        for name, tree in modules().items()
        for imported in imports(tree)
        if room_of(name) in PURE and any(f"{imported}.".startswith(f"{module}.") for module in IMPURE_MODULES)
    ]
    assert touched == []


def test_functions_can_be_read_at_once() -> None:
    too_long = []
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                docstring = ast.get_docstring(node, clean=False) or ""
                lines = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
                if lines > LINES_PER_FUNCTION:
                    too_long.append(f"{name}.{node.name} has {lines} lines")
    assert too_long == []


def test_no_two_classes_share_a_name() -> None:
    homes = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_importing_the_package_imports_nothing_expensive() -> None:
    program = f"import sys, ipyspeaches; print(*(name for name in {EXPENSIVE} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    public = vars(ipyspeaches)["__all__"]
    assert len(public) > 40
    assert [name for name in public if getattr(ipyspeaches, name, None) is None] == []
    assert set(public) <= set(dir(ipyspeaches))


def test_every_public_name_can_be_the_first_that_is_used() -> None:
    program = """
import sys, ipyspeaches
for name in ipyspeaches.__all__:
    for module in [one for one in sys.modules if one.partition(".")[0] == "ipyspeaches"]:
        del sys.modules[module]
    import ipyspeaches
    getattr(ipyspeaches, name)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Transscript'"):
        _ = ipyspeaches.Transscript  # type: ignore[attr-defined]
