"""The owner of tasks and state: source, detection, connection and results, on one engine thread."""

from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE, Engine, allow_nested_loops, run
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.session.session import Session, transcribe
from ipyspeaches.session.state import SessionState

__all__ = [
    "ENGINE",
    "Engine",
    "Session",
    "SessionKeywords",
    "SessionOptions",
    "SessionState",
    "TurnDetection",
    "allow_nested_loops",
    "events",
    "run",
    "transcribe",
]
