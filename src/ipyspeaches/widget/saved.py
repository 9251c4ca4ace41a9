"""The transcript as plain HTML in the saved notebook, for readers without a kernel (GitHub, nbviewer).

A front end keeps a cell's output, not the widget's: so the cell gets a second output, plain HTML that is brought up
to date when a recording pauses or ends. Where the widget lives, its style hides that output.
"""

from __future__ import annotations

from typing import Any

CLASS = "ipyspeaches-saved"


class SavedTranscript:
    """Keeps the plain output of a displayed widget up to date; does nothing outside IPython."""

    def __init__(self) -> None:
        self._handles: list[Any] = []

    def place(self) -> None:
        """Put an empty output into the cell that is being executed."""
        from IPython.display import HTML, display

        handle = display(HTML(_wrap("")), display_id=True)
        if handle is not None:
            self._handles.append(handle)

    def update(self, html: str) -> None:
        """Bring every placed output up to date."""
        from IPython.display import HTML

        for handle in self._handles:
            handle.update(HTML(_wrap(html)))


def _wrap(html: str) -> str:
    return f'<div class="{CLASS}">{html}</div>'
