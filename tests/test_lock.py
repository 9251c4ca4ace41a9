"""The lock file is one that the oldest Python of a supported system can install."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

OLDEST = "3.11.2"
"""Debian 12's own."""


def test_every_locked_version_runs_on_the_oldest_python(root: Path) -> None:
    lines = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    wanted = {}
    for name, version in locked.items():
        try:
            found = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        if found["Version"] == version:
            asked = "Requires-Python" in found
            wanted[f"{name}=={version}"] = found["Requires-Python"] if asked else ""
    assert len(wanted) > len(locked) / 2, "this environment was not installed under requirements.lock: run make fast"
    refused = {name: python for name, python in wanted.items() if OLDEST not in SpecifierSet(python)}
    assert refused == {}, f"Python {OLDEST} cannot install these: pin older ones in requirements.lock"
