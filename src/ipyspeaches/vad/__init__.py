"""Voice activity: scorers, detectors, the segmenter and the gate. Pure."""

from ipyspeaches.vad.curves import PrecisionRecallCurve, RocCurve, frame_labels, precision_recall_curve, roc_curve
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, METRICS, Boundaries, Durations, Evaluation
from ipyspeaches.vad.gate import Commit, Gate, GateAction, GateOptions, OpenGate, Send
from ipyspeaches.vad.grid import Between
from ipyspeaches.vad.labels import Labels, labels_path, save_labels
from ipyspeaches.vad.latency import DecisionLatency, Decisions, decision_latency, decisions
from ipyspeaches.vad.metrics import BoundaryErrors, evaluate
from ipyspeaches.vad.noise import NoiseBench, NoisyRecording, mix, noise_bench, speech
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.score_cache import ScoreCache
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Opened, Segmenter, SegmenterEvent, pad_segments
from ipyspeaches.vad.segments import Segments, SpeechSegment
from ipyspeaches.vad.sweep_result import SweepResult, SweepRow
from ipyspeaches.vad.sweeps import sweep

__all__ = [
    "HIGH_IS_GOOD",
    "METRICS",
    "AdaptiveEnergyVad",
    "Between",
    "Boundaries",
    "BoundaryErrors",
    "Closed",
    "Commit",
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
    "OpenGate",
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
    "WebRtcVad",
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
