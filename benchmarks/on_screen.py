"""End of speech to final text on the screen, and what of that is ours.

A real JupyterLab, Chromium and fake microphone; the server is one that takes a fixed time for each text and notes how
long it really took. The page says when it has painted a text (`UtteranceLatency` says how that is timed). Time counts
from when the audio with the end of speech is in the kernel. What is neither the silence by which the detector knows
the end, in whole frames, nor the server's own time is ours. Other work on the machine counts: the budget is for a
quiet one.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from websockets.asyncio.server import ServerConnection

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from harness.browser import Browser, LabPage, result_of
from harness.lab import LabServer
from harness.transcriber import button, widget
from ipyspeaches import Recording, SileroVad
from rows import Row, arguments, judged, progress, report
from scripted_server import ScriptedServer, serving

WORK_S = 0.3
FRAME_MS = 32  # of Silero
# A silence counts from the start of its first frame, and is long enough where a frame begins, which is judged at its
# end.
SILENCE_MS = FRAME_MS * (math.ceil(SileroVad().min_silence_duration_ms / FRAME_MS) + 1)
BUDGET_MS = 60
LEAD_S = 4.0
ROUNDS, QUICK_ROUNDS = 4, 2
MEASURES = ("vad_stop_ms", "final_ms", "on_screen_ms")


class TimedServer(ScriptedServer):
    """Takes a fixed time for each text. ``took_ms``: by item, from the commit to when its text was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.took_ms: dict[str, float] = {}

    async def _commit(self, socket: ServerConnection, number: int) -> str:
        begun_s = time.monotonic()
        final = await super()._commit(socket, number)
        await asyncio.sleep(WORK_S)
        self.took_ms[f"item_{number}"] = 1000 * (time.monotonic() - begun_s)
        return final


def speech(folder: Path, rounds: int) -> tuple[Path, float]:
    """Write what the microphone plays; return the file and its length in seconds."""
    sample = Recording.sample("quickstart")
    silence = np.zeros(round(LEAD_S * sample.rate), np.int16)
    played = Recording(np.concatenate([silence, *[sample.samples, silence] * rounds]), sample.rate)
    return played.save(folder / "speech.wav"), played.duration


def record(folder: Path, server: TimedServer, rounds: int) -> list[dict[str, Any]]:
    """Record in a notebook; return the rows of ``w.latency`` whose texts were painted."""
    microphone, length_s = speech(folder, rounds)
    cells = [
        "import ipyspeaches as sp",
        f"w = sp.Transcriber(server={server.url!r})\nw",
        result_of(f"[[one.item_id, *(getattr(one, name) for name in {MEASURES})] for one in w.latency]"),
    ]
    with ExitStack() as stack:
        lab = stack.enter_context(LabServer(folder / "lab"))
        browser = Browser(stack.enter_context(sync_playwright()))
        with browser.context(microphone=microphone) as context:
            page = LabPage(context, lab)
            page.open(lab.write_notebook("on_screen.ipynb", cells))
            for cell in (0, 1):
                page.run_cell(cell)
            button(page, "Record").click()
            widget(page).get_by_text("Listening.").first.wait_for()
            page.page.wait_for_timeout(1000 * length_s)
            button(page, "Stop").click()
            widget(page).get_by_text("Stopped.").first.wait_for()
            page.run_cell(2)
            rows = page.result(2)
            page.close()
    named = [dict(zip(("item_id", *MEASURES), row, strict=True)) for row in rows]
    return [row for row in named if not np.isnan(list(row.values())[1:]).any()]


def measure(rounds: int) -> Iterator[Row]:
    """Yield the rows."""
    with tempfile.TemporaryDirectory() as folder, serving(TimedServer()) as server:
        progress(f"{rounds} times the sample, in real time …")
        painted = record(Path(folder), server, rounds)
    sure, final, shown = (np.array([row[name] for row in painted]) for name in MEASURES)
    work = np.array([server.took_ms[row["item_id"]] for row in painted])
    ours = shown - SILENCE_MS - work
    own = float(np.median(work))
    yield judged("texts on the screen", len(painted), "", budget=None)
    yield judged("end of speech to final on the screen, median", float(np.median(shown)), "ms", budget=None, anchor=own)
    yield judged("the server's own time, median", own, "ms", budget=None)
    yield judged("ours, median", float(np.median(ours)), "ms", budget=BUDGET_MS)
    yield judged("ours, P95", float(np.percentile(ours, 95)), "ms", budget=None)
    parts = {
        "until the end was sure, beyond the silence": sure - SILENCE_MS,
        "to the server and back, beyond its own time": final - sure - work,
        "from the kernel to the screen": shown - final,
    }
    for name, values in parts.items():
        yield judged(f"of ours, {name}, median", float(np.median(values)), "ms", budget=None)


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__ or "")
    return report(measure(QUICK_ROUNDS if options.quick else ROUNDS), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
