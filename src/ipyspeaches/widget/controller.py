"""What happens behind a `Transcriber`: one session after another, and all that its pages ask for.

Everything runs on the engine's loop, so that a busy kernel does not stop it; only `Controller.receive` is called from
whatever thread the notebook delivers messages on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from ipyspeaches.errors import ServerError, SpeachesError, StateError
from ipyspeaches.local.downloads import Download
from ipyspeaches.local.engines import engine_named, model_to_install
from ipyspeaches.protocol.address import EMBEDDED
from ipyspeaches.server.models import named_model
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.opening import Place, locate, resolve
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.session.recovery import RecoveredSession
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import ACTIVE, ENDED, SessionState
from ipyspeaches.sources.microphones import BrowserMicrophone, list_input_devices
from ipyspeaches.widget.bridge import Bridge, Command, Reply, audio_reply
from ipyspeaches.widget.capture import PageCapture
from ipyspeaches.widget.compared import MAIN, Compared
from ipyspeaches.widget.drawing import Feed, whole_drawing
from ipyspeaches.widget.kept import Kept, picture_of_session
from ipyspeaches.widget.local_model import INTERVAL_S, LocalModel
from ipyspeaches.widget.page_messages import (
    event_message,
    failure_message,
    kind_of,
    lane_messages,
    mark_message,
    segment_messages,
    steps_message,
)
from ipyspeaches.widget.recovering import Recovering
from ipyspeaches.widget.settings import Settings, Uploads, detector_chosen, side_chosen
from ipyspeaches.widget.shown import destination_traits, export, overview_traits, session_traits
from ipyspeaches.widget.takes import KeptTake, Shelf

_FRESH_S: Final = 60.0
"""How long the answer of a server counts that is not used."""
_WORTH_TELLING: Final = 0.01  # of a file that is being read
_NOTHING_YET: Final = "Nothing has been recorded yet: press Record or call start() first."


class Controller:
    """Runs a widget's sessions and receives its pages' messages.

    ``compared`` says what sessions that listen along do differently, by name.
    """

    def __init__(self, bridge: Bridge, settings: Settings, compared: Mapping[str, SessionKeywords], kept: Kept) -> None:
        self.settings = settings
        self.kept = kept
        self._begun: Session | None = None
        self._bridge = bridge
        self._uploads = Uploads(self._read)
        self._unwanted = False  # the file that is being read
        self._share_told = 0.0  # of it
        self._capture = PageCapture(bridge.send)
        self._feed = Feed(bridge.send, lambda: self.compared.show())
        self.compared = Compared(compared, self._feed.append, bridge.show)
        self.compared.show()
        self.shelf = Shelf(bridge.show, self._show_take)
        self._recovering = Recovering(bridge.show, self._open, lambda: settings.keywords)
        self._local_model = LocalModel(lambda: settings.options, bridge.show, self._use_fetched_model)
        self._commands: dict[str, Command] = {
            "start": lambda args: self.start(args.get("client_id")),
            "pause": lambda _args: self.pause(),
            "resume": lambda args: self.resume(args.get("client_id")),
            "stop": lambda _args: self.stop(),
            "reconnect": lambda _args: self.reconnect(),
            "resume_capture": self._resume_capture,
            "set_source": self._set_source,
            "stop_opening": self._stop_opening,
            "set_pace": self._set_pace,
            "set_detector": lambda args: self.use_turn_detection(detector_chosen(settings.turn_detection, args)),
            "set_turn_detection": lambda args: self.use_turn_detection(side_chosen(settings.turn_detection, args)),
            "set_server": self._set_server,
            "set_model": lambda args: self.set_model(str(args.get("model") or "")),
            "set_language": lambda args: self.set_language(str(args.get("language") or "")),
            "set_script": lambda args: self.set_script(str(args.get("script") or "")),
            "check_server": self._check_server,
            "list_devices": self._list_devices,
            "mark": self._mark,
            "window": self._window,
            "audio": self._audio,
            "export": self._export,
            **ModelJobs(lambda: settings.options, bridge.show).commands,
            **self._local_model.commands,
            **self.shelf.commands,
            **self._recovering.commands,
        }

    def receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Receive a message, on whatever thread it comes; everything but audio goes to the engine."""
        kind = kind_of(content)
        if kind is None:
            self._capture.refuse(content)
        elif kind == "audio":
            self._capture.receive_audio(content, buffers)
        elif kind == "command":
            ENGINE.submit(self._bridge.obey(content, self._commands))
        elif kind == "file":
            pieces = [bytes(buffer) for buffer in buffers]
            ENGINE.loop.call_soon_threadsafe(self._receive_file, content, pieces)
        elif kind == "capture":
            ENGINE.loop.call_soon_threadsafe(self._receive_capture, content)
        elif kind == "peer":
            ENGINE.loop.call_soon_threadsafe(self._capture.receive_peer, content)
        elif kind == "hello":
            ENGINE.loop.call_soon_threadsafe(self._greet, content.get("client_id"))
        elif kind == "painted":
            # Now, not when the engine comes to it.
            ENGINE.loop.call_soon_threadsafe(self._receive_painted, content, time.monotonic())
        elif kind == "bye":
            ENGINE.loop.call_soon_threadsafe(self._capture.bye, content.get("client_id"))

    # ---------------------------------------------------------------- sessions

    @property
    def session(self) -> Session | None:
        """The session of the take that is shown."""
        return None if self.shelf.shown is None else self.shelf.shown.session

    @property
    def current(self) -> Session:
        """The same; a `StateError` if there is none yet."""
        if self.session is None:
            raise StateError(_NOTHING_YET)
        return self.session

    @property
    def sessions(self) -> dict[str, Session]:
        """The current session, if there is one, and those that listen along, by name."""
        return {} if self.session is None else {MAIN: self.session, **self.compared.sessions}

    @property
    def _running(self) -> Session | None:
        return self._begun if self._begun is not None and self._begun.state in ACTIVE else None

    @property
    def _last(self) -> Session:
        """The session that was begun last; a `StateError` if none was."""
        if self._begun is None:
            raise StateError(_NOTHING_YET)
        return self._begun

    async def start(self, client_id: str | None = None) -> None:
        """Begin a new recording; a failure is also shown in the cell.

        It is a `StateError` if one is running, else the `SpeachesError` that kept it from starting.
        """
        if self._running is not None:
            raise StateError("The Transcriber is already recording: stop it first.")
        self._bridge.show({"_error": None})
        try:
            await self._begin(client_id)
        except SpeachesError as exc:
            self._show_failure(exc)
            raise

    async def _begin(self, client_id: str | None) -> None:
        await self._local_model.look()
        keywords = self.settings.keywords
        source = await self.settings.open_source()
        microphone = source if isinstance(source, BrowserMicrophone) else None
        session = Session(self.compared.open(source, keywords), **keywords)
        kind = "file" if source.kind == "file" else "microphone"
        self.shelf.add(session, kind, self.settings.file_name, runs=self.compared.sessions)
        self._begun = session
        self._recovering.follow(session)
        self._feed.begin(session)
        session.subscribe(partial(self._on_event, session))
        self._capture.open(microphone, client_id)
        self.compared.start()
        await session.start()

    async def pause(self) -> None:
        """Pause the recording."""
        await self._last.pause()
        self._capture.pause()

    async def resume(self, client_id: str | None = None) -> None:
        """Go on after a pause; the page that asks for it captures then."""
        session = self._last
        self._capture.check_resume(client_id)
        await session.resume()
        self._capture.resume(client_id)

    async def reconnect(self) -> None:
        """Try at once to have a connection again."""
        if self._running is not None:
            await self._running.reconnect()

    async def stop(self) -> None:
        """End the recording and wait for its last texts."""
        session = self._last
        self._capture.close()
        await session.stop()

    async def wait(self) -> None:
        """Wait until the recording and everything that listened along has ended."""
        try:
            await self._last.wait()
        finally:
            await self.compared.wait()

    async def use_turn_detection(self, turn_detection: TurnDetection) -> None:
        """Use a choice of who cuts: from the next frame on where it can, else from the next recording on."""
        running = self._running
        if running is not None and running.turn_detection.client_cuts is turn_detection.client_cuts:
            await running.set_turn_detection(turn_detection)
            self.compared.follow(turn_detection)
        self._bridge.show(self.settings.use_turn_detection(turn_detection))

    async def set_model(self, model: str) -> None:
        """Use another model: from the next utterance on, once the server has confirmed it, or in the next recording."""
        if self._running is not None:
            await self._running.set_model(model or None)
        else:
            self._bridge.show(self.settings.use_model(model))
            await self._local_model.look()

    async def set_language(self, language: str) -> None:
        """Use another language, as `set_model` does for the model."""
        if self._running is not None:
            await self._running.set_language(language)
            self._show_confirmed(self._running)  # of the same language in other characters, no server tells
        else:
            self._bridge.show(self.settings.use_language(language))

    async def set_script(self, script: str) -> None:
        """Write Chinese in other characters from the next text on; an empty name leaves it to the language."""
        if self._running is not None:
            await self._running.set_script(script)
        self._bridge.show(self.settings.use_script(script))

    def _on_event(self, session: Session, event: events.SessionEvent) -> None:
        if session is not self.session:
            return  # of a take that is not shown
        message = event_message(event)
        if message is not None:
            if isinstance(event, events.Final):
                message |= steps_message(session.latency[-1])
            self._feed.append(message)
        if isinstance(event, events.Reconfigured):
            self._show_confirmed(session)
        if isinstance(event, events.Reconnecting | events.Reconnected):
            self._show(session)
        if isinstance(event, events.StateChanged):
            self.compared.main_is(event.state)
            self._show(session)
            if event.state in {SessionState.STOPPING, *ENDED}:
                self._capture.close()
            if event.state in ENDED:
                self.shelf.tell()
                self._go_back()

    # ---------------------------------------------------------------- what the pages see

    def _show(self, session: Session) -> None:
        self._bridge.show(session_traits(session))
        if session.state in {SessionState.PAUSED, *ENDED}:
            self._keep(session)

    def _keep(self, session: Session) -> None:
        """Bring up to date what the saved notebook shows."""
        drawing = self._feed.drawing
        if drawing is not None:
            picture = partial(picture_of_session, session, drawing, self.kept.words)
            self.kept.update(picture, session.transcript.to_html())

    def _show_confirmed(self, session: Session) -> None:
        """Show what the server has confirmed while it ran; only what has changed goes into the next recording."""
        if session.model and session.model != self._bridge.shown("_model"):
            self._bridge.show(self.settings.use_model(session.model))
        asked, language = session.options.recognition, session.language or ""
        shown = self._bridge.shown("_language"), self._bridge.shown("_script")
        if (language, session.script or "") != shown:
            tag = asked.language_tag if language == asked.language and asked.script is None else language
            self._bridge.show(self.settings.use_language(tag or ""))

    def _show_failure(self, error: SpeachesError) -> None:
        self._bridge.show({"_error": failure_message(error)})

    def _greet(self, client_id: str | None) -> None:
        """Send everything that a page needs which comes (back) while a session is there."""
        self._capture.hello(client_id)
        self._local_model.look_soon()
        if self.session is None:
            self._recovering.look_soon()
        self._send_snapshot()

    async def _open(self, session: RecoveredSession) -> None:
        """Show what an earlier kernel left as a take, once; a `StateError` while something is recorded."""
        self._check_free()
        known = self.shelf.take_of(session)
        name = session.transcript.name
        await self._show_take(known or self.shelf.add(session, "microphone", name, started=session.started))

    async def show_take(self, number: int) -> None:
        """Show the take of that number."""
        await self._show_take(self.shelf.find(number))

    async def _show_take(self, take: KeptTake, error: dict[str, Any] | None = None) -> None:
        """Show a take in place of the one that is shown; a `StateError` while something is recorded."""
        self._check_free()
        drawing = await asyncio.to_thread(whole_drawing, take.session)
        self._check_free()
        self.shelf.shown = take
        self.shelf.tell()
        self._bridge.show({"state": take.session.state.value, "_error": error})
        self.compared.leave_for(take.runs)
        self._recovering.follow(take.session)
        self._feed.open(take.session, drawing)
        self._keep(take.session)
        self._send_snapshot()

    def _check_free(self) -> None:
        if self._running is not None:
            raise StateError("The Transcriber is recording: stop it first.")

    def _go_back(self) -> None:
        """Show the take before again, if nothing was heard: what kept it from recording stays said."""
        take, before = self.shelf.shown, self.shelf.last_heard()
        if before is not None and take is not None and not take.duration_s:
            ENGINE.submit(self._show_take(before, self._bridge.shown("_error")))

    def _send_snapshot(self) -> None:
        self._feed.flush()  # what waits is in the past that goes out now
        clock_s = 0.0 if self._feed.drawing is None else self._feed.drawing.clock_s
        texts = {name: segment_messages(it.transcript, it.latency) for name, it in self.sessions.items()}
        history: list[events.SessionEvent] = []
        if self.session is not None:
            self.session.subscribe(history.append, replay=True)()
        self._bridge.send(
            {
                "type": "snapshot",
                "clock_s": clock_s,
                "segments": texts.pop(MAIN, []),
                "runs": texts,
                "marks": [] if self.session is None else [mark_message(mark) for mark in self.session.marks],
                "events": lane_messages(history),
                "capturing": self._capture.capturing,
            }
        )
        self._feed.send_recent()

    def _receive_capture(self, content: dict[str, Any]) -> None:
        if self._capture.receive_state(content) and self.session is not None:
            self._show(self.session)

    def _receive_painted(self, content: dict[str, Any], came_s: float) -> None:
        """Note which final texts a page has painted: ids of items by the session's name."""
        ways_s = came_s - content["sent_s"] - content["held_s"]  # there and back, which take about equally long
        at_s = came_s - max(ways_s, 0) / 2
        for name, item_ids in content["items"].items():
            if (session := self.sessions.get(name)) is not None:
                session.painted(item_ids, at_s)

    def _receive_file(self, content: dict[str, Any], pieces: list[bytes]) -> None:
        try:
            for piece in pieces:
                self._uploads.append(content, piece)
        except SpeachesError as exc:
            self._show_failure(exc)

    # ---------------------------------------------------------------- commands

    async def _resume_capture(self, args: dict[str, Any]) -> None:
        """Let a page capture whose predecessor was closed or reloaded."""
        if self._running is None:
            raise StateError("Nothing is being recorded: press Record.")
        self._capture.take_over(args.get("client_id"))

    async def _set_source(self, args: dict[str, Any]) -> None:
        self._unwanted, self._share_told = False, 0.0
        self._bridge.show(self.settings.use_source(*await self._uploads.source(args)))

    def _read(self, share: float) -> None:
        """Tell the pages how much of a file is read, and end that where one has stopped it; on its thread."""
        if self._unwanted:
            raise StateError("The file was not opened, as that was stopped: open it again.")
        if share - self._share_told >= _WORTH_TELLING:
            self._share_told = share
            ENGINE.loop.call_soon_threadsafe(self._bridge.send, {"type": "opening", "share": share})

    async def _stop_opening(self, _args: dict[str, Any]) -> None:
        self._unwanted = True

    async def _set_pace(self, args: dict[str, Any]) -> None:
        """Let files play in real time, 1, or as fast as the server can follow, 0; from now on."""
        self._bridge.show(self.settings.use_pace(float(args.get("pace", 1))))

    async def _set_server(self, args: dict[str, Any]) -> None:
        """Use another server from the next recording on; the key stays in the kernel."""
        url = str(args.get("url") or "")
        if url == EMBEDDED:
            self._bridge.show(self.settings.use_model(""))  # another server's model is none of its
        self._bridge.show(self.settings.use_server(url, str(args.get("api_key") or "")))
        await self._local_model.look()

    async def _use_fetched_model(self) -> None:
        """Have the embedded server run a model that has just come, so that the next recording does not wait for it."""
        if self._running is None:
            with suppress(SpeachesError):  # the next recording meets it too, and says it
                self._bridge.show(destination_traits(await resolve(self.settings.options)))

    async def _check_server(self, _args: dict[str, Any]) -> Reply:
        """Ask the server what it has; the traits show it too."""
        self._bridge.show({"_error": None})
        try:
            destination = await resolve(self.settings.options)
        except ServerError as exc:
            if self._running is None:
                self._bridge.show({"_server_state": failure_message(exc)["kind"]})
            raise
        shown = destination_traits(destination)
        self._bridge.show({**shown, "_server_state": "ready"})
        ENGINE.loop.call_later(_FRESH_S, self._show_old)
        return Reply({"label": shown["_server_label"], "version": destination.info.version, "models": shown["_models"]})

    def _show_old(self) -> None:
        """Say no more of a server that was asked some time ago that it is ready; it may have gone."""
        if self._running is None and self._bridge.shown("_server_state") == "ready":
            self._bridge.show({"_server_state": "rested"})

    async def _list_devices(self, _args: dict[str, Any]) -> Reply:
        """Return the kernel's microphones, or why there are none."""
        try:
            devices = await asyncio.to_thread(list_input_devices)
        except SpeachesError as exc:
            return Reply({"devices": [], "error": str(exc)})
        return Reply({"devices": [dataclasses.asdict(device) for device in devices], "error": None})

    async def _mark(self, args: dict[str, Any]) -> Reply:
        """Set a mark now or at ``time_s``, or rename the one with ``id``."""
        name = str(args.get("name") or "")
        if args.get("id") is not None:
            return Reply(mark_message(self.current.rename_mark(int(args["id"]), name)))
        time_s = args.get("time_s")
        return Reply(mark_message(self.current.mark(name, None if time_s is None else float(time_s))))

    async def _window(self, args: dict[str, Any]) -> Reply:
        if self._feed.drawing is None:
            raise StateError(_NOTHING_YET)
        return Reply(*self._feed.drawing.window(int(args["level"]), int(args["first_column"]), int(args["columns"])))

    async def _audio(self, args: dict[str, Any]) -> Reply:
        return audio_reply(self.current.recording, args)

    async def _export(self, args: dict[str, Any]) -> Reply:
        form = str(args.get("format"))
        media_type, content = export(self.current, form)
        stem = "" if self.shelf.shown is None else self.shelf.shown.file_name
        return Reply({"media_type": media_type, "name": f"{stem}.{form}"}, [content])


class ModelJobs:
    """What a page may do with the server's models: see what is there, have one downloaded, have one loaded.

    A job belongs to the kernel, not to the page that asked for it: it is shown in a trait, so that a page that comes
    later sees it too. The options say which server.
    """

    def __init__(self, options: Callable[[], SessionOptions], show: Callable[[Mapping[str, Any]], None]) -> None:
        self._options = options
        self._show = show
        self._jobs: dict[str, dict[str, Any]] = {}
        self.commands: dict[str, Command] = {
            "list_models": self._list,
            "download_model": self._download,
            "load_model": self._load,
        }

    async def _list(self, _args: dict[str, Any]) -> None:
        """Ask the server what it has; the traits show it."""
        place = await self._place()
        overview = await place.server.overview()
        self._show(overview_traits(overview, embedded=place.embedded))

    async def _download(self, args: dict[str, Any]) -> Reply:
        with self._job(args, "download") as model:
            place = await self._place()
            fetch = self._install(model) if place.embedded else place.server.download(model, progress=False)
            downloaded = await fetch
            await self._show_what_is_there()
        return Reply({"model": model, "downloaded": downloaded})

    async def _install(self, model: str) -> bool:
        """Download a model for the embedded server, showing how far it is; return whether there was anything to do."""
        missing = await asyncio.to_thread(model_to_install, engine_named(model))
        if missing is None:
            return False
        download = Download.begin(missing)
        while not download.ended:
            how_far = {"done_bytes": download.done_bytes, "total_bytes": download.total_bytes}
            self._jobs[model] = {**self._jobs[model], **how_far}
            self._show_jobs()
            await asyncio.sleep(INTERVAL_S)
        download.check()
        return True

    async def _load(self, args: dict[str, Any]) -> Reply:
        with self._job(args, "load") as model:
            place = await self._place()
            await place.server.load(model)
            await self._show_what_is_there()
        return Reply({"model": model})

    async def _place(self) -> Place:
        return await locate(self._options())

    async def _show_what_is_there(self) -> None:
        with suppress(ServerError):  # the job is done all the same
            await self._list({})

    @contextmanager
    def _job(self, args: dict[str, Any], kind: str) -> Iterator[str]:
        """Show a job as long as it runs; one at a time for each model."""
        model = named_model(str(args.get("model") or ""))
        if model in self._jobs:
            raise StateError(f"The server is already busy with {model}: wait until that is done.")
        self._jobs[model] = {"model": model, "kind": kind, "since_ms": round(time.time() * 1000)}
        self._show_jobs()
        try:
            yield model
        finally:
            del self._jobs[model]
            self._show_jobs()

    def _show_jobs(self) -> None:
        self._show({"_model_jobs": list(self._jobs.values())})
