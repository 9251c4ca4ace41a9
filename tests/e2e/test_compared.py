"""Several ways side by side in a real JupyterLab: their words in columns, and their times up to the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness import WORDS_TIMEOUT_MS, LabPage
from harness.browser import result_of

pytestmark = pytest.mark.e2e

SHOW = """
import ipyspeaches as sp
w = sp.Transcriber(
    source=sp.Recording.sample("quickstart").slice(0, 6.6),
    compare={
        "energy": {"turn_detection": sp.TurnDetection.client(sp.EnergyVad(threshold=500))},
        "nowhere": {"server": "http://127.0.0.1:9"},
    },
)
w
"""
PLAY = "w.start()\nw.wait()\nimport time; time.sleep(1)\nw.comparison"
READ_BACK = result_of(
    "dict(run=list(w.comparison.transcripts), text=[t.text for t in w.comparison.transcripts.values()],"
    " final=[[u.final_ms for u in l] for l in w.comparison.latencies.values()],"
    " screen=[[u.on_screen_ms for u in l] for l in w.comparison.latencies.values()])"
)


def test_columns_fill_and_everything_is_timed_to_the_screen(
    open_notebook: Callable[..., LabPage], artifacts: Path
) -> None:
    page = open_notebook([SHOW, PLAY, READ_BACK])
    page.run_cell(0)
    expect(page.page.get_by_role("region", name="energy", exact=True)).to_be_visible()
    page.run_cell(1)
    energy = page.page.get_by_role("region", name="energy", exact=True)
    expect(energy).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    expect(energy).to_contain_text("median")
    expect(page.page.get_by_role("region", name="nowhere", exact=True)).to_contain_text("Failed.")
    page.page.screenshot(path=artifacts / "compared.png")
    page.run_cell(2)
    found = page.result(2)
    assert found["run"] == ["main", "energy", "nowhere"]
    assert all("speech recognition" in text.lower() for text in found["text"][:2])
    assert found["text"][2] == ""
    for finals, screens in zip(found["final"][:2], found["screen"][:2], strict=True):
        assert len(finals) == 2
        # NaN would be no number for JSON, and none is smaller than one.
        assert all(screen > final for final, screen in zip(finals, screens, strict=True))
    page.page.locator(".jp-OutputArea-output table").last.scroll_into_view_if_needed()
    page.page.screenshot(path=artifacts / "comparison-table.png")
    assert page.errors == []
