"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Let child processes (kernels, servers, commands) run this working copy, installed or not."""
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    # Slow is not wrong: how long an example takes is the machine's affair.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


@pytest.fixture(scope="session")
def root() -> Path:
    """The working copy."""
    return ROOT


@pytest.fixture(autouse=True)
def _no_configured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests talk to servers of their own, never to the one that the user has configured."""
    monkeypatch.delenv("SPEACHES_BASE_URL", raising=False)
    monkeypatch.delenv("SPEACHES_API_KEY", raising=False)
