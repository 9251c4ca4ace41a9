"""The same widget in the other front ends: Notebook 7 and marimo, with the browser's microphone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from harness import TWO_SENTENCES_S, WORDS_TIMEOUT_MS, Browser, LabServer, spoken

pytestmark = pytest.mark.e2e

CELL = "import ipyspeaches as sp\nw = sp.Transcriber()\nw"
MARIMO_NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    import ipyspeaches as sp

    view = mo.ui.anywidget(sp.Transcriber())
    view
    return


if __name__ == "__main__":
    app.run()
"""
START_TIMEOUT_S = 90.0


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second sentence of the quickstart sample."""
    return spoken(tmp_path_factory.mktemp("speech"), lead_s=4, start_s=2.0, end_s=TWO_SENTENCES_S)


@pytest.fixture
def browse(browser: Browser, speech: Path) -> Iterator[Callable[[str], Page]]:
    """Return ``browse(url)``: a page in a browser whose microphone plays speech."""
    with browser.context(microphone=speech) as context:

        def browse(url: str) -> Page:
            page = context.new_page()
            page.goto(url)
            return page

        yield browse


@contextmanager
def marimo(folder: Path) -> Iterator[str]:
    """Serve the marimo notebook and yield its address."""
    notebook = folder / "notebook.py"
    notebook.write_text(MARIMO_NOTEBOOK, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "marimo.log").open("wb")
    command = [sys.executable, "-m", "marimo", "run", str(notebook), "--headless", "--no-token"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", process, folder / "marimo.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"marimo did not start:\n{log.read_text(errors='replace')[-2000:]}")


def record_and_read(page: Page, picture: Path) -> None:
    """Press Record, wait for the words, press Stop, and look at what is left."""
    widget = page.get_by_role("region", name="Transcriber")
    widget.get_by_role("button", name="Record", exact=True).click()
    expect(widget.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    transcript = widget.get_by_role("log")
    expect(transcript).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    page.screenshot(path=picture)
    widget.get_by_role("button", name="Stop", exact=True).click()
    expect(widget.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(transcript).to_contain_text("speech recognition", ignore_case=True)


def test_notebook_7(lab: LabServer, browse: Callable[[str], Page], artifacts: Path) -> None:
    name = lab.write_notebook("front-end.ipynb", [CELL])
    page = browse(f"{lab.url}/notebooks/{name}?token={lab.token}")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    # It says "idle" before its kernel is there, and what is run then is lost.
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").first
    until = time.monotonic() + START_TIMEOUT_S
    while not page.get_by_role("region", name="Transcriber").count() and time.monotonic() < until:
        if "[ ]" in prompt.inner_text():
            page.locator(".jp-CodeCell .cm-content").first.click()
            page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(1_000)
    record_and_read(page, artifacts / "notebook-7.png")


def test_marimo(browse: Callable[[str], Page], artifacts: Path, tmp_path: Path) -> None:
    with marimo(tmp_path) as url:
        page = browse(url)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        record_and_read(page, artifacts / "marimo.png")
        assert errors == []
