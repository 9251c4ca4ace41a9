"""Who gets text next: jobs of many clients, for several models, on the cores of one machine. One event loop owns it.

A model's worker keeps the cores busy that its engine uses: PocketSphinx one, Whisper all of them, so that two Whisper
models take turns instead of slowing each other down. Jobs are served first come, first served for each client and
fairly between clients (`FairQueue`), also across models; a job whose model is being loaded holds up nobody.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec
from ipyspeaches.local.fair_queue import FairQueue
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.local.model_memory import ModelMemory
from ipyspeaches.local.recogniser import LiveNews, SegmentText
from ipyspeaches.local.worker import (
    LIVE_BACKLOG_LIMIT,
    SHORT_S,
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
MAX_WAITING_AUDIO_S: Final = 3 * 3600.0
"""Audio that jobs may hold in memory, together: 500 MB."""
PATIENCE: Final = 10.0
"""How many times as long as it takes a long file may wait, if that is more than others may."""
UTTERANCE_S: Final = 3.0
"""Audio of a usual utterance."""
FULL_RETRY_S: Final = 10
"""When to come back to a server that has as many sessions as it may have; nobody knows when one of them ends."""
LAG_BUCKETS_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, math.inf)


class RecognitionError(SpeachesError):
    """The engine failed on an utterance; the next one may succeed."""


class BusyError(SpeachesError):
    """The server takes no more work now; ``retry_after_s`` says when to come back, ``closing`` that it is going."""

    def __init__(self, problem: str, retry_after_s: int, *, closing: bool = False) -> None:
        super().__init__(f"{problem}: try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s
        self.closing = closing


class Tally:
    """What a server has done since it began; by model, where there is one."""

    def __init__(self) -> None:
        self.jobs: Counter[tuple[str, str]] = Counter()  # model; "done", "failed" or "given up"
        self.audio_s: Counter[str] = Counter()  # of jobs that were done
        self.lag_s: Counter[float] = Counter()  # jobs by the first of `LAG_BUCKETS_S` that they were done in
        self.lag_sum_s = 0.0
        self.refused: Counter[str] = Counter()  # "job" or "session"
        self.sessions = 0

    def count_job(self, model: str, outcome: str, audio_s: float, lag_s: float) -> None:
        """Take account of a job that is over."""
        self.jobs[model, outcome] += 1
        if outcome == "done":
            self.audio_s[model] += audio_s  # type: ignore[assignment]  # typeshed has counters of whole numbers only
            self.lag_s[next(limit for limit in LAG_BUCKETS_S if lag_s <= limit)] += 1
            self.lag_sum_s += lag_s


class TranscriptionJob:
    """Audio whose text somebody waits for, and how far it is."""

    def __init__(self, number: int, user: str, pool: WorkerPool, audio: bytes, options: DecodingOptions) -> None:
        self.number = number
        self.user = user
        self.pool = pool
        self.audio = audio  # int16 at 24 kHz
        self.options = options
        self.answers: asyncio.Queue[SegmentText | SpeachesError | None] = asyncio.Queue()
        """Segments; then None, or what went wrong."""
        self.arrived_s = asyncio.get_running_loop().time()
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

    @property
    def work_s(self) -> float:
        """How long the machine will need for what is left of it, as far as is known."""
        return max(0.0, self.audio_s * self.pool.work_per_audio - self.worked_s)

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

    def __init__(self, job: int, options: DecodingOptions, on_news: Callable[[LiveNews], None]) -> None:
        self._job = job
        self._options = options
        self._on_news = on_news
        self._worker: WorkerProcess | None = None
        self._waiting: list[bytes] = []
        self.on_close: Callable[[], None] = lambda: None
        self.closed = False

    def begin(self, worker: WorkerProcess) -> None:
        """Have a worker follow it, from its start."""
        self._worker = worker
        worker.live[self._job] = self._on_news
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
    limits
        How many sessions there may be, and how long work may wait.
    """

    def __init__(self, memory: ModelMemory, cores: int, limits: ServerLimits) -> None:
        self.memory = memory
        self.limits = limits
        self.tally = Tally()
        self.sessions = 0
        memory.on_change = self._dispatch
        self._closing = False
        self._cores = cores
        self._queue: FairQueue[TranscriptionJob] = FairQueue()
        self._numbers = count(1)
        self._unfollowed: list[tuple[WorkerPool, LiveHandle]] = []

    def client(self, user: str, spec: EngineSpec) -> ClientRecogniser:
        """Return a user's way to a model."""
        return ClientRecogniser(self, user, spec)

    # --- limits

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count a session while it lasts; a `BusyError` if its first utterance would be refused, or it is one too many.

        Raises
        ------
        BusyError
            There are as many sessions as there may be, or an utterance would wait for too long.
        """
        try:
            self.require_room(None)
            if self.sessions >= self.limits.max_sessions:
                raise BusyError(f"The server has all the sessions that it takes ({self.sessions})", FULL_RETRY_S)
        except BusyError:
            self.tally.refused["session"] += 1
            raise
        self.tally.sessions += 1
        self.sessions += 1
        try:
            yield
        finally:
            self.sessions -= 1

    def require_room(self, user: str | None, audio_s: float = UTTERANCE_S, work_s: float = 0.0) -> None:
        """Return if a user's work (None: of somebody new) can be taken; a `BusyError` if it would wait for too long."""
        if self._closing:
            raise BusyError("The server is shutting down", FULL_RETRY_S, closing=True)
        wait_s, may_s = self.wait_s(user, work_s), max(self.limits.max_wait_s, PATIENCE * work_s)
        if wait_s > may_s:
            problem = f"The server is busy: {len(self._queue)} jobs wait, and this one would wait for {wait_s:.0f} s"
            raise BusyError(problem, math.ceil(wait_s - may_s))
        if self.waiting_audio_s + audio_s > MAX_WAITING_AUDIO_S:
            problem = (
                f"The server is busy: {self.waiting_audio_s / 60:.0f} min of audio wait, and there is no room for more"
            )
            raise BusyError(problem, max(1, math.ceil(wait_s)))

    def wait_s(self, user: str | None = None, work_s: float = 0.0) -> float:
        """Return about how long a job would wait that comes now."""
        return self._queue.wait_s(user or "", work_s or self.memory.usual_work_s(UTTERANCE_S))

    @property
    def unfinished(self) -> int:
        """How many jobs wait or are under way."""
        return len(self._queue)

    @property
    def waiting_audio_s(self) -> float:
        """Seconds of audio of these jobs."""
        return sum(job.audio_s for job in self._queue)

    async def finish(self, given_up: Callable[[], bool]) -> None:
        """Take no more work, and return when all is done, or given up."""
        self._closing = True
        while len(self._queue) and not given_up():  # noqa: ASYNC110  a signal handler may give up, and sets no event
            await asyncio.sleep(0.05)

    # --- jobs

    def transcribe(
        self, user: str, spec: EngineSpec, samples: NDArray[np.int16], options: DecodingOptions
    ) -> AsyncIterator[SegmentText]:
        """Queue a job now, and yield the text of each of its segments of speech; a `BusyError` if it has no room."""
        pool = self.memory.pool(spec)
        job = TranscriptionJob(next(self._numbers), user, pool, _pcm16(samples), options)
        try:
            self.require_room(user, job.audio_s, job.work_s)
        except BusyError:
            self.tally.refused["job"] += 1
            raise
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
                self._finish(job, None, "given up")
                self._dispatch()

    def _finish(self, job: TranscriptionJob, answer: SpeachesError | None, outcome: str = "done") -> None:
        """End a job with its last answer."""
        lag_s = asyncio.get_running_loop().time() - job.arrived_s
        self.tally.count_job(job.pool.spec.model, "failed" if answer else outcome, job.audio_s, lag_s)
        self._end_turn(job)
        job.wanted = False
        job.answers.put_nowait(answer)
        self._queue.remove(job)
        job.pool.unfinished -= 1
        self.memory.used(job.pool)
        if job.worker is not None and job.worker.jobs.pop(job.number, None) is not None:
            job.worker.send(Forget(job.number))

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
        waiting = Counter(job.pool for job in self._queue if not job.at_work)
        for job in self._queue:
            if job.at_work:
                continue
            worker = job.worker or job.pool.idle_worker()
            if worker is None:
                wanted = waiting.pop(job.pool, 0)  # each model is asked for once
                if wanted and (not job.pool.loaded or free >= job.pool.cores):
                    self.memory.want(job.pool, wanted)
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
        turn_s = math.inf if job.audio_s <= SHORT_S else TURN_S * job.pool.cores / self._cores
        job.foreseen_s = min(job.work_s, turn_s)
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

    # --- live text

    def open_live(self, spec: EngineSpec, options: DecodingOptions, on_news: Callable[[LiveNews], None]) -> LiveHandle:
        """Follow an utterance that begins now; ``on_news`` gets what is new."""
        pool = self.memory.pool(spec)
        handle = LiveHandle(next(self._numbers), options, on_news)
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

        It is a `BusyError` at once if there is no room for them, a `RecognitionError` if the engine fails, and another
        `SpeachesError` if it cannot be loaded.
        """
        return self._dispatcher.transcribe(self._user, self.spec, samples, options)

    async def open_live(self, options: DecodingOptions, on_news: Callable[[LiveNews], None]) -> LiveHandle:
        """Follow an utterance that begins now; ``on_news`` gets what is new."""
        return self._dispatcher.open_live(self.spec, options, on_news)


def _pcm16(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
