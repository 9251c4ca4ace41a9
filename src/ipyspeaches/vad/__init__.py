"""Voice activity: scorers, detectors, the segmenter and the gate; labels, metrics, sweeps and noise. Pure.

What a session needs is imported at once. What one studies with is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.vad.gate import Commit, Gate, GateAction, GateOptions, OpenGate, Send
from ipyspeaches.vad.options import SegmentOptions
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segmenter import Closed, Opened, OpenSpeech, Segmenter, SegmenterEvent, pad_segments
from ipyspeaches.vad.segments import Segments, SpeechSegment
from ipyspeaches.vad.windows import WindowGate

if TYPE_CHECKING:
    from ipyspeaches.vad.curves import PrecisionRecallCurve, RocCurve, frame_labels, precision_recall_curve, roc_curve
    from ipyspeaches.vad.evaluation import HIGH_IS_GOOD, METRICS, Boundaries, Durations, Evaluation
    from ipyspeaches.vad.grid import Between
    from ipyspeaches.vad.labels import Labels, labels_path, save_labels
    from ipyspeaches.vad.latency import DecisionLatency, Decisions, decision_latency, decisions
    from ipyspeaches.vad.metrics import BoundaryErrors, evaluate
    from ipyspeaches.vad.noise import NoiseBench, NoisyRecording, mix, noise_bench, speech
    from ipyspeaches.vad.score_cache import ScoreCache
    from ipyspeaches.vad.sweep_result import SweepResult, SweepRow
    from ipyspeaches.vad.sweeps import sweep

_STUDY = {
    "ipyspeaches.vad.curves": (
        "PrecisionRecallCurve",
        "RocCurve",
        "frame_labels",
        "precision_recall_curve",
        "roc_curve",
    ),
    "ipyspeaches.vad.evaluation": (
        "HIGH_IS_GOOD",
        "METRICS",
        "Boundaries",
        "Durations",
        "Evaluation",
    ),
    "ipyspeaches.vad.grid": ("Between",),
    "ipyspeaches.vad.labels": (
        "Labels",
        "labels_path",
        "save_labels",
    ),
    "ipyspeaches.vad.latency": (
        "DecisionLatency",
        "Decisions",
        "decision_latency",
        "decisions",
    ),
    "ipyspeaches.vad.metrics": (
        "BoundaryErrors",
        "evaluate",
    ),
    "ipyspeaches.vad.noise": (
        "NoiseBench",
        "NoisyRecording",
        "mix",
        "noise_bench",
        "speech",
    ),
    "ipyspeaches.vad.score_cache": ("ScoreCache",),
    "ipyspeaches.vad.sweep_result": (
        "SweepResult",
        "SweepRow",
    ),
    "ipyspeaches.vad.sweeps": ("sweep",),
}
_ROOM_OF = {name: room for room, names in _STUDY.items() for name in names}

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


if not TYPE_CHECKING:
    # Hidden from type checkers, to which it would mean that every name is there.

    def __getattr__(name: str) -> object:
        try:
            room = _ROOM_OF[name]
        except KeyError:
            raise AttributeError(f"module 'ipyspeaches.vad' has no attribute {name!r}") from None
        value = globals()[name] = getattr(import_module(room), name)
        return value
