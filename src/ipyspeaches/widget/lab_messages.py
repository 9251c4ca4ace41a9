"""What a `VadLab` says to its page, and gives to take away; the twin of `js/src/lab/wire.ts`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import ServerTurnDetection
from ipyspeaches.results import alignment, join_text, wer
from ipyspeaches.vad import Detector, Evaluation, Segments
from ipyspeaches.widget.drawing import COLUMN_S, Message
from ipyspeaches.widget.lab_state import LabState

_OWN: Final = ("aggressiveness", "frame_ms")
"""Settings of some detectors that change their scores."""
_CODE_WIDTH: Final = 44


def state_message(state: LabState, *, saved: Mapping[str, str | None], live: bool) -> Message:
    """Return everything that changes slowly, with truth and the server's segments as float64 pairs of seconds.

    Parameters
    ----------
    state
        What the lab knows.
    saved
        Where the labels were saved and when, or why not.
    live
        Whether there is a session that the detector can be handed to.
    """
    verdict = state.verdict
    content = {
        "type": "lab",
        "name": state.name,
        "duration_s": state.recording.duration,
        "column_s": COLUMN_S,
        "active": state.active,
        "collar_ms": round(state.collar_s * 1000, 3),
        "detectors": [_detector(one, label) for one, label in zip(state.detectors, state.names(), strict=True)],
        "metrics": [
            _metrics(state.evaluation(index)) if state.scored(index) else None for index in range(len(state.detectors))
        ],
        "server": None
        if verdict is None
        else {
            "threshold": verdict.threshold,
            "min_silence_duration_ms": verdict.min_silence_duration_ms,
            "metrics": _metrics(state.server_evaluation()),
        },
        "pinned": _detector(state.pinned, state.pinned.name),
        "can_undo": state.labels.can_undo,
        "can_redo": state.labels.can_redo,
        "saved": saved,
        "live": live,
    }
    return content, [_pairs(state.truth), *([] if verdict is None else [_pairs(verdict.segments)])]


def scores_message(state: LabState, index: int) -> Message:
    """Return a detector's scores, float32, one a frame of ``hop`` samples at ``rate``."""
    scores = state.scores(index)
    content = {"type": "scores", "index": index, "hop": scores.hop, "rate": scores.rate, "length": scores.length}
    return content, [scores.value.astype("<f4").tobytes()]


def heard_message(text: str, reference: str | None) -> dict[str, Any]:
    """Return what was transcribed, against what was said where that is known.

    ``wer`` is None without a reference; ``words`` are pairs of ``"same"``, ``"said"`` (and not transcribed) or
    ``"heard"`` (and not said) with the words.
    """
    if not reference:
        return {"text": text, "wer": None, "words": [["same", text]] if text else []}
    words = [[kind, join_text(part)] for kind, part in alignment(reference, text)]
    return {"text": text, "wer": wer(reference, text).rate, "words": words}


def export_detector(detector: Detector, form: str) -> str:
    """Return a detector as Python (``"code"``), as a server's ``"turn_detection"``, or as ``"json"``.

    Raises
    ------
    InputError
        If there is no such form, or this detector cannot be written so.
    """
    if form == "code":
        return _code(detector)
    if form == "json":
        return json.dumps(detector.describe(), indent=2)
    if form != "turn_detection":
        raise InputError(f"There is no form {form!r}: choose one of code, turn_detection, json.")
    if detector.name != "silero":
        raise InputError(
            "Servers detect speech with Silero only: make Silero the active detector, or use these settings on this "
            "side."
        )
    wire = ServerTurnDetection(detector.threshold, round(detector.min_silence_duration_ms)).to_wire()
    return json.dumps(wire, indent=2)


def export_truth(state: LabState, form: str) -> tuple[str, bytes]:
    """Return the truth as a label file: its name and content.

    Raises
    ------
    InputError
        If there is no such format.
    """
    truth = state.truth
    texts = {
        "rttm": truth.to_rttm,
        "txt": truth.to_audacity,
        "csv": truth.to_csv,
        "TextGrid": lambda: truth.to_textgrid(duration=state.recording.duration),
    }
    if form not in texts:
        raise InputError(f"There is no format {form!r}: choose one of {', '.join(texts)}.")
    stem = f"{PurePath(state.name).stem}.truth" if state.name else "truth"
    return f"{stem}.{form}", (texts[form]() or "").encode()


def _detector(detector: Detector, label: str) -> dict[str, Any]:
    """Return all settings of a detector, and Python that makes it."""
    own = {name: getattr(detector, name) for name in _OWN if hasattr(detector, name)}
    return {**detector.describe(), **own, "label": label, "code": _code(detector)}


def _code(detector: Detector) -> str:
    """Return a statement that makes a detector, in lines that fit beside the widget."""
    call = f"vad = {detector.to_code()}"
    if len(call) <= _CODE_WIDTH:
        return call
    head, _, given = call.removesuffix(")").partition("(")
    lines = [f"{head}("]
    for argument in given.split(", "):
        if len(lines) > 1 and len(lines[-1]) + len(argument) + 2 <= _CODE_WIDTH:
            lines[-1] += f" {argument},"
        else:
            lines.append(f"    {argument},")
    return "\n".join(lines)[:-1] + ")"


def _metrics(evaluation: Evaluation | None) -> dict[str, float | None] | None:
    if evaluation is None:
        return None
    return {name: None if math.isnan(value) else float(value) for name, value in evaluation.to_dict().items()}


def _pairs(segments: Segments) -> bytes:
    """Return starts and ends in seconds, interleaved float64."""
    return np.stack((segments.start, segments.end), axis=1).astype("<f8").tobytes()
