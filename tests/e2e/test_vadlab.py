"""The lab in a real JupyterLab: drag a line, paint, undo, step through errors; the kernel has the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from harness import LabPage, OpenNotebook
from harness.axe import SCRIPT, violations
from harness.browser import result_of
from ipyspeaches import Recording

pytestmark = pytest.mark.e2e


SHOW = """import shutil
import ipyspeaches as sp
from ipyspeaches import samples
info = samples.info("quickstart")
shutil.copy(samples.path("quickstart"), "talk.flac")
truth = sp.Segments([(one.start, one.end) for one in info.sentences])
lab = sp.VadLab("talk.flac", truth)
lab"""
READ = result_of(
    "{'threshold': lab.vad.threshold, 'release': lab.vad.neg_threshold, 'segments': len(lab.segments),"
    " 'truth': [[s.start, s.end] for s in lab.truth], 'metrics': [list(row) for row in lab.metrics],"
    " 'false_alarms': sum(s.duration >= 0.05 for s in lab.false_alarms), 'kept': len(sp.Segments.from_rttm("
    "'talk.truth.rttm')) if __import__('pathlib').Path('talk.truth.rttm').exists() else None}"
)


class Lab:
    """The widget in the page."""

    def __init__(self, page: LabPage) -> None:
        self.page = page.page
        self.node = self.page.get_by_role("region", name="VadLab")

    def box(self, selector: str) -> FloatRect:
        box = self.node.locator(selector).first.bounding_box()
        assert box is not None
        return box

    def at(self, selector: str, time_s: float) -> tuple[float, float]:
        box = self.box(selector)
        return box["x"] + box["width"] * time_s / Recording.sample().duration, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
        self.page.mouse.move(*end, steps=3)

    def hovered(self, selector: str) -> set[str]:
        """Return the values that a picture says while the pointer goes over it."""
        box, tip, found = self.box(f"{selector} canvas"), self.node.locator(f"{selector} .plane-tip"), set()
        for x in range(36, int(box["width"]) - 12, 24):
            for y in range(24, int(box["height"]) - 36, 30):
                self.page.mouse.move(box["x"] + x, box["y"] + y)
                found.add(tip.text_content() or "")
        return found

    def drop(self) -> None:
        self.page.mouse.up()

    def button(self, name: str) -> Locator:
        return self.node.get_by_role("button", name=name, exact=True)

    @property
    def status(self) -> Locator:
        return self.node.get_by_role("status")

    @property
    def regions(self) -> Locator:
        return self.node.locator(".lab-truth .sp-rail")

    def metrics(self) -> list[list[str]]:
        return [row.locator("td").all_inner_texts() for row in self.node.locator(".tbl tbody tr").all()]


def show(open_notebook: OpenNotebook, *cells: str) -> tuple[LabPage, Lab]:
    page = open_notebook([SHOW, *cells])
    page.page.set_viewport_size({"width": 1280, "height": 1300})
    page.run_cell(0)
    lab = Lab(page)
    expect(lab.status).to_contain_text("Painting truth")
    return page, lab


def shown(row: list[Any]) -> list[str]:
    """Return a row of `lab.metrics` as the table shows it."""
    names = {"silero": "Silero", "energy": "Energy", "webrtc": "WebRTC", "server": "Server"}
    detector, _threshold, f1, precision, recall, _accuracy, error_rate, *_, onset_s, offset_s, _splits, _merges = row
    signed = [f"{round(1000 * value):+d}".replace("-", "−") for value in (onset_s, offset_s)]
    return [names[detector], f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", f"{100 * error_rate:.1f} %", *signed]


def test_the_past_is_cut_anew_while_a_line_is_dragged(open_notebook: OpenNotebook, artifacts: Path) -> None:
    page, lab = show(open_notebook, READ)
    before = lab.metrics()
    flag = lab.node.get_by_role("slider", name="Release", exact=True).first.bounding_box()
    assert flag is not None
    grip = flag["x"] + 4, flag["y"] + 8
    lab.drag(grip, (grip[0], grip[1] + 21))
    expect(lab.status).to_contain_text("Moving the line.")
    dragged = lab.metrics()
    page.page.screenshot(path=artifacts / "vadlab-drag.png")
    assert dragged[0] != before[0]
    assert dragged[1:] == before[1:]
    lab.drop()
    expect(lab.status).to_contain_text("Painting truth")
    release = float(lab.node.locator("[data-option=neg_threshold]").input_value())
    page.run_cell(1)
    kernel = page.result(1)
    assert kernel["release"] == release < 0.35
    assert kernel["threshold"] == 0.5
    expect(lab.node.locator(".is-segments.is-active .sp-rail")).to_have_text(f"{kernel['segments']} segments")
    assert lab.metrics() == [shown(row) for row in kernel["metrics"]]
    assert lab.metrics() == dragged
    assert page.errors == []


def test_truth_is_painted_stepped_through_and_undone(open_notebook: OpenNotebook, artifacts: Path) -> None:
    page, lab = show(open_notebook, READ, READ)
    expect(lab.regions).to_have_text("4 regions, 8.1 s")
    lab.drag(lab.at(".lab-truth .sp-plot", 2.5), lab.at(".lab-truth .sp-plot", 2.9))
    lab.drop()
    expect(lab.regions).to_contain_text("5 regions")
    lab.button("Next missed").click()
    expect(lab.node.get_by_role("group", name="missed")).to_contain_text("missed 1 of 1")
    expect(lab.node.locator(".is-second small")).to_have_text("00:02.0 to 00:03.4")
    lab.button("Next false alarm").click()
    alarms = lab.node.get_by_role("group", name="false alarm")
    expect(alarms).to_contain_text("false alarm ")
    x, y = lab.at(".is-segments.is-active .sp-plot", 6.21)
    for step in range(-16, 16, 2):
        lab.page.mouse.move(x + step, y)
        if lab.node.get_by_role("tooltip").is_visible():
            break
    expect(lab.node.get_by_role("tooltip")).to_contain_text("Why speech ends here")
    expect(lab.node.get_by_role("tooltip")).to_contain_text("score fell below Release 0.35")
    assert any("Energy" in values for values in lab.hovered(".lab-curve"))
    page.page.screenshot(path=artifacts / "vadlab.png")
    page.run_cell(1)
    painted = page.result(1)
    assert len(painted["truth"]) == painted["kept"] == 5
    start, end = painted["truth"][1]
    assert (start, end) == (pytest.approx(2.5, abs=0.03), pytest.approx(2.9, abs=0.03))
    assert alarms.inner_text().strip().endswith(f"of {painted['false_alarms']}")
    assert lab.metrics() == [shown(row) for row in painted["metrics"]]
    lab.node.get_by_role("group", name="Time view").focus()
    page.page.keyboard.press("Control+z")
    expect(lab.regions).to_have_text("4 regions, 8.1 s")
    page.page.keyboard.press("Control+Shift+Z")
    expect(lab.regions).to_contain_text("5 regions")
    page.page.keyboard.press("Control+z")
    expect(lab.regions).to_have_text("4 regions, 8.1 s")
    page.page.keyboard.press("2")
    expect(lab.node.locator(".tbl tr.is-active")).to_contain_text("Energy")
    # Plain keys never reach the notebook: X and D D would remove the cell.
    for key in "xdd":
        page.page.keyboard.press(key)
    assert page.page.locator(".jp-CodeCell").count() == 3
    page.run_cell(2)
    undone = page.result(2)
    assert len(undone["truth"]) == undone["kept"] == 4
    assert undone["threshold"] == 500
    assert lab.metrics() == [shown(row) for row in undone["metrics"]]
    assert page.errors == []


def test_it_follows_the_dark_theme_and_edges_move_by_keys(open_notebook: OpenNotebook, artifacts: Path) -> None:
    page, lab = show(open_notebook, READ)
    page.page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    expect(lab.node).to_have_attribute("data-theme", "dark")
    grip = lab.node.get_by_role("slider", name="Speech 1, end")
    before = float(grip.get_attribute("aria-valuenow") or "nan")
    grip.focus()
    page.page.keyboard.press("Shift+ArrowRight")
    expect(grip).to_have_attribute("aria-valuenow", f"{before + 0.1:.2f}")
    lab.page.mouse.move(0, 0)
    page.page.screenshot(path=artifacts / "vadlab-dark.png")
    page.page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    expect(lab.node).to_have_attribute("data-theme", "light")
    page.run_cell(1)
    assert page.result(1)["truth"][0][1] == pytest.approx(before + 0.1, abs=0.006)
    assert page.errors == []


USED = result_of(
    "{'same': w.turn_detection.detector == lab.vad, 'name': lab.vad.name, 'heard': len(lab.server_segments),"
    " 'truth': [[s.start, s.end] for s in lab.truth], 'metrics': [list(row) for row in lab.metrics]}"
)
# Resolves once the second region is long enough to be no slip.
HELD = """() => {
  const [start, end] = document.querySelectorAll(".lab-truth [data-region='1']");
  return Number(end.ariaValueNow) - Number(start.ariaValueNow) > 0.2;
}"""
# Resolves once the playhead has gone back by itself: what is looped begins again.
BACK = """() => {
  const x = new DOMMatrix(getComputedStyle(document.querySelector(".lab-view .sp-playhead")).transform).e;
  const back = x < (globalThis.reached ?? 0) - 25;
  globalThis.reached = x;
  return back;
}"""


def test_regions_are_split_and_removed_looped_and_the_detector_goes_live(
    open_notebook: OpenNotebook, artifacts: Path
) -> None:
    page, lab = show(open_notebook, USED)
    keyboard = page.page.keyboard
    lab.page.mouse.click(*lab.at(".lab-truth .sp-plot", 1.2))
    keyboard.press("s")
    expect(lab.regions).to_contain_text("5 regions")
    lab.page.mouse.click(*lab.at(".lab-truth .sp-plot", 0.9))
    keyboard.press("Delete")
    expect(lab.regions).to_contain_text("4 regions")
    lab.button("Loop the selection").click()
    expect(lab.button("Loop the selection")).to_have_attribute("aria-pressed", "true")
    lab.page.mouse.click(*lab.at(".lab-truth .sp-plot", 1.5))
    keyboard.press("Space")
    page.page.wait_for_function(BACK)
    expect(lab.button("Stop")).to_be_visible()
    lab.button("Loop the selection").click()
    expect(lab.button("Loop the selection")).to_have_attribute("aria-pressed", "false")
    expect(lab.button("Play")).to_be_visible()
    lab.page.mouse.click(*lab.at(".lab-truth .sp-plot", 2.6))
    lab.node.get_by_role("group", name="Time view").focus()
    keyboard.down("l")  # by ear: what plays until it comes up is speech, and selected
    expect(lab.regions).to_contain_text("5 regions")
    page.page.wait_for_function(HELD)
    keyboard.up("l")
    expect(lab.node.locator(".truth.is-sel")).to_have_count(1)
    keyboard.press("Space")
    keyboard.press("Delete")
    expect(lab.regions).to_contain_text("4 regions")
    lab.button("More").click()
    lab.node.get_by_role("menuitem", name="Ask the server").click()
    expect(lab.node.locator(".lab-server .sp-rail")).to_contain_text("segments")
    page.page.screenshot(path=artifacts / "vadlab-server.png")
    keyboard.press("2")
    expect(lab.node.locator(".tbl tr.is-active")).to_contain_text("Energy")
    lab.button("Use in the live session").click()
    expect(lab.status).to_contain_text("run the new cell below")
    page.run_cell(1)
    expect(page.page.get_by_role("region", name="Transcriber")).to_be_visible()
    lab.button("Use in the live session").click()
    expect(lab.status).to_contain_text("The live session uses these settings from now on.")
    page.run_cell(2)
    kernel = page.result(2)
    assert (kernel["same"], kernel["name"]) == (True, "energy")
    assert kernel["truth"][0][0] == pytest.approx(1.2, abs=0.03)
    expect(lab.node.locator(".lab-server .sp-rail")).to_have_text(f"{kernel['heard']} segments")
    assert lab.metrics() == [shown(row) for row in kernel["metrics"]]
    assert lab.metrics()[-1][0] == "Server"
    assert page.errors == []


def test_the_lab_has_no_serious_violation_in_either_theme(open_notebook: OpenNotebook, root: Path) -> None:
    page, lab = show(open_notebook)
    page.page.evaluate((root / SCRIPT).read_text(encoding="utf-8"))
    rows = lab.node.get_by_role("table", name="Segments of Silero").locator("tbody tr")
    expect(lab.node.locator(".is-segments.is-active .sp-rail")).to_have_text("4 segments")
    expect(rows).to_have_count(4)
    found = {"light": violations(page.page)}
    for name, opener in {"more": lab.button("More"), "detector": lab.node.locator(".sp-select")}.items():
        opener.click()
        expect(lab.node.locator(".sp-menu")).to_be_visible()
        found[name] = violations(page.page)
        page.page.keyboard.press("Escape")
        expect(lab.node.locator(".sp-menu")).to_have_count(0)
    lab.button("More").click()
    lab.node.get_by_role("menuitem", name="Noise").click()
    f1 = lab.metrics()[1][3]
    lab.node.get_by_role("slider", name="Noise").fill("-5")
    expect(lab.node.locator(".lab-noise")).to_contain_text("-5 dB SNR")
    expect(lab.node.locator("[data-column=f1]").nth(1)).not_to_have_text(f1)  # energy hears the noise at once
    found["noise"] = violations(page.page)
    lab.node.get_by_role("slider", name="Noise").fill("40")
    expect(lab.node.locator("[data-column=f1]").nth(1)).to_have_text(f1)
    page.page.keyboard.press("Escape")
    lab.node.get_by_role("group", name="Time view").focus()
    page.page.keyboard.press("p")
    expect(lab.node.locator(".lab-four div")).to_have_count(4)
    expect(lab.node.locator(".lab-four b").nth(2)).to_have_text(lab.metrics()[0][3])
    found["presentation"] = violations(page.page)
    page.page.keyboard.press("Escape")
    expect(lab.node.locator(".lab-four")).to_be_hidden()
    lab.button("More").click()
    lab.node.get_by_role("menuitem", name="Ask the server").click()
    expect(lab.status).to_contain_text("The server finds 4 segments (threshold 0.50")
    found["server"] = violations(page.page)
    page.page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    expect(lab.node).to_have_attribute("data-theme", "dark")
    found["dark"] = violations(page.page)
    page.page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    expect(lab.node).to_have_attribute("data-theme", "light")
    assert {where: said for where, said in found.items() if said} == {}
    assert page.errors == []
