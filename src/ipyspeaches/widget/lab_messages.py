"""What a `VadLab` says to its page; the twin of `js/src/lab/wire.ts`."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np

from ipyspeaches.audio import SESSION_RATE_HZ, Pyramid
from ipyspeaches.audio.recording import Recording
from ipyspeaches.vad import Detector, Evaluation, Segments
from ipyspeaches.widget.lab_export import code
from ipyspeaches.widget.lab_state import LabState

Message: TypeAlias = tuple[dict[str, Any], list[bytes]]

COLUMN_S: Final = 0.01
MAX_COLUMNS: Final = 6_000
"""Columns of one window: a minute at the finest resolution."""

_OWN: Final = ("aggressiveness", "frame_ms")
"""Settings of some detectors that change their scores."""


def state_message(state: LabState, *, name: str, saved: dict[str, Any], live: bool) -> Message:
    """Return everything that changes slowly, with truth and the server's segments as float64 pairs of seconds.

    Parameters
    ----------
    state
        What the lab knows.
    name
        What the recording is called.
    saved
        Where the labels were saved and when, or why not.
    live
        Whether there is a session that the detector can be handed to.
    """
    content = {
        "type": "lab",
        "name": name,
        "duration_s": state.recording.duration,
        "column_s": COLUMN_S,
        "active": state.active,
        "collar_ms": round(state.collar_s * 1000, 3),
        "detectors": [detector_message(one, label) for one, label in zip(state.detectors, state.names(), strict=True)],
        "metrics": [metrics_message(state, index) for index in range(len(state.detectors))],
        "server": server_message(state),
        "pinned": detector_message(state.compared, state.compared.name),
        "can_undo": state.labels.can_undo,
        "can_redo": state.labels.can_redo,
        "saved": saved,
        "live": live,
    }
    return content, [pairs(state.truth), *([] if state.verdict is None else [pairs(state.verdict.segments)])]


def detector_message(detector: Detector, label: str) -> dict[str, Any]:
    """Return a detector as the page reads it: all settings, and Python that makes it."""
    own = {name: getattr(detector, name) for name in _OWN if hasattr(detector, name)}
    return {**detector.describe(), **own, "label": label, "code": code(detector)}


def metrics_message(state: LabState, index: int) -> dict[str, float | None] | None:
    """Return how a detector does; None without a truth, or while its scores are not there."""
    return _finite(state.evaluation(index) if state.scored(index) else None)


def server_message(state: LabState) -> dict[str, Any] | None:
    """Return what the server was asked with and how it does; None before it was asked."""
    if state.verdict is None:
        return None
    return {
        "threshold": state.verdict.threshold,
        "min_silence_duration_ms": state.verdict.min_silence_duration_ms,
        "metrics": _finite(state.server_evaluation()),
    }


def _finite(evaluation: Evaluation | None) -> dict[str, float | None] | None:
    if evaluation is None:
        return None
    return {name: None if math.isnan(value) else float(value) for name, value in evaluation.to_dict().items()}


def scores_message(state: LabState, index: int) -> Message:
    """Return a detector's scores, float32, one a frame of ``hop`` samples at ``rate``."""
    scores = state.scores(index)
    content = {"type": "scores", "index": index, "hop": scores.hop, "rate": scores.rate, "length": scores.length}
    return content, [scores.value.astype("<f4").tobytes()]


def pairs(segments: Segments) -> bytes:
    """Return starts and ends in seconds, interleaved float64."""
    return np.stack((segments.start, segments.end), axis=1).astype("<f8").tobytes()


def waveform(recording: Recording) -> Pyramid:
    """Return minimum and maximum of each 10 ms of a recording."""
    sound = recording.to_rate(SESSION_RATE_HZ).samples if recording.rate % 100 else recording.samples
    column = (SESSION_RATE_HZ if recording.rate % 100 else recording.rate) // 100
    whole = len(sound) // column * column
    extremes = np.empty((-(-len(sound) // column), 2), dtype=np.int16)
    columns = sound[:whole].reshape(-1, column)
    columns.min(axis=1, out=extremes[: len(columns), 0])
    columns.max(axis=1, out=extremes[: len(columns), 1])
    if whole < len(sound):
        extremes[-1] = sound[whole:].min(), sound[whole:].max()
    pyramid = Pyramid(np.int16)
    pyramid.append(extremes)
    return pyramid


def window_message(drawn: Pyramid, args: dict[str, Any]) -> Message:
    """Return a window of the waveform: ``columns`` of ``8**level`` times 10 ms from ``first_column`` on."""
    level, first = int(args["level"]), int(args["first_column"])
    extremes = drawn.window(level, first, min(max(int(args["columns"]), 0), MAX_COLUMNS))
    content = {"level": level, "first_column": first, "columns": len(extremes)}
    return content, [extremes.astype("<i2").tobytes()]
