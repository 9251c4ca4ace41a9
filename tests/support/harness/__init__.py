"""Tools of the end-to-end tests: a JupyterLab of its own, a browser, a microphone made of software, and the widget."""

from harness.browser import Browser, LabPage
from harness.lab import LabServer
from harness.microphone import NullSink
from harness.transcriber import TWO_SENTENCES, TWO_SENTENCES_S, WORDS_TIMEOUT_MS, OpenNotebook, button, spoken, widget

__all__ = [
    "TWO_SENTENCES",
    "TWO_SENTENCES_S",
    "WORDS_TIMEOUT_MS",
    "Browser",
    "LabPage",
    "LabServer",
    "NullSink",
    "OpenNotebook",
    "button",
    "spoken",
    "widget",
]
