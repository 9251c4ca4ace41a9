"""One server process for all tests of this room."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from human_speech import load
from ipyspeaches import samples
from ipyspeaches.local import LocalServer


@pytest.fixture(scope="session")
def local_server() -> LocalServer:
    """The server that this Python process shares."""
    return LocalServer.shared()


@pytest.fixture(scope="session")
def quickstart() -> NDArray[np.int16]:
    """Four sentences with pauses: int16 mono at 24 kHz."""
    return load(samples.path("quickstart"))
