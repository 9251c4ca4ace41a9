"""The `Transcriber` widget: traits and wiring, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import anywidget
import traitlets

from ipyspeaches.errors import InputError, SpeachesError, StateError
from ipyspeaches.results import Comparison
from ipyspeaches.session import ENGINE, Session, SessionKeywords, SessionOptions, SessionState, TurnDetection
from ipyspeaches.session.comparing import Runs, compared_run
from ipyspeaches.session.opening import SourceLike
from ipyspeaches.session.state import ENDED
from ipyspeaches.vad import Detector
from ipyspeaches.widget.bridge import Bridge
from ipyspeaches.widget.commands import Commands
from ipyspeaches.widget.compared import MAIN, compared_options
from ipyspeaches.widget.messages import failure_message
from ipyspeaches.widget.routing import keep_subshell_routing
from ipyspeaches.widget.saved import SavedTranscript
from ipyspeaches.widget.settings import DETECTORS, shown_presets
from ipyspeaches.widget.shown import server_traits, session_traits, source_traits, turn_detection_traits

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording
    from ipyspeaches.results import EventLog, Frames, Latency, Transcript

BUNDLE = Path(__file__).parent.parent / "static" / "transcriber.js"


class Transcriber(anywidget.AnyWidget):
    """Microphone in, live waveform, voice activity and words out.

    Parameters
    ----------
    source
        ``"browser"`` or ``"kernel"`` for a microphone, a path, a `Recording`, or a `Source`.
    locale
        Language of the interface, such as ``"zh-CN"``; empty for the browser's.
    compare
        Sessions that listen along, each with what it does differently: a list of options, or a dict of options by
        name. They are shown beside each other; `comparison` has their results.
    **options
        See `SessionOptions`: server, api_key, model, language, turn_detection, pace, …

    Raises
    ------
    InputError
        If an option cannot be used, or the front end was not built.
    """

    _esm = BUNDLE if BUNDLE.exists() else ""

    state = traitlets.Unicode("idle").tag(sync=True)
    _source_kind = traitlets.Unicode("browser").tag(sync=True)
    _source_label = traitlets.Unicode("").tag(sync=True)
    _transport = traitlets.Unicode("realtime").tag(sync=True)
    _server_label = traitlets.Unicode("").tag(sync=True)
    _server_state = traitlets.Unicode("none").tag(sync=True)
    _server_version = traitlets.Unicode("").tag(sync=True)
    _presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    _model = traitlets.Unicode("").tag(sync=True)
    _models = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _loaded_models = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _model_jobs = traitlets.List(traitlets.Dict()).tag(sync=True)
    _language = traitlets.Unicode("").tag(sync=True)
    _detector = traitlets.Dict().tag(sync=True)
    _detectors = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _turn_detection_kind = traitlets.Unicode("client").tag(sync=True)
    _server_turn_detection = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _error = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    locale = traitlets.Unicode("").tag(sync=True)
    _compared = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(
        self,
        *,
        source: SourceLike = "browser",
        locale: str = "",
        compare: Runs = (),
        **options: Unpack[SessionKeywords],
    ) -> None:
        if not BUNDLE.exists():
            raise InputError("The widget's front end is missing: in a source checkout run `make build` once.")
        checked = SessionOptions.of(dict(options))
        compared = compared_options(compare)
        self._keywords = options
        self._source = source
        self._turn_detection = checked.turn_detection or TurnDetection.client()
        super().__init__(
            locale=locale,
            _language=checked.language or "",
            _model=checked.model or "",
            _transport=checked.transport,
            **source_traits(source),
            **server_traits(checked),
            **turn_detection_traits(self._turn_detection),
            _presets=shown_presets(),
            _detectors=list(DETECTORS),
        )
        keep_subshell_routing(self.comm)
        self._bridge = Bridge(self, compared)
        self._bridge.compared.show()
        self._commands = Commands(self, self._bridge)
        self._saved = SavedTranscript()
        self.on_msg(lambda _widget, content, buffers: self._commands.receive(content, buffers))

    def _ipython_display_(self) -> None:
        """Show the widget, and leave its transcript in the saved notebook."""
        from IPython.display import display

        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        self._saved.place()

    def start(self) -> None:
        """Begin a new recording; returns when it listens.

        Raises
        ------
        StateError
            If it is recording already.
        SpeachesError
            What kept it from starting; the widget shows it too.
        """
        ENGINE.run(self._commands.start({}))

    def pause(self) -> None:
        """Pause: nothing is recorded or sent until `resume`."""
        ENGINE.run(self._bridge.pause())

    def resume(self) -> None:
        """Go on after a pause."""
        ENGINE.run(self._bridge.resume())

    def stop(self) -> None:
        """End the recording and wait for its last texts, and for those of the sessions that are compared with it."""
        ENGINE.run(self._bridge.stop())
        ENGINE.run(self._bridge.compared.wait())

    def wait(self) -> None:
        """Wait until the recording has ended, and what is compared with it: by itself (a file), or stopped.

        Raises
        ------
        SpeachesError
            What ended it, if it failed; everything recorded is kept.
        """
        ENGINE.run(self._bridge.wait_for_all())

    @property
    def session(self) -> Session:
        """The recording that runs, or the last one.

        Raises
        ------
        StateError
            If nothing was recorded yet.
        """
        if self._bridge.session is None:
            raise StateError("Nothing was recorded yet: press Record or call start() first.")
        return self._bridge.session

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.session.transcript

    @property
    def recording(self) -> Recording:
        """What was heard."""
        return self.session.recording

    @property
    def frames(self) -> Frames:
        """Level, energy and score of each frame."""
        return self.session.frames

    @property
    def events(self) -> EventLog:
        """What happened, in order."""
        return self.session.events

    @property
    def latency(self) -> Latency:
        """How long each utterance took."""
        return self.session.latency

    @property
    def comparison(self) -> Comparison:
        """The recording's own session, called ``"main"``, and those that listen along: one row each."""
        return Comparison([compared_run(MAIN, self.session), *self._bridge.compared.runs()])

    @property
    def model(self) -> str:
        """The model that transcribes, as the server confirms it; empty while the choice is the server's."""
        return str(self._model)

    @property
    def language(self) -> str:
        """The language that is spoken, as the server confirms it; empty lets it find out."""
        return str(self._language)

    @property
    def turn_detection(self) -> TurnDetection:
        """Who cuts, with the detector as it is set now."""
        return self._turn_detection

    @property
    def session_keywords(self) -> SessionKeywords:
        """What the next recording's session is made with, besides its source and who cuts."""
        keywords = self._keywords.copy()
        keywords.pop("turn_detection", None)
        return keywords

    def set_detector(self, detector: Detector) -> None:
        """Use other options, or another detector, from the next frame on."""
        ENGINE.run(self._commands.settings.use(self._turn_detection.with_detector(detector)))

    # What the bridge and the commands need of the widget.

    def post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to every view."""
        self.send(content, buffers)

    def show(self, session: Session) -> None:
        """Show a session's slow state in the traits."""
        self.show_traits(session_traits(session))
        if session.state in {SessionState.PAUSED, *ENDED}:
            self._saved.update(session.transcript._repr_html_())

    def show_compared(self, shown: list[dict[str, Any]]) -> None:
        """Show the compared sessions' slow state in the traits."""
        self._compared = shown

    def show_traits(self, traits: dict[str, Any]) -> None:
        """Set several traits in one message."""
        with self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)

    def show_failure(self, error: SpeachesError) -> None:
        """Show a failure in the cell."""
        self._error = failure_message(error)

    def new_recording(self) -> tuple[SourceLike, SessionKeywords]:
        """Return what the next recording is made of, and clear an old failure."""
        self.set_trait("_error", None)
        keywords = self._keywords.copy()
        keywords["turn_detection"] = self._turn_detection
        return self._source, keywords

    def use_source(self, source: SourceLike, label: str | None = None) -> None:
        """Take the next recording from another source."""
        self._source = source
        self.show_traits(source_traits(source, label))

    def use_server(self, url: str, api_key: str) -> None:
        """Use another server from the next recording on; an empty address is the default server."""
        self._keywords["server"] = url or None
        self._keywords["api_key"] = api_key or None
        of_another = {"_models": [], "_loaded_models": [], "_server_version": ""}
        self.show_traits({**server_traits(SessionOptions.of(dict(self._keywords))), **of_another})

    def use_model(self, model: str) -> None:
        """Use another model in the next recording; an empty name leaves the choice to the server."""
        self._keywords["model"] = model or None
        self._model = model

    def use_language(self, language: str) -> None:
        """Use another language in the next recording; an empty code lets the server find out."""
        self._keywords["language"] = language or None
        self._language = language

    def use_confirmed(self, session: Session) -> None:
        """Show what the server has confirmed while it ran; only what has changed goes into the next recording."""
        if session.model and session.model != self._model:
            self.use_model(session.model)
        if (session.language or "") != self._language:
            self.use_language(session.language or "")

    def use_turn_detection(self, turn_detection: TurnDetection) -> None:
        """Show and use another choice of who cuts."""
        self._turn_detection = turn_detection
        self.show_traits(turn_detection_traits(turn_detection))
