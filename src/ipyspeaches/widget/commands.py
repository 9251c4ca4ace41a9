"""What a page may ask for, by name; every command gets a reply, errors in words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ipyspeaches.errors import SpeachesError
from ipyspeaches.session import ENGINE
from ipyspeaches.session.state import ACTIVE
from ipyspeaches.widget.answers import MAX_PLAYED_S, Answer, Command, obey
from ipyspeaches.widget.exports import export
from ipyspeaches.widget.messages import mark_message
from ipyspeaches.widget.models import ModelJobs
from ipyspeaches.widget.settings import Settings
from ipyspeaches.widget.uploads import Uploads

if TYPE_CHECKING:
    from ipyspeaches.widget.bridge import Bridge
    from ipyspeaches.widget.transcriber import Transcriber


class Commands:
    """Receives a page's messages.

    Parameters
    ----------
    widget
        Whose page it is.
    bridge
        Runs the sessions.
    """

    def __init__(self, widget: Transcriber, bridge: Bridge) -> None:
        self._widget = widget
        self._bridge = bridge
        self._uploads = Uploads()
        self.settings = Settings(widget, bridge, self._uploads)
        self._models = ModelJobs(widget)
        self._by_name: dict[str, Command] = {
            "start": self.start,
            "pause": lambda _args: bridge.pause(),
            "resume": lambda args: bridge.resume(args.get("client_id")),
            "stop": lambda _args: bridge.stop(),
            "resume_capture": self._resume_capture,
            "mark": self._mark,
            "window": self._window,
            "audio": self._audio,
            "export": self._export,
            "list_devices": self._list_devices,
            "check_server": self._check_server,
            **self.settings.commands,
            **self._models.commands,
        }

    def receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message, on whatever thread it comes; everything but sound goes to the engine."""
        kind = content.get("type")
        if kind == "audio":
            self._bridge.put_audio(content, buffers)
        elif kind == "command":
            ENGINE.submit(obey(content, self._by_name, self._widget.post))
        elif kind == "file":
            pieces = [bytes(buffer) for buffer in buffers]
            ENGINE.loop.call_soon_threadsafe(self._add_piece, content, pieces)
        elif kind == "capture":
            ENGINE.loop.call_soon_threadsafe(self._bridge.capture_changed, content)
        elif kind == "peer":
            ENGINE.loop.call_soon_threadsafe(self._bridge.capture.peer_news, content)
        elif kind == "hello":
            ENGINE.loop.call_soon_threadsafe(self._greet, content.get("client_id"))
        elif kind == "painted":
            # Now, not when the engine comes to it.
            ENGINE.loop.call_soon_threadsafe(self._bridge.painted, content["items"], time.monotonic())
        elif kind == "bye":
            ENGINE.loop.call_soon_threadsafe(self._bridge.capture.bye, content.get("client_id"))

    async def start(self, args: dict[str, Any]) -> None:
        """Begin a new recording; a failure is also shown in the cell."""
        source, keywords = self._widget.new_recording()
        try:
            await self._bridge.start(source, keywords, args.get("client_id"))
        except SpeachesError as exc:
            if self._bridge.session is None or self._bridge.session.state not in ACTIVE:
                self._widget.show_failure(exc)
            raise

    def _greet(self, client_id: str | None) -> None:
        self._bridge.capture.hello(client_id)
        self._bridge.snapshot()

    async def _resume_capture(self, args: dict[str, Any]) -> None:
        self._bridge.resume_capture(args.get("client_id"))

    def _add_piece(self, content: dict[str, Any], pieces: list[bytes]) -> None:
        try:
            for piece in pieces:
                self._uploads.add(content["file_id"], content["name"], content["offset"], piece)
        except SpeachesError as exc:
            self._widget.show_failure(exc)

    async def _mark(self, args: dict[str, Any]) -> Answer:
        """Set a mark now or at ``time_s``, or rename the one with ``id``."""
        session, name = self._widget.session, str(args.get("name") or "")
        if args.get("id") is not None:
            mark = session.rename_mark(int(args["id"]), name)
        else:
            time_s = args.get("time_s")
            mark = session.mark(name, None if time_s is None else float(time_s))
        return Answer(mark_message(mark))

    async def _window(self, args: dict[str, Any]) -> Answer:
        header, buffers = self._bridge.window(int(args["level"]), int(args["first_column"]), int(args["columns"]))
        return Answer(header, buffers)

    async def _audio(self, args: dict[str, Any]) -> Answer:
        """Return int16 sound from ``start_s`` to ``end_s``, for playing it."""
        start_s, end_s = float(args["start_s"]), float(args["end_s"])
        part = self._widget.session.recording.slice(start_s, min(end_s, start_s + MAX_PLAYED_S))
        return Answer({"start_s": start_s, "rate": part.rate}, [part.samples.astype("<i2").tobytes()])

    async def _export(self, args: dict[str, Any]) -> Answer:
        media_type, content = export(self._widget.session, str(args.get("format")))
        return Answer({"media_type": media_type, "name": f"transcript.{args.get('format')}"}, [content])

    async def _list_devices(self, _args: dict[str, Any]) -> Answer:
        return Answer(await self.settings.kernel_devices())

    async def _check_server(self, _args: dict[str, Any]) -> Answer:
        return Answer(await self.settings.check_server())
