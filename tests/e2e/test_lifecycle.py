"""What happens to a recording when pages and kernels come and go, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Locator, expect

from harness import LabPage
from harness.browser import result_of

pytestmark = pytest.mark.e2e

OpenNotebook = Callable[..., LabPage]
START = "import ipyspeaches as sp\nw = sp.Transcriber(turn_detection=sp.TurnDetection.client(sp.EnergyVad()))\nw"
MICROPHONES = "() => globalThis.tracks.filter((track) => track.readyState === 'live').length"
WATCH = """
globalThis.tracks = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await open(constraints);
  globalThis.tracks.push(...stream.getTracks());
  return stream;
};
"""


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A minute of noise for the fake microphone."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.02, 60 * 24_000), 24_000, subtype="PCM_16")
    return path


def widget(page: LabPage) -> Locator:
    return page.page.get_by_role("region", name="Transcriber")


def button(page: LabPage, name: str) -> Locator:
    return widget(page).get_by_role("button", name=name, exact=True)


def record(page: LabPage) -> None:
    """Run the first cell and record from the browser's microphone."""
    page.run_cell(0)
    button(page, "Record").click()
    expect(button(page, "Stop")).to_be_visible()
    expect(widget(page).get_by_role("status")).to_contain_text("Listening")


def test_a_reloaded_page_goes_on_recording(open_notebook: OpenNotebook, noise: Path) -> None:
    page = open_notebook([START, result_of("(w.wait(), w.recording.duration, w.state)[1:]")], microphone=noise)
    page.page.add_init_script(WATCH)
    record(page)
    page.page.wait_for_timeout(1_500)
    page.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.page.reload()
    expect(button(page, "Stop")).to_be_visible()
    expect(widget(page).get_by_role("status")).to_contain_text("Listening")
    page.page.wait_for_function(f"({MICROPHONES})() === 1")
    page.page.wait_for_timeout(1_500)
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    assert page.page.evaluate(MICROPHONES) == 0
    page.run_cell(1)
    seconds, state = page.result(1)
    assert state == "stopped"
    assert seconds > 3


def test_a_restarted_kernel_is_told_and_the_microphone_closed(
    open_notebook: OpenNotebook, noise: Path, artifacts: Path
) -> None:
    page = open_notebook([START], microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    assert page.page.evaluate(MICROPHONES) == 1
    page.page.evaluate("() => { globalThis.done = jupyterapp.shell.currentWidget.sessionContext.restartKernel() }")
    expect(widget(page).get_by_role("status")).to_contain_text("The kernel was restarted.")
    expect(button(page, "Record")).to_have_attribute("aria-disabled", "true")
    assert page.page.evaluate(MICROPHONES) == 0
    page.page.screenshot(path=artifacts / "kernel-restarted.png")
    page.page.evaluate("async () => { await globalThis.done }")


def test_a_cell_run_again_closes_the_microphone_of_the_old_widget(open_notebook: OpenNotebook, noise: Path) -> None:
    page = open_notebook([START], microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    page.run_cell(0)
    expect(button(page, "Record")).to_be_visible()
    expect(widget(page)).to_have_count(1)
    page.page.wait_for_function(f"({MICROPHONES})() === 0")


def test_letters_do_not_reach_the_notebook(open_notebook: OpenNotebook) -> None:
    page = open_notebook([START, "1 + 1"])
    page.run_cell(0)
    button(page, "Record").focus()
    for key in ("m", "y", "a", "d", "d", "x", "Escape"):
        page.page.keyboard.press(key)
    expect(page.page.locator(".jp-CodeCell")).to_have_count(2)
    expect(page.page.locator(".jp-MarkdownCell")).to_have_count(0)
    expect(widget(page).locator(":focus")).to_have_count(0)
