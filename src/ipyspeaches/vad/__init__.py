"""Voice activity: scorers, detectors, the segmenter and the gate. Pure."""

from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.vad.gate import Commit, Gate, GateAction, GateOptions, OpenGate, Send
from ipyspeaches.vad.labels import Labels, labels_path, save_labels
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.score_cache import ScoreCache
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Opened, Segmenter, SegmenterEvent, pad_segments
from ipyspeaches.vad.segments import Segments, SpeechSegment

__all__ = [
    "AdaptiveEnergyVad",
    "Closed",
    "Commit",
    "Detector",
    "EnergyVad",
    "Gate",
    "GateAction",
    "GateOptions",
    "Labels",
    "OpenGate",
    "Opened",
    "RmsVad",
    "ScoreCache",
    "Scores",
    "SegmentOptions",
    "Segmenter",
    "SegmenterEvent",
    "Segments",
    "Send",
    "SileroVad",
    "SpeechSegment",
    "WebRtcVad",
    "labels_path",
    "pad_segments",
    "save_labels",
]
