"""Tools of the end-to-end tests: a JupyterLab of its own, a browser, a microphone made of software, and the widget."""

from harness.browser import Browser, LabPage
from harness.lab import LabServer
from harness.microphone import NullSink
from harness.transcriber import OpenNotebook, button, spoken, widget

__all__ = ["Browser", "LabPage", "LabServer", "NullSink", "OpenNotebook", "button", "spoken", "widget"]
