"""The widgets: traits and wiring around a session."""

from ipyspeaches.widget.transcriber import Transcriber

__all__ = ["Transcriber"]
