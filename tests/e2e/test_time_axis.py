"""The time axis in a real browser without a notebook: looked along, zoomed, its lines dragged, its pieces played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

SHOWN_S = re.compile(r"(?P<number>\d+(?:\.\d+)?) (?P<unit>s|min|h)")
# The rows as the canvas holds them: what is drawn is compared, not how.
PIXELS = "(canvas) => canvas.toDataURL()"
SENT = """(name) => harness.fake.sent.map(({ message }) => message)
  .filter((message) => message.type === "command" && message.name === name).map(({ args }) => args)"""


# How many pixels differ when the picture that was painted piece by piece is painted at once. The live edge and its flag
# are left out, and the picture may move by a pixel: both wait for the next one.
REPAINTED = """async () => {
  const frames = async (count) => { for (let i = 0; i < count; i++) await new Promise(requestAnimationFrame) };
  const canvas = document.querySelector(".sp-view > .sp-canvas");
  const span_s = Number.parseFloat(document.querySelector(".sp-zoom").textContent);
  harness.kernel.freeze();
  const width = Math.floor(Math.min(0.9, harness.kernel.clock_s / span_s) * canvas.width) - 64;
  const pixels = (x) => canvas.getContext("2d").getImageData(x, 0, width, canvas.height).data;
  let before = pixels(1);
  const differing = (after, from_x = 0) => {
    let count = 0;
    for (let i = 0; i < after.length; i += 4)
      if ((i / 4) % width >= from_x && [0, 1, 2, 3].some((k) => Math.abs(before[i + k] - after[i + k]) > 48)) count++;
    return count;
  };
  const rest = async () => {  // until the live edge has come to rest
    for (let still = 0; still < 3; ) {
      await frames(15);
      const now = pixels(1);
      still = differing(now) === 0 ? still + 1 : 0;
      before = now;
    }
  };
  await rest();
  const byPiece = before;
  dispatchEvent(new Event("resize"));
  await rest();
  before = byPiece;
  const painted = before.filter((value, i) => i % 4 === 3 && value > 0).length;
  // words that the left edge cuts stay where they are while the picture moves
  const ends = [...document.querySelectorAll(".sp-chip")].map((chip) => chip.getBoundingClientRect());
  const left = canvas.getBoundingClientRect().left;
  const cut = Math.max(0, ...ends.filter((end) => end.left < left).map((end) => end.right - left + 2));
  return { differing: Math.min(...[0, 1, 2].map((x) => differing(pixels(x), x === 1 ? 0 : cut))), painted };
}"""


class Axis:
    """The widget's time view."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node = page.locator(".sp-view")
        self.canvas = page.locator(".sp-view > .sp-canvas")

    @property
    def span(self) -> Locator:
        return self.page.locator(".sp-zoom")

    @property
    def follow(self) -> Locator:
        return self.page.locator(".sp-follow")

    @property
    def status(self) -> Locator:
        return self.page.locator(".sp-status .msg")

    def box(self, selector: str) -> FloatRect:
        box = self.page.locator(selector).first.bounding_box()
        assert box is not None
        return box

    def point(self, selector: str, share: float) -> tuple[float, float]:
        box = self.box(selector)
        return box["x"] + share * box["width"], box["y"] + box["height"] / 2

    def sent(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of all commands of a name."""
        found: list[dict[str, Any]] = self.page.evaluate(SENT, name)
        return found


def show(page: Page, url: str, query: str) -> Axis:
    page.goto(f"{url}?{query}")
    axis = Axis(page)
    expect(axis.canvas).to_have_attribute("aria-label", re.compile("segment"))
    return axis


def seconds(axis: Axis) -> float:
    found = SHOWN_S.fullmatch(axis.span.inner_text())
    assert found is not None
    return float(found["number"]) * {"s": 1, "min": 60, "h": 3600}[found["unit"]]


def test_wheel_pinch_and_drag_look_along_the_axis(page: Page, harness_url: str) -> None:
    axis = show(page, harness_url, "state=live&at=58")
    expect(axis.follow).to_have_attribute("aria-pressed", "true")
    expect(axis.span).to_have_text("24 s")
    page.mouse.move(*axis.point(".sp-row.is-wave .sp-plot", 0.5))
    page.mouse.wheel(0, -400)
    expect(axis.follow).to_have_attribute("aria-pressed", "false")
    expect(axis.follow).to_contain_text("behind")
    behind = axis.follow.inner_text()
    # A ruler is taken hold of, and what is under the pointer stays under it.
    x, y = axis.point(".sp-ruler .sp-plot", 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y, steps=3)
    page.mouse.up()
    expect(axis.follow).not_to_have_text(behind)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(axis.span).not_to_have_text("24 s")
    assert seconds(axis) < 24
    near = axis.span.inner_text()
    axis.node.focus()
    page.keyboard.press("0")
    expect(axis.span).not_to_have_text(near)
    assert seconds(axis) > 24
    page.keyboard.press("End")
    expect(axis.follow).to_have_attribute("aria-pressed", "true")


def test_a_day_is_fetched_by_window_only(page: Page, harness_url: str, artifacts: Path) -> None:
    axis = show(page, harness_url, "state=long")
    axis.node.focus()
    page.keyboard.press("0")
    expect(axis.span).to_have_text(re.compile(r"8(\.\d)? h"))
    page.screenshot(path=artifacts / "eight-hours.png")
    whole = axis.canvas.evaluate(PIXELS)
    # By way of the shortest: whether all of it is 8 h or a little more depends on whether it has been fitted yet.
    for key in "+" * 14 + "-" * 7:
        page.keyboard.press(key)
    page.keyboard.press("ArrowLeft")
    expect(axis.span).to_have_text("10 min")
    page.wait_for_function(
        f"([canvas, before]) => ({PIXELS})(canvas) !== before",
        arg=[
            axis.canvas.element_handle(),
            whole,
        ],
    )
    asked = axis.sent("window")
    assert {window["level"] for window in asked} >= {1, 3}
    # A hundred columns a second would be 2,880,000.
    assert 0 < sum(window["columns"] for window in asked) < 60_000


def test_a_line_is_dragged_put_back_and_let_go(page: Page, harness_url: str, artifacts: Path) -> None:
    axis = show(page, harness_url, "state=live&at=40")
    start = page.get_by_role("slider", name="Start", exact=True)
    page.locator(".sp-row.is-score").scroll_into_view_if_needed()
    flag = start.bounding_box()
    assert flag is not None
    before = axis.canvas.evaluate(PIXELS)

    def drag() -> None:
        x, y = flag["x"] + 4, flag["y"] + 8
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y - 20, steps=4)
        expect(axis.status).to_contain_text("Start 0.50 → 0.")
        expect(axis.status).to_contain_text(re.compile(r"would be \d+ segments? instead of \d+"))
        expect(page.locator(".sp-was")).to_have_text("was 0.50")

    drag()
    page.wait_for_function(
        f"([canvas, before]) => ({PIXELS})(canvas) !== before",
        arg=[
            axis.canvas.element_handle(),
            before,
        ],
    )
    page.screenshot(path=artifacts / "transcriber-drag.png")
    page.keyboard.press("Escape")
    expect(start).to_have_attribute("aria-valuenow", "0.5")
    expect(axis.status).to_contain_text("Listening.")
    page.mouse.up()
    assert axis.sent("set_detector") == []
    drag()
    page.mouse.up()
    expect(axis.status).to_contain_text("Listening.")
    expect(start).not_to_have_attribute("aria-valuenow", "0.5")
    (applied,) = axis.sent("set_detector")
    assert applied["threshold"] == float(start.get_attribute("aria-valuenow") or "nan") > 0.5
    start.dblclick(position={"x": 4, "y": 8})
    expect(start).to_have_attribute("aria-valuenow", "0.5")
    start.press("ArrowUp")
    expect(start).to_have_attribute("aria-valuenow", "0.51")
    page.wait_for_function(f"() => ({SENT})('set_detector').at(-1).threshold === 0.51")


def test_words_segments_and_stretches_are_selected_and_played(page: Page, harness_url: str, artifacts: Path) -> None:
    axis = show(page, harness_url, "state=stopped&at=40")
    row = page.locator("[data-key=item_1].sp-line")
    row.click()
    expect(row).to_have_attribute("aria-current", "true")
    expect(page.locator(".sp-playhead")).to_be_visible()
    page.screenshot(path=artifacts / "selected.png")
    page.wait_for_function(f"() => ({SENT})('audio').length === 1")
    assert axis.sent("audio") == [{"start_s": pytest.approx(6.0), "end_s": pytest.approx(9.8)}]
    expect(page.locator(".sp-playhead")).to_be_hidden()  # it is over
    row.click()  # again
    page.wait_for_function(f"() => ({SENT})('audio').length === 2")
    expect(page.locator(".sp-playhead")).to_be_visible()
    row.click()  # enough
    expect(page.locator(".sp-playhead")).to_be_hidden()
    expect(row).to_have_attribute("aria-current", "true")
    expect(axis.span).to_have_text("40 s")  # the picture is the recording
    page.locator(".sp-chip", has_text="And if I drag").click()
    expect(page.locator("[data-key=item_3].sp-line")).to_have_attribute("aria-current", "true")
    x, y = axis.point(".sp-row.is-wave .sp-plot", 0.3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=3)
    page.mouse.up()
    page.wait_for_function(f"() => ({SENT})('audio').length === 4")


@pytest.mark.parametrize("width", [900, 420])
def test_painted_piece_by_piece_it_looks_as_painted_at_once(
    page: Page, harness_url: str, artifacts: Path, width: int
) -> None:
    axis = show(page, harness_url, f"state=live&at=5&width={width}")
    for _ in range(4):
        page.evaluate("harness.kernel.play(4)")
        page.wait_for_timeout(1_300)
        seen = page.evaluate(REPAINTED)
        page.screenshot(path=artifacts / f"repainted-{width}.png")
        assert seen["painted"] > 5_000
        # where two pieces meet, soft edges are drawn twice: a few pixels, and a slit or a word has more
        assert seen["differing"] < 40, seen
    axis.node.press("p")
    page.evaluate("harness.kernel.play(4)")
    page.wait_for_timeout(1_300)
    seen = page.evaluate(REPAINTED)
    assert seen["differing"] < 40, seen
