"""Fixtures of the end-to-end tests: one JupyterLab a session, one browser a test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from harness import Browser, LabPage, LabServer, NullSink

OpenNotebook = Callable[..., LabPage]


@pytest.fixture(scope="session")
def artifacts(root: Path) -> Path:
    """Where screenshots go; not in git."""
    folder = root / "artifacts" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def null_sink() -> Iterator[NullSink]:
    """The kernel's microphone: play a file into it."""
    with tempfile.TemporaryDirectory(prefix="pulse-") as folder, NullSink(Path(folder)) as sink:
        yield sink


@pytest.fixture(scope="session")
def lab(null_sink: NullSink) -> Iterator[LabServer]:
    """JupyterLab, hermetic, whose kernels have the null sink for a microphone."""
    with (
        tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as folder,
        LabServer(Path(folder), null_sink.env) as server,
    ):
        yield server


@pytest.fixture
def open_notebook(request: pytest.FixtureRequest, lab: LabServer, artifacts: Path) -> Iterator[OpenNotebook]:
    """Return ``open_notebook(cells, **browser options)``; a failed test leaves a screenshot."""
    name = request.node.name
    # Playwright's blocking API marks the thread's loop as running: started per test, it is out of async tests' way.
    with ExitStack() as stack:
        browser = Browser(stack.enter_context(sync_playwright()))
        pages: list[LabPage] = []

        def open_cells(cells: list[str], *, microphone: Path | None = None, grant: bool = True) -> LabPage:
            context = stack.enter_context(browser.context(microphone=microphone, grant=grant))
            page = LabPage(context, lab)
            page.open(lab.write_notebook(f"{name}.ipynb", cells))
            pages.append(page)
            return page

        yield open_cells
        for page in pages:
            if getattr(request.node, "failed", False):
                page.page.screenshot(path=artifacts / f"FAILED-{name}.png")
            page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Tell fixtures at their end whether the test failed."""
    report = yield
    if call.when == "call" and call.excinfo is not None:
        item.failed = True  # type: ignore[attr-defined]
    return report
