"""Main thread of the page while it records and follows the live edge: the widget, a bare canvas, uPlot, Plotly.

All of them draw the last 24 s in a plot of the same size, each in a page of its own, one after the other in turning
order; the widget also has its text, lanes, level meter and clock, and receives 25 messages a second. The figure is
the share of time in which the main thread ran tasks, by Chromium's own counter; Chromium draws in software, and other
processes on the machine are counted by nobody, so that ratios say more than shares.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import plotly
from playwright.sync_api import Browser

from bench_page import MainThread, Spent, bench_browser, bench_page
from rows import Row, arguments, judged, progress, report

SHARE_BUDGET = 10.0
PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SHOWS = {
    "ours": "the widget",
    "blit": "a bare canvas moved by a pixel a frame",
    "uplot": "uPlot, two charts, 60 fps",
    "plotly": "Plotly.react, three traces, 10 Hz",
}
PAST_S = 60
WARM_MS = 2500  # of a recording: the seconds in which the browser still compiles are not what it goes on to cost
HOURS_S = 8 * 3600


def watch(browser: Browser, url: str, show: str, seconds: float) -> Spent:
    """Return what drawing costs while it goes on."""
    spent: list[Spent] = []
    script = PLOTLY_JS if show == "plotly" else None
    with bench_page(browser, url, script=script) as page:
        page.evaluate(f"bench.{show}({PAST_S}).play()")
        page.wait_for_timeout(WARM_MS)
        with MainThread(page).measure(spent):
            page.wait_for_timeout(seconds * 1000)
    return spent[0]


def travel(browser: Browser, url: str, steps: int) -> Spent:
    """Return what panning and zooming through a recording of eight hours costs, by the wheel in every frame."""
    spent: list[Spent] = []
    with bench_page(browser, url) as page:
        page.evaluate(f"bench.ours({HOURS_S})")
        page.wait_for_timeout(1500)
        box = page.locator(".sp-row.is-wave .sp-plot").bounding_box()
        if box is None:
            raise RuntimeError("The waveform is not shown: build the front end.")
        page.mouse.move(box["x"] + 300, box["y"] + 40)
        with MainThread(page).measure(spent):
            for step in range(steps):
                zooms = step % 40 >= 30
                if zooms and step % 40 == 30:
                    page.keyboard.down("Control")
                page.mouse.wheel(0, (90 if step % 80 < 40 else -90) if zooms else -40)
                if step % 40 == 39:
                    page.keyboard.up("Control")
                page.wait_for_timeout(12)
    return spent[0]


def figures(spent: dict[str, list[Spent]]) -> list[Row]:
    """Return the rows of the drawing."""

    def share(name: str) -> float:
        return 100 * statistics.median(one.share for one in spent[name])

    rows = [judged("main thread while recording, the widget", share("ours"), "%", budget=SHARE_BUDGET)]
    rows.append(
        judged(
            "frames a second while recording, the widget",
            statistics.median(one.frames_per_s for one in spent["ours"]),
            "1/s",
            budget=58.0,
            at_least=True,
        )
    )
    for name in ("blit", "uplot", "plotly"):
        ratio = statistics.median(a.share / b.share for a, b in zip(spent["ours"], spent[name], strict=True))
        label = f"main thread while recording, against {SHOWS[name]}"
        rows.append(judged(label, share("ours"), "%", anchor=share(name), ratio=ratio, budget=None))
    return rows


def main() -> int:
    """Measure and print."""
    chosen = arguments(__doc__ or "")
    rounds, seconds = (2, 1.5) if chosen.quick else (5, 10.0)
    spent: dict[str, list[Spent]] = {name: [] for name in SHOWS}
    names = list(SHOWS)
    with bench_browser() as (browser, url):
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                spent[name].append(watch(browser, url, name, seconds))
            told = ", ".join(f"{name} {100 * spent[name][-1].share:.1f} %" for name in names)
            progress(f"round {number + 1} of {rounds}: {told}")
        journeys = [travel(browser, url, 80 if chosen.quick else 160) for _ in range(1 if chosen.quick else 3)]
    rows = figures(spent)
    cost_ms = statistics.median(one.task_ms_per_frame for one in journeys)
    rows.append(judged("panning and zooming in eight hours, main thread a frame", cost_ms, "ms", budget=1000 / 60))
    return report(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
