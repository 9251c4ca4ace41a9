"""The `VadLab` widget: traits and wiring, nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import anywidget
import traitlets

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.session import ENGINE, SessionKeywords, SessionOptions
from ipyspeaches.vad import Detector, EnergyVad, Segments, SileroVad, WebRtcVad
from ipyspeaches.widget.lab_commands import LabCommands
from ipyspeaches.widget.lab_messages import state_message
from ipyspeaches.widget.lab_state import LabMetrics, LabState
from ipyspeaches.widget.lab_truth import TruthLike, begin
from ipyspeaches.widget.routing import keep_subshell_routing

if TYPE_CHECKING:
    from ipyspeaches.results import Transcript
    from ipyspeaches.widget.transcriber import Transcriber

BUNDLE = Path(__file__).parent.parent / "static" / "vadlab.js"


class VadLab(anywidget.AnyWidget):
    """Tune detectors by eye and by numbers: drag a threshold, see the past cut anew, paint the truth, read the scores.

    Parameters
    ----------
    recording
        A `Recording`, or a sound file: labels are then kept beside it, after every edit.
    truth
        Where speech is: `Segments`, or a file of labels (RTTM, Audacity ``.txt``, Praat TextGrid, CSV). None for the
        labels that were kept beside the sound file, if there are any.
    detectors
        What to compare; None for Silero, energy and WebRTC.
    reference
        What is said in the recording, for word error rates: a `Transcript`, or a text of the stretch to be compared.
    locale
        Language of the interface, such as ``"zh-CN"``; empty for the browser's.
    **options
        The server that transcribes for comparison, see `SessionOptions`.

    Raises
    ------
    InputError
        If the sound or the labels cannot be used, or the front end was not built.
    """

    _esm = BUNDLE if BUNDLE.exists() else ""

    locale = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        recording: Recording | str | os.PathLike[str],
        truth: TruthLike | None = None,
        detectors: Sequence[Detector] | None = None,
        *,
        reference: str | Transcript | None = None,
        locale: str = "",
        **options: Unpack[SessionKeywords],
    ) -> None:
        if not BUNDLE.exists():
            raise InputError("The widget's front end is missing: in a source checkout run `make build` once.")
        SessionOptions.of(dict(options))
        self._options = options
        if not isinstance(recording, (Recording, str, os.PathLike)):
            raise InputError(f"{type(recording).__name__} is no recording: give a path or a Recording.")
        self._sound = None if isinstance(recording, Recording) else Path(recording)
        heard = recording if isinstance(recording, Recording) else Recording.load(recording)
        labels, self._file = begin(truth, self._sound, heard.duration)
        chosen = [SileroVad(), EnergyVad(), WebRtcVad()] if detectors is None else list(detectors)
        self._state = LabState(heard, chosen, labels)
        self._saved: dict[str, Any] = {"path": None, "at": None, "error": None}
        self.reference = reference
        self._transcriber: Transcriber | None = None
        super().__init__(locale=locale)
        keep_subshell_routing(self.comm)
        self._commands = LabCommands(self, self._state)
        self.on_msg(lambda _widget, content, buffers: self._commands.receive(content, buffers))

    @property
    def recording(self) -> Recording:
        """What is listened to."""
        return self._state.recording

    @property
    def vad(self) -> Detector:
        """The active detector as it is tuned now, ready for a `Transcriber`, a session or a sweep."""
        return self._state.vad

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """All detectors as they are tuned now."""
        return tuple(self._state.detectors)

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
        """What the server heard when it was last asked (*Ask the server* in the menu); None before."""
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
            raise InputError(f"{segments!r} is no truth: give Segments.")
        segments.check(self.recording.duration, what="region of the truth")
        labels = self._state.labels.replace_all(segments)
        ENGINE.run(self._commands.use_labels(labels))

    @property
    def collar(self) -> float:
        """Seconds around each boundary of the truth that are not evaluated, half before and half behind."""
        return self._state.collar_s

    @property
    def transcriber(self) -> Transcriber | None:
        """The widget that *Use in the live session* hands the detector to."""
        return self._transcriber

    @transcriber.setter
    def transcriber(self, transcriber: Transcriber | None) -> None:
        self._transcriber = transcriber
        self.show_state()

    # What the commands need of the widget.

    @property
    def stem(self) -> str:
        """What files about this recording are called."""
        return "truth" if self._sound is None else f"{self._sound.stem}.truth"

    @property
    def session_keywords(self) -> SessionKeywords:
        """Where to transcribe: as given here, else as the live session does."""
        if self._options or self._transcriber is None:
            return self._options.copy()
        return self._transcriber.session_keywords

    def post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to every view."""
        self.send(content, buffers)

    def show_state(self) -> None:
        """Send the state to every view."""
        name = "" if self._sound is None else self._sound.name
        self.post(*state_message(self._state, name=name, saved=self._saved, live=self._transcriber is not None))

    def save(self, truth: Segments) -> None:
        """Keep the labels beside the recording; a failure is shown, the labels stay in memory."""
        if self._file is None:
            return
        try:
            self._file.save(truth)
        except InputError as exc:
            self._saved = {**self._saved, "error": str(exc)}
        else:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            self._saved = {"path": str(self._file.path), "at": now, "error": None}
