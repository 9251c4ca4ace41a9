"""What a page may ask for, by name; every command gets a reply, errors in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.session import ENGINE
from ipyspeaches.session.state import ACTIVE
from ipyspeaches.sources import KernelMicrophone
from ipyspeaches.vad import Detector, EnergyVad, SileroVad
from ipyspeaches.widget.messages import failure_message
from ipyspeaches.widget.uploads import Uploads

if TYPE_CHECKING:
    from ipyspeaches.widget.bridge import Bridge
    from ipyspeaches.widget.transcriber import Transcriber

DETECTORS: dict[str, type[Detector]] = {"silero": SileroVad, "energy": EnergyVad}

NUMBERS = frozenset(
    {"threshold", "neg_threshold", "min_speech_duration_ms", "min_silence_duration_ms", "speech_pad_ms"}
)


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
        self._by_name: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "start": self.start,
            "pause": lambda _args: bridge.pause(),
            "resume": lambda _args: bridge.resume(),
            "stop": lambda _args: bridge.stop(),
            "set_source": self._set_source,
            "set_detector": self._set_detector,
            "set_model": self._set_model,
            "set_language": self._set_language,
        }

    def receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message, on whatever thread it comes; everything but sound goes to the engine."""
        kind = content.get("type")
        if kind == "audio":
            self._bridge.put_audio(content, buffers)
        elif kind == "command":
            ENGINE.submit(self._obey(content))
        elif kind == "file":
            pieces = [bytes(buffer) for buffer in buffers]
            ENGINE.loop.call_soon_threadsafe(self._add_piece, content, pieces)
        elif kind == "capture":
            ENGINE.loop.call_soon_threadsafe(self._bridge.capture_changed, content)
        elif kind == "hello":
            ENGINE.loop.call_soon_threadsafe(self._bridge.snapshot)

    async def start(self, args: dict[str, Any]) -> None:
        """Begin a new recording; a failure is also shown in the cell."""
        source, keywords = self._widget.new_recording()
        try:
            await self._bridge.start(source, keywords, args.get("client_id"))
        except SpeachesError as exc:
            if self._bridge.session is None or self._bridge.session.state not in ACTIVE:
                self._widget.show_failure(exc)
            raise

    async def use_detector(self, detector: Detector) -> None:
        """Use a detector from the next frame on, and show it."""
        if self._bridge.session is not None and self._bridge.session.state in ACTIVE:
            await self._bridge.session.set_detector(detector)
        self._widget.use_turn_detection(self._widget.turn_detection.with_detector(detector))

    async def _obey(self, content: dict[str, Any]) -> None:
        failure: dict[str, Any] | None = None
        name = content.get("name")
        args = {**content.get("args", {}), "client_id": content.get("client_id")}
        try:
            command = self._by_name.get(str(name))
            if command is None:
                raise InputError(f"This kernel does not know the command {name!r}: reload the page.")
            await command(args)
        except SpeachesError as exc:
            failure = failure_message(exc)
        except Exception as exc:  # noqa: BLE001  a command without a reply would leave the page waiting
            failure = failure_message(SpeachesError(f"The kernel failed at {name!r} ({type(exc).__name__}: {exc})."))
        self._widget.post({"type": "reply", "id": content.get("id"), "error": failure})

    def _add_piece(self, content: dict[str, Any], pieces: list[bytes]) -> None:
        try:
            for piece in pieces:
                self._uploads.add(content["file_id"], content["name"], content["offset"], piece)
        except SpeachesError as exc:
            self._widget.show_failure(exc)

    async def _set_source(self, args: dict[str, Any]) -> None:
        kind = args.get("kind")
        if kind == "browser":
            self._widget.use_source("browser", args.get("label"))
        elif kind == "kernel":
            device = args.get("device")
            self._widget.use_source("kernel" if device is None else KernelMicrophone(device))
        elif kind == "file":
            name, recording = self._uploads.take(str(args.get("file_id")))
            self._widget.use_source(recording, name)
        else:
            raise InputError(f"There is no source {kind!r}: choose the browser, the kernel or a file.")

    async def _set_detector(self, args: dict[str, Any]) -> None:
        now = self._widget.turn_detection.detector
        numbers: dict[str, Any] = {
            name: float(value) for name, value in args.items() if name in NUMBERS and value is not None
        }
        wanted = DETECTORS.get(str(args.get("name", now.name)))
        if wanted is None:
            raise InputError(f"There is no detector {args['name']!r}: choose one of {', '.join(DETECTORS)}.")
        detector = dataclasses.replace(now, **numbers) if wanted is type(now) else wanted(**numbers)
        await self.use_detector(detector)

    async def _set_model(self, args: dict[str, Any]) -> None:
        self._widget.use_model(str(args.get("model") or ""))

    async def _set_language(self, args: dict[str, Any]) -> None:
        self._widget.use_language(str(args.get("language") or ""))
