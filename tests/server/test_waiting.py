"""What is shown while a server says nothing."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest

from ipyspeaches.server import waiting
from ipyspeaches.server.waiting import NotebookScreen, TerminalScreen, Waiting, screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class CellOutput(io.StringIO):
    __module__ = "ipykernel.iostream"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(waiting, "INTERVAL_S", 0.001)
    monkeypatch.setenv("COLUMNS", "200")
    return Terminal()


def test_a_narrow_terminal_gets_a_line_that_does_not_wrap(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    TerminalScreen(terminal).draw("12 s, Download of some/model; the server does not say", 0)
    (line,) = terminal.getvalue().split("\r\x1b[K")[1:]
    assert line == "████░░░░░░░░ 12 s, Download of some/mo…"


async def test_a_line_moves_and_ends_with_the_outcome(terminal: Terminal) -> None:
    async with Waiting("Download of some/model", TerminalScreen(terminal), "it goes on") as shown:
        for _ in range(5_000):
            await asyncio.sleep(0.001)
            if terminal.getvalue().count("\r") >= 12:
                break
        shown.outcome = "already installed"
    drawn = terminal.getvalue().split("\r\x1b[K")[1:]
    assert len({line.split(" ")[0] for line in drawn[:9]}) == 9
    assert all(len(line.split(" ")[0]) == 12 for line in drawn[:-1])
    assert drawn[0].endswith(" 0 s, Download of some/model; the server does not say how much is left")
    assert drawn[-1] == "Download of some/model: already installed (0 s).\n"


async def test_a_failure_leaves_the_line_to_the_error(terminal: Terminal) -> None:
    with pytest.raises(RuntimeError):
        async with Waiting("Download of some/model", TerminalScreen(terminal), "it goes on"):
            raise RuntimeError
    assert terminal.getvalue().endswith("Download of some/model: failed (0 s).\n")


async def test_who_stops_waiting_is_told_what_goes_on(terminal: Terminal) -> None:
    async def wait() -> None:
        async with Waiting("Download of some/model", TerminalScreen(terminal), "the server goes on"):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert cancelled.value.__notes__ == ["the server goes on"]
    assert terminal.getvalue().endswith("Download of some/model: the server goes on (0 s).\n")
    before = terminal.getvalue()
    await asyncio.sleep(0.01)
    assert terminal.getvalue() == before


def test_where_nobody_reads_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert screen() is None
    monkeypatch.setattr(sys, "stderr", None)
    assert screen() is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(screen(), TerminalScreen)


async def test_a_notebook_gets_a_bar_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", CellOutput())
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    where = screen()
    assert isinstance(where, NotebookScreen)
    async with Waiting("Download of some/model", where, "it goes on"):
        await asyncio.sleep(0)
        bar, text = shown[0].children
        assert bar.value == "<progress></progress>"
        assert text.value.startswith("0 s, Download of some/model")
    assert bar.layout.display == "none"
    assert text.value == "Download of some/model: done (0 s)."
