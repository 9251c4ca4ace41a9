"""A notebook that was saved shows its words to readers without a kernel."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.realtime

CELLS = [
    "import ipyspeaches as sp\nw = sp.Transcriber(source=sp.Recording.sample(), pace=0, api_key='very-secret')\nw",
    "w.start()\nw.wait()",
    "lab = sp.VadLab(sp.Recording.sample(), sp.Segments([(0.5, 3)]), [sp.EnergyVad()])\nlab",
    "sp.run(lab._controller._score_all())",  # however long the cell above waited for it
]


def test_the_words_are_in_the_saved_notebook_as_plain_html_and_the_key_is_not() -> None:
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=180, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    shown = "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
    assert "good morning everyone" in shown
    lab = "".join(output.data.get("text/html", "") for output in notebook.cells[2].outputs if "data" in output)
    assert "data:image/svg+xml" in lab
    assert "<td>energy</td>" in lab
    exporter: Any = HTMLExporter
    page, _ = exporter().from_notebook_node(notebook)
    assert "good morning everyone" in page
    # The widget's saved state is in the metadata: it holds neither the key nor, but for the plain output, the words.
    saved = json.dumps(notebook.metadata)
    assert "transcriber" in saved.lower()
    assert "very-secret" not in saved + json.dumps([cell.outputs for cell in notebook.cells])
