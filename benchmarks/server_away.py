"""A server that is stopped in the middle of a sentence and comes back: the words come, once, and the page says so.

A real JupyterLab, Chromium and fake microphone; the server is an embedded one with PocketSphinx, killed for ``--away``
seconds. Pictures of each state go to ``artifacts/server_away/``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from harness.browser import Browser, LabPage, result_of
from harness.lab import LabServer
from harness.transcriber import button, widget
from ipyspeaches import samples, wer
from on_screen import LEAD_S, speech
from rows import Row, judged, progress, report

AWAY_S = 20.0
ROUNDS = 3
MID_SENTENCE_S = 1.2
"""Into the speech, when the server is killed."""
PICTURES = Path(__file__).parents[1] / "artifacts" / "server_away"


class Restarted:
    """An embedded server at one address, that is killed and started again."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, the first time at any port; returns when it listens."""
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "ipyspeaches", "serve", "--engine", "pocketsphinx", "--port", port]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        line = next(line for line in self._process.stdout if "listening on" in line)
        self.url = line.split()[-1]

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def pictured(page: LabPage, name: str, text: str, timeout_s: float) -> None:
    """Wait until the widget says so, and take a picture of it."""
    widget(page).get_by_text(text).first.wait_for(timeout=1000 * timeout_s)
    widget(page).screenshot(path=PICTURES / f"{name}.png")
    progress(f"{name}: {widget(page).locator('.sp-status .msg').inner_text()}")


def recorded(folder: Path, away_s: float) -> tuple[dict[str, Any], str]:
    """Record in a notebook while the server goes and comes; return what there is then, and what was said."""
    file, length_s = speech(folder, ROUNDS)
    said = " ".join(sentence.text for sentence in samples.info("quickstart").sentences)
    server = Restarted()
    server.start()
    cells = [
        "import ipyspeaches as sp",
        f"w = sp.Transcriber(server={server.url!r})\nw",
        result_of(
            "{'text': w.transcript.text, 'starts': [one.start for one in w.transcript], "
            "'missing': [one.reason for one in w.transcript.missing]}"
        ),
    ]
    with ExitStack() as stack:
        stack.callback(server.kill)
        lab = stack.enter_context(LabServer(folder / "lab"))
        browser = Browser(stack.enter_context(sync_playwright()))
        with browser.context(microphone=file) as context:
            page = LabPage(context, lab)
            page.open(lab.write_notebook("server_away.ipynb", cells))
            for cell in (0, 1):
                page.run_cell(cell)
            button(page, "Record").click()
            pictured(page, "1 listening", "Listening.", 60)
            began_s = time.monotonic()
            page.page.wait_for_timeout(1000 * (LEAD_S + MID_SENTENCE_S))
            server.kill()
            killed_s = time.monotonic()
            pictured(page, "2 lost", "next try in", 20)
            page.page.wait_for_timeout(1000 * max(0.0, away_s - (time.monotonic() - killed_s)))
            server.start()
            pictured(page, "3 catching up", "The connection is back.", 60)
            pictured(page, "4 back", "Listening.", 300)
            page.page.wait_for_timeout(1000 * max(0.0, length_s - (time.monotonic() - began_s)))
            button(page, "Stop").click()
            pictured(page, "5 stopped", "Stopped.", 300)
            page.run_cell(2)
            found = page.result(2)
            page.close()
    return found, " ".join([said] * ROUNDS)


def measure(away_s: float) -> Iterator[Row]:
    """Yield the rows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        found, said = recorded(Path(folder), away_s)
    progress(found["text"])
    sentences = ROUNDS * len(samples.info("quickstart").sentences)
    starts = found["starts"]
    yield judged("the server was away", away_s, "s", budget=None)
    yield judged("sentences said", sentences, "", budget=None)
    yield judged("utterances with a text", len(starts), "", budget=None)
    yield judged("stretches without a text", len(found["missing"]), "", budget=0)
    disordered = sum(later <= earlier for earlier, later in pairwise(starts))
    yield judged("texts out of order, or of the same stretch", disordered, "", budget=0)
    yield judged("words wrong", wer(said, found["text"]).rate, "", budget=None)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="away for 8 s")
    parser.add_argument("--away", type=float, default=AWAY_S, help="seconds (default: %(default)s)")
    options = parser.parse_args()
    return report(measure(8.0 if options.quick else options.away), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
