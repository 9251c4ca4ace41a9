"""The session: owns a run from start to end, and everything that was heard, said and measured in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import SpeachesError, StateError
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.events import SessionEvent
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.lifecycle import Lifecycle
from ipyspeaches.session.opening import SourceLike, open_source
from ipyspeaches.session.options import SessionKeywords, SessionOptions
from ipyspeaches.session.state import ENDED, SessionState
from ipyspeaches.session.turn_detection import TurnDetection
from ipyspeaches.sources import Source
from ipyspeaches.vad import Detector

if TYPE_CHECKING:
    from ipyspeaches.results import EventLog, Frames, Latency, Mark, Marks, Transcript


class Session:
    """Listen to one source, and keep what it says.

    The session runs on the engine's thread; its methods may be awaited from any loop. It is used once.

    Parameters
    ----------
    source
        ``"kernel"`` for the kernel's microphone, a path, a `Recording`, or a `Source`.
    **options
        See `SessionOptions`.

    Attributes
    ----------
    transcript, events, latency
        What was said, what happened, how long it took; they grow while the session runs.

    Raises
    ------
    InputError
        If an option cannot be used.
    AudioError
        If a file cannot be read.
    """

    def __init__(self, source: SourceLike, **options: Unpack[SessionKeywords]) -> None:
        self.options = SessionOptions.of(dict(options))
        self._bus = Bus()
        self._life = Lifecycle(open_source(source, self.options.pace), self.options, self._bus)
        if self.options.on_event is not None:
            self._bus.subscribe(self.options.on_event)

    def __repr__(self) -> str:
        return f"<Session {self._life.state}: {self._life.source.label}, {self._life.hearing.store.duration_s:.1f} s>"

    @property
    def state(self) -> SessionState:
        """What the session is doing."""
        return self._life.state

    @property
    def error(self) -> SpeachesError | None:
        """What ended the session, if it failed."""
        return self._life.error

    @property
    def destination(self) -> Destination | None:
        """The server, once it is known to answer."""
        return self._life.destination

    @property
    def source(self) -> Source:
        """Where sound comes from."""
        return self._life.source

    @property
    def source_label(self) -> str:
        """What the source is called."""
        return self._life.source.label

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self._life.scribe.transcript

    @property
    def recording(self) -> Recording:
        """What was heard so far, at 24 kHz.

        Raises
        ------
        StateError
            If nothing was heard yet.
        """
        store = self._life.hearing.store
        if not len(store):
            raise StateError("Nothing was recorded yet: start the session and speak first.")
        return Recording(store.read(0, len(store)), SESSION_RATE_HZ)

    @property
    def frames(self) -> Frames:
        """Level, energy and score of each frame."""
        return self._life.hearing.frames

    @property
    def events(self) -> EventLog:
        """What happened, in order."""
        return self._life.scribe.events

    @property
    def latency(self) -> Latency:
        """How long each utterance took."""
        return self._life.scribe.latency

    @property
    def marks(self) -> Marks:
        """Moments that were marked."""
        return self._life.scribe.marks

    @property
    def model(self) -> str | None:
        """The model that transcribes now, as the server confirms it; None before there is a server."""
        confirmed, destination = self._life.scribe.confirmed, self._life.destination
        asked = None if destination is None else destination.model
        return asked if confirmed is None else confirmed.model or asked

    @property
    def language(self) -> str | None:
        """The language that is transcribed now, as the server confirms it; None lets it find out."""
        confirmed = self._life.scribe.confirmed
        return self._life.language if confirmed is None else confirmed.language

    @property
    def turn_detection(self) -> TurnDetection:
        """Who cuts, with the detector that is in use now."""
        return self._life.hearing.turn_detection

    @property
    def hearing(self) -> Hearing:
        """The sound and its frames, for displays."""
        return self._life.hearing

    def subscribe(self, listener: Callable[[SessionEvent], None], *, replay: bool = False) -> Callable[[], None]:
        """Call ``listener`` with each event, on the engine's thread; return what ends that."""
        return self._bus.subscribe(listener, replay=replay)

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        return self._bus.stream()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._life.state in ENDED:
            return
        if kind is None:
            await self.stop()
        else:
            await ENGINE.call(self._life.abort())

    async def start(self) -> None:
        """Connect and begin to listen; returns when sound is being heard.

        Raises
        ------
        StateError
            If the session runs or has ended.
        SpeachesError
            What kept it from starting.
        """
        await ENGINE.call(self._life.start())

    async def pause(self) -> None:
        """Hear and send nothing until `resume`; the utterance under way ends here.

        Raises
        ------
        StateError
            If the session is not listening.
        """
        await ENGINE.call(self._life.pause())

    async def resume(self) -> None:
        """Listen again.

        Raises
        ------
        StateError
            If the session is not paused.
        """
        await ENGINE.call(self._life.resume())

    async def stop(self) -> None:
        """Stop listening, wait for the last texts, and close. Stopping twice is harmless.

        Raises
        ------
        StateError
            If the session has not started.
        """
        await ENGINE.call(self._life.stop())

    async def wait(self) -> None:
        """Wait until the session has ended: a recording is over, or it was stopped.

        Raises
        ------
        SpeachesError
            What ended it, if it failed; everything recorded is kept.
        """
        await ENGINE.call(self._life.wait())

    def mark(self, name: str = "", time_s: float | None = None) -> Mark:
        """Mark a moment: now, or ``time_s`` seconds into the session; callable from any thread."""
        mark = self.marks.add(self._life.scribe.now_s if time_s is None else time_s, name)
        self._life.scribe.mark(mark)
        return mark

    def rename_mark(self, number: int, name: str) -> Mark:
        """Give a mark another name.

        Raises
        ------
        InputError
            If there is no such mark.
        """
        mark = self.marks.rename(number, name)
        self._life.scribe.mark(mark)
        return mark

    async def set_turn_detection(self, turn_detection: TurnDetection) -> None:
        """Use other options of the same side that cuts, from the next frame on.

        Raises
        ------
        StateError
            If it would change who cuts, which counts only from the next session on.
        """
        await ENGINE.call(self._life.set_turn_detection(turn_detection))

    async def set_language(self, language: str | None) -> None:
        """Have speech transcribed in another language, such as ``"zh"``, from the next utterance on.

        None lets the server find out. `Reconfigured` tells what the server has confirmed, `Warning` where it differs.
        """
        await ENGINE.call(self._life.set_language(language or None))

    async def set_model(self, model: str | None) -> None:
        """Have speech transcribed by another model of the server, from the next utterance on.

        It may be an id, a preset, or None for the server's first recognition model; see also `set_language`.

        Raises
        ------
        ModelNotFoundError
            If the server does not have it; nothing changes then.
        """
        await ENGINE.call(self._life.set_model(model or None))

    async def set_detector(self, detector: Detector) -> None:
        """Use another detector, or other options, from the next frame on."""
        await ENGINE.call(self._life.set_detector(detector))
