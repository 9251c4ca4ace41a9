"""A scripted server and a recording for it, and hang-ups as in a terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from scripted_server import bursts, scripted

__all__ = ["bursts", "scripted"]


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    """Let SIGHUP do what it does in a terminal: whoever runs the tests by nohup ignores it, and so would they."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
