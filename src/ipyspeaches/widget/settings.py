"""What the next recording is made of, and what can change while one runs: the settings commands."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.server.models import presets
from ipyspeaches.session import SessionOptions, TurnDetection
from ipyspeaches.session.destination import resolve
from ipyspeaches.session.state import ACTIVE
from ipyspeaches.sources import KernelMicrophone, list_input_devices
from ipyspeaches.vad import AdaptiveEnergyVad, Detector, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.widget.shown import destination_traits

if TYPE_CHECKING:
    from ipyspeaches.session import Session
    from ipyspeaches.widget.bridge import Bridge
    from ipyspeaches.widget.transcriber import Transcriber
    from ipyspeaches.widget.uploads import Uploads

DETECTORS: dict[str, type[Detector]] = {
    detector.name: detector for detector in (SileroVad, EnergyVad, RmsVad, AdaptiveEnergyVad, WebRtcVad)
}

NUMBERS = frozenset(
    {
        "threshold",
        "neg_threshold",
        "min_speech_duration_ms",
        "min_silence_duration_ms",
        "speech_pad_ms",
        "max_speech_duration_s",
    }
)


class Settings:
    """Changes a widget's settings as its page asks.

    Parameters
    ----------
    widget
        Whose settings they are.
    bridge
        Knows whether a recording runs.
    uploads
        Files that the page has sent.
    """

    def __init__(self, widget: Transcriber, bridge: Bridge, uploads: Uploads) -> None:
        self._widget = widget
        self._bridge = bridge
        self._uploads = uploads
        self.commands: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "set_source": self._set_source,
            "set_detector": self._set_detector,
            "set_turn_detection": self._set_turn_detection,
            "set_server": self._set_server,
            "set_model": self._set_model,
            "set_language": self._set_language,
        }

    @property
    def _running(self) -> Session | None:
        session = self._bridge.session
        return session if session is not None and session.state in ACTIVE else None

    async def use(self, turn_detection: TurnDetection) -> None:
        """Use a choice of who cuts: from the next frame on where it can, else from the next recording on."""
        running = self._running
        if running is not None and running.turn_detection.client_cuts is turn_detection.client_cuts:
            await running.set_turn_detection(turn_detection)
            self._bridge.compared.follow(turn_detection)
        self._widget.use_turn_detection(turn_detection)

    async def kernel_devices(self) -> dict[str, Any]:
        """Return the kernel's microphones, or why there are none."""
        try:
            devices = await asyncio.to_thread(list_input_devices)
        except SpeachesError as exc:
            return {"devices": [], "error": str(exc)}
        return {"devices": [dataclasses.asdict(device) for device in devices], "error": None}

    async def check_server(self) -> dict[str, Any]:
        """Ask the server what it has; the traits show it too.

        Raises
        ------
        ServerError
            If it does not answer as it should.
        """
        _, keywords = self._widget.new_recording()
        destination = await resolve(SessionOptions.of(dict(keywords)))
        shown = destination_traits(destination)
        self._widget.show_traits({**shown, "_server_state": "ready"})
        return {"label": shown["_server_label"], "version": destination.info.version, "models": shown["_models"]}

    async def _set_source(self, args: dict[str, Any]) -> None:
        kind = args.get("kind")
        if kind == "browser":
            self._widget.use_source("browser", args.get("label"))
        elif kind == "kernel":
            device = args.get("device")
            self._widget.use_source("kernel" if device is None else KernelMicrophone(device), args.get("label"))
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
        name = str(args.get("name") or now.name)
        # A detector of the user's own is on no list, and its lines can be dragged all the same.
        wanted = type(now) if name == now.name else DETECTORS.get(name)
        if wanted is None:
            raise InputError(f"There is no detector {name!r}: choose one of {', '.join(DETECTORS)}.")
        detector = dataclasses.replace(now, **numbers) if wanted is type(now) else wanted(**numbers)
        await self.use(self._widget.turn_detection.with_detector(detector))

    async def _set_turn_detection(self, args: dict[str, Any]) -> None:
        """Change who cuts, or the server's numbers."""
        now = self._widget.turn_detection
        kind = args.get("kind", "client" if now.client_cuts else "server")
        if kind == "client":
            await self.use(dataclasses.replace(now, server_vad=None))
        elif kind == "server":
            before = now.server_vad
            threshold = float(args.get("threshold", before.threshold if before else 0.9))
            silence_ms = int(args.get("silence_duration_ms", before.silence_duration_ms if before else 550))
            await self.use(TurnDetection.server(threshold, silence_ms, detector=now.detector))
        else:
            raise InputError(f"Nobody called {kind!r} can cut: choose client or server.")

    async def _set_server(self, args: dict[str, Any]) -> None:
        """Use another server from the next recording on; the key stays in the kernel."""
        self._widget.use_server(str(args.get("url") or ""), str(args.get("api_key") or ""))

    async def _set_model(self, args: dict[str, Any]) -> None:
        """Use another model: from the next utterance on, once the server has confirmed it, or in the next recording."""
        model = str(args.get("model") or "")
        if self._running is not None:
            await self._running.set_model(model)
        else:
            self._widget.use_model(model)

    async def _set_language(self, args: dict[str, Any]) -> None:
        """Use another language, as `_set_model` does for the model."""
        language = str(args.get("language") or "")
        if self._running is not None:
            await self._running.set_language(language)
        else:
            self._widget.use_language(language)


def shown_presets() -> list[dict[str, str]]:
    """Return the presets as the page lists them."""
    return [{"name": name, "model": model} for name, model in presets.items()]
