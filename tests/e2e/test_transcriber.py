"""The main job in a real JupyterLab and a real browser: press the button, speak, read the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from harness import TWO_SENTENCES, TWO_SENTENCES_S, WORDS_TIMEOUT_MS, NullSink, OpenNotebook, button, spoken, widget
from harness.browser import result_of
from ipyspeaches import wer

pytestmark = pytest.mark.e2e

MOST_WORDS_WRONG = 0.2

SHOW = "import pandas as pd\ndata = pd.DataFrame(w.transcript)[['start', 'end', 'text']]\ndata"
READ_BACK = result_of("dict(data.to_dict('list'), all=w.transcript.text, heard_s=w.recording.duration)")


def check_words(found: dict[str, Any]) -> None:
    """Compare what the next cell read with what was said."""
    assert wer(TWO_SENTENCES, found["all"]).rate <= MOST_WORDS_WRONG, found["all"]
    assert found["text"][0].lower().startswith("good morning"), "the first onset is clipped"
    assert " ".join(found["text"]) == found["all"]
    starts, ends = found["start"], found["end"]
    assert starts == sorted(starts)
    assert all(0 <= start < end <= found["heard_s"] for start, end in zip(starts, ends, strict=True))


def test_browser_microphone(open_notebook: OpenNotebook, speech: Path, artifacts: Path) -> None:
    page = open_notebook(["import ipyspeaches as sp\nw = sp.Transcriber()\nw", SHOW, READ_BACK], microphone=speech)
    page.run_cell(0)
    button(page, "Record").click()
    expect(button(page, "Stop")).to_be_visible()
    transcript = widget(page).get_by_role("log")
    expect(transcript).to_contain_text("good morning", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    page.page.screenshot(path=artifacts / "browser-microphone-live.png")
    expect(transcript).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    page.run_cell(1)
    expect(page.output(1)).to_contain_text("speech recognition", ignore_case=True)
    page.page.screenshot(path=artifacts / "browser-microphone.png")
    page.run_cell(2)
    check_words(page.result(2))
    assert page.errors == []


def test_kernel_microphone(open_notebook: OpenNotebook, null_sink: NullSink, tmp_path: Path, artifacts: Path) -> None:
    page = open_notebook(["import ipyspeaches as sp\nw = sp.Transcriber(source='kernel')\nw", SHOW, READ_BACK])
    page.run_cell(0)
    button(page, "Record").click()
    expect(button(page, "Stop")).to_be_visible()
    expect(widget(page).get_by_role("status")).to_contain_text("Listening")
    player = null_sink.play(spoken(tmp_path, lead_s=0, end_s=TWO_SENTENCES_S))
    transcript = widget(page).get_by_role("log")
    expect(transcript).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    player.wait(120)
    page.page.screenshot(path=artifacts / "kernel-microphone.png")
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    page.run_cell(1)
    page.run_cell(2)
    check_words(page.result(2))
    assert page.errors == []


def test_a_refused_permission_is_explained(open_notebook: OpenNotebook, speech: Path, artifacts: Path) -> None:
    page = open_notebook(
        ["import ipyspeaches as sp\nw = sp.Transcriber()\nw", result_of("w.state")], microphone=speech, grant=False
    )
    page.run_cell(0)
    button(page, "Record").click()
    alert = widget(page).get_by_role("alert")
    expect(alert).to_contain_text("The browser blocked the microphone")
    expect(alert).to_contain_text("choose “Allow”")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    page.page.screenshot(path=artifacts / "permission-denied.png")
    page.run_cell(1)
    assert page.result(1) in {"idle", "failed", "stopped"}
    assert page.errors == []
