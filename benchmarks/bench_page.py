"""The page that benchmarks of the front end drive: built, served and open in Chromium."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

JS = Path(__file__).parent.parent / "js"
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 920, 900

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: standard error is for progress."""


@contextmanager
def bench_browser() -> Iterator[tuple[Browser, str]]:
    """Yield Chromium and the address of the benchmark page, built anew.

    Raises
    ------
    RuntimeError
        If npm or Chromium is missing.
    """
    npm, chromium = shutil.which("npm"), shutil.which("chromium")
    if npm is None or chromium is None:
        raise RuntimeError("npm or chromium is missing: run tools/apt.sh chromium, and install Node.js.")
    subprocess.run([npm, "run", "--silent", "bench"], cwd=JS, check=True, capture_output=True)
    handler = functools.partial(_Quiet, directory=str(JS / "dev"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
            try:
                yield browser, f"http://127.0.0.1:{server.server_port}/bench.html"
            finally:
                browser.close()
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def bench_page(browser: Browser, url: str, *, script: Path | None = None) -> Iterator[Page]:
    """Yield the page in a window of its own; ``script`` is loaded into it."""
    context = browser.new_context(viewport={"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    if script is not None:
        page.add_script_tag(path=script)
    page.wait_for_function("globalThis.bench !== undefined")
    try:
        yield page
        if errors:
            raise RuntimeError(f"The page failed: {errors[0]}")
    finally:
        context.close()


@dataclass(frozen=True)
class Spent:
    """What a stretch of time cost the main thread of a page."""

    share: float
    frames_per_s: float
    longest_frame_ms: float
    task_ms_per_frame: float


class MainThread:
    """Measures the main thread of a page by Chromium's own counters, in time that the thread itself ran.

    Time by the clock would count the work of other processes whenever they hold the thread up.

    Parameters
    ----------
    page
        The page.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    @contextmanager
    def measure(self, into: list[Spent]) -> Iterator[None]:
        """Append what the body of the ``with`` statement costs."""
        begin_ms = self._page.evaluate("globalThis.seen = bench.count(), performance.now()")
        before_s = self._task_s()
        yield
        task_s = self._task_s() - before_s
        end_ms, frames, longest_ms = self._page.evaluate("[performance.now(), seen.frames, seen.longest_ms]")
        elapsed_s = (end_ms - begin_ms) / 1000
        into.append(Spent(task_s / elapsed_s, frames / elapsed_s, longest_ms, 1000 * task_s / max(1, frames)))

    def _task_s(self) -> float:
        counters = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in counters if one["name"] == "TaskDuration"))
