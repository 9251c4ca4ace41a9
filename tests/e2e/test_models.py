"""Models in JupyterLab: what the embedded server has, and what it says about those that it has not."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness import OpenNotebook
from ipyspeaches import presets

pytestmark = pytest.mark.e2e


def test_models_are_listed_loaded_and_refused_in_words(
    open_notebook: OpenNotebook, speech: Path, artifacts: Path
) -> None:
    page = open_notebook(["import ipyspeaches as sp\nw = sp.Transcriber()\nw"], microphone=speech)
    page.page.set_viewport_size({"width": 1500, "height": 1000})  # the picker has no room on narrow pages
    page.run_cell(0)
    widget = page.page.get_by_role("region", name="Transcriber")
    opener = widget.locator(".sp-pick.is-model")
    opener.click()
    expect(widget.get_by_role("option", name="pocketsphinx/en-us in memory")).to_be_visible()
    expect(widget.get_by_role("option", name=f"fastest: {presets['fastest']} not installed")).to_be_visible()
    page.page.keyboard.press("End")
    page.page.keyboard.press("Enter")
    dialog = widget.get_by_role("dialog", name="Manage models")
    dialog.get_by_role("button", name=f"Download: {presets['fastest']}").click()
    expect(dialog.get_by_role("status")).to_contain_text(f"finds no model '{presets['fastest']}' to download")
    page.page.screenshot(path=artifacts / "models.png")
    page.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    widget.get_by_role("option", name="fastest: ").click()
    widget.get_by_role("button", name="Record", exact=True).click()
    expect(widget).to_contain_text(f"{presets['fastest']} (486 MB) is not on this machine")
    assert page.errors == []
