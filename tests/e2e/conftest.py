"""Fixtures of the end-to-end tests: one JupyterLab a session, one Playwright a file."""

from __future__ import annotations

import functools
import http.server
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from harness import TWO_SENTENCES_S, Browser, LabPage, LabServer, NullSink, OpenNotebook, spoken
from harness.axe import SCRIPT


@pytest.fixture(scope="session")
def artifacts(root: Path) -> Path:
    """Where screenshots go; not in git."""
    folder = root / "artifacts" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone plays: two sentences; before them, the page's own connection takes longest to be open."""
    return spoken(tmp_path_factory.mktemp("speech"), lead_s=5, end_s=TWO_SENTENCES_S)


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one file."""
    # Playwright's blocking API marks the thread's loop as running: ended with the file, it is out of async tests' way.
    with sync_playwright() as playwright:
        yield Browser(playwright)


@pytest.fixture
def open_notebook(
    request: pytest.FixtureRequest, lab: LabServer, browser: Browser, artifacts: Path
) -> Iterator[OpenNotebook]:
    """Return ``open_notebook(cells, **browser options)``; a failed test leaves a screenshot."""
    name = request.node.name
    with ExitStack() as stack:
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


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def harness_url(root: Path) -> Iterator[str]:
    """The page that shows the widget in any state without a notebook, served."""
    sources = max(path.stat().st_mtime for files in ("src/**/*.*", "dev/*.*") for path in (root / "js").glob(files))
    bundle = root / "js" / "dev" / "dist" / "harness.js"
    # Built here it would be built by every worker, and the widget's own bundle with it while kernels read that.
    if not bundle.exists() or bundle.stat().st_mtime < sources:
        pytest.fail("js/dev/dist/harness.js is older than its sources: run `npm run harness` in js/")
    handler = functools.partial(_Quiet, directory=str(root / "js" / "dev"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/harness.html"
        server.shutdown()


@pytest.fixture
def page(root: Path, browser: Browser) -> Iterator[Page]:
    """A page with axe-core in it; an error in its scripts fails the test."""
    with browser.context() as context:
        context.add_init_script(path=root / SCRIPT)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert errors == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Tell fixtures at their end whether the test failed."""
    report = yield
    if call.when == "call" and call.excinfo is not None:
        item.failed = True  # type: ignore[attr-defined]
    return report
