"""Worker processes that are threads, and say one word for each second of audio: all as in real ones, but the engine.

The model says how it behaves: ``fake/broken`` cannot be loaded; one whose source is a path is loaded once a file is
there. Audio whose first sample is `POISON` ends its worker.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.local import worker
from ipyspeaches.local.engines import DecodingOptions, EngineSpec
from ipyspeaches.local.recogniser import LiveNews, SegmentText
from ipyspeaches.local.worker import HEADER, ToWorker, WorkerStarted, pack

POISON = 666
WORD_S = 0.004
"""How long a word takes."""
_pids = count(1_000_000_000)  # of nobody


def fake_spec(model: str = "fake/one", *, source: str = "", workers: int | None = 1) -> EngineSpec:
    """Return a model of this engine."""
    return EngineSpec("fake", model, ("en",), "nobody", ("os", "os", "local"), workers, source)


def speech(seconds: float, first_sample: int = 1) -> NDArray[np.int16]:
    """Return audio (24 kHz) in which a word is said each second."""
    samples = np.ones(round(seconds * SESSION_RATE_HZ), np.int16)
    samples[0] = first_sample
    return samples


def say_words(
    _engine: object, samples: NDArray[np.int16], options: DecodingOptions, _scored: object
) -> Iterator[SegmentText]:
    """Yield a segment for each second, slowly."""
    if samples[0] == POISON:
        raise SystemExit
    for second in range(len(samples) // SESSION_RATE_HZ):
        time.sleep(WORD_S)
        yield SegmentText(second, second + 1, f" {options.prompt or 'word'}{second}", (), "en")


class CountingLive:
    """Says how many samples it has heard, each time that it has heard more."""

    def __init__(self, *_: object) -> None:
        self.backlog = np.empty(0, np.int16)
        self._heard = 0

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio."""
        self.backlog = np.concatenate((self.backlog, samples))

    def advance(self) -> LiveNews:
        """Say how much there was."""
        self._heard += len(self.backlog)
        self.backlog = self.backlog[:0]
        return LiveNews(f" {self._heard}", "")

    def close(self) -> None:
        """Nothing was lent."""


class Inbox(SimpleQueue[Any]):
    """Ends the thread that reads None from it."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the next message."""
        message = super().get(block, timeout)
        if message is None:
            raise SystemExit
        return message


class ThreadProcess:
    """What asyncio gives for a subprocess, for a thread; its input and output are messages of a worker."""

    def __init__(self, model: str) -> None:
        self.pid = next(_pids)
        self.stdin = self.output = self
        self.stdout = asyncio.StreamReader()
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox()
        self._ended = asyncio.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(SystemExit):
            self._work()
        self._in_loop(self._end)

    def _work(self) -> None:
        while self._model.startswith("/") and not Path(self._model).exists():
            time.sleep(0.005)
        if self._model == "fake/broken":
            self.answer(pack(WorkerStarted("fake/broken is broken: take another.")))
            return
        self.answer(pack(WorkerStarted()))
        worker.Worker(None, self._inbox, Output(self)).run()  # type: ignore[arg-type]

    def _in_loop(self, call: Any, *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def answer(self, data: bytes) -> None:
        """Send what the worker writes."""
        self._in_loop(lambda: None if self._ended.is_set() else self.stdout.feed_data(data))

    def _end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self.stdout.feed_eof()

    def write(self, data: bytes) -> None:
        """Take one message for the worker."""
        self._inbox.put(msgspec.msgpack.decode(data[HEADER.size :], type=ToWorker))

    def close(self) -> None:
        """End the worker, as its input ends."""
        self.kill()

    def kill(self) -> None:
        """End the worker; what it is in the middle of is not heard any more."""
        self._end()
        self._inbox.put(None)

    async def wait(self) -> None:
        """Return when it has ended."""
        await self._ended.wait()


class Output(BytesIO):
    """Where a worker writes."""

    def __init__(self, process: ThreadProcess) -> None:
        super().__init__()
        self._process = process

    def write(self, data: Any) -> int:
        """Send it on."""
        self._process.answer(bytes(data))
        return len(data)


def install_fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers be threads from now on."""

    async def start(*command: str, **_: object) -> ThreadProcess:
        return ThreadProcess(command[-1])

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    monkeypatch.setattr(worker, "transcribe", say_words)
    monkeypatch.setattr(worker, "open_live", CountingLive)
