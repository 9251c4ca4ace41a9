"""The `VadLab` widget: what users call. What happens then is the controller's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MethodType
from typing import Any, Final, Unpack

import anywidget
import traitlets

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import as_path, instance
from ipyspeaches.errors import InputError
from ipyspeaches.session.comparing import REFERENCE
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import SessionKeywords, SessionOptions, hide_key
from ipyspeaches.vad.detectors import Detector, EnergyVad, SileroVad, WebRtcVad
from ipyspeaches.vad.evaluation import check_span
from ipyspeaches.vad.handins import HandIn, Setup, Sound
from ipyspeaches.vad.segments import Segments
from ipyspeaches.widget.bridge import LOCALE, Bridge, check_front_end, front_end
from ipyspeaches.widget.controller import Controller
from ipyspeaches.widget.kept import KEEP, Keep, Kept
from ipyspeaches.widget.lab_controller import LabController, Reference
from ipyspeaches.widget.lab_state import LabMetrics, LabState
from ipyspeaches.widget.lab_truth import TruthLike, begin
from ipyspeaches.widget.transcriber import Transcriber, newest

_DETECTORS: Final = instance(Iterable, "a list of detectors such as [sp.SileroVad()]")


def _open(
    kind: type[VadLab],
    path: str | os.PathLike[str],
    recording: Recording | str | os.PathLike[str] | None = None,
    **options: Unpack[SessionKeywords],
) -> VadLab:
    """Open what `save` wrote, with labels, settings and scores; the file is left as it is.

    It is an `InputError` if the file is cut short, of another version or about another sound.

    Parameters
    ----------
    path
        The ``.vadlab`` file.
    recording
        What it is about; None for the file of that name beside it.
    **options
        As of `VadLab`.
    """
    hide_key(options)
    hand_in = HandIn.read(path)
    name = Path(hand_in.sound.name).name
    if recording is None:
        recording = as_path(path).with_name(name or "?")
        if not recording.exists():
            what = f"{name}, which is not beside it" if name else "a recording that was in no file"
            raise InputError(f"{path} is about {what}: give it, as in VadLab.open(path, recording).")
    loaded = recording if isinstance(recording, Recording) else Recording.load(recording)
    if Sound.of(loaded, hand_in.sound.name) != hand_in.sound:
        raise InputError(f"{path} is about another sound than this: give {name or 'the recording'} as it was then.")
    lab = kind(loaded, hand_in.setup.truth, hand_in.setup.detectors, **options)
    lab._state.take(hand_in)  # noqa: SLF001  of this module
    return lab


class _Opener:
    """`VadLab.open(path)` opens a file. Of a widget, ``open`` is the framework's own, which opens its comm."""

    def __get__(self, lab: VadLab | None, kind: type[VadLab]) -> Any:  # noqa: ANN401  two unlike methods
        return MethodType(_open, kind) if lab is None else super(VadLab, lab).open


class VadLab(anywidget.AnyWidget):
    """Tune detectors by eye and by numbers: drag a threshold, see the past cut again, paint the truth, read the scores.

    It is an `InputError` if the audio or the labels cannot be used, or the front end was not built.

    Parameters
    ----------
    recording
        A `Recording`, or an audio file: labels are then kept beside it, after every edit.
    truth
        Where speech is: `Segments`, or a file of labels (RTTM, Audacity ``.txt``, Praat TextGrid, CSV). None for the
        labels that were kept beside the audio file, if there are any.
    detectors
        What to compare; None for Silero, energy and WebRTC.
    reference
        What is said in the recording, for word error rates: a `Transcript`, or a text of the stretch to be compared.
    keep_in_notebook
        What a cell that shows the lab keeps in the saved notebook, for readers without a kernel: ``"picture"`` of the
        recording with the table of metrics, ``"text"`` for the table alone, or ``"nothing"``.
    locale
        Language of the interface, such as ``"zh-CN"``; empty for the browser's.
    **options
        The server that transcribes for comparison, see `SessionOptions`.
    """

    _esm = front_end("vadlab.js")
    open = _Opener()

    locale = traitlets.Unicode("").tag(sync=True)
    _kept_class = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        recording: Recording | str | os.PathLike[str],
        truth: TruthLike | None = None,
        detectors: Sequence[Detector] | None = None,
        *,
        reference: Reference = None,
        keep_in_notebook: Keep = "picture",
        locale: str = "",
        **options: Unpack[SessionKeywords],
    ) -> None:
        check_front_end(self._esm)
        LOCALE("locale", locale)
        keep_in_notebook = KEEP("keep_in_notebook", keep_in_notebook)
        hide_key(options)
        SessionOptions.of(dict(options))
        if not isinstance(recording, (Recording, str, os.PathLike)):
            raise InputError(f"{type(recording).__name__} is not a recording: give a path or a Recording.")
        path = None if isinstance(recording, Recording) else as_path(recording)
        loaded = recording if isinstance(recording, Recording) else Recording.load(recording)
        labels, span, file = begin(truth, path, loaded.duration)
        chosen = (
            (SileroVad(), EnergyVad(), WebRtcVad()) if detectors is None else tuple(_DETECTORS("detectors", detectors))
        )
        state = LabState(loaded, Setup(labels, span, chosen), "" if path is None else path.name)
        kept = Kept(keep_in_notebook, locale)
        super().__init__(locale=locale, _kept_class=kept.css_class)
        self._controller = LabController(Bridge(self), state, file, options, kept)
        self._state = state
        self._controller.live = self._live
        self._transcriber: Transcriber | None = None
        self.reference = reference
        self.on_msg(lambda _widget, content, buffers: self._controller.receive(content, buffers))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write labels, settings, scores and a digest of the sound to a ``.vadlab`` file, to open or to hand in.

        It is an `InputError` if it cannot be written; a file that was there is then as it was.
        """
        self._state.hand_in().write(path)

    def _ipython_display_(self) -> None:
        """Show the lab, and keep what the saved notebook shows of it."""
        self._controller.kept.show(self)
        self._controller.keep()

    @property
    def recording(self) -> Recording:
        """What is listened to, without the noise that the lab can add."""
        return self._state.clean

    @property
    def reference(self) -> Reference:
        """What is said in the recording, for word error rates."""
        return self._controller.reference

    @reference.setter
    def reference(self, reference: Reference) -> None:
        self._controller.reference = None if reference is None else REFERENCE("reference", reference)

    @property
    def vad(self) -> Detector:
        """The active detector as it is tuned now, ready for a `Transcriber`, a session or a sweep."""
        return self._state.vad

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """All detectors as they are tuned now."""
        return self._state.detectors

    @property
    def segments(self) -> Segments:
        """What the active detector finds."""
        return self._state.segments(self._state.active)

    @property
    def missed(self) -> Segments:
        """What the active detector missed, outside the collars."""
        return self._state.errors(self._state.active)[0]

    @property
    def false_alarms(self) -> Segments:
        """What the active detector takes for speech and is none, outside the collars."""
        return self._state.errors(self._state.active)[1]

    @property
    def server_segments(self) -> Segments | None:
        """Where the server found speech when it was last asked (*Ask the server* in the menu); None before."""
        return None if self._state.verdict is None else self._state.verdict.segments

    @property
    def metrics(self) -> LabMetrics:
        """How all detectors, and the server where it was asked, do against the truth: NaN while there is no truth."""
        return self._state.metrics()

    @property
    def truth(self) -> Segments:
        """Where speech is, as painted; set it to begin from other labels (undo takes that back too)."""
        return self._state.truth

    @truth.setter
    def truth(self, segments: Segments) -> None:
        if not isinstance(segments, Segments):
            raise InputError(f"{segments!r} is not a truth: give Segments.")
        segments.check(self.recording.duration, what="region of the truth")
        truth = segments.normalised(self.recording.duration)
        ENGINE.run(self._controller.change(truth=truth, span=self._state.whole))

    @property
    def span(self) -> tuple[float, float]:
        """Start and end in seconds of what is labelled: only that is evaluated.

        It is what the lab showed when the first region was painted, and grows with what is painted; in the lab it has
        handles. Other labels are about the whole recording.
        """
        return self._state.setup.span

    @span.setter
    def span(self, span: tuple[float, float]) -> None:
        ENGINE.run(self._controller.change(span=check_span(span, self.recording.duration)))

    @property
    def labelled(self) -> tuple[Recording, Segments]:
        """What is labelled and its truth, both from second 0 on, as for ``sp.sweep(*lab.labelled, lab.vad, …)``."""
        start, end = self.span
        truth = self.truth & Segments([self.span])
        return self._state.recording.slice(start, end), Segments.from_arrays(truth.start - start, truth.end - start)

    @property
    def collar(self) -> float:
        """Seconds around each boundary of the truth that are not evaluated, half before and half behind."""
        return self._state.setup.collar_s

    @property
    def transcriber(self) -> Transcriber | None:
        """The widget that *Use in the live session* hands the detector to: the newest one, unless it is set."""
        return self._transcriber or newest()

    @transcriber.setter
    def transcriber(self, transcriber: Transcriber | None) -> None:
        if not (transcriber is None or isinstance(transcriber, Transcriber)):
            raise InputError(f"{transcriber!r:.80} is not a Transcriber: give the widget of the live session.")
        self._transcriber = transcriber

    def _live(self) -> Controller | None:
        transcriber = self.transcriber
        return None if transcriber is None else transcriber._controller  # noqa: SLF001  of this room
