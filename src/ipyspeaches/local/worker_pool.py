"""The server's side of its worker processes: who does what, and what came back. One event loop owns a pool."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import count
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import ProtocolError, SpeachesError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec
from ipyspeaches.local.recogniser import SegmentText
from ipyspeaches.local.worker import (
    HEADER,
    AppendLive,
    Forget,
    FromWorker,
    JobDone,
    JobText,
    LiveText,
    OpenLive,
    ToWorker,
    Transcribe,
    WorkerStarted,
    pack,
)

MAX_WORKERS: Final = 4


class RecognitionError(SpeachesError):
    """The engine failed on an utterance; the next one may succeed."""


class WorkerProcess:
    """One worker and the jobs it has, each with what to call with its answers."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.jobs: dict[int, Callable[[FromWorker], None]] = {}
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.alive = True

    async def start(self) -> None:
        """Start the process and wait until its engine is loaded; a `SpeachesError` if the engine cannot be loaded."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ipyspeaches.local.worker", self._spec.name, self._spec.source or self._spec.model),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the server's to handle
        )
        self._reader = asyncio.create_task(self._read())
        await asyncio.shield(self.ready)

    def send(self, message: ToWorker) -> None:
        """Send a message; it is kept in memory until the worker takes it."""
        if self.alive and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(pack(message))

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        decoder = msgspec.msgpack.Decoder(FromWorker)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await self._process.stdout.readexactly(HEADER.size)
                body = await self._process.stdout.readexactly(HEADER.unpack(header)[0])
                self._receive(decoder.decode(body))
        self._end()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    def _receive(self, message: FromWorker) -> None:
        if isinstance(message, WorkerStarted):
            if message.error is None:
                self.ready.set_result(None)
            else:
                self.ready.set_exception(SpeachesError(message.error))
        elif message.job in self.jobs:
            self.jobs[message.job](message)

    def _end(self) -> None:
        self.alive = False
        if not self.ready.done():
            self.ready.set_exception(SpeachesError("The recogniser process ended while it was starting: see above."))
            self.ready.exception()  # read here, as there may be nobody who waits for it
        for job, answer in list(self.jobs.items()):
            answer(JobDone(job, "The recogniser process ended unexpectedly; speak again, a new one is started."))
        self.jobs.clear()

    async def stop(self) -> None:
        """End the process."""
        self.alive = False
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader


class LiveHandle:
    """Live text of one utterance, which a worker follows; none comes after `close`."""

    def __init__(self, worker: WorkerProcess, job: int) -> None:
        self._worker = worker
        self._job = job

    def append(self, samples: NDArray[np.int16]) -> None:
        """Send more of the utterance (int16 at 24 kHz)."""
        self._worker.send(AppendLive(self._job, _pcm16(samples)))

    def close(self) -> None:
        """Follow it no longer."""
        if self._worker.jobs.pop(self._job, None) is not None:
            self._worker.send(Forget(self._job))


class WorkerPool:
    """Workers of one engine, started as they are needed: one a core, up to four, or what the engine allows."""

    def __init__(self, spec: EngineSpec, max_workers: int | None = None) -> None:
        self.spec = spec
        self._max_workers = max_workers or spec.max_workers or max(1, min(MAX_WORKERS, os.cpu_count() or 1))
        self._workers: list[WorkerProcess] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._lock = asyncio.Lock()

    @property
    def loaded(self) -> bool:
        """Whether the engine is in memory."""
        return any(worker.alive and worker.ready.done() for worker in self._workers)

    async def load(self) -> Self:
        """Have at least one worker ready, and return the pool; a `SpeachesError` if the engine cannot be loaded."""
        async with self._lock:  # two first utterances at once need one first worker
            self._workers = [worker for worker in self._workers if worker.alive]
            if not self._workers:
                await self._add_worker()
        return self

    async def _add_worker(self) -> None:
        worker = WorkerProcess(self.spec)
        try:
            await worker.start()
        except BaseException:
            await worker.stop()
            raise
        self._workers.append(worker)  # looked up now: `load` and `unload` have put other lists there meanwhile

    async def _grow(self) -> None:
        with suppress(SpeachesError):  # the workers there are go on
            await self._add_worker()

    async def unload(self) -> None:
        """End all workers; jobs under way fail."""
        for task in list(self._starting):
            task.cancel()
        workers, self._workers = self._workers, []
        for worker in workers:
            await worker.stop()

    async def _choose(self) -> WorkerProcess:
        await self.load()
        worker = min(self._workers, key=lambda candidate: len(candidate.jobs))
        if worker.jobs and len(self._workers) + len(self._starting) < self._max_workers:
            task = asyncio.create_task(self._grow())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        return worker

    async def transcribe(self, samples: NDArray[np.int16], options: DecodingOptions) -> AsyncIterator[SegmentText]:
        """Yield the text of each segment of speech in these samples (int16 at 24 kHz).

        It is a `RecognitionError` if the engine fails.
        """
        worker = await self._choose()
        job = next(self._numbers)
        answers: asyncio.Queue[FromWorker] = asyncio.Queue()
        worker.jobs[job] = answers.put_nowait
        worker.send(Transcribe(job, _pcm16(samples), options))
        finished = False
        try:
            while True:
                answer = await answers.get()
                finished = isinstance(answer, JobDone)
                if isinstance(answer, JobText):
                    yield answer.segment
                elif isinstance(answer, JobDone):
                    if answer.error is not None:
                        raise RecognitionError(answer.error)
                    return
                else:
                    raise ProtocolError(f"A recogniser process answered {type(answer).__name__} to a transcription.")
        finally:
            worker.jobs.pop(job, None)
            if not finished:
                worker.send(Forget(job))

    async def open_live(self, options: DecodingOptions, on_text: Callable[[str], None]) -> LiveHandle:
        """Follow an utterance that begins now; ``on_text`` gets each piece of settled text."""
        worker = await self._choose()
        job = next(self._numbers)
        worker.jobs[job] = lambda message: on_text(message.text) if isinstance(message, LiveText) else None
        worker.send(OpenLive(job, options))
        return LiveHandle(worker, job)


def _pcm16(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
