"""What a session or a file gave, as tables."""

from ipyspeaches.results.accuracy import ErrorRate, alignment, cer, differences, wer
from ipyspeaches.results.comparison import ComparedRun, ComparedUtterance, ComparedUtterances, Comparison
from ipyspeaches.results.diarization import Dialogue, Diarization, SpeakerTurn
from ipyspeaches.results.records import (
    Event,
    EventLog,
    Frame,
    Frames,
    Latency,
    LatencySummary,
    Mark,
    Marks,
    MeasureSummary,
    UtteranceLatency,
)
from ipyspeaches.results.segment import Gap, Gaps, Segment, Words
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.words import Word, join_text

__all__ = [
    "ComparedRun",
    "ComparedUtterance",
    "ComparedUtterances",
    "Comparison",
    "Dialogue",
    "Diarization",
    "ErrorRate",
    "Event",
    "EventLog",
    "Frame",
    "Frames",
    "Gap",
    "Gaps",
    "Latency",
    "LatencySummary",
    "Mark",
    "Marks",
    "MeasureSummary",
    "Segment",
    "SpeakerTurn",
    "Transcript",
    "UtteranceLatency",
    "Word",
    "Words",
    "alignment",
    "cer",
    "differences",
    "join_text",
    "wer",
]
