"""What is said to a server, without I/O: the realtime protocol, and utterances as requests; on the session clock."""

from __future__ import annotations

from ipyspeaches.protocol.http.request_protocol import Request, RequestProtocol
from ipyspeaches.protocol.http.transcriptions import Answer, Broken, Outcome, Refused, Severity
from ipyspeaches.protocol.interim_text import InterimText
from ipyspeaches.protocol.protocol_events import (
    AudioSent,
    ClockMismatch,
    ConfigurationChanged,
    Disconnected,
    Flushed,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    MessageLost,
    Mismatch,
    Noticed,
    ProtocolEvent,
    Ready,
    Reported,
    ServerSpeechStarted,
    ServerSpeechStopped,
    Unknown,
)
from ipyspeaches.protocol.realtime.fragments import FragmentJoiner
from ipyspeaches.protocol.realtime.media import Media, StreamAudio
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.realtime.timeline import Timeline
from ipyspeaches.protocol.recognition import Changes, RecognitionOptions, ServerTurnDetection

__all__ = [
    "Answer",
    "AudioSent",
    "Broken",
    "Changes",
    "ClockMismatch",
    "ConfigurationChanged",
    "Disconnected",
    "Flushed",
    "FragmentJoiner",
    "InterimText",
    "ItemCommitted",
    "ItemCompleted",
    "ItemDelta",
    "ItemFailed",
    "Media",
    "MessageLost",
    "Mismatch",
    "Noticed",
    "Outcome",
    "ProtocolEvent",
    "ProtocolState",
    "Ready",
    "RealtimeProtocol",
    "RecognitionOptions",
    "Refused",
    "Reported",
    "Request",
    "RequestProtocol",
    "ServerSpeechStarted",
    "ServerSpeechStopped",
    "ServerTurnDetection",
    "Severity",
    "StreamAudio",
    "Timeline",
    "Unknown",
]
