"""What people install: a wheel made from the sdist, on a machine without Node."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

BUNDLES = {"ipyspeaches/static/transcriber.js", "ipyspeaches/static/vadlab.js"}
WHEEL_ENDINGS = {".py", ".pyi", ".typed", ".js", ".css", ".ipynb", ".flac", ".json", ".md", ".txt"}


def without_node(folder: Path) -> dict[str, str]:
    """Return an environment whose PATH knows the shell's tools, but neither node nor npm."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("sh", "git", "env"):
        for place in os.get_exec_path():
            if (program := Path(place) / name).exists():
                (tools / name).symlink_to(program)
                break
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HATCH_", "SKIP_"))}
    return {**env, "PATH": str(tools)}


def build(*arguments: str, env: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    build("--sdist", "--outdir", str(folder), str(root))
    (found,) = folder.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = (path for path in folder.iterdir() if path.is_dir())
    build("--wheel", "--outdir", str(folder / "dist"), str(source), env=without_node(folder))
    (found,) = (folder / "dist").glob("*.whl")
    return found


def test_the_sdist_holds_what_a_build_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/{bundle}" for bundle in BUNDLES} <= names
    assert {
        "pyproject.toml",
        "README.md",
        "README.zh-CN.md",
        "LICENSE",
        "js/package.json",
        "requirements.lock",
    } <= names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_the_wheel_holds_everything_and_nothing_foreign(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = {name for name in names if ".dist-info/" not in name}
    modules = {str(path.relative_to(root / "src")) for path in (root / "src" / "ipyspeaches").rglob("*.py")}
    assert {name for name in ours if name.endswith(".py")} == modules
    notebooks = {f"ipyspeaches/notebooks/{path.name}" for path in (root / "notebooks").glob("*.ipynb")}
    assert BUNDLES | notebooks | {"ipyspeaches/py.typed"} <= ours
    assert {f"ipyspeaches/samples/{name}.flac" for name in ("quickstart", "mandarin")} <= ours
    assert any(name.endswith("LICENSE-Apache-2.0.txt") and ".dist-info/" in name for name in names)
    assert {name.split("/")[0] for name in ours} == {"ipyspeaches"}
    assert {Path(name).suffix for name in ours} <= WHEEL_ENDINGS


def test_the_wheel_installs_and_works_by_itself(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)

    # The import needs nothing but Python: the rest comes when it is used.
    assert run(python, "import ipyspeaches; print(ipyspeaches.__file__)").startswith(str(environment))

    # Borrow the packages that it depends on; .pth files in there (our own editable install) are not read.
    (site,) = (environment / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    program = (
        "import ipyspeaches as sp; [getattr(sp, name) for name in sp.__all__]; sample = sp.Recording.sample();"
        "print(sp.__file__, *(len(widget._esm) > 1000 for widget in (sp.Transcriber(), sp.VadLab(sample))))"
    )
    assert run(python, program).split() == [str(site / "ipyspeaches" / "__init__.py"), "True", "True"]
    assert "transcribe" in run(environment / "bin" / "ipyspeaches", "--help", flag=None)


def run(program: Path, argument: str, *, flag: str | None = "-c") -> str:
    """Run a program away from the working copy and return what it printed."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(program), *([flag] if flag else []), argument]
    done = subprocess.run(command, env=env, cwd=program.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
