"""Nothing falls off the edge: both widgets in both languages from 400 to 1,600 px, without a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.e2e

# marimo gives outputs 610 px, JupyterLab with its side bar open often 768; both sides of each change of form
WIDTHS_PX = (400, 484, 600, 610, 680, 720, 721, 768, 820, 880, 1000, 1600)
WIDGETS = ("widget=transcriber&state=idle", "widget=transcriber&state=live", "widget=vadlab")
# As wide and high as the view of a screen of 1440 by 900 at 200 %, side bar open or not.
ZOOMED_PX = ((484, 450), (720, 450))
OPENERS = "button[aria-haspopup]"
IN_VIEW = """() => {
  const { left, right, top, bottom } = document.querySelector(".sp-menu").getBoundingClientRect();
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""
SIZE = """async (width) => {
  document.getElementById("cell").style.width = `${width}px`;
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture(scope="module")
def boxes(root: Path) -> str:
    """The script that says what cannot be reached or read."""
    return (root / "tests" / "support" / "harness" / "boxes.js").read_text()


@pytest.mark.parametrize("widget", WIDGETS)
def test_everything_is_in_sight_at_every_width(
    page: Page, harness_url: str, boxes: str, artifacts: Path, widget: str
) -> None:
    page.set_viewport_size({"width": 1700, "height": 1300})
    found = {}
    for language in ("en", "zh"):
        page.goto(f"{harness_url}?{widget}&lang={language}")
        page.locator(".sp-view").focus()  # then keys are named too
        for width_px in WIDTHS_PX:
            page.evaluate(SIZE, width_px)
            if faults := page.evaluate(boxes):
                found[language, width_px] = faults
                page.screenshot(path=artifacts / f"width-{width_px}-{widget.replace('&', '-')}-{language}.png")
    assert found == {}


@pytest.mark.parametrize("widget", WIDGETS[1:])
def test_what_opens_stays_in_the_view_of_a_zoomed_page(
    page: Page, harness_url: str, boxes: str, artifacts: Path, widget: str
) -> None:
    for (width_px, height_px), language in zip(ZOOMED_PX, ("en", "zh"), strict=True):
        page.set_viewport_size({"width": width_px + 28, "height": height_px})
        page.goto(f"{harness_url}?{widget}&width={width_px}&lang={language}")
        page.locator(".sp-view").focus()
        openers = [opener for opener in page.locator(OPENERS).all() if opener.is_visible()]
        assert len(openers) > 1
        for opener in openers:
            opener.click()
            assert page.evaluate(IN_VIEW), opener
            assert page.evaluate(boxes) == []
            page.keyboard.press("Escape")
    page.screenshot(path=artifacts / "zoomed.png")
