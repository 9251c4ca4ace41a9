"""Voice activity: scorers, detectors, the segmenter and the gate; labels, metrics, sweeps and noise. Pure."""

from ipyspeaches.vad.curves import PrecisionRecallCurve, RocCurve, frame_labels, precision_recall_curve, roc_curve
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, Detector, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.vad.evaluation import (
    HIGH_IS_GOOD,
    METRICS,
    Boundaries,
    BoundaryErrors,
    DecisionLatency,
    Decisions,
    Durations,
    Evaluation,
    decision_latency,
    decisions,
    evaluate,
)
from ipyspeaches.vad.gate import Cut, Gate, GateAction, GateOptions, Send, Utterance, WindowGate
from ipyspeaches.vad.grid import Between
from ipyspeaches.vad.labels import Labels, labels_path, save_labels
from ipyspeaches.vad.noise import NoiseBench, NoisyRecording, mix, noise_bench, speech
from ipyspeaches.vad.scores import ScoreCache, Scores
from ipyspeaches.vad.segmenter import (
    Closed,
    Opened,
    OpenSpeech,
    Segmenter,
    SegmenterEvent,
    SegmentOptions,
    pad_segments,
)
from ipyspeaches.vad.segments import Segments, SpeechSegment
from ipyspeaches.vad.sweeps import SweepResult, SweepRow, sweep

__all__ = [
    "HIGH_IS_GOOD",
    "METRICS",
    "AdaptiveEnergyVad",
    "Between",
    "Boundaries",
    "BoundaryErrors",
    "Closed",
    "Cut",
    "DecisionLatency",
    "Decisions",
    "Detector",
    "Durations",
    "EnergyVad",
    "Evaluation",
    "Gate",
    "GateAction",
    "GateOptions",
    "Labels",
    "NoiseBench",
    "NoisyRecording",
    "OpenSpeech",
    "Opened",
    "PrecisionRecallCurve",
    "RmsVad",
    "RocCurve",
    "ScoreCache",
    "Scores",
    "SegmentOptions",
    "Segmenter",
    "SegmenterEvent",
    "Segments",
    "Send",
    "SileroVad",
    "SpeechSegment",
    "SweepResult",
    "SweepRow",
    "Utterance",
    "WebRtcVad",
    "WindowGate",
    "decision_latency",
    "decisions",
    "evaluate",
    "frame_labels",
    "labels_path",
    "mix",
    "noise_bench",
    "pad_segments",
    "precision_recall_curve",
    "roc_curve",
    "save_labels",
    "speech",
    "sweep",
]
