"""What is said to a server, without I/O: the realtime protocol, and utterances as requests; on the session clock."""

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
    Noticed,
    ProtocolEvent,
    Ready,
    Reconfigured,
    Reported,
    Span,
    SpeechStarted,
    SpeechStopped,
    Unknown,
)
from ipyspeaches.protocol.exchange import RequestProtocol
from ipyspeaches.protocol.fragments import FragmentJoiner
from ipyspeaches.protocol.interim_text import InterimText
from ipyspeaches.protocol.items import Pending
from ipyspeaches.protocol.media import Media, Sound
from ipyspeaches.protocol.options import Hints, RealtimeOptions, ServerTurnDetection
from ipyspeaches.protocol.outcomes import Answer, Broken, Outcome, Refused, Severity
from ipyspeaches.protocol.realtime import RealtimeProtocol
from ipyspeaches.protocol.request import Request
from ipyspeaches.protocol.state import ProtocolState
from ipyspeaches.protocol.timeline import Timeline
from ipyspeaches.protocol.transcription_form import TranscriptionOptions

__all__ = [
    "UNSET",
    "Answer",
    "AppendLength",
    "Broken",
    "ClockMismatch",
    "Committed",
    "Completed",
    "Delta",
    "Disconnected",
    "Failed",
    "Flushed",
    "FragmentJoiner",
    "Hints",
    "InterimText",
    "Media",
    "MessageLost",
    "Mismatch",
    "Noticed",
    "Outcome",
    "Pending",
    "ProtocolEvent",
    "ProtocolState",
    "Ready",
    "RealtimeOptions",
    "RealtimeProtocol",
    "Reconfigured",
    "Refused",
    "Reported",
    "Request",
    "RequestProtocol",
    "ServerTurnDetection",
    "Severity",
    "Sound",
    "Span",
    "SpeechStarted",
    "SpeechStopped",
    "Timeline",
    "TranscriptionOptions",
    "Unknown",
]
