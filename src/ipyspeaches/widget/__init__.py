"""The widgets: traits and wiring around a session, and around a recording."""

from ipyspeaches.widget.transcriber import Transcriber
from ipyspeaches.widget.vadlab import VadLab

__all__ = ["Transcriber", "VadLab"]
