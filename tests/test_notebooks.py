"""Every notebook runs from top to bottom without a browser, and is stored without outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipyspeaches.local.weights import find

if TYPE_CHECKING:  # takes seconds to import, which no run of other tests shall pay
    import nbformat

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CHINESE = range(0x4E00, 0x9FFF + 1)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    import nbformat

    found: nbformat.NotebookNode = nbformat.read(request.param, as_version=4)  # type: ignore[no-untyped-call]
    return found


@pytest.mark.realtime
def test_it_runs_from_top_to_bottom(
    notebook: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbclient

    if find("tiny.en"):  # as people have it, and quicker than PocketSphinx
        monkeypatch.setenv("IPYSPEACHES_MODEL", "tiny.en")
    client = nbclient.NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    last_words = [
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    assert not [text for text in last_words if "Error" in text or "Warning" in text]


@pytest.mark.realtime
def test_the_quickstart_runs_in_chinese_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient
    import nbformat

    monkeypatch.setenv("IPYSPEACHES_MODEL", "Systran/faster-whisper-base")
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)  # type: ignore[no-untyped-call]
    switch, widget = (next(cell for cell in notebook.cells if cell.id == name) for name in ("recording", "widget"))
    switch.source = switch.source.replace('language = "en"', 'language = "zh-CN"', 1)
    widget.source = widget.source.replace("language=language", "language=language, pace=4", 1)
    nbclient.NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    rates = re.findall(r"'[WC]ER': ([\d.]+)", shown["error-rates"][0]["data"]["text/plain"])
    assert [float(rate) < 0.3 for rate in rates] == [True, True]
    assert "城市" in shown["srt"][0]["text"]


def test_it_is_stored_without_outputs(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        assert not cell.get("outputs"), f"cell {cell.id} holds outputs: clear them before saving"
        assert cell.get("execution_count") is None
    assert "widgets" not in notebook.metadata


def test_every_section_speaks_english_and_chinese(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert any(ord(character) in CHINESE for character in cell.source), f"cell {cell.id} has no Chinese"


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]
