"""The controls in a real browser without a notebook: what each asks of the kernel, and what is told when it is slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.e2e

LAST = """() => harness.fake.sent.map(({ message }) => message)
  .filter(({ type }) => type === "command").map(({ name, args }) => ({ name, args })).at(-1)"""
ENDLESS = "({ effect }) => effect.getComputedTiming().iterations === Infinity"
FORMATS = ("srt", "vtt", "txt", "json", "csv", "wav")


def last_command(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(LAST)
    return found


def choose(page: Page, opener: Locator, name: str) -> None:
    opener.click()
    page.locator(".sp-menu").get_by_text(name, exact=True).click()


def test_each_picker_tells_the_kernel(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=idle")
    choose(page, page.locator(".sp-pick.is-source"), "Conference mic")
    assert last_command(page) == {
        "name": "set_source",
        "args": {"kind": "kernel", "device": 3, "label": "Conference mic"},
    }
    choose(page, page.locator(".sp-pick.is-model"), "accurate: Systran/faster-whisper-large-v3")
    assert last_command(page) == {"name": "set_model", "args": {"model": "Systran/faster-whisper-large-v3"}}
    choose(page, page.locator(".sp-pick.is-language"), "Simplified Chinese")
    assert last_command(page) == {"name": "set_language", "args": {"language": "zh-Hans"}}
    choose(page, page.locator(".sp-tune .sp-select"), "Energy")
    assert last_command(page) == {"name": "set_detector", "args": {"name": "energy"}}
    choose(page, page.locator(".sp-tune .sp-select"), "The server")
    assert last_command(page) == {"name": "set_turn_detection", "args": {"kind": "server"}}


def test_every_format_is_saved(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=stopped")
    for form in FORMATS:
        page.get_by_role("button", name="More").click()
        with page.expect_download() as saved:
            page.get_by_role("menuitem", name=form.upper(), exact=True).click()
        assert saved.value.suggested_filename == f"transcript.{form}"
        expect(page.locator(".sp-status .msg")).to_contain_text(f"transcript.{form} is in your downloads.")


@pytest.mark.parametrize("clipboard", ["given", "withheld"])
def test_the_text_is_copied_with_and_without_a_clipboard(page: Page, harness_url: str, clipboard: str) -> None:
    page.goto(f"{harness_url}?state=stopped&at=11")
    if clipboard == "given":
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:  # as on pages that are served by plain http from another machine
        page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator(".sp-view").focus()
    page.keyboard.press("c")
    expect(page.locator(".sp-status .msg")).to_contain_text("Copied.")
    expect(page.locator(".sp-view")).to_be_focused()
    page.evaluate("() => document.body.append(Object.assign(document.createElement('textarea'), { id: 'paste' }))")
    page.locator("#paste").press("Control+v")
    expect(page.locator("#paste")).to_have_value(
        "So this is what my voice looks like, frame by frame.\n大家好，今天我们来看看语音识别是怎么工作的。"
    )


def test_a_busy_kernel_is_told_with_what_waits(page: Page, harness_url: str, artifacts: Path) -> None:
    page.goto(f"{harness_url}?state=busy")
    page.get_by_role("button", name="Pause", exact=True).click()
    status = page.locator(".sp-status .msg")
    expect(status).to_contain_text("The kernel is running another cell")
    expect(status).to_contain_text("Recording goes on; it pauses when that cell ends.")
    page.screenshot(path=artifacts / "busy-kernel.png")


def test_lost_sound_is_counted_and_said(page: Page, harness_url: str) -> None:
    page.goto(f"{harness_url}?state=live&at=10")
    expect(page.locator(".sp-status .counts")).to_contain_text("0 s lost")
    page.evaluate("""() => {
      const columns = 40, first_column = 1050; // half a second is missing before it
      const header = { type: "frames", detector: "silero", first_column, column_s: 0.01, columns, first_frame: 330,
        frame_s: 0.032, frames: 0, clock_s: 10.9, level_db: -30, peak_db: -20, clipped: false };
      const buffers = [new Int16Array(2 * columns), new Float32Array(0), new Float32Array(0)];
      harness.fake.receive(header, buffers.map((part) => new DataView(part.buffer)));
      const text = "0.50 s of audio was lost on the way; the gap is kept.";
      harness.fake.receive({ type: "events", events: [{ type: "warning", kind: "audio_lost", time_s: 10.5, text }] });
    }""")
    expect(page.locator(".sp-script")).to_contain_text("0.50 s of audio was lost on the way")
    expect(page.locator(".sp-status .counts")).to_contain_text("0.5 s lost")


def test_nothing_moves_for_readers_who_do_not_want_it(page: Page, harness_url: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    for state in ("live", "connecting"):
        page.goto(f"{harness_url}?state={state}")
        page.locator(".sp-head").wait_for()
        assert page.evaluate(f"() => document.getAnimations().filter({ENDLESS}).length") == 0
