"""Who gets text next: jobs of many clients, for several models, on the cores of one machine. One event loop owns it.

A model's worker keeps the cores busy that its engine uses: PocketSphinx one, Whisper all of them, so that two Whisper
models take turns instead of slowing each other down. Jobs are served first come, first served for each client and
fairly between clients (`FairQueue`), also across models; a job whose model is being loaded holds up nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec
from ipyspeaches.local.fair_queue import FairQueue
from ipyspeaches.local.model_memory import ModelMemory
from ipyspeaches.local.recogniser import SegmentText
from ipyspeaches.local.worker import (
    LIVE_BACKLOG_LIMIT,
    TURN_S,
    AppendLive,
    Forget,
    FromWorker,
    JobDone,
    JobText,
    OpenLive,
    Transcribe,
)
from ipyspeaches.local.worker_pool import WorkerPool, WorkerProcess

MAX_ATTEMPTS: Final = 2
"""Workers that one job may cost."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class RecognitionError(SpeachesError):
    """The engine failed on an utterance; the next one may succeed."""


class TranscriptionJob:
    """Audio whose text somebody waits for, and how far it is."""

    def __init__(self, number: int, user: str, pool: WorkerPool, audio: bytes, options: DecodingOptions) -> None:
        self.number = number
        self.user = user
        self.pool = pool
        self.audio = audio  # int16 at 24 kHz
        self.options = options
        self.work_s = self.audio_s * pool.work_per_audio
        self.answers: asyncio.Queue[SegmentText | SpeachesError | None] = asyncio.Queue()
        """Segments; then None, or what went wrong."""
        self.worker: WorkerProcess | None = None  # which has the audio
        self.at_work = False
        self.wanted = True
        self.began_s = 0.0  # its turn
        self.foreseen_s = 0.0  # its turn will take
        self.worked_s = 0.0
        self._attempts = 1
        self._told = 0  # segments
        self._known = 0  # segments of this attempt that were told by the one before

    @property
    def audio_s(self) -> float:
        """How long the audio is, in seconds."""
        return len(self.audio) / (2 * SESSION_RATE_HZ)

    def tell(self, segment: SegmentText) -> None:
        """Hand on a segment, once."""
        if self._known:
            self._known -= 1
            return
        self._told += 1
        self.answers.put_nowait(segment)

    def begin_again(self) -> bool:
        """Return whether it may, its worker being lost: whatever ends two of them would end more."""
        self.worker = None
        self._attempts += 1
        self._known = self._told
        return self._attempts <= MAX_ATTEMPTS


class LiveHandle:
    """Live text of one utterance, which a worker follows as soon as there is one; none comes after `close`."""

    def __init__(self, job: int, options: DecodingOptions, on_text: Callable[[str], None]) -> None:
        self._job = job
        self._options = options
        self._on_text = on_text
        self._worker: WorkerProcess | None = None
        self._waiting: list[bytes] = []
        self.on_close: Callable[[], None] = lambda: None
        self.closed = False

    def begin(self, worker: WorkerProcess) -> None:
        """Have a worker follow it, from its start."""
        self._worker = worker
        worker.live[self._job] = self._on_text
        worker.send(OpenLive(self._job, self._options))
        for audio in self._waiting:
            worker.send(AppendLive(self._job, audio))
        self._waiting.clear()

    def append(self, samples: NDArray[np.int16]) -> None:
        """Send more of the utterance (int16 at 24 kHz)."""
        if self.closed:
            return
        if self._worker is not None:
            self._worker.send(AppendLive(self._job, _pcm16(samples)))
            return
        self._waiting.append(_pcm16(samples))
        if sum(map(len, self._waiting)) > 2 * LIVE_BACKLOG_LIMIT:
            self.close()

    def close(self) -> None:
        """Follow it no longer."""
        self.closed = True
        self._waiting.clear()
        if self._worker is not None and self._worker.live.pop(self._job, None) is not None:
            self._worker.send(Forget(self._job))
            self.on_close()


class Dispatcher:
    """All jobs of a server, and who of its workers does which.

    Parameters
    ----------
    memory
        The models.
    cores
        How many may be kept busy at a time.
    """

    def __init__(self, memory: ModelMemory, cores: int) -> None:
        self.memory = memory
        memory.on_change = self._dispatch
        self._cores = cores
        self._queue: FairQueue[TranscriptionJob] = FairQueue()
        self._numbers = count(1)
        self._unfollowed: list[tuple[WorkerPool, LiveHandle]] = []

    def client(self, user: str, spec: EngineSpec) -> ClientRecogniser:
        """Return a user's way to a model."""
        return ClientRecogniser(self, user, spec)

    # --- jobs

    def transcribe(
        self, user: str, spec: EngineSpec, samples: NDArray[np.int16], options: DecodingOptions
    ) -> AsyncIterator[SegmentText]:
        """Queue a job now, and yield the text of each of its segments of speech."""
        pool = self.memory.pool(spec)
        job = TranscriptionJob(next(self._numbers), user, pool, _pcm16(samples), options)
        if not pool.in_memory:
            pool.problem = None  # it is tried again
        pool.unfinished += 1
        self.memory.used(pool)
        self._queue.add(job)
        self._dispatch()
        return self._answers(job)

    async def _answers(self, job: TranscriptionJob) -> AsyncIterator[SegmentText]:
        try:
            while (answer := await job.answers.get()) is not None:
                if isinstance(answer, SpeachesError):
                    raise answer
                yield answer
        finally:
            if job.wanted:  # nobody waits for it any more
                self._finish(job, None)

    def _finish(self, job: TranscriptionJob, answer: SpeachesError | None) -> None:
        """End a job with its last answer."""
        self._end_turn(job)
        job.wanted = False
        job.answers.put_nowait(answer)
        self._queue.remove(job)
        job.pool.unfinished -= 1
        self.memory.used(job.pool)
        if job.worker is not None and job.worker.jobs.pop(job.number, None) is not None:
            job.worker.send(Forget(job.number))
        self._dispatch()

    # --- turns

    def _dispatch(self) -> None:
        """Give turns while there are cores, then let who has none follow live text."""
        for job in self._queue:
            if not job.at_work and job.pool.problem is not None and not job.pool.in_memory:
                self._finish(job, job.pool.problem)
        while (chosen := self._next()) is not None:
            self._begin_turn(chosen)
        if all(job.at_work or not job.pool.loaded for job in self._queue):
            for pool in self.memory.pools:
                for worker in pool.workers:
                    worker.rest()
        self._follow()

    def _next(self) -> TranscriptionJob | None:
        """Return the job that has the next turn, its worker chosen; None if nobody can have one now."""
        pools = self.memory.pools
        free = self._cores - sum(pool.cores for pool in pools for worker in pool.workers if worker.at_work)
        for job in self._queue:
            if job.at_work:
                continue
            worker = job.worker or job.pool.idle_worker()
            if worker is None:
                if not job.pool.loaded or free >= job.pool.cores:
                    self.memory.want(job.pool, sum(not one.at_work and one.pool is job.pool for one in self._queue))
            elif not worker.at_work:
                if job.pool.cores > free:
                    return None  # others with less to do must not pass for ever
                if job.worker is None:
                    job.worker = worker
                    worker.jobs[job.number] = lambda message, job=job: self._receive(job, message)  # type: ignore[misc]
                    worker.send(Transcribe(job.number, job.audio, job.options))
                return job
        return None

    def _begin_turn(self, job: TranscriptionJob) -> None:
        assert job.worker is not None
        alone = sum(one.pool.loaded and not one.at_work for one in self._queue) == 1
        job.worker.give_turn(job.number, live_first=job.worked_s > 0 and alone)
        job.at_work = True
        job.began_s = asyncio.get_running_loop().time()
        job.foreseen_s = min(job.work_s, TURN_S * job.pool.cores / self._cores)
        self._queue.begin(job.user, job.foreseen_s)

    def _receive(self, job: TranscriptionJob, message: FromWorker | None) -> None:
        if isinstance(message, JobText):
            job.tell(message.segment)
            return
        self._end_turn(job)
        if message is None:
            if not job.begin_again():
                self._finish(job, RecognitionError("The recogniser process ended twice on this audio: leave it out."))
        elif isinstance(message, JobDone):
            if message.error is None:
                job.pool.learn(job.worked_s, job.audio_s)
            del job.worker.jobs[job.number]  # type: ignore[union-attr]  # it has just answered
            self._finish(job, None if message.error is None else RecognitionError(message.error))

    def _end_turn(self, job: TranscriptionJob) -> None:
        if not job.at_work:
            return
        job.at_work = False
        work_s = (asyncio.get_running_loop().time() - job.began_s) * job.pool.cores / self._cores
        self._queue.end(job.user, job.foreseen_s, work_s)
        job.worked_s += work_s
        job.work_s = max(0.0, job.work_s - work_s)

    # --- live text

    def open_live(self, spec: EngineSpec, options: DecodingOptions, on_text: Callable[[str], None]) -> LiveHandle:
        """Follow an utterance that begins now; ``on_text`` gets each piece of settled text."""
        pool = self.memory.pool(spec)
        handle = LiveHandle(next(self._numbers), options, on_text)
        handle.on_close = lambda: self.memory.used(pool)
        self._unfollowed.append((pool, handle))
        if pool.problem is None:  # or the final text tells it
            self.memory.want(pool)
        self._follow()
        return handle

    def _follow(self) -> None:
        """Give utterances whose model is there to the worker that follows fewest."""
        for pool, handle in self._unfollowed:
            if pool.loaded and not handle.closed:
                handle.begin(min(pool.workers, key=lambda worker: len(worker.live)))
        self._unfollowed = [(pool, one) for pool, one in self._unfollowed if not (pool.loaded or one.closed)]


class ClientRecogniser:
    """One client's way to one model."""

    def __init__(self, dispatcher: Dispatcher, user: str, spec: EngineSpec) -> None:
        self._dispatcher = dispatcher
        self._user = user
        self.spec = spec

    def find(self, model: str) -> EngineSpec | None:
        """Return another model of the server, or None."""
        return self._dispatcher.memory.find(model)

    def for_model(self, model: str) -> ClientRecogniser:
        """Return the same client's way to another model of the server."""
        spec = self.find(model)
        assert spec is not None
        return ClientRecogniser(self._dispatcher, self._user, spec)

    def prepare(self) -> None:
        """Load the model if there is room for it, as the client will want it soon."""
        memory = self._dispatcher.memory
        pool = memory.pool(self.spec)
        if pool.problem is None and not pool.in_memory:
            memory.want(pool)

    def transcribe(self, samples: NDArray[np.int16], options: DecodingOptions) -> AsyncIterator[SegmentText]:
        """Yield the text of each segment of speech in these samples (int16 at 24 kHz).

        It is a `RecognitionError` if the engine fails, and another `SpeachesError` if it cannot be loaded.
        """
        return self._dispatcher.transcribe(self._user, self.spec, samples, options)

    async def open_live(self, options: DecodingOptions, on_text: Callable[[str], None]) -> LiveHandle:
        """Follow an utterance that begins now; ``on_text`` gets each piece of settled text."""
        return self._dispatcher.open_live(self.spec, options, on_text)


def _pcm16(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
