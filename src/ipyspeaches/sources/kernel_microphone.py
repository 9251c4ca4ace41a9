"""The microphone of the machine that runs the kernel, through PortAudio (sounddevice)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ipyspeaches.audio import AudioBlock
from ipyspeaches.errors import MicrophoneError
from ipyspeaches.sources.live import LiveQueue

CAPTURE_MS = 40


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone that PortAudio sees."""

    index: int
    name: str
    rate: int
    channels: int
    is_default: bool


def load_portaudio() -> ModuleType:
    """Import sounddevice, whose import fails where the PortAudio library is missing.

    Raises
    ------
    MicrophoneError
        If PortAudio is not installed.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as exc:
        raise MicrophoneError(
            "The kernel's microphone needs the PortAudio library, which is not installed on the kernel's machine: "
            "install it (Debian and Ubuntu: sudo apt-get install libportaudio2), or use the browser's microphone."
        ) from exc
    module: ModuleType = sounddevice
    return module


def list_input_devices() -> list[InputDevice]:
    """Return the microphones that the kernel's machine has; an empty list if there is none.

    Raises
    ------
    MicrophoneError
        If PortAudio is not installed.
    """
    sounddevice = load_portaudio()
    default = sounddevice.default.device[0]
    found: list[dict[str, Any]] = list(sounddevice.query_devices())
    return [
        InputDevice(index, info["name"], int(info["default_samplerate"]), info["max_input_channels"], index == default)
        for index, info in enumerate(found)
        if info["max_input_channels"] > 0
    ]


class KernelMicrophone:
    """Record from the kernel's microphone.

    Parameters
    ----------
    device
        Index or name (or a part of it) of the device; None for the system's default.
    """

    kind = "kernel"
    live = True

    def __init__(self, device: int | str | None = None) -> None:
        self._device = device
        self._queue = LiveQueue[AudioBlock]()
        self.label = "kernel microphone" if device is None else str(device)

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Open the microphone and yield what it hears.

        Raises
        ------
        MicrophoneError
            If PortAudio or the device is missing, or the device goes away.
        """
        stream = self._open()
        try:
            stream.start()
            async for block in self._queue.drain():
                yield block
        finally:
            stream.close()

    def end(self) -> None:
        """Let `blocks` end after what has been captured."""
        self._queue.end()

    def _open(self) -> Any:  # noqa: ANN401  sounddevice has no types
        sounddevice = load_portaudio()
        try:
            info = sounddevice.query_devices(self._device, "input")
            rate = int(info["default_samplerate"])
            self.label = info["name"]
            return sounddevice.InputStream(
                samplerate=rate,
                blocksize=rate * CAPTURE_MS // 1000,
                device=self._device,
                channels=1,
                dtype="int16",
                callback=lambda data, _frames, _time, status: self._captured(data, rate, status),
                finished_callback=self._finished,
            )
        except (sounddevice.PortAudioError, ValueError) as exc:
            raise MicrophoneError(self._explain(sounddevice, exc)) from exc

    def _captured(self, data: Any, rate: int, status: Any) -> None:  # noqa: ANN401  sounddevice has no types
        # PortAudio reuses its buffer after the callback: copy.
        samples = np.array(data[:, 0], dtype=np.int16)
        self._queue.put(AudioBlock(samples, rate, overflowed=bool(status.input_overflow)))

    def _finished(self) -> None:
        self._queue.end(
            MicrophoneError(
                "The kernel's microphone stopped giving sound: check that it is still plugged in, then start again. "
                "What was recorded is kept."
            )
        )

    def _explain(self, sounddevice: ModuleType, exc: Exception) -> str:
        names = [device["name"] for device in sounddevice.query_devices() if device["max_input_channels"] > 0]
        if not names:
            return (
                "The kernel's machine has no microphone: plug one in (on a remote or container kernel there is none), "
                "or use the browser's microphone."
            )
        if self._device is None:
            return f"The default microphone cannot be opened ({exc}): choose one of {', '.join(names)}."
        return f"The microphone {self._device!r} cannot be opened ({exc}): choose one of {', '.join(names)}."
