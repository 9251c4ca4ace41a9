"""Progress is shown to people, once it takes long."""

from __future__ import annotations

import io
import sys
import time

import pytest

from ipyspeaches.vad.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, step_s: float) -> str:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(4, "settings") as progress:
        for _ in range(4):
            now[0] += step_s
            progress.advance(1)
    return stream.getvalue()


def test_long_work_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(Terminal(), monkeypatch, 10.0)
    first, *_, last = text.strip().split("\r")
    assert "1 of 4 settings, 30 s left" in first
    assert "4 of 4 settings, 40 s" in last
    assert text.endswith("\n")


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(Terminal(), monkeypatch, 0.1) == ""


def test_nobody_reads_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(io.StringIO(), monkeypatch, 10.0) == ""
