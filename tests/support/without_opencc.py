"""What an installation without the extra ``zh`` is like."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ipyspeaches import chinese


@pytest.fixture
def without_opencc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have OpenCC not installed."""
    chinese._converter.cache_clear()
    monkeypatch.setitem(sys.modules, "opencc", None)
    yield
    chinese._converter.cache_clear()
