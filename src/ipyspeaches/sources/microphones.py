"""Microphones: that of the machine that runs the kernel (PortAudio), and that of the browser (blocks over the comm).

Both capture in threads of their own and hand over to the engine's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np

from ipyspeaches.audio.audio_blocks import AudioBlock, NumberedBlock, Sequencer
from ipyspeaches.errors import MicrophoneError, SpeachesError

if TYPE_CHECKING:
    from ipyspeaches.transports.page_webrtc import PageLine

T = TypeVar("T")

CAPTURE_MS: Final = 40
SILENT_S: Final = 5.0
"""Twice as long, a microphone may give nothing; one that was unplugged, or slept with its machine, may never tell."""
_STOPPED: Final = (
    "The kernel's microphone stopped: check that it is still plugged in, then start again. What was recorded is kept."
)


class _HandOver(Generic[T]):
    """A queue that any thread puts into, and one coroutine takes out of.

    `deque.append` is atomic and the wake-up goes through the loop, so that a capture callback never waits for a lock.
    """

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._ended = False
        self._error: SpeachesError | None = None

    def put(self, item: T) -> None:
        self._waiting.append(item)
        self._wake()

    def end(self, error: SpeachesError | None = None) -> None:
        """End after what is in the queue; the first call counts."""
        if not self._ended:
            self._error = error
            self._ended = True
        self._wake()

    async def items(self, within_s: float | None = None) -> AsyncGenerator[T]:
        """Yield until the end, and raise the error that came with it.

        It is a `TimeoutError` if twice in a row nothing comes for so long: once may be a machine that slept.
        """
        self._loop = asyncio.get_running_loop()
        late = 0
        while late < 2:
            self._changed.clear()
            while self._waiting:
                yield self._waiting.popleft()
                late = 0
            if self._ended and not self._waiting:
                break
            try:
                async with asyncio.timeout(within_s):
                    await self._changed.wait()
            except TimeoutError:
                late += 1
        else:
            raise TimeoutError
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone that PortAudio sees."""

    index: int
    name: str
    rate: int
    channels: int
    is_default: bool


def list_input_devices() -> list[InputDevice]:
    """Return the microphones that the kernel's machine has, if any; `MicrophoneError` if PortAudio is not installed."""
    sounddevice = _load_portaudio()
    default = sounddevice.default.device[0]
    found: list[dict[str, Any]] = list(sounddevice.query_devices())
    return [
        InputDevice(index, info["name"], int(info["default_samplerate"]), info["max_input_channels"], index == default)
        for index, info in enumerate(found)
        if info["max_input_channels"] > 0
    ]


def _load_portaudio() -> ModuleType:
    """Import sounddevice, whose import fails where the PortAudio library is missing."""
    try:
        import sounddevice
    except (ImportError, OSError) as exc:
        raise MicrophoneError(
            "The kernel's microphone needs the PortAudio library, which is not installed on the kernel's machine: "
            "install it (Debian and Ubuntu: sudo apt-get install libportaudio2), or use the browser's microphone."
        ) from exc
    module: ModuleType = sounddevice
    return module


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
        self._captured = _HandOver[AudioBlock]()
        self.label = "kernel microphone" if device is None else str(device)

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Open the microphone and yield what it captures.

        It is a `MicrophoneError` if PortAudio or the device is missing, or the device goes away.
        """
        stream = self._open()
        try:
            stream.start()
            async for block in self._captured.items(SILENT_S):
                yield block
        except TimeoutError:
            raise MicrophoneError(_STOPPED) from None
        finally:
            stream.close()

    def end(self) -> None:
        """Let `blocks` end after what has been captured."""
        self._captured.end()

    def _open(self) -> Any:  # noqa: ANN401  sounddevice has no types
        sounddevice = _load_portaudio()
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
                callback=lambda data, _frames, _time, status: self._receive(data, rate, status),
                finished_callback=self._stopped,
            )
        except (sounddevice.PortAudioError, ValueError) as exc:
            raise MicrophoneError(self._explain(sounddevice, exc)) from exc

    def _receive(self, data: Any, rate: int, status: Any) -> None:  # noqa: ANN401  sounddevice has no types
        # PortAudio reuses its buffer after the callback: copy.
        samples = np.array(data[:, 0], dtype=np.int16)
        self._captured.put(AudioBlock(samples, rate, overflowed=bool(status.input_overflow)))

    def _stopped(self) -> None:
        self._captured.end(MicrophoneError(_STOPPED))

    def _explain(self, sounddevice: ModuleType, exc: Exception) -> str:
        names = [device["name"] for device in sounddevice.query_devices() if device["max_input_channels"] > 0]
        if not names:
            return (
                "The kernel's machine has no microphone: plug one in (remote machines and containers have none), "
                "or use the browser's microphone."
            )
        which = "default microphone" if self._device is None else f"microphone {self._device!r}"
        return f"The {which} cannot be opened ({exc}): choose one of {', '.join(names)}."


@dataclass(slots=True, eq=False)
class _Capture:
    """One capture of a page, whose blocks are numbered from 0."""

    sequencer: Sequencer  # puts its blocks in order
    # When the capture before it gave its last block, if the time since then counts as lost audio.
    missed_since_s: float | None = None

    def missed(self, arrived_s: float, block: AudioBlock) -> int:
        """Return the frames between the end of the capture before and the first block of this one, once."""
        since_s, self.missed_since_s = self.missed_since_s, None
        return 0 if since_s is None else max(0, round((arrived_s - since_s) * block.rate) - len(block.samples))


class BrowserMicrophone:
    """Audio that a page captures.

    Blocks come from any thread and in any order. Order is restored here, on the engine's loop; what never came is
    reported with the next block as lost.
    """

    kind = "browser"
    live = True

    def __init__(self, label: str = "browser microphone") -> None:
        self.label = label
        # To the page, which may send its audio to a server by itself; None if it cannot be asked to.
        self.line: PageLine | None = None
        self._skipped_s = 0.0
        self._arrivals = _HandOver[tuple[NumberedBlock, _Capture, float]]()
        self._capture = _Capture(Sequencer())
        self._last_arrival_s: float | None = None

    def receive(self, block: NumberedBlock) -> None:
        """Hand over a block as it comes from the page; callable from any thread."""
        self._last_arrival_s = time.monotonic()
        self._arrivals.put((block, self._capture, self._last_arrival_s))

    def skip(self, seconds: float) -> None:
        """Leave out the first seconds of what was captured; before `blocks`."""
        self._skipped_s = seconds

    def restart(self, *, gap: bool = False) -> None:
        """Expect another capture, whose blocks are numbered from 0 again; callable from any thread.

        With a ``gap``, the time from the last block to the next one counts as lost audio, so that the clock goes on.
        """
        self._capture = _Capture(Sequencer(), self._last_arrival_s if gap else None)

    def end(self, error: SpeachesError | None = None) -> None:
        """Let `blocks` end after what has arrived, with an error if there is one; callable from any thread."""
        self._arrivals.end(error)

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the audio in order, and raise a `MicrophoneError` if the page's microphone failed."""
        before = 0
        failure: SpeachesError | None = None
        capture = self._capture
        try:
            async for numbered, its_capture, arrived_s in self._arrivals.items():
                if its_capture is not capture:
                    for block in capture.sequencer.flush():
                        yield block
                    capture = its_capture
                for block in capture.sequencer.receive(numbered):
                    lost = block.lost + capture.missed(arrived_s, block)
                    # What is left out is counted in frames of the capture, holes included.
                    late = max(round(self._skipped_s * block.rate) - before, 0)
                    before += lost + len(block.samples)
                    if late < lost + len(block.samples):
                        yield AudioBlock(block.samples[max(late - lost, 0) :], block.rate, max(lost - late, 0))
        except SpeachesError as exc:
            failure = exc
        for block in capture.sequencer.flush():
            yield block
        if failure is not None:
            raise failure
