"""Models in JupyterLab: what the embedded server has, and what it says about those that it has not."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness import OpenNotebook
from ipyspeaches import presets
from model_hub import model_hub

pytestmark = pytest.mark.e2e


def test_models_are_listed_loaded_and_refused_in_words(
    open_notebook: OpenNotebook, speech: Path, artifacts: Path
) -> None:
    nowhere = 'import os\nos.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"\n'
    page = open_notebook([nowhere + "import ipyspeaches as sp\nw = sp.Transcriber()\nw"], microphone=speech)
    page.page.set_viewport_size({"width": 1500, "height": 1000})  # the picker has no room on narrow pages
    page.run_cell(0)
    widget = page.page.get_by_role("region", name="Transcriber")
    opener = widget.locator(".sp-pick.is-model")
    opener.click()
    expect(widget.get_by_role("option", name="Demo model (PocketSphinx) in memory")).to_be_visible()
    expect(widget.get_by_role("option", name=f"fastest: {presets['fastest']} not installed")).to_be_visible()
    page.page.keyboard.press("End")
    page.page.keyboard.press("Enter")
    dialog = widget.get_by_role("dialog", name="Manage models")
    dialog.get_by_role("button", name=f"Download: {presets['fastest']}").click()
    expect(dialog.get_by_role("status")).to_contain_text(f"127.0.0.1 cannot be reached for {presets['fastest']}")
    page.page.screenshot(path=artifacts / "models.png")
    page.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    widget.get_by_role("option", name="fastest: ").click()
    widget.get_by_role("button", name="Record", exact=True).click()
    expect(widget).to_contain_text(f"{presets['fastest']} (486 MB) is not on this machine")
    assert page.errors == []


def test_a_better_model_is_offered_fetched_stopped_and_fetched_on(
    open_notebook: OpenNotebook, artifacts: Path, tmp_path: Path
) -> None:
    with model_hub(piece_s=0.3) as hub:
        lines = (
            "import os, ipyspeaches as sp",
            "from ipyspeaches.local import weights",
            "weights.PACKAGED, weights._cached = (), lambda _model: None",  # only PocketSphinx is here
            f"os.environ |= {{'HF_ENDPOINT': '{hub.url}', 'XDG_CACHE_HOME': '{tmp_path}', 'IPYSPEACHES_MODEL': ''}}",
            "sp.Transcriber(locale='zh-CN')",
        )
        page = open_notebook(["\n".join(lines)])
        page.run_cell(0)
        status = page.page.locator(".sp-status")
        status.get_by_role("button", name="下载 Whisper（148 MB）").click()
        page.page.wait_for_function("document.querySelector('.sp-status progress').value > 0.2")
        page.page.screenshot(path=artifacts / "download.png")
        status.get_by_role("button", name="停止下载").click()
        go_on = status.get_by_role("button", name="继续下载")
        go_on.wait_for()
        hub.piece_s = 0
        go_on.click()
        expect(status).to_contain_text("faster-whisper-base 已下载。")
        assert hub.asked[-1][1] is not None, "it began anew"
        assert page.errors == []
