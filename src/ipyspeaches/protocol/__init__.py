"""The realtime protocol without I/O: what to send, and what the server's answers mean on the session clock."""

from __future__ import annotations

from ipyspeaches.protocol.append_length import AppendLength
from ipyspeaches.protocol.configuration import UNSET
from ipyspeaches.protocol.events import (
    ClockMismatch,
    Committed,
    Completed,
    Delta,
    Disconnected,
    Failed,
    Flushed,
    MessageLost,
    Mismatch,
    Obstacle,
    ProtocolEvent,
    Ready,
    Reconfigured,
    Reported,
    Span,
    SpeechStarted,
    SpeechStopped,
    Unknown,
    WordTime,
)
from ipyspeaches.protocol.fragments import FragmentJoiner
from ipyspeaches.protocol.items import Pending
from ipyspeaches.protocol.media import Media, Sound
from ipyspeaches.protocol.options import RealtimeOptions, ServerTurnDetection
from ipyspeaches.protocol.realtime import RealtimeProtocol
from ipyspeaches.protocol.state import ProtocolState
from ipyspeaches.protocol.timeline import Timeline

__all__ = [
    "UNSET",
    "AppendLength",
    "ClockMismatch",
    "Committed",
    "Completed",
    "Delta",
    "Disconnected",
    "Failed",
    "Flushed",
    "FragmentJoiner",
    "Media",
    "MessageLost",
    "Mismatch",
    "Obstacle",
    "Pending",
    "ProtocolEvent",
    "ProtocolState",
    "Ready",
    "RealtimeOptions",
    "RealtimeProtocol",
    "Reconfigured",
    "Reported",
    "ServerTurnDetection",
    "Sound",
    "Span",
    "SpeechStarted",
    "SpeechStopped",
    "Timeline",
    "Unknown",
    "WordTime",
]
