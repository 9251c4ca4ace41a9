"""A cell that computes must not cost a word: sound goes on, the transcript goes on, nothing changes its order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from harness import WORDS_TIMEOUT_MS, OpenNotebook, spoken
from harness.browser import result_of
from ipyspeaches import samples, wer

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


BUSY = {
    "sleep": "import time; begun = time.time(); time.sleep(10); ended = time.time()",
    "pure-python-loop": (
        "import time; begun = time.time(); n = 0\nwhile time.time() < begun + 10: n += 1\nended = time.time()"
    ),
}
# The sound that came while the cell was busy, by what the events say: their clock is the machine's.
READ_BACK = result_of(
    "dict(text=w.transcript.text, starts=[s.start for s in w.transcript],"
    " lost=sum(event.detail == 'audio_lost' for event in w.events),"
    " taken_meanwhile=sum(event.type == 'Committed' and begun < event.wall_time.timestamp() < ended"
    " for event in w.events))"
)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spoken(tmp_path_factory.mktemp("speech"), lead_s=3)


@pytest.mark.parametrize("busy", BUSY)
def test_a_busy_cell_costs_no_word(open_notebook: OpenNotebook, speech: Path, artifacts: Path, busy: str) -> None:
    page = open_notebook(
        ["import ipyspeaches as sp\nw = sp.Transcriber()\nw", BUSY[busy], READ_BACK], microphone=speech
    )
    page.run_cell(0)
    widget = page.page.get_by_role("region", name="Transcriber")
    widget.get_by_role("button", name="Record", exact=True).click()
    expect(widget.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    page.run_cell(1)
    expect(widget.get_by_role("log")).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    page.page.screenshot(path=artifacts / f"busy-{busy}.png")
    expect(widget.get_by_role("log")).to_contain_text("turn to speak", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    widget.get_by_role("button", name="Stop", exact=True).click()
    expect(widget.get_by_role("button", name="Record", exact=True)).to_be_visible()
    page.run_cell(2)
    found = page.result(2)
    assert wer(samples.info("quickstart").text, found["text"]).rate <= 0.2, found["text"]
    assert found["lost"] == 0
    assert found["starts"] == sorted(found["starts"])
    # A second that was lost while the cell computed would bring the sentences nearer to each other.
    spoken = [sentence.start for sentence in samples.info("quickstart").sentences]
    assert np.diff(found["starts"]) == pytest.approx(np.diff(spoken), abs=0.5)
    if busy == "sleep":
        assert found["taken_meanwhile"] >= 1, "sentences reach the server while the cell sleeps"
    assert page.errors == []
