from __future__ import annotations

import io
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.terminal import Progress, columns, is_notebook, is_read, one_line, printable, redraw, tail


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class CellOutput(io.StringIO):
    __module__ = "ipykernel.iostream"


def test_terminals_and_cells_are_read_and_pipes_are_not() -> None:
    assert is_read(Terminal())
    assert is_read(CellOutput())
    assert not is_read(io.StringIO())
    assert not is_read(None)
    assert is_notebook(CellOutput())
    assert not is_notebook(Terminal())


@pytest.mark.parametrize(("text", "width"), [("", 0), ("abc", 3), ("你好", 4), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2)])
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width


@given(st.text("abc你好\u0301", max_size=30), st.integers(-3, 40))
def test_the_tail_fits_and_is_an_end(text: str, room: int) -> None:
    kept = tail(text, room)
    assert columns(kept) <= max(room, 0)
    assert text.endswith(kept.removeprefix("…"))
    assert kept == text or columns(text) > room


def test_a_progress_line_needs_no_character_that_the_stream_does_not_know() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    redraw(stream, "█ 你好 b\udce9")
    assert written.getvalue() == b"\r\x1b[K? ?? b?"


def test_nothing_in_a_text_commands_a_terminal_or_stops_a_file() -> None:
    assert printable("a\x1b[31mred\x9b1m\0 你好\n\tb\x85") == "a[31mred1m 你好\n\tb\x85"
    assert printable("lone \ud83d here 😀").encode() == "lone \ufffd here 😀".encode()
    assert one_line("x\n" * 3000, 5) == "x x x…"
    stream = io.StringIO()
    redraw(stream, "a\x1b[31mred")
    assert stream.getvalue() == "\r\x1b[Ka[31mred"


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
