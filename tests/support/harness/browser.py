"""Chromium through Playwright, and a notebook page in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Locator, Page, Playwright, ViewportSize, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from harness.lab import LabServer

VIEWPORT: ViewportSize = {"width": 1280, "height": 1000}
PAGE_TIMEOUT_MS = 60_000
# A busy machine takes seconds to start a recogniser: slow is not wrong.
expect.set_options(timeout=30_000)
# Built by concatenation in the cell, so that the cell's own source does not count as its result.
MARKER = "RES" + "ULT"
RESULT_CELL = "import json as _json; print('RES' + 'ULT' + _json.dumps({}) + '$')"

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
)
_GRANT = "--use-fake-ui-for-media-stream"
_NOTEBOOK_READY = """async () => {
  const widget = jupyterapp.shell.currentWidget;
  await widget.context.ready;
  await widget.sessionContext.ready;
  await widget.sessionContext.session.kernel.info;
  return true;
}"""
# Then a kernel that is still there is asked anew: a busy machine may lose what it said while it started.
ASK_AGAIN_MS = 30_000


class Browser:
    """Chromium: one for all pages without a microphone, for others a new one: the file that it plays is the process's.

    Parameters
    ----------
    playwright
        A running Playwright, which ends what is started here.
    """

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._silent: Chromium | None = None

    @contextmanager
    def context(self, *, microphone: Path | None = None, grant: bool = True) -> Iterator[BrowserContext]:
        """Yield a browser context.

        Parameters
        ----------
        microphone
            WAV file that the fake microphone plays once, from the moment that a page opens it.
        grant
            Whether the permission prompt answers itself with yes; otherwise it is refused.
        """
        with ExitStack() as stack:
            if microphone is None and grant:
                self._silent = self._silent or self._launch(_GRANT)
                chromium = self._silent
            else:
                flags = [*([_GRANT] if grant else []), *([] if microphone is None else _playing(microphone))]
                chromium = stack.enter_context(self._launch(*flags))
            context = stack.enter_context(chromium.new_context(viewport=VIEWPORT, locale="en-GB"))
            context.set_default_timeout(PAGE_TIMEOUT_MS)
            yield context

    def _launch(self, *flags: str) -> Chromium:
        program = shutil.which("chromium")
        if program is None:
            raise RuntimeError("chromium is missing: run tools/apt.sh chromium")
        return self._playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *flags])


def _playing(wav: Path) -> tuple[str, str]:
    return "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={wav}%noloop"


class LabPage:
    """A notebook open in JupyterLab.

    Parameters
    ----------
    context
        The browser context to open it in.
    server
        The JupyterLab to open it from.
    """

    def __init__(self, context: BrowserContext, server: LabServer) -> None:
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self._server = server
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, notebook: str) -> None:
        """Open a notebook and wait until its kernel answers."""
        # Running cells on a cold server before its session is ready hangs for good.
        self.page.goto(f"{self._server.url}/lab/tree/{notebook}?reset&token={self._server.token}")
        try:
            self._wait_until_ready(ASK_AGAIN_MS)
        except PlaywrightTimeoutError:
            self.page.reload()
            self._wait_until_ready(PAGE_TIMEOUT_MS)

    def _wait_until_ready(self, timeout_ms: float) -> None:
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        self.page.wait_for_function(_NOTEBOOK_READY, timeout=timeout_ms)

    def run_cell(self, index: int) -> None:
        """Run one cell, as a person would."""
        self.page.locator(".jp-CodeCell .cm-content").nth(index).click()
        self.page.keyboard.press("Shift+Enter")

    def output(self, index: int) -> Locator:
        """Return the output area of a code cell."""
        return self.page.locator(".jp-CodeCell").nth(index).locator(".jp-Cell-outputArea")

    def result(self, index: int, timeout_s: float = 60.0) -> Any:
        """Return the value that a cell made with `result_of` printed."""
        area = self.output(index)
        expect(area).to_contain_text(MARKER, timeout=timeout_s * 1000)
        text = area.inner_text()
        return json.loads(text[text.index(MARKER) + len(MARKER) : text.rindex("$")].replace("\n", ""))

    def close(self) -> None:
        """Shut the kernels down: a notebook of the same name would get this one's."""
        self.page.evaluate("async () => { await jupyterapp.serviceManager.sessions.shutdownAll() }")
        self.page.close()


def result_of(expression: str) -> str:
    """Return the source of a cell that hands the value of ``expression`` (as JSON) to `LabPage.result`."""
    return RESULT_CELL.format(expression)
