"""The session: owns a run from start to end, and everything that was heard, said and measured in it."""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self, TypeVar, Unpack
from weakref import WeakSet

import numpy as np
from msgspec.structs import replace as replace_field
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.decoding import check_rate
from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import checked, shown_if_made
from ipyspeaches.errors import (
    InputError,
    MicrophoneError,
    ProtocolError,
    ServerError,
    Severity,
    SpeachesError,
    StateError,
)
from ipyspeaches.protocol.protocol_events import ItemCompleted, ItemFailed, ProtocolEvent
from ipyspeaches.protocol.recognition import Changes
from ipyspeaches.server.failures import after_it_worked
from ipyspeaches.session.backlog import Backlog
from ipyspeaches.session.connection import Connection
from ipyspeaches.session.delivery import GIVE_UP_S, Delivery
from ipyspeaches.session.engine import ENGINE, leave
from ipyspeaches.session.events import ErrorOccurred, EventListener, SessionEvent, StateChanged
from ipyspeaches.session.finishing import Remainder
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.journal import Journal
from ipyspeaches.session.ledger import Entry, Stage, Unsettled
from ipyspeaches.session.opening import Destination, SourceLike, open_source, resolve
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection, hide_key
from ipyspeaches.session.pipeline import Pipeline, Processed, is_long
from ipyspeaches.session.recorder import Listener, Recorder
from ipyspeaches.session.state import ENDED, HEARING, SessionState, check_transition
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.vad.detectors import Detector

if TYPE_CHECKING:
    from ipyspeaches.results.records import EventLog, Frames, Latency, Mark, Marks
    from ipyspeaches.results.transcript import Transcript

HEALTH_S: Final = 15.0
"""How often the first of several servers is asked whether it is there, while another one is used."""
WELL: Final = 3
"""So often in a row, and it is used again."""

P = ParamSpec("P")
T = TypeVar("T")


def on_engine(
    method: Callable[Concatenate[Session, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Session, P], Coroutine[Any, Any, T]]:
    """Have a coroutine of `Session` run on the engine's loop, whichever loop awaits it."""

    @wraps(method)
    async def call(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await ENGINE.call(method(session, *args, **kwargs))

    return call


@checked
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
    source
        Where audio comes from.
    state
        What the session is doing.
    error
        What ended it, if it failed.
    destination
        The server, once it is known to answer.

    Raises
    ------
    InputError
        If an option cannot be used.
    AudioError
        If a file cannot be read.
    """

    def __init__(self, source: SourceLike, **options: Unpack[SessionKeywords]) -> None:
        hide_key(options)
        self.options = SessionOptions.of(dict(options))
        self.source = open_source(source, self.options.pace)
        self.state = SessionState.IDLE
        self.error: SpeachesError | None = None
        self.destination: Destination | None = None
        turn_detection = self.options.turn_detection or TurnDetection.client()
        self._pipeline = Pipeline(turn_detection, self.options.route.chunk_s, live=self.source.live)
        self._recorder = Recorder(self._pipeline)
        self._journal = Journal(self.options, self.source, self._pipeline, self._recorder)
        self._listeners: list[Listener] = [self._recorder, self._journal]
        self._backlog = Backlog(self._recorder.ledger, self._pipeline.lost, client_cuts=turn_detection.client_cuts)
        self._interim: Interim | None = None
        self._delivery: Delivery | None = None  # while there is something to send, and a server
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._going = asyncio.Event()  # not paused
        self._going.set()
        self._ended = asyncio.Event()
        self._resuming = False
        self._server = self.options.server  # of several, the one in use
        self._home_is_well = False  # so that the first of them is to be used again
        if self.options.on_event is not None:
            self._recorder.subscribe(self.options.on_event)

    @shown_if_made
    def __repr__(self) -> str:
        return f"<Session {self.state}: {self.source.label}, {self._pipeline.store.duration_s:.1f} s>"

    # What there is

    @property
    def transcript(self) -> Transcript:
        """What was said; it grows while the session runs, as all results do."""
        return self._recorder.transcript

    def rename(self, name: str) -> None:
        """Call it something: exports of its transcript carry the name, and so does what `recover` returns."""
        self.transcript.name = name
        self._journal.rename(name)

    @property
    def recording(self) -> Recording:
        """What was heard so far, at 24 kHz; a `StateError` if nothing was heard yet."""
        store = self._pipeline.store
        if not len(store):
            raise StateError("Nothing was recorded yet: start the session and speak first.")
        return Recording(store.read(0, len(store)), SESSION_RATE_HZ)

    @property
    def frames(self) -> Frames:
        """Level, energy and score of each frame."""
        return self._pipeline.frames

    @property
    def events(self) -> EventLog:
        """What happened, in order."""
        return self._recorder.events

    @property
    def latency(self) -> Latency:
        """How long each utterance took."""
        return self._recorder.latency

    @property
    def marks(self) -> Marks:
        """Moments that were marked."""
        return self._recorder.marks

    @property
    def connected(self) -> bool:
        """Whether there is a connection with the server now."""
        return self._delivery is not None and self._delivery.connection is not None

    @property
    def waiting(self) -> list[Unsettled]:
        """Utterances that were cut and have no final text yet, in the order of their time. On the engine's thread."""
        return self._recorder.ledger.waiting

    @property
    def model(self) -> str | None:
        """The model that transcribes now, as the server confirms it; None before there is a server."""
        confirmed = self._recorder.confirmed
        asked = None if self.destination is None else self.destination.model
        return asked if confirmed is None else confirmed.model or asked

    @property
    def language(self) -> str | None:
        """The language that is transcribed now, as the server confirms it; None lets it find out."""
        confirmed = self._recorder.confirmed
        return self.options.recognition.language if confirmed is None else confirmed.language

    @property
    def script(self) -> str | None:
        """The characters in which Chinese is written, asked for or implied by the language; None leaves it as it is."""
        return self.options.recognition.wanted_script

    @property
    def turn_detection(self) -> TurnDetection:
        """Who cuts, with the detector that is in use now."""
        return self._pipeline.turn_detection

    # Following it

    def subscribe(self, listener: EventListener, *, replay: bool = False) -> Callable[[], None]:
        """Call ``listener`` with each event, on the engine's thread; return what ends that."""
        return self._recorder.subscribe(listener, replay=replay)

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        return self._recorder.stream()

    def mark(self, name: str = "", time_s: float | None = None) -> Mark:
        """Mark a moment: now, or ``time_s`` seconds into the session; callable from any thread."""
        now_s = self._recorder.now_s
        at_s = now_s if time_s is None else time_s
        if not 0 <= at_s <= now_s:
            raise InputError(f"time_s is {at_s:g}: give a moment in the {now_s:.2f} s recorded so far.")
        mark = self.marks.add(at_s, name)
        self._recorder.mark(mark)
        return mark

    def rename_mark(self, number: int, name: str) -> Mark:
        """Give a mark another name; an `InputError` if there is no such mark."""
        mark = self.marks.rename(number, name)
        self._recorder.mark(mark)
        return mark

    def painted(self, item_ids: Iterable[str], at_s: float) -> None:
        """Note that a display has painted the final texts of these items; only the first time counts.

        On the engine's thread.

        Parameters
        ----------
        item_ids
            The items.
        at_s
            When that was, or became known, on the clock of ``time.monotonic()``.
        """
        self._recorder.painted(item_ids, at_s)

    # From start to end

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.state in ENDED:
            return
        if kind is None:
            await self.stop()
        else:
            await self._abort()

    @on_engine
    async def start(self) -> None:
        """Connect and begin to listen; returns when audio is being heard.

        Raises
        ------
        StateError
            If the session runs or has ended.
        SpeachesError
            What kept it from starting.
        """
        self._enter(SessionState.CONNECTING)
        self._task = asyncio.create_task(self._live())
        try:
            await self._until_listening(self._task)
        except asyncio.CancelledError:
            # Whoever waited has gone, so nobody will stop the session.
            await self._abort()
            raise
        if self.error is not None:
            raise self.error

    @on_engine
    async def pause(self) -> None:
        """Hear and send nothing until `resume`; the utterance under way ends here.

        It is a `StateError` if the session is not listening.
        """
        self._enter(SessionState.PAUSED)
        self._going.clear()
        self._act(self._pipeline.end_segment())
        for listener in self._listeners:
            listener.pause()

    @on_engine
    async def resume(self, **options: Unpack[SessionKeywords]) -> None:
        """Listen again after a pause; of a session that has ended, transcribe what has no text, and the rest of a file.

        Parameters
        ----------
        **options
            What is to be different then, such as another ``server``, which has its own first model and key unless these
            are given. See `SessionOptions`.

        Raises
        ------
        StateError
            If the session neither pauses nor has ended, or is being resumed.
        SpeachesError
            If the server cannot be used, or gives no text; what came is kept.
        """
        hide_key(options)
        if self.state in ENDED:
            await self._finish(options)
            return
        if self.state is not SessionState.PAUSED or options:
            also = ", and takes no other options before it ends" if options else ""
            raise StateError(f"This session is {self.state}, not paused{also}.")
        self._enter(self._hearing_state)
        self._go_on()

    async def _finish(self, options: SessionKeywords) -> None:
        if self._resuming:
            raise StateError("This session is being resumed already: wait for that.")
        self._resuming = True
        try:
            await self._hear_rest()
            await Remainder(self, Session, self._recorder, self._journal.folder).transcribe(options)
        finally:
            self._resuming = False
        if self.state is SessionState.FAILED:
            self.error = None
            self._enter(SessionState.STOPPED)

    async def _hear_rest(self) -> None:
        """Take what a recording has behind the end of a session that failed."""
        source = self.source
        if (
            source.live
            or not isinstance(source, RecordedSource)
            or source.duration_s <= self._pipeline.store.duration_s
        ):
            return
        source.pace = 0
        rest = [self._pipeline.process(block) async for block in source.blocks()]
        for processed in (*rest, self._pipeline.end_segment()):
            self._recorder.receive_audio(processed)

    @on_engine
    async def reconnect(self) -> None:
        """While there is no connection, try at once to have one again, rather than after the usual wait."""
        if self._delivery is not None:
            self._delivery.try_now()

    @on_engine
    async def stop(self) -> None:
        """Stop listening, wait for the last texts, and close. Stopping twice is harmless.

        It is a `StateError` if the session has not started.
        """
        if self.state not in ENDED and self.state is not SessionState.STOPPING:
            self._enter(SessionState.STOPPING)
            self._go_on()
            self.source.end()
        if self._delivery is not None:  # also where a source has ended by itself
            self._delivery.hurry()
        await self._ended.wait()

    @on_engine
    async def wait(self) -> None:
        """Wait until the session has ended: a recording is over, or it was stopped.

        Raises
        ------
        SpeachesError
            What ended it, if it failed; everything recorded is kept.
        """
        if self.state is SessionState.IDLE:
            raise StateError("This session has not started: start it first.")
        await self._ended.wait()
        if self.error is not None:
            raise self.error

    # Changing it

    async def set_language(self, language: str | None) -> None:
        """Have speech transcribed in another language, such as ``"zh"``, from the next utterance on.

        None lets the server find out. One that names a script, such as ``"zh-TW"``, takes the place of `set_script`.
        `Reconfigured` tells what the server has confirmed, `Warning` where it differs.
        """
        await self.reconfigure({"language": language or None})

    async def set_script(self, script: str | None) -> None:
        """Have Chinese written in ``"simplified"`` or ``"traditional"`` characters, from the next text on.

        None leaves it to the language. It is a `MissingExtraError` if OpenCC is not installed.
        """
        await self.reconfigure({"script": script or None})

    async def set_model(self, model: str | None) -> None:
        """Have speech transcribed by another model of the server, from the next utterance on.

        It is a `ModelNotFoundError` if the server does not have it, an `InputError` if its name is empty; nothing
        changes then.

        It may be an id, a preset, or None for the server's first recognition model; see also `set_language`.
        """
        await self.reconfigure({"model": model})

    async def set_turn_detection(self, turn_detection: TurnDetection) -> None:
        """Use other options of the same side that cuts, from the next frame on.

        It is a `StateError` if it would change who cuts, which counts only from the next session on.
        """
        now = self.turn_detection
        if now.client_cuts is not turn_detection.client_cuts and self.state is not SessionState.IDLE:
            raise StateError("Who cuts cannot change while recording: it counts from the next recording on.")
        await self.set_detector(turn_detection.detector)
        if now.server_vad != turn_detection.server_vad:
            await self.reconfigure({"server_vad": turn_detection.server_vad})

    @on_engine
    async def set_detector(self, detector: Detector) -> None:
        """Use another detector, or other options, from the next frame on."""
        processed = self._pipeline.set_detector(detector)
        if self._delivery is not None and self.state not in ENDED:
            self._act(processed)

    @on_engine
    async def reconfigure(self, changes: Changes) -> None:
        """Ask the recogniser for something else, from the next utterance on; its answer comes as an event."""
        self._changed(changes)  # refuses what cannot be asked for, before anything is
        await self._until_open()
        running = self._delivery is not None and self.state not in ENDED
        if running and self.destination is not None:
            asked = dict(changes)
            if "model" in changes:
                asked["model"] = (await self.destination.check(changes["model"])).model
            if self._delivery is not None and self._delivery.connection is not None:  # else the next one is told
                await self._delivery.connection.reconfigure(asked)
            for listener in self._listeners:
                listener.reconfigure(asked)
        self.options = self._changed(changes)
        self._recorder.script = self.script
        self._pipeline.turn_detection = replace(self.turn_detection, server_vad=self.options.recognition.server_vad)
        if running and "language" in changes:
            self._recorder.note_language(self.options.recognition.language)

    def _changed(self, changes: Changes) -> SessionOptions:
        recognition = self.options.recognition.changed(changes)
        turn_detection = replace(self.turn_detection, server_vad=recognition.server_vad)
        return replace(self.options, recognition=recognition, turn_detection=turn_detection)

    # The run, on the engine's loop

    def _enter(self, state: SessionState) -> None:
        check_transition(self.state, state)
        self.state = state
        if state in ENDED:
            self._recorder.note_lost(getattr(self.source, "lost", ()))
        self._recorder.emit(StateChanged(self._recorder.now_s, state), detail=state)
        if state in ENDED:
            self._ended.set()

    def _fail(self, error: SpeachesError) -> None:
        if self.state in ENDED:
            return
        self.error = error
        self._recorder.give_up(str(error), getattr(self.source, "duration_s", None))
        failed = ErrorOccurred(self._recorder.now_s, error)
        self._recorder.emit(failed, text=str(error), detail=type(error).__name__)
        self._enter(SessionState.FAILED)

    @property
    def failure(self) -> SpeachesError | None:
        """What ended the session, or why its utterances have no text if it ended without any; None if it went well."""
        if self.error is not None or self.state not in ENDED or len(self.transcript):
            return self.error
        failed = {one.utterance.start_s for one in self._failed}
        reason = next((gap.reason for gap in self.transcript.missing if gap.start in failed), None)
        if reason is None:
            return None
        late = ". If it was still loading its model, have it do that first (ipyspeaches models load), and try again."
        return ProtocolError(f"The server gave no text: {reason}{late if 'did not answer for' in reason else ''}")

    @property
    def incomplete(self) -> bool:
        """Whether it failed, or the server failed an utterance: another try may give more text."""
        return self.error is not None or bool(self._failed)

    @property
    def _failed(self) -> list[Entry]:
        return [entry for entry in self._recorder.ledger.entries if entry.stage is Stage.FAILED]

    def _go_on(self) -> None:
        self._recorder.lateness.restart()
        self._going.set()

    @on_engine
    async def _abort(self) -> None:
        """End at once, without waiting for texts; what was recorded is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _until_listening(self, live: asyncio.Task[None]) -> None:
        """Return when the session listens, or has ended before."""
        listening = asyncio.create_task(self._listening.wait())
        try:
            await asyncio.wait({live, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()

    async def _until_open(self) -> None:
        """Wait for a connection that is being made for the first time."""
        if self.state is SessionState.CONNECTING and self._task is not None:
            await self._until_listening(self._task)

    async def _live(self) -> None:
        try:
            await self._run()
        except SpeachesError as exc:
            if self.state is SessionState.STOPPING and self._delivery is None:
                self._enter(SessionState.STOPPED)  # stopped while connecting: nobody waits for that any more
            else:
                self._fail(exc)
        except asyncio.CancelledError:
            self._fail(StateError("The session was cancelled; what was recorded is kept."))
            raise
        except Exception as exc:  # noqa: BLE001  whatever it is, the user is told and keeps the recording
            failure = SpeachesError(
                f"The session failed unexpectedly ({type(exc).__name__}); what was recorded is kept."
            )
            failure.__cause__ = exc
            self._fail(failure)

    async def _run(self) -> None:
        """Connect, listen, finish, and close whatever happens."""
        live, give_up_s = self.source.live, self.options.route.give_up_s
        give_up_s = GIVE_UP_S if give_up_s is None and not live else give_up_s
        delivery = Delivery(
            self._connect,
            self._backlog,
            self._recorder,
            live=live,
            give_up_s=give_up_s,
            max_session_s=self.options.route.session_s,
            on_change=self._connection_changed,
        )
        failure: MicrophoneError | None = None
        _RUNNING.add(self)
        try:
            await delivery.open()
            self._recorder.note_language(self.options.recognition.language)
            self._recorder.script = self.script
            self._delivery = delivery
            if self.state is SessionState.CONNECTING:
                self._enter(SessionState.LISTENING)
                self._listening.set()
                failure = await self._listen(delivery)
            else:
                delivery.end()
                await delivery.run()
        finally:
            _RUNNING.discard(self)
            self.source.end()
            for listener in self._listeners:
                await listener.close()
            await delivery.close()
        if failure is not None:
            raise failure
        self._recorder.note_uncut()
        if not self.source.live:
            self._recorder.note_empty()
        self._enter(SessionState.STOPPED)

    async def _connect(self, after: Connection | None, beside: bool) -> Connection:
        """Open a connection, the first, one after another or one beside it; a `ServerError` says why there is none."""
        failures: list[ServerError] = []
        for server in self._servers(stay=after is not None and not self._home_is_well):
            try:
                connection = await self._open(after, self._recorder.ledger.connection + beside, server)
            except ServerError as exc:
                failures.append(self._explained(exc, after, server))
            else:
                if server != self._server:
                    does = "begins" if after is None else "goes on"
                    self._recorder.warn("moved", f"The session {does} with {self._url}{_because(failures)}.")
                self._server, self._home_is_well = server, False
                return connection
        raise min(failures, key=lambda error: error.severity is Severity.FATAL)  # what may pass counts

    def _servers(self, *, stay: bool) -> list[str | None]:
        """Return the servers in the order in which to try them; to ``stay`` is to begin with the one in use.

        Of the others, those come first that fewer sessions of this process use.
        """
        first = self._server if stay else self.options.server
        used = Counter(session._server for session in _RUNNING if session is not self)  # noqa: SLF001  of this class
        return sorted((self.options.server, *self.options.others), key=lambda one: (one != first, used[one]))

    def _explained(self, error: ServerError, after: Connection | None, server: str | None) -> ServerError:
        """Return what an error of a server means, which may have worked until now."""
        if after is None or not after.worked or server != self._server or self.destination is None:
            return error
        return after_it_worked(error, key_given=self.destination.api_key is not None)

    @property
    def _url(self) -> str:
        return "" if self.destination is None else self.destination.url

    async def _watch_home(self, delivery: Delivery) -> None:
        """Go back to the first of several servers once it has been well for a while."""
        well = 0
        while self.options.others:
            await asyncio.sleep(HEALTH_S)
            try:
                if self._server != self.options.server:
                    await resolve(self.options)
                    well += 1
            except SpeachesError:
                well = 0
            if well >= WELL:
                well, self._home_is_well = 0, True
                delivery.renew()

    async def _open(self, after: Connection | None, number: int, server: str | None) -> Connection:
        from ipyspeaches.session.connections import connection_to, requests_to

        self.destination = destination = await resolve(replace(self.options, server=server))
        for text in destination.warnings if after is None else ():
            self._recorder.warn("model", text)
        asked = replace(self.options.recognition, model=destination.model)
        route = self.options.route

        def receive(event: ProtocolEvent) -> None:
            ledger = self._recorder.ledger
            if number == ledger.connection:  # what a lost connection still says is asked for again
                item_id = getattr(event, "item_id", "")
                known = item_id in ledger.earlier_items
                self._receive_event(replace_field(event, item_id=f"{item_id}.{number}") if known else event)

        connection = connection_to(destination, route.transport, asked, self.source, self._pipeline, receive, after)
        if after is not None:
            connection.worked, connection.patience_s = after.worked, after.next_patience_s
        try:
            await connection.open()
        except BaseException:
            await connection.close()
            raise
        if self._interim is not None:
            await self._interim.move(requests_to(destination), asked)
        elif route.interim_s is not None:
            requests = requests_to(destination)
            self._interim = Interim(self._pipeline, self._recorder, requests, asked, route.interim_s)
            self._listeners.insert(0, self._interim)  # it looks at each event of the recogniser before the recorder
        return connection

    @property
    def _hearing_state(self) -> SessionState:
        return SessionState.LISTENING if self.connected else SessionState.RECONNECTING

    def _connection_changed(self) -> None:
        if self.state in HEARING and self.state is not self._hearing_state:
            self._enter(self._hearing_state)

    async def _listen(self, delivery: Delivery) -> MicrophoneError | None:
        """Hear the source to its end and have everything delivered.

        A microphone that fails ends the audio, but what it gave is still transcribed: its error is returned.
        """
        hearing = asyncio.create_task(self._hear_source(delivery))
        delivering = asyncio.create_task(delivery.run())
        watching = asyncio.create_task(self._watch_home(delivery))
        try:
            await asyncio.wait({hearing, delivering}, return_when=asyncio.FIRST_COMPLETED)
            failure = None
            if hearing.done():
                failure = _microphone_failure(hearing)
                if self.state is not SessionState.STOPPING:
                    self._enter(SessionState.STOPPING)
                self._act(self._pipeline.end_segment())
                delivery.end()
            await delivering
        finally:
            for task in (hearing, delivering, watching):
                task.cancel()
            await asyncio.gather(hearing, delivering, watching, return_exceptions=True)
        return failure

    async def _hear_source(self, delivery: Delivery) -> None:
        async with aclosing(self.source.blocks()) as blocks:
            async for block in blocks:
                if not self._going.is_set():
                    if self.source.live:
                        continue
                    await self._going.wait()
                self._hear(block)
                if not self.source.live:
                    await delivery.room()

    def _hear(self, block: AudioBlock) -> None:
        if is_long(block):
            self._act(self._pipeline.end_segment())
        processed = self._pipeline.process(block)
        if processed.lost_s:
            text = f"{processed.lost_s:.2f} s of audio was lost on the way; the gap is kept."
            self._recorder.warn("audio_lost", text)
        if block.overflowed:
            text = "The microphone gave audio faster than it was taken: some may be missing."
            self._recorder.warn("overflow", text)
        if self.source.live:
            self._recorder.note_lateness()
        self._act(processed)

    def _act(self, processed: Processed) -> None:
        """Note what the pipeline has decided, and have done what it wants."""
        assert self._delivery is not None
        for listener in self._listeners:
            listener.receive_audio(processed)
        self._delivery.add(processed)
        for listener in self._listeners:
            listener.audio_taken(self._delivery.pending)

    def _receive_event(self, event: ProtocolEvent) -> None:
        for listener in self._listeners:
            listener.receive_event(event)
        if isinstance(event, ItemCompleted | ItemFailed) and self._delivery is not None:
            self._delivery.answered()


_RUNNING: Final = WeakSet[Session]()
"""On the engine's thread."""


def pipeline_of(session: Session) -> Pipeline:
    """Return the audio of a session and its frames, for displays."""
    return session._pipeline  # noqa: SLF001  of this module


def _because(failures: list[ServerError]) -> str:
    return f", because of this: {str(failures[0]).rstrip('.')}" if failures else ", which is well again"


def _microphone_failure(hearing: asyncio.Task[None]) -> MicrophoneError | None:
    """Return what ended a microphone, if anything did; other errors are raised."""
    failure = hearing.exception()
    if failure is None or isinstance(failure, MicrophoneError):
        return failure
    raise failure


async def transcribe(
    audio: SourceLike | NDArray[Any], rate: int | None = None, **options: Unpack[SessionKeywords]
) -> Transcript:
    """Transcribe a recording.

    Parameters
    ----------
    audio
        A path, a `Recording`, a source, or an array (integer or floating, shape ``(n,)`` or ``(n, channels)``).
    rate
        Samples per second of an array; everything else has its own.
    **options
        See `SessionOptions`; ``pace`` is 0 (as fast as the server takes it) unless given.

    Returns
    -------
    Transcript
        What was said. Where the server failed after its first text, that text is kept: `Transcript.missing` has the
        stretches without text and their reasons, and a `UserWarning` says so; the same holds for audio without speech.
        What interrupts or cancels it has what came until then as ``.transcript``: `run`'s `KeyboardInterrupt`, or the
        `CancelledError` that is the cause of a `TimeoutError`; so does the warning, where warnings are errors.

    Raises
    ------
    AudioError
        If the audio cannot be used.
    ServerError
        If no text came, because the server cannot be reached, refuses, or fails.
    """
    hide_key(options)
    rate = None if rate is None else check_rate(rate)
    if isinstance(audio, np.ndarray):
        if rate is None:
            raise InputError("An array needs its sample rate: transcribe(array, rate=16000).")
        audio = Recording.from_array(audio, rate)
    elif rate is not None:
        raise InputError("rate= is for arrays: a file, a recording or a source has its own, so leave it out.")
    options.setdefault("pace", 0)
    session = Session(audio, **options)
    try:
        async with session:
            await session.wait()
    except SpeachesError:
        if not len(session.transcript):
            raise
    except BaseException as exc:
        leave(exc, transcript=session.transcript)
        raise
    if session.failure is not None and not len(session.transcript):
        raise session.failure
    if missing := session.transcript.missing:
        stretches = "1 stretch has" if len(missing) == 1 else f"{len(missing)} stretches have"
        text = f"{session.source.label}: {stretches} no text ({missing[0].reason}): see .missing"
        try:
            warnings.warn(text, UserWarning, stacklevel=2)
        except UserWarning as exc:
            leave(exc, transcript=session.transcript)
            raise
    return session.transcript
