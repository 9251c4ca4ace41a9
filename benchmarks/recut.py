"""Cutting an hour of scores anew after a line was moved, in Chromium: alone, and as frames of the widget in a drag."""

from __future__ import annotations

import statistics
import sys

from playwright.sync_api import Browser

from bench_page import MainThread, Spent, bench_browser, bench_page
from rows import Row, arguments, judged, progress, report

HOUR_S = 3600
FRAME_BUDGET_MS = 16.0
DETECTORS = {"silero": 0.032, "energy": 0.02}
WARM_UP = 5


def recut_ms(browser: Browser, url: str, name: str, rounds: int) -> list[float]:
    """Return how long each cut of an hour took; the first ones, before the code is compiled, are left out."""
    with bench_page(browser, url) as page:
        call = f"bench.recut({name!r}, {DETECTORS[name]}, {HOUR_S}, {rounds + WARM_UP})"
        times: list[float] = page.evaluate(call)
    return times[WARM_UP:]


def drag(browser: Browser, url: str, moves: int) -> Spent:
    """Return what dragging the start line over a recording of an hour costs the widget's main thread."""
    spent: list[Spent] = []
    with bench_page(browser, url) as page:
        page.evaluate(f"bench.ours({HOUR_S})")
        page.wait_for_timeout(1000)
        box = page.locator(".sp-flag.is-start").bounding_box()
        if box is None:
            raise RuntimeError("The start flag is not shown: build the front end.")
        x, y = box["x"] + 12, box["y"] + 10
        page.mouse.move(x, y)
        page.mouse.down()
        with MainThread(page).measure(spent):
            for move in range(moves):
                page.mouse.move(x, y - 5 - (move * 3) % 30)
                page.wait_for_timeout(16)
        if "instead of" not in page.locator(".sp-status").inner_text():
            raise RuntimeError("The drag did not cut the past anew.")
        page.mouse.up()
    return spent[0]


def main() -> int:
    """Measure and print."""
    chosen = arguments(__doc__ or "")
    rounds = 25 if chosen.quick else 101
    rows: list[Row] = []
    with bench_browser() as (browser, url):
        for name, frame_s in DETECTORS.items():
            times = recut_ms(browser, url, name, rounds)
            progress(f"{name}: median of {len(times)}, longest {max(times):.2f} ms")
            label = f"cutting an hour anew, {name}, {round(HOUR_S / frame_s):,} frames"
            rows.append(judged(label, statistics.median(times), "ms", budget=FRAME_BUDGET_MS))
        drags = [drag(browser, url, 40 if chosen.quick else 120) for _ in range(3 if chosen.quick else 7)]
        cost_ms = statistics.median(one.task_ms_per_frame for one in drags)
        rows.append(judged("dragging a line over an hour, main thread a frame", cost_ms, "ms", budget=FRAME_BUDGET_MS))
    return report(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
