"""What happens to a recording when pages and kernels come and go, in a real JupyterLab."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from harness import LabPage, OpenNotebook, button, widget
from harness.browser import result_of

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

START = "import ipyspeaches as sp\nw = sp.Transcriber(turn_detection=sp.TurnDetection.client(sp.EnergyVad()))\nw"
LAB = "sp.VadLab(sp.Recording.sample(), detectors=[sp.EnergyVad(threshold=500)])"
# How many microphones, and how many audio engines of any kind, are open.
OPEN = """() => [
  globalThis.tracks.filter((track) => track.readyState === "live").length,
  globalThis.engines.filter((engine) => engine.state !== "closed").length,
]"""
WATCH = """
globalThis.tracks = [];
globalThis.engines = [];
globalThis.AudioContext = class extends AudioContext {
  constructor(...options) {
    super(...options);
    globalThis.engines.push(this);
  }
};
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await open(constraints);
  globalThis.tracks.push(...stream.getTracks());
  return stream;
};
"""


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A minute of noise for the fake microphone, too quiet to be taken for speech: no words are wanted here."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.005, 60 * 24_000), 24_000, subtype="PCM_16")
    return path


def expect_open(page: LabPage, count: int) -> None:
    """Wait until so many microphones, each with its audio engine, are open."""
    page.page.wait_for_function(f"(count) => ({OPEN})().every((open) => open === count)", arg=count)


def wait_for_clock(page: LabPage, seconds: float) -> float:
    """Wait until the widget's clock shows so many seconds; return what it shows."""
    clock = widget(page).locator(".sp-time .sp-v")
    read = "(node) => { const [minutes, seconds] = node.textContent.split(':'); return 60 * minutes + 1 * seconds; }"
    page.page.wait_for_function(f"([node, least]) => ({read})(node) >= least", arg=[clock.element_handle(), seconds])
    return float(clock.evaluate(read))


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
    wait_for_clock(page, 1.0)
    page.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save') }")
    page.page.reload()
    expect(button(page, "Stop")).to_be_visible()
    expect(widget(page).get_by_role("status")).to_contain_text("Listening")
    expect_open(page, 1)
    before_s = wait_for_clock(page, 1.0)
    heard_s = wait_for_clock(page, before_s + 1.0)
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    expect_open(page, 0)
    page.run_cell(1)
    seconds, state = page.result(1)
    assert state == "stopped"
    assert seconds >= heard_s - 0.1  # the clock shows tenths, rounded


def test_a_restarted_kernel_is_told_the_microphone_closed_and_the_recording_there_again(
    open_notebook: OpenNotebook, noise: Path, tmp_path: Path, artifacts: Path
) -> None:
    place = f"import os\nos.environ['IPYSPEACHES_JOURNAL'] = {str(tmp_path / 'kept')!r}\n"
    cells = [place + START, result_of("(w.recording.duration, w.state)"), LAB]
    page = open_notebook(cells, microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    expect_open(page, 1)
    page.run_cell(2)
    lab = page.page.get_by_role("region", name="VadLab")
    expect(lab.locator(".is-segments.is-active .sp-rail")).to_contain_text("segments")
    heard_s = wait_for_clock(page, 1.0)
    page.page.evaluate("() => { globalThis.done = jupyterapp.shell.currentWidget.sessionContext.restartKernel() }")
    expect(widget(page).get_by_role("status")).to_contain_text("The kernel was restarted.")
    expect(button(page, "Record")).to_have_attribute("aria-disabled", "true")
    expect_open(page, 0)
    expect(lab.get_by_role("status")).to_contain_text("The kernel was restarted.")
    lab.get_by_role("slider", name="Start").first.press("PageUp")  # refused, and put back where it was
    expect(lab.get_by_role("slider", name="Start").first).to_have_attribute("aria-valuenow", "500")
    expect(lab.locator(".is-segments.is-active .sp-rail")).to_contain_text("segments")
    page.page.screenshot(path=artifacts / "kernel-restarted.png")
    page.page.evaluate("async () => { await globalThis.done }")
    page.run_cell(0)
    expect(widget(page).get_by_role("status")).to_contain_text("was not finished")
    page.page.screenshot(path=artifacts / "recording-offered.png")
    button(page, "Open").click()
    assert wait_for_clock(page, heard_s) < heard_s + 60
    page.page.screenshot(path=artifacts / "recording-opened.png")
    page.run_cell(1)
    seconds, state = page.result(1)
    assert state == "stopped"
    assert seconds >= heard_s - 0.1


def test_a_cell_run_again_closes_the_microphone_of_the_old_widget(open_notebook: OpenNotebook, noise: Path) -> None:
    page = open_notebook([START], microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    page.run_cell(0)
    expect(button(page, "Record")).to_be_visible()
    expect(widget(page)).to_have_count(1)
    expect_open(page, 0)


def test_two_views_share_one_microphone_and_its_lines_which_outlive_the_view_that_opened_it(
    open_notebook: OpenNotebook, noise: Path, artifacts: Path
) -> None:
    read = "[w.turn_detection.detector.threshold, w.session.turn_detection.detector.threshold]"
    page = open_notebook([START, "w", result_of(read)], microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    page.run_cell(1)
    expect(widget(page)).to_have_count(2)
    for view in widget(page).all():
        expect(view.get_by_role("button", name="Stop", exact=True)).to_be_visible()
        expect(view.get_by_role("status")).to_contain_text("Listening")
    page.page.screenshot(path=artifacts / "two-views.png")
    expect_open(page, 1)
    # What one view moves, the kernel uses and the other view shows.
    start = widget(page).nth(1).locator("[data-option=threshold]")
    expect(start).to_have_value("500")
    widget(page).nth(0).get_by_role("slider", name="Start", exact=True).press("PageUp")
    expect(start).not_to_have_value("500")
    moved = [pytest.approx(float(start.input_value()), abs=0.5)] * 2
    until = time.monotonic() + 30
    page.run_cell(2)
    while (found := page.result(2)) != moved and time.monotonic() < until:
        page.run_cell(2)
    assert found == moved
    page.page.locator(".jp-CodeCell .jp-InputPrompt").first.click()
    page.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-cell-output')")
    expect(widget(page)).to_have_count(1)
    heard_s = wait_for_clock(page, 0)
    wait_for_clock(page, heard_s + 1.0)
    expect_open(page, 1)
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    expect_open(page, 0)


def test_a_closed_notebook_lets_go_of_the_microphone_and_can_be_gone_on_with(
    open_notebook: OpenNotebook, noise: Path, artifacts: Path
) -> None:
    page = open_notebook([START, result_of("w.recording.duration")], microphone=noise)
    page.page.evaluate(f"() => {{ {WATCH} }}")
    record(page)
    heard_s = wait_for_clock(page, 1.0)
    path = page.page.evaluate("() => jupyterapp.shell.currentWidget.context.path")
    page.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save') }")
    page.page.evaluate("async () => { await jupyterapp.commands.execute('application:close') }")
    expect(widget(page)).to_have_count(0)
    expect_open(page, 0)
    page.page.evaluate("(path) => { void jupyterapp.commands.execute('docmanager:open', { path }) }", path)
    expect(button(page, "Stop")).to_be_visible()
    expect_open(page, 1)
    wait_for_clock(page, heard_s + 1.0)
    button(page, "Stop").click()
    expect(button(page, "Record")).to_be_visible()
    expect_open(page, 0)
    expect(widget(page).locator(".counts")).to_contain_text(re.compile(r"[1-9]\d*(\.\d)? s lost"))
    page.page.screenshot(path=artifacts / "gone-on-with.png")
    assert page.errors == []


def test_letters_do_not_reach_the_notebook(open_notebook: OpenNotebook) -> None:
    page = open_notebook([START, "1 + 1"])
    page.run_cell(0)
    button(page, "Record").focus()
    for key in ("m", "y", "a", "d", "d", "x", "Escape"):
        page.page.keyboard.press(key)
    expect(page.page.locator(".jp-CodeCell")).to_have_count(2)
    expect(page.page.locator(".jp-MarkdownCell")).to_have_count(0)
    expect(widget(page).locator(":focus")).to_have_count(0)
    page.page.evaluate("() => { void jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
    expect(widget(page).get_by_role("status")).to_contain_text("The kernel has ended.")
