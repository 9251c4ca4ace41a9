"""What a saved notebook keeps of a widget, for readers without a kernel: a picture, and its words or figures."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final, Literal, TypeAlias

import anywidget
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.extremes import Pyramid
from ipyspeaches.checks import one_of
from ipyspeaches.plots import runs
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.segments import Segments
from ipyspeaches.widget.drawing import Drawing, reduced
from ipyspeaches.widget.lab_state import LabMetrics, LabState
from ipyspeaches.widget.picture import COLUMNS, Curve, Lane, Picture, PictureRow, Wave

Keep: TypeAlias = Literal["picture", "text", "nothing"]
KEEP: Final = one_of(("picture", "text", "nothing"))

_ENERGY: Final = "#0b7a70"
_COLOURS: Final = {
    "silero": "#2459c9",
    "energy": _ENERGY,
    "rms": _ENERGY,
    "adaptive": _ENERGY,
    "webrtc": "#8a3ea8",
}
_OWN, _TRUTH, _MISSED, _FALSE, _WORDS = "#7a5c00", "#3b4148", "#c2185b", "#a85200", "#51677f"
_FLOOR_DB, _NOISE_RANGE_DB = -60.0, 40.0
_METRICS: Final = ("f1", "precision", "recall", "detection_error_rate", "miss_rate", "false_alarm_rate")

_EN: Final = {
    "wave": "Waveform",
    "score": "Speech score",
    "speech": "Local VAD",
    "text": "Text",
    "truth": "Truth",
    "missed": "Missed",
    "false": "False alarms",
    "transcriber": "Waveform, speech score, segments and words of a recording",
    "lab": "Waveform, truth and detectors over one recording",
    "saved": "As it was when the notebook was saved; run the cell for the live widget.",
}
_ZH: Final = {
    "wave": "波形",
    "score": "语音得分",
    "speech": "本地 VAD",
    "text": "文本",
    "truth": "真值",
    "missed": "漏检",
    "false": "误报",
    "transcriber": "一段录音的波形、语音得分、语音段和文字",
    "lab": "一段录音的波形、真值和各检测器",
    "saved": "这是保存笔记本时的样子；运行此单元格可得到实时组件。",
}


class Kept:
    """A second output of the cells that show a widget: plain HTML, brought up to date as things change.

    A front end keeps a cell's output, not the widget's. Where the widget lives, it hides what has this output's class.
    """

    def __init__(self, keep: Keep, locale: str) -> None:
        self.keep = keep
        self.words = _ZH if locale.lower().startswith("zh") else _EN
        self.css_class = f"ipyspeaches-kept-{uuid.uuid4().hex[:8]}"
        self._handles: list[Any] = []
        self._html = ""

    def show(self, widget: anywidget.AnyWidget) -> None:
        """Show a widget in the cell that is being executed, and put the output behind it; outside IPython is none."""
        from IPython.display import HTML, display

        bundle = widget._repr_mimebundle_()
        assert bundle is not None, "an anywidget always has a view"
        display(bundle[0], metadata=bundle[1], raw=True)
        if self.keep == "nothing":
            return
        handle = display(HTML(self._whole()), display_id=True)
        if handle is not None:
            self._handles.append(handle)

    @property
    def placed(self) -> bool:
        """Whether there is an output to bring up to date."""
        return bool(self._handles)

    def update(self, picture: Callable[[], str], text: str) -> None:
        """Bring every placed output up to date."""
        from IPython.display import HTML

        if not self.placed:
            return
        self._html = f"{picture() if self.keep == 'picture' else ''}{text}<p><small>{self.words['saved']}</small></p>"
        for handle in self._handles:
            handle.update(HTML(self._whole()))

    def _whole(self) -> str:
        return f'<div class="{self.css_class}">{self._html}</div>'


def picture_of_session(session: Session, drawing: Drawing, words: Mapping[str, str]) -> str:
    """Return the picture of a recording: waveform, score with its lines, stretches of speech, words."""
    frames, detector = session.frames, session.turn_detection.detector
    told = session.transcript.segments
    rows: list[PictureRow] = [Wave(words["wave"], drawing.overview(COLUMNS))]
    if len(frames):
        rows.append(_curve(words["score"], frames.score, detector))
        rows.append(Lane(words["speech"], runs(frames.time, frames.is_speech), _colour(detector)))
    rows.append(Lane(words["text"], [(s.start, s.end) for s in told], _WORDS, [s.text for s in told]))
    return Picture(drawing.clock_s, rows).html(words["transcriber"])


def picture_of_lab(state: LabState, wave: Pyramid, words: Mapping[str, str]) -> str:
    """Return the picture of a lab: waveform, truth, what each detector finds, and the errors of the active one."""
    rows: list[PictureRow] = [
        Wave(words["wave"], reduced(wave, COLUMNS)),
        Lane(words["truth"], _pairs(state.truth), _TRUTH),
    ]
    for index, (detector, name) in enumerate(zip(state.detectors, state.names(), strict=True)):
        if not state.scored(index):
            continue
        active = index == state.active
        if active:
            rows.append(_curve(name, state.scores(index).value, detector))
        rows.append(Lane("" if active else name, _pairs(state.segments(index)), _colour(detector)))
        if active and len(state.truth):
            missed, alarms = state.errors(index)
            rows.append(Lane(words["missed"], _pairs(missed), _MISSED))
            rows.append(Lane(words["false"], _pairs(alarms), _FALSE))
    return Picture(state.recording.duration, rows).html(words["lab"])


def metrics_table(metrics: LabMetrics) -> str:
    """Return the figures of a lab as a bare table: thresholds, and what they give where there is a truth."""
    columns = metrics.columns()
    names = ["detector", "threshold", *(_METRICS if any(metrics.evaluations) else ())]
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    rows = zip(*(columns[name] for name in names), strict=True)
    body = "".join(f"<tr>{''.join(f'<td>{_figure(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _figure(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return "" if math.isnan(value) else f"{value:,.3f}".rstrip("0").rstrip(".")


def _colour(detector: Detector) -> str:
    return _COLOURS.get(detector.name, _OWN)


def _curve(name: str, scores: NDArray[np.float32], detector: Detector) -> Curve:
    """Return the highest score of each column, and the two lines, on the scale of the detector's unit."""
    starts = np.linspace(0, len(scores), min(COLUMNS, len(scores)), endpoint=False).astype(np.intp)
    highest = np.maximum.reduceat(scores, starts) if len(scores) else scores
    options = detector.options
    lines = _shares(np.array([options.threshold, options.neg_threshold]), detector.unit)
    return Curve(name, _shares(highest, detector.unit), _colour(detector), lines.tolist())


def _shares(scores: NDArray[Any], unit: str) -> NDArray[np.float64]:
    """Return scores as shares of a row's height: the twin of `scaleOf` in js/src/view/scale.ts."""
    values = scores.astype(np.float64)
    if unit == "energy":
        values = 1 - 20 * np.log10((values + 1) / 32_768) / _FLOOR_DB
    elif unit == "dBFS":
        values = 1 - values / _FLOOR_DB
    elif unit == "dB":
        values = values / _NOISE_RANGE_DB
    return np.nan_to_num(values).clip(0, 1)


def _pairs(segments: Segments) -> list[tuple[float, float]]:
    return list(zip(segments.start.tolist(), segments.end.tolist(), strict=True))
