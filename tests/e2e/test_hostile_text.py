"""Whatever a server says is text: nothing of it runs, loads or moves the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness import OpenNotebook

pytestmark = pytest.mark.e2e


HOSTILE = r"""
texts = ["<img src=x onerror=\"window.hacked = 1\">", "<script>window.hacked = 2</script>",
         "bell\x07 null\x00 escape\x1b[31m override\u202eabc", "long " * 20_000, "\u0645\u0631\u062d\u0628\u0627 hello"]
w.send({"type": "events", "events": [
    {"type": "final", "item_id": f"item_{i}", "start_s": 2.0 * i, "end_s": 2.0 * i + 1, "text": text,
     "language": "<b>en</b>", "latency_s": 0.1} for i, text in enumerate(texts)]
    + [{"type": "partial", "item_id": "item_9", "start_s": 20.0, "text": texts[0]},
       {"type": "warning", "time_s": 21.0, "kind": "audio_lost", "text": texts[1]},
       {"type": "mark", "id": 0, "time_s": 1.0, "name": texts[0]}]})
"""


def test_server_text_is_shown_as_text(open_notebook: OpenNotebook, artifacts: Path) -> None:
    page = open_notebook(["import ipyspeaches as sp\nw = sp.Transcriber()\nw", HOSTILE])
    page.run_cell(0)
    widget = page.page.get_by_role("region", name="Transcriber")
    expect(widget.get_by_role("button", name="Record", exact=True)).to_be_visible()
    page.run_cell(1)
    transcript = widget.get_by_role("log")
    expect(transcript).to_contain_text("<img src=x onerror=")
    expect(transcript).to_contain_text("<script>window.hacked = 2</script>")
    expect(transcript).to_contain_text("hello")
    page.page.screenshot(path=artifacts / "hostile-text.png")
    assert widget.locator("img, script").count() == 0
    assert page.page.evaluate("window.hacked") is None
    # The widget keeps its width: the longest word of a server is its own problem.
    assert widget.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    assert page.errors == []
