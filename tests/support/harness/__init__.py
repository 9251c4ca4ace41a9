"""Tools of the end-to-end tests: a JupyterLab of its own, a browser, a microphone made of software."""

from harness.browser import Browser, LabPage
from harness.lab import LabServer
from harness.microphone import NullSink

__all__ = ["Browser", "LabPage", "LabServer", "NullSink"]
