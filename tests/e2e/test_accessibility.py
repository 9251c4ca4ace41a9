"""The widget in a real browser without a notebook: axe-core in every state, and what the keyboard can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from harness.axe import violations

pytestmark = pytest.mark.e2e

STATES = [
    "idle",
    "live",
    "paused",
    "connecting",
    "denied",
    "kernel-error",
    "gone",
    "energy",
    "downloading",
    "download-failed",
]
COMPARED = "live&compare=3"


@pytest.mark.parametrize(("theme", "lang"), [("light", "en"), ("dark", "zh")])
def test_no_state_has_a_serious_violation(page: Page, harness_url: str, artifacts: Path, theme: str, lang: str) -> None:
    found = {}
    for state, width in [*((state, 900) for state in STATES), *((COMPARED, width) for width in (900, 420))]:
        page.goto(f"{harness_url}?theme={theme}&lang={lang}&state={state}&width={width}")
        page.locator(".sp-head").wait_for()
        found[state, width] = violations(page)
        page.screenshot(path=artifacts / f"state-{state.replace('&', '-')}-{width}-{theme}-{lang}.png")
    assert {where: said for where, said in found.items() if said} == {}


@pytest.mark.parametrize(("theme", "lang"), [("dark", "en"), ("light", "zh")])
def test_nothing_that_opens_has_a_serious_violation(
    page: Page, harness_url: str, artifacts: Path, theme: str, lang: str
) -> None:
    found = {}
    page.goto(f"{harness_url}?theme={theme}&lang={lang}&state=live")
    openers = {
        "more": page.locator(".sp-head [aria-haspopup=menu]"),
        "server": page.locator(".sp-pick.is-server"),
        "source": page.locator(".sp-pick.is-source"),
        "model": page.locator(".sp-pick.is-model"),
        "language": page.locator(".sp-pick.is-language"),
        "detector": page.locator(".sp-tune .sp-select"),
        "mark": page.locator(".sp-markbutton"),
    }
    for name, opener in openers.items():
        opener.click()
        expect(page.locator(".sp-menu")).to_be_visible()
        found[name] = violations(page)
        page.screenshot(path=artifacts / f"{name}-{theme}-{lang}.png")
        page.keyboard.press("Escape")
        expect(page.locator(".sp-menu")).to_have_count(0)
        expect(opener).to_be_focused()
    openers["model"].click()
    page.locator("[role=option]").last.click()
    job = {"model": "Systran/faster-whisper-large-v3", "kind": "download"}
    page.evaluate("job => harness.fake.set('model_jobs', [{ ...job, since_ms: Date.now() - 72_000 }])", job)
    expect(page.get_by_role("progressbar")).to_be_visible()
    found["models"] = violations(page)
    page.screenshot(path=artifacts / f"models-{theme}-{lang}.png")
    page.keyboard.press("Escape")
    for key, name in {"?": "shortcuts", "p": "presentation"}.items():
        page.locator(".sp-view").focus()
        page.keyboard.press(key)
        found[name] = violations(page)
        page.screenshot(path=artifacts / f"{name}-{theme}-{lang}.png")
        page.keyboard.press("Escape")
    assert {where: said for where, said in found.items() if said} == {}


def test_plain_keys_stay_in_the_widget_and_combinations_leave_it(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=live")
    # A notebook listens on the document while keys travel down, and looks away where it is told to.
    page.evaluate("""() => {
      document.body.tabIndex = 0;
      globalThis.heard = [];
      const hear = (event) => {
        const suppressed = event.target.closest("[data-lm-suppress-shortcuts]");
        if (!suppressed) heard.push(event.key);
      };
      document.addEventListener("keydown", hear, { capture: true });
      document.addEventListener("keydown", (event) => heard.push(`bubbled ${event.key}`));
    }""")
    page.locator(".sp-view").focus()
    for key in ("m", "a", "d", "x", "1", "Enter", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("heard") == []
    page.keyboard.press("Control+s")
    assert page.evaluate("heard") == ["Control", "bubbled Control", "s", "bubbled s"]
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


def test_single_keys_can_be_switched_off(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=live")
    page.locator(".sp-view").focus()
    page.keyboard.press("?")
    page.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.locator(".sp-view").focus()
    page.keyboard.press("p")
    expect(page.locator(".sp")).not_to_have_attribute("data-form", "presentation")
    page.reload()
    page.locator(".sp-view").focus()
    page.keyboard.press("p")
    expect(page.locator(".sp")).not_to_have_attribute("data-form", "presentation")


def test_every_form_and_state_keeps_its_height(page: Page, harness_url: str) -> None:
    for width in (900, 420):
        heights = set()
        for state in ["idle", "live", "paused", "connecting", "denied", "gone"]:
            page.goto(f"{harness_url}?state={state}&width={width}")
            heights.add(page.locator(".sp").evaluate("node => node.offsetHeight"))
        assert len(heights) == 1, (width, heights)


def test_a_mark_is_set_and_named_by_keyboard_and_files_are_saved(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=live")
    page.locator(".sp-view").focus()
    page.keyboard.press("b")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("Q1 <b>r</b>")
    page.keyboard.press("Enter")
    expect(page.locator(".sp-mark")).to_have_text("Q1 <b>r</b>")
    expect(page.locator(".sp-markbutton")).to_be_focused()
    page.get_by_role("button", name="More").click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="SRT").click()
    assert saved.value.suggested_filename == "transcript.srt"
