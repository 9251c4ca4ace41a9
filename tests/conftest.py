"""What every test may use."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
# The files that take a minute or so, longest first.
LONGEST = (
    *("test_notebooks", "test_transports", "test_real_speech", "test_lifecycle", "test_vadlab", "test_transcriber"),
    "test_accuracy",
)


def pytest_configure() -> None:
    """Let child processes (kernels, servers, commands) run this working copy, installed or not."""
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    # Most tests only need a recogniser: the quickest one.
    os.environ.setdefault("IPYSPEACHES_MODEL", "pocketsphinx/en-us")
    # What is recorded in tests, by kernels that they start too, stays out of the user's own recordings.
    recordings = os.environ["IPYSPEACHES_JOURNAL"] = tempfile.mkdtemp(prefix="ipyspeaches-recordings-")
    atexit.register(shutil.rmtree, recordings, ignore_errors=True)
    # Slow is not wrong: how long an example takes is the machine's affair.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: one that begins last keeps one worker busy and the others waiting."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def root() -> Path:
    """The working copy."""
    return ROOT


@pytest.fixture(autouse=True)
def _no_configured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests talk to servers of their own, never to the one that the user has configured."""
    monkeypatch.delenv("SPEACHES_BASE_URL", raising=False)
    monkeypatch.delenv("SPEACHES_API_KEY", raising=False)
