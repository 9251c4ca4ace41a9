"""What a session does, on the engine's loop: one state, one task, every step checked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.errors import MicrophoneError, SpeachesError, StateError
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.conversation import Changes
from ipyspeaches.session.conversations import conversation_for, interim_for
from ipyspeaches.session.destination import Destination, resolve
from ipyspeaches.session.events import ErrorOccurred, StateChanged
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.live import LiveRun
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.session.state import ENDED, SessionState, check_transition
from ipyspeaches.session.turn_detection import TurnDetection
from ipyspeaches.sources import Source
from ipyspeaches.vad import Detector


class Lifecycle:
    """Takes a session from idle to its end. All coroutines run on the engine's loop.

    Parameters
    ----------
    source
        Where sound comes from.
    options
        Where it goes and how it is cut.
    bus
        Where session events go.

    Attributes
    ----------
    state
        What the session is doing.
    error
        What ended it, if it failed.
    destination
        The server, once it is known to answer.
    """

    def __init__(self, source: Source, options: SessionOptions, bus: Bus) -> None:
        self.source = source
        self.hearing = Hearing(options.turn_detection or TurnDetection.client(), options.route.chunk_s)
        self.scribe = Scribe(self.hearing, bus)
        self.state = SessionState.IDLE
        self.error: SpeachesError | None = None
        self.destination: Destination | None = None
        self._options = options
        self._run: LiveRun | None = None
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def language(self) -> str | None:
        """The language that was asked for."""
        return self._options.language

    def _enter(self, state: SessionState) -> None:
        check_transition(self.state, state)
        self.state = state
        self.scribe.emit(StateChanged(self.scribe.now_s, state), detail=state)
        if state in ENDED:
            self._ended.set()

    async def start(self) -> None:
        """Connect and begin to listen."""
        self._enter(SessionState.CONNECTING)
        self._task = asyncio.create_task(self._live())
        try:
            await self._until_listening(self._task)
        except asyncio.CancelledError:
            # Whoever waited has gone, so nobody will stop the session.
            await self.abort()
            raise
        if self.error is not None:
            raise self.error

    async def _until_listening(self, live: asyncio.Task[None]) -> None:
        """Return when the session listens, or has ended before."""
        listening = asyncio.create_task(self._listening.wait())
        try:
            await asyncio.wait({live, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()

    async def _live(self) -> None:
        try:
            self.destination = await resolve(self._options)
            await self._run_at(self.destination)
        except SpeachesError as exc:
            if self.state is SessionState.STOPPING and self._run is None:
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

    async def _run_at(self, destination: Destination) -> None:
        interim = interim_for(destination, self._options, self.hearing, self.scribe)
        on_event = self.scribe.take if interim is None else interim.take
        conversation = conversation_for(self.source, destination, self._options, self.hearing, on_event)
        run = LiveRun(self.source, conversation, self.hearing, self.scribe, interim)
        failure: MicrophoneError | None = None
        try:
            await run.connect()
            if self.state is SessionState.CONNECTING:
                self._run = run
                self._enter(SessionState.LISTENING)
                self._listening.set()
                failure = await self._listen(run)
            if self.state is not SessionState.STOPPING:
                self._enter(SessionState.STOPPING)
            await run.finish()
        finally:
            self.source.end()
            await run.close()
        if failure is not None:
            raise failure
        self._enter(SessionState.STOPPED)

    @staticmethod
    async def _listen(run: LiveRun) -> MicrophoneError | None:
        """Listen; a microphone that fails ends the sound, but what it gave is still transcribed."""
        try:
            await run.listen()
        except MicrophoneError as exc:
            return exc
        return None

    def _fail(self, error: SpeachesError) -> None:
        if self.state in ENDED:
            return
        self.error = error
        failed = ErrorOccurred(self.scribe.now_s, error)
        self.scribe.emit(failed, text=str(error), detail=type(error).__name__)
        self._enter(SessionState.FAILED)

    async def pause(self) -> None:
        """End the utterance under way and hear nothing more."""
        self._enter(SessionState.PAUSED)
        assert self._run is not None
        await self._run.pause()

    async def resume(self) -> None:
        """Listen again."""
        if self.state is not SessionState.PAUSED:
            raise StateError(f"This session is {self.state}, not paused.")
        self._enter(SessionState.LISTENING)
        assert self._run is not None
        self._run.resume()

    async def stop(self) -> None:
        """Stop listening and wait until the last texts are there."""
        if self.state in ENDED or self.state is SessionState.STOPPING:
            await self._ended.wait()
            return
        self._enter(SessionState.STOPPING)
        if self._run is not None:
            self._run.resume()
        self.source.end()
        await self._ended.wait()

    async def abort(self) -> None:
        """End at once, without waiting for texts; what was recorded is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self) -> None:
        """Wait for the end; raise what caused it, if it failed."""
        if self.state is SessionState.IDLE:
            raise StateError("This session has not started: start it first.")
        await self._ended.wait()
        if self.error is not None:
            raise self.error

    async def set_turn_detection(self, turn_detection: TurnDetection) -> None:
        """Use other options of the same side that cuts; the server confirms its own with an event."""
        now = self.hearing.turn_detection
        if now.client_cuts is not turn_detection.client_cuts and self.state is not SessionState.IDLE:
            raise StateError("Who cuts cannot change while recording: it counts from the next recording on.")
        await self.set_detector(turn_detection.detector)
        server_vad = turn_detection.server_vad
        if server_vad is not None and server_vad != now.server_vad:
            if self._run is not None and self.state not in ENDED:
                await self._run.reconfigure(Changes(turn_detection=server_vad))
            self.hearing.turn_detection = replace(self.hearing.turn_detection, server_vad=server_vad)

    async def set_language(self, language: str | None) -> None:
        """Have speech transcribed in another language, from the next utterance on."""
        run = await self._running()
        if run is not None:
            await run.reconfigure(Changes(language=language))
        self._options = replace(self._options, recognition=replace(self._options.recognition, language=language))

    async def set_model(self, model: str | None) -> None:
        """Have speech transcribed by another model of the same server, from the next utterance on."""
        recognition = replace(self._options.recognition, model=model)
        run = await self._running()
        if run is not None:
            assert self.destination is not None
            await run.reconfigure(Changes(model=await self.destination.find(model)))
        self._options = replace(self._options, recognition=recognition)

    async def _running(self) -> LiveRun | None:
        """Return the run that can be told something, if there is one; one that connects is waited for."""
        if self.state is SessionState.CONNECTING and self._task is not None:
            await self._until_listening(self._task)
        return None if self.state in ENDED else self._run

    async def set_detector(self, detector: Detector) -> None:
        """Use another detector, or other options, from the next frame on."""
        if self._run is not None and self.state not in ENDED:
            await self._run.set_detector(detector)
        else:
            self.hearing.set_detector(detector, SESSION_RATE_HZ)
