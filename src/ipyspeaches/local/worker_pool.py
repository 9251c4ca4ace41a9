"""The worker processes of one model, seen from the server: started, given jobs, missed when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import EngineSpec
from ipyspeaches.local.recogniser import LiveNews
from ipyspeaches.local.worker import HEADER, FromWorker, JobText, LiveText, Rest, ToWorker, Turn, WorkerStarted, pack

WORKER_MODULE: Final = "ipyspeaches.local.worker"
FIRST_GUESS: Final = 0.3
LEARNING: Final = 0.2
"""Share of a new measurement in an average that follows."""
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def early_end(spec: EngineSpec, code: int) -> str:
    """Return why a process may have ended while it loaded a model, and what to do, by its exit code."""
    what = f"The recogniser of {spec.model} ended while it was starting"
    if code == -signal.SIGKILL:
        return f"{what} (killed): the machine may be short of memory, so close programs, or name a smaller model."
    if code in (-signal.SIGILL, -signal.SIGSEGV):
        name = signal.Signals(-code).name
        return (
            f"{what} ({name}): this processor may lack what it needs, so use --engine pocketsphinx, or another machine."
        )
    return f"{what} (code {code}): what it printed says more; name another model, or use --engine pocketsphinx."


class WorkerProcess:
    """One worker: who waits for its answers, and whether it is at work.

    Parameters
    ----------
    spec
        The engine that it runs.
    on_turn_end, on_end
        Called when a job's turn is over, and when the process ends, whatever the reason.
    """

    def __init__(
        self, spec: EngineSpec, on_turn_end: Callable[[], None], on_end: Callable[[WorkerProcess], None]
    ) -> None:
        self._spec = spec
        self._on_turn_end = on_turn_end
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.jobs: dict[int, Callable[[FromWorker | None], None]] = {}
        """What to call with the answers to each job; None tells that the process has ended."""
        self.live: dict[int, Callable[[LiveNews], None]] = {}
        self.alive = True
        self.at_work = False
        self._resting = True

    @property
    def pid(self) -> int | None:
        """The process id, once there is one."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and wait until its engine is loaded; a `SpeachesError` if the engine cannot be loaded."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", WORKER_MODULE, self._spec.name, self._spec.source or self._spec.model),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the server's to handle
        )
        self._reader = asyncio.create_task(self._read())
        await asyncio.shield(self._ready)

    def send(self, message: ToWorker) -> None:
        """Send a message; it is kept in memory until the worker takes it."""
        if self.alive and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(pack(message))

    def give_turn(self, job: int, *, live_first: bool) -> None:
        """Have it work on a job for a while."""
        self.at_work, self._resting = True, False
        self.send(Turn(job, live_first))

    def rest(self) -> None:
        """Let it follow live text until its next turn."""
        if not (self.at_work or self._resting):
            self._resting = True
            self.send(Rest())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        decoder = msgspec.msgpack.Decoder(FromWorker)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await self._process.stdout.readexactly(HEADER.size)
                body = await self._process.stdout.readexactly(HEADER.unpack(header)[0])
                self._receive(decoder.decode(body))
        self.alive = False
        if not self._ready.done():
            self._ready.set_exception(SpeachesError(early_end(self._spec, await self._process.wait())))
            self._ready.exception()  # read here, as there may be nobody who waits for it
        self._on_end(self)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    def _receive(self, message: FromWorker) -> None:
        if isinstance(message, WorkerStarted):
            if message.error is None:
                self._ready.set_result(None)
            else:
                self._ready.set_exception(SpeachesError(message.error))
        elif isinstance(message, LiveText):
            if message.job in self.live:
                self.live[message.job](message.news)
        else:
            told = self.jobs.get(message.job)
            if not isinstance(message, JobText):
                self.at_work = False
            if told is not None:
                told(message)
            if not self.at_work:
                self._on_turn_end()

    def lose_jobs(self) -> None:
        """Tell those who wait for it that it has ended."""
        lost, self.jobs = self.jobs, {}
        for told in lost.values():
            told(None)

    async def stop(self) -> None:
        """End the process."""
        self.alive = False
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader


class WorkerPool:
    """The workers of one model; those that end by themselves are dropped, and others may be started.

    Parameters
    ----------
    spec
        The model.
    cores
        How many there are: as many workers at most, or as the engine allows.
    on_change
        Called when a worker has been started, has had its turn, or has ended.
    """

    def __init__(self, spec: EngineSpec, cores: int, on_change: Callable[[], None]) -> None:
        self.spec = spec
        self.max_workers = min(cores, spec.max_workers or cores)
        self.cores = cores // self.max_workers
        """How many of them a worker keeps busy."""
        self._on_change = on_change
        self._workers: list[WorkerProcess] = []
        self._starting: dict[asyncio.Task[None], WorkerProcess] = {}
        self._grows = True
        self.problem: SpeachesError | None = None
        """Why the last worker could not be started."""
        self._learned = 0
        self.unfinished = 0
        """Jobs that wait for it or are under way."""
        self.work_per_audio = FIRST_GUESS * self.cores / cores
        """Seconds that the whole machine works on a second of audio."""

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        """Those that are ready."""
        return tuple(self._workers)

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return bool(self._workers)

    @property
    def in_memory(self) -> bool:
        """Whether it is, or is being loaded."""
        return bool(self._workers or self._starting)

    @property
    def started_jobs(self) -> int:
        """How many jobs its workers have, at work or between two turns."""
        return sum(len(worker.jobs) for worker in self._workers)

    @property
    def followed(self) -> int:
        """How many utterances its workers follow."""
        return sum(len(worker.live) for worker in self._workers)

    def learn(self, work_s: float, audio_s: float) -> None:
        """Take account of how long the whole machine worked on some audio."""
        if audio_s > 0:
            self._learned += 1
            share = max(LEARNING, 1 / self._learned)
            self.work_per_audio += share * (work_s / audio_s - self.work_per_audio)

    @property
    def memory_bytes(self) -> int | None:
        """What its processes hold of the machine's memory; None where this system does not tell."""
        workers = [*self._workers, *self._starting.values()]
        held = [resident_bytes(worker.pid) for worker in workers if worker.pid is not None]
        known = [one for one in held if one is not None]
        return sum(known) if len(known) == len(held) else None

    def idle_worker(self) -> WorkerProcess | None:
        """Return a worker that has no turn, or None."""
        return next((worker for worker in self._workers if not worker.at_work), None)

    def grow(self, waiting: int = 1) -> None:
        """Begin to start a worker for jobs that wait, if there may be one more and not as many are starting."""
        there = len(self._workers) + len(self._starting)
        if len(self._starting) >= min(waiting, self.max_workers - len(self._workers)) or (there and not self._grows):
            return
        worker = WorkerProcess(self.spec, self._on_change, self._ended)
        task = asyncio.create_task(self._start(worker))
        self._starting[task] = worker
        task.add_done_callback(self._settled)

    async def _start(self, worker: WorkerProcess) -> None:
        try:
            await worker.start()
        except (SpeachesError, OSError) as exc:
            self.problem, self._grows = _as_problem(exc), False  # those that are there go on
            await worker.stop()
        except BaseException:
            await worker.stop()
            raise
        else:
            if worker.alive:
                self.problem, self._grows = None, True
                self._workers.append(worker)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._starting.pop(task, None)
        self._on_change()

    async def started(self) -> None:
        """Wait until one of the workers that are being started is ready, or has failed."""
        if self._starting:
            await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)

    def _ended(self, worker: WorkerProcess) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
        worker.lose_jobs()
        self._on_change()

    def stop(self) -> asyncio.Future[list[object]]:
        """End all workers; they count no longer, and are gone once the result is there."""
        starting = list(self._starting)
        for task in starting:
            task.cancel()
        workers, self._workers = self._workers, []
        self._starting.clear()
        self._grows = True
        return asyncio.gather(*starting, *(worker.stop() for worker in workers), return_exceptions=True)


def _as_problem(error: Exception) -> SpeachesError:
    if isinstance(error, SpeachesError):
        return error
    return SpeachesError(f"A recogniser process could not be started ({error}): end other programs, and try again.")


def resident_bytes(pid: int) -> int | None:
    """Return how much of the machine's memory a process holds; None if it is gone, or this system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None


def cpu_s(pid: int) -> float:
    """Return how long a process has kept a core busy; 0 if it is gone, or this system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0
