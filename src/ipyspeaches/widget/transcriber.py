"""The `Transcriber` widget: what users call. What happens then is the controller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack
from weakref import ref

import anywidget
import traitlets

from ipyspeaches.errors import InputError
from ipyspeaches.languages import language_code
from ipyspeaches.results.comparison import Comparison
from ipyspeaches.server.models import presets
from ipyspeaches.session.comparing import Runs, compared_run
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.opening import SourceLike
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection, hide_key
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import DETECTORS, Detector
from ipyspeaches.widget.bridge import LOCALE, Bridge, check_front_end, front_end
from ipyspeaches.widget.compared import MAIN, compared_options
from ipyspeaches.widget.controller import Controller
from ipyspeaches.widget.kept import KEEP, Keep, Kept
from ipyspeaches.widget.settings import Settings
from ipyspeaches.widget.takes import OfSession, Take, Takes

if TYPE_CHECKING:
    from ipyspeaches.results.records import Mark


_FIXED: Final = frozenset(
    {"source", "compare", "keep_in_notebook", *SessionKeywords.__annotations__}
    - {"model", "language", "script", "turn_detection"}
)


class Transcriber(OfSession, anywidget.AnyWidget):
    """Microphone in, live waveform, voice activity and words out.

    It is an `InputError` if an option cannot be used, or the front end was not built.

    Parameters
    ----------
    source
        ``"browser"`` or ``"kernel"`` for a microphone, a path, a `Recording`, or a `Source`.
    locale
        Language of the interface, such as ``"zh-CN"``; empty for the browser's.
    compare
        Sessions that listen along, each with what it does differently: a list of options, or a dict of options by
        name. They are shown beside each other; `comparison` has their results.
    keep_in_notebook
        What a cell that shows the widget keeps in the saved notebook, for readers without a kernel: ``"picture"`` of
        the recording with its words, ``"text"`` for the words alone, or ``"nothing"``.
    **options
        See `SessionOptions`: server, api_key, model, language, script, turn_detection, pace, …

    Attributes
    ----------
    model, language
        Traits: what was asked for, then what the server confirms; empty leaves the choice to the server. Set, they
        count from the next utterance on, or for the next recording. A model may be an id or a preset.
    script
        Trait: the characters in which Chinese is written, ``"simplified"`` or ``"traditional"``; empty leaves it to
        the language, and is what the trait shows where that says nothing.
    """

    _esm = front_end("transcriber.js")
    _newest: ClassVar[ref[Transcriber] | None] = None

    state = traitlets.Unicode("idle").tag(sync=True)
    locale = traitlets.Unicode("").tag(sync=True)
    _kept_class = traitlets.Unicode("").tag(sync=True)

    # Slow state that only the page reads, by the names of `Traits` in js/src/wire/messages.ts behind an underscore.
    _source_kind = traitlets.Unicode("browser").tag(sync=True)
    _source_label = traitlets.Unicode("").tag(sync=True)
    _source_duration_s = traitlets.Float(0.0).tag(sync=True)
    _pace = traitlets.Float(1.0).tag(sync=True)
    _take = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _transport = traitlets.Unicode("realtime").tag(sync=True)
    _server_label = traitlets.Unicode("").tag(sync=True)
    _server_url = traitlets.Unicode("").tag(sync=True)
    _server_state = traitlets.Unicode("none").tag(sync=True)
    _server_version = traitlets.Unicode("").tag(sync=True)
    _presets = traitlets.List(traitlets.Dict()).tag(sync=True)
    _model = traitlets.Unicode("").tag(sync=True)
    _models = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _loaded_models = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _model_jobs = traitlets.List(traitlets.Dict()).tag(sync=True)
    _unfinished = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _local_model = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _language = traitlets.Unicode("").tag(sync=True)
    _script = traitlets.Unicode("").tag(sync=True)
    _detector = traitlets.Dict().tag(sync=True)
    _detectors = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _turn_detection_kind = traitlets.Unicode("client").tag(sync=True)
    _server_turn_detection = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _error = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    _compared = traitlets.List(traitlets.Dict()).tag(sync=True)

    # What users set and observe; the page has its own, which follow once the server has confirmed them.
    model = traitlets.Unicode("", allow_none=True)
    language = traitlets.Unicode("", allow_none=True)
    script = traitlets.Unicode("", allow_none=True)

    def __init__(
        self,
        *,
        source: SourceLike = "browser",
        locale: str = "",
        compare: Runs = (),
        keep_in_notebook: Keep = "picture",
        **options: Unpack[SessionKeywords],
    ) -> None:
        check_front_end(self._esm)
        LOCALE("locale", locale)
        hide_key(options)
        settings = Settings(source, options)
        compared = compared_options(compare)
        kept = Kept(KEEP("keep_in_notebook", keep_in_notebook), locale)
        super().__init__(
            locale=locale,
            _kept_class=kept.css_class,
            _presets=[{"name": name, "model": model} for name, model in presets.items()],
            _detectors=list(DETECTORS),
            **settings.traits(),
        )
        self._controller = Controller(Bridge(self), settings, compared, kept)
        self.on_msg(lambda _widget, content, buffers: self._controller.receive(content, buffers))
        Transcriber._newest = ref(self)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FIXED:
            del value  # it may be a key, and tracebacks may show it
            raise InputError(f"{name} is chosen when the widget is made: make another one, with Transcriber({name}=…).")
        super().__setattr__(name, value)

    def _ipython_display_(self) -> None:
        """Show the widget, and keep what the saved notebook shows of it."""
        self._controller.kept.show(self)

    def start(self) -> None:
        """Begin a new recording; returns when it listens.

        Raises
        ------
        StateError
            If it is recording already.
        SpeachesError
            What kept it from starting; the widget shows it too.
        """
        ENGINE.run(self._controller.start())

    def pause(self) -> None:
        """Pause: nothing is recorded or sent until `resume`."""
        ENGINE.run(self._controller.pause())

    def resume(self) -> None:
        """Go on after a pause."""
        ENGINE.run(self._controller.resume())

    def stop(self) -> None:
        """End the recording and wait for its last texts, and for those of the sessions that are compared with it."""
        ENGINE.run(self._controller.stop())
        ENGINE.run(self._controller.compared.wait())

    def wait(self) -> None:
        """Wait until the recording has ended, and what is compared with it: by itself (a file), or stopped.

        Raises
        ------
        SpeachesError
            What ended it, if it failed; everything recorded is kept.
        """
        ENGINE.run(self._controller.wait())

    def mark(self, name: str = "", time_s: float | None = None) -> Mark:
        """Mark a moment: now, or ``time_s`` seconds into the recording."""
        return self.session.mark(name, time_s)

    @property
    def takes(self) -> Takes:
        """Everything that was recorded or opened here, one row each; see `Take`."""
        return self._controller.shelf.takes

    def show(self, take: Take | str) -> None:
        """Show a take, or the one of that name: what the widget gives is that of the take that is shown.

        It is a `StateError` while it is recording, an `InputError` if there is no such take.
        """
        ENGINE.run(self._controller.show_take(self._number(take)))

    def rename(self, take: Take | str, name: str) -> None:
        """Call a take something else; an empty name leaves it its number."""
        self._controller.shelf.rename(self._number(take), name)

    def remove(self, take: Take | str) -> None:
        """Take a take out of the list; what a microphone heard stays on disk, see `recordings`.

        It is a `StateError` if it is being recorded, or the only one.
        """
        ENGINE.run(self._controller.shelf.remove(self._number(take)))

    def _number(self, take: Take | str) -> int:
        if not isinstance(take, Take | str):
            raise InputError(f"take is a {type(take).__name__}: give one of takes, or its name.")
        return (self.takes.find(take) if isinstance(take, str) else take).number

    @property
    def session(self) -> Session:
        """That of the take that is shown, which runs or has ended; a `StateError` if nothing was recorded yet."""
        return self._controller.current

    @property
    def comparison(self) -> Comparison:
        """The recording's own session, called ``"main"``, and those that listen along: one row each."""
        found = self._controller.sessions or {MAIN: self.session}
        return Comparison([compared_run(name, session) for name, session in found.items()])

    @traitlets.observe("_model", "_language", "_script")
    def _follow_page(self, change: dict[str, Any]) -> None:
        self.set_trait(change["name"].removeprefix("_"), change["new"])

    @traitlets.observe("model", "language", "script")
    def _ask_for(self, change: dict[str, Any]) -> None:
        name, wanted = change["name"], change["new"] or ""
        if wanted == getattr(self, f"_{name}"):
            self.set_trait(name, wanted)
            return
        controller = self._controller
        ask = {"model": controller.set_model, "language": controller.set_language, "script": controller.set_script}
        try:
            ENGINE.run(ask[name](wanted))
        except BaseException:
            self.set_trait(name, getattr(self, f"_{name}"))
            raise
        if name == "language" and language_code(wanted) == self._language:
            self.set_trait(name, self._language)  # "zh-TW" where "zh" was shown: no change of that will tell

    @property
    def turn_detection(self) -> TurnDetection:
        """Who finds the utterances, with the detector as it is set now.

        Other numbers of the same side count from the next frame on, another side for the next recording.
        """
        return self._controller.settings.turn_detection

    @turn_detection.setter
    def turn_detection(self, turn_detection: TurnDetection) -> None:
        keywords = self._controller.settings.keywords
        checked = SessionOptions.of({**keywords, "turn_detection": turn_detection}).turn_detection
        ENGINE.run(self._controller.use_turn_detection(checked or TurnDetection.client()))

    def set_detector(self, detector: Detector) -> None:
        """Use other options, or another detector, from the next frame on."""
        self.turn_detection = self.turn_detection.with_detector(detector)


def newest() -> Transcriber | None:
    """Return the transcriber that was made last, if it is still there."""
    last = None if Transcriber._newest is None else Transcriber._newest()  # noqa: SLF001  of this module
    return last if last is not None and last.comm is not None else None
