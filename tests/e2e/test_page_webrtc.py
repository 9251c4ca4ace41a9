"""The page's own connection with the server, in a real JupyterLab and a real Chromium: its microphone, its UDP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from harness import TWO_SENTENCES, WORDS_TIMEOUT_MS, LabPage, OpenNotebook, button, widget
from harness.browser import result_of
from ipyspeaches import wer

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

MOST_WORDS_WRONG = 0.3
CLOSE_S = 0.1
# A word's place is known as well as the sound's way to the server, which is 0.1 to 0.2 s long.
CLOSE_WORDS_S = 0.3

# The microphone's file plays while the server starts, so that it had better run before.
START = 'import ipyspeaches as sp\nsp.LocalServer.shared()\nw = sp.Transcriber(transport="webrtc")\nw'
SHOW = "import pandas as pd\ndata = pd.DataFrame(w.transcript)[['start', 'end', 'text']]\ndata"
# The same sound over a WebSocket, on the same clock.
COMPARE = "again = sp.run(sp.transcribe(w.recording, pace=0))\n" + result_of(
    "{**{name: [(s.start, s.end, s.text, [(x.word, x.start, x.end) for x in s.words]) for s in t] "
    "for name, t in (('rtc', w.transcript), ('socket', again))}, 'heard_s': w.recording.duration, "
    "'warnings': [e.text for e in w.events if e.type == 'Warning']}"
)
PEERS = "() => globalThis.peers.filter((peer) => peer.connectionState !== 'closed').length"
WATCH = """
globalThis.peers = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    globalThis.peers.push(this);
  }
};
"""


def record(page: LabPage) -> None:
    page.page.evaluate(f"() => {{ {WATCH} }}")
    page.run_cell(0)
    button(page, "Record").click()
    expect(widget(page).get_by_role("status")).to_contain_text("Listening")


def test_words_of_the_browsers_microphone(open_notebook: OpenNotebook, speech: Path, artifacts: Path) -> None:
    page = open_notebook([START, SHOW, COMPARE], microphone=speech)
    record(page)
    transcript = widget(page).get_by_role("log")
    expect(transcript).to_contain_text("good morning", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    page.page.screenshot(path=artifacts / "page-webrtc-live.png")
    expect(transcript).to_contain_text("speech recognition", timeout=WORDS_TIMEOUT_MS, ignore_case=True)
    assert page.page.evaluate(PEERS) == 1
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    assert page.page.evaluate(PEERS) == 0
    page.run_cell(1)
    expect(page.output(1)).to_contain_text("good morning", ignore_case=True)
    page.page.screenshot(path=artifacts / "page-webrtc.png")
    page.run_cell(2)
    compare(page.result(2))
    assert page.errors == []


def compare(found: dict[str, Any]) -> None:
    """The words and their times are those of the same sound over a WebSocket."""
    by_rtc, by_socket = found["rtc"], found["socket"]
    said = " ".join(text for _, _, text, _ in by_rtc)
    assert wer(TWO_SENTENCES, said).rate <= MOST_WORDS_WRONG, said
    assert not any("in its place" in text for text in found["warnings"]), "the page did not ask the server itself"
    assert len(by_rtc) == len(by_socket)
    for (start, end, _, words), (start_too, end_too, _, words_too) in zip(by_rtc, by_socket, strict=True):
        assert abs(start - start_too) <= CLOSE_S
        assert abs(end - end_too) <= CLOSE_S
        if [word for word, _, _ in words] == [word for word, _, _ in words_too]:
            assert all(abs(a[1] - b[1]) <= CLOSE_WORDS_S for a, b in zip(words, words_too, strict=True)), (
                words,
                words_too,
            )
