"""Many files, a few at a time: here, or on whatever runs functions elsewhere."""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TypeAlias, Unpack, cast

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import as_path, checked, number, shown
from ipyspeaches.errors import (
    AudioError,
    DownloadError,
    InputError,
    MissingExtraError,
    ServerError,
    Severity,
    SpeachesError,
)
from ipyspeaches.lines import LinesFile
from ipyspeaches.protocol.address import asked_address
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE, key_from_environment
from ipyspeaches.results.files import FileResult, FileResults
from ipyspeaches.session.comparing import live_through
from ipyspeaches.session.delivery import FIRST_WAIT_S, LONGEST_ASKED_S, LONGEST_WAIT_S
from ipyspeaches.session.engine import ENGINE, leave
from ipyspeaches.session.opening import open_source, resolve
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection, hide_key
from ipyspeaches.session.session import Session
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.terminal import Progress, one_line
from ipyspeaches.vad.scores import content_key

HERE_AT_ONCE: Final = 4
"""Files at a time without an executor: while a server works on an utterance of one, others are sent."""
AHEAD: Final = 64
"""Files that an executor is given before the first result is waited for, unless somebody says otherwise."""
GIVE_UP_S: Final = 300.0
"""How long the server may be away before what is left is given up: long enough for one that restarts and loads."""
_AT_ONCE: Final = number(1, 10_000, "a whole number from 1, or None", whole=True)
Audio: TypeAlias = str | os.PathLike[str] | Recording
Files: TypeAlias = Audio | Iterable[Audio] | Mapping[str, Audio]


async def transcribe_many(
    files: Files,
    *,
    executor: Executor | None = None,
    at_once: int | None = None,
    resume: str | Path | None = None,
    **options: Unpack[SessionKeywords],
) -> FileResults:
    """Transcribe many files; one that fails is a row with its reason, and the others go on.

    Each file goes to the server utterance by utterance, however long it is. A server that is busy is asked again when
    it says, one that is away is waited for (``give_up_s``, here five minutes). One that stays away, refuses the key or
    has not the model would fail all the others, too: their reason is that, and they are not tried.

    Parameters
    ----------
    files
        A path, a glob such as ``"talks/**/*.flac"``, a `Recording`, a list of these, or a dict that names them.
    executor
        Any `concurrent.futures.Executor`, such as a ``ProcessPoolExecutor`` or what ``Client.get_executor()`` of
        ``dask.distributed`` gives; its workers read the files themselves. None for this process, which hardly works
        while a server does. Pools of this machine share one embedded server; on a cluster, each process has its own.
    at_once
        How many files are under way at a time: 4 in this process, 64 given to an executor, whose workers decide.
    resume
        File that keeps results as they come (JSON lines): what is there is not done again, what failed is. It is about
        the same model, language and other options that decide about the text.
    **options
        See `SessionOptions`. ``pace`` is 0. An ``api_key`` stays in this process: it is in no pickle, and workers
        elsewhere take ``$SPEACHES_API_KEY`` from their own environment.

    Returns
    -------
    FileResults
        One row a file, in the order of ``files``. What interrupts or cancels it has what came until then as
        ``.results``.

    Raises
    ------
    InputError
        If there are no files, an option cannot be used, or the file of results is none or cannot be written.
    ServerError
        If there is no server to begin with, as far as this machine can tell.
    """
    hide_key(options)
    options.setdefault("pace", 0)
    if options.get("give_up_s") is None:
        options["give_up_s"] = GIVE_UP_S
    asked = SessionOptions.of(dict(options))
    if not (executor is None or hasattr(executor, "submit")):
        raise InputError(f"executor is {shown(executor)}: give a concurrent.futures.Executor, or None.")
    if executor is not None and asked.on_event is not None:
        raise InputError("on_event cannot go to other processes: leave it out, or do without an executor.")
    audio = _named(files)
    count = _AT_ONCE("at_once", (HERE_AT_ONCE if executor is None else AHEAD) if at_once is None else at_once)
    kept = None if resume is None else _Kept(resume, _about(asked))
    known = {} if kept is None else kept.known
    many = _Many(audio, {name: known[name] for name in audio if name in known}, kept, executor)
    try:
        await ENGINE.call(many.run(options, asked, int(count)))
    except BaseException as exc:
        leave(exc, results=many.results)
        raise
    return many.results


def _named(files: Files) -> dict[str, str | Recording]:
    """Return what to transcribe by its name: a path as it is given, or what is in a recording."""
    listed = [files] if isinstance(files, str | os.PathLike | Recording) else files
    if not isinstance(listed, Iterable):
        raise InputError(f"{shown(files)} is no file: give paths, a glob such as 'talks/*.flac', or recordings.")
    found: dict[str, str | Recording] = {}
    for name, one in listed.items() if isinstance(listed, Mapping) else (("", one) for one in listed):
        if isinstance(one, Recording):
            found[str(name) or f"recording {content_key(one)}"] = one
        elif isinstance(one, str | os.PathLike) and isinstance(path := os.fspath(one), str):
            found.update({str(name): path} if name else {path: path for path in _matching(path)})
        else:
            raise InputError(f"{shown(one)} is no file: give a path, a glob such as 'talks/*.flac', or a Recording.")
    if not found:
        raise InputError("There are no files: give paths, a glob such as 'talks/*.flac', or recordings.")
    return found


def _matching(path: str) -> list[str]:
    """Return the files that a glob matches; a path that is none stands for itself, there or not."""
    path = os.fspath(as_path(path)) if path.startswith("~") else path
    if os.path.isdir(path):  # noqa: PTH112  a path may be on another machine, as text
        raise InputError(f"{path} is a folder: give a glob such as {os.path.join(path, '*.wav')!r}.")  # noqa: PTH118
    if not glob.has_magic(path) or os.path.exists(path):  # noqa: PTH110
        return [path]
    found = sorted(one for one in glob.glob(path, recursive=True) if os.path.isfile(one))  # noqa: PTH113, PTH207
    if not found:
        raise InputError(f"No file matches {path!r}: look at the folder, and at what its files end in.")
    return found


def _about(asked: SessionOptions) -> dict[str, Any]:
    """Return the options that decide about the text, as JSON has them."""
    recognition = {one.name: getattr(asked.recognition, one.name) for one in fields(asked.recognition)}
    route = {"transport": asked.route.transport, "chunk_s": asked.route.chunk_s}
    every = {**recognition, **route, "turn_detection": asked.turn_detection or TurnDetection.client()}
    return {
        name: one if isinstance(one, str | int | float) else repr(one) for name, one in every.items() if one is not None
    }


@checked
class _Kept:
    """The file from which it goes on after an interruption: a line a try, of which the last one of a file counts."""

    def __init__(self, path: str | Path, about: dict[str, Any]) -> None:
        self.known: dict[str, FileResult] = {}
        self._about = about
        self._file = LinesFile(path, "transcribe_many", begins='{"path":')
        self._file.read(self._take)
        self._file.open()

    def _take(self, entry: Any) -> None:  # noqa: ANN401  JSON
        known = dict(entry["options"])
        other = sorted(name for name in known | self._about if known.get(name) != self._about.get(name))
        if other:
            raise InputError(f"{self._file.path} was made with another {', '.join(other)}: name another file for it.")
        result = FileResult.from_json(entry)
        self.known[result.path] = result

    def add(self, result: FileResult) -> None:
        """Keep a result; an `InputError` if it cannot be written."""
        self._file.add([{**result.to_json(), "options": self._about}])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_STOPPED: Final = "it was interrupted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, as it goes from a worker to whoever gathers."""

    result: Mapping[str, Any]  # see `FileResult.to_json`
    ends: bool = False  # whether what failed it would fail all the others, too


@dataclass(frozen=True, slots=True)
class Job:
    """One file to transcribe, which may go to another process: its key does not."""

    name: str
    audio: str | Recording
    options: SessionKeywords
    needs_key: bool

    async def run(self) -> Outcome:
        """Return what became of it; nothing is raised."""
        try:
            self._check_key()
            source = cast("RecordedSource", await asyncio.to_thread(open_source, self.audio, 0))
            session = await self._heard(source)
        except SpeachesError as exc:
            return Outcome(FileResult.failure(self.name, str(exc)).to_json(), _ends(exc))
        except Exception as exc:  # noqa: BLE001  whatever it is, the other files go on
            reason = f"unexpected {type(exc).__name__}: {one_line(str(exc))}"
            return Outcome(FileResult.failure(self.name, reason).to_json())
        return self._came_of(session, source)

    def _came_of(self, session: Session, source: RecordedSource, *, stopped: bool = False) -> Outcome:
        reasons = [*map(str, filter(None, [session.failure])), *(gap.reason for gap in session.transcript.missing)]
        failed, reason = stopped or session.incomplete, reasons[0] if reasons else _STOPPED if stopped else None
        result = FileResult(self.name, source.duration_s, session.transcript, failed, reason)
        return Outcome(result.to_json(), _ends(session.error, begun=len(session.frames) > 0))

    async def _heard(self, source: RecordedSource) -> Session:
        """Return a session that has ended; where it could not begin because the server was away or busy, try again."""
        clock = asyncio.get_running_loop().time
        begun_s, wait_s = clock(), FIRST_WAIT_S
        while True:
            session = Session(source, **self.options)
            try:
                await live_through(session)
            except asyncio.CancelledError as exc:
                if len(session.transcript):
                    vars(exc)["outcome"] = self._came_of(session, source, stopped=True)
                raise
            error = session.error
            if not isinstance(error, ServerError) or error.severity is not Severity.PASSING or len(session.frames):
                return session
            asked_s = min(error.retry_after_s, LONGEST_ASKED_S)
            if asked_s:  # it is there, and wants to be asked again
                begun_s = clock() + asked_s
            if clock() + wait_s > begun_s + (self.options["give_up_s"] or 0):
                return session
            await asyncio.sleep(max(wait_s, asked_s))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _check_key(self) -> None:
        """Refuse to go without a key that was given: pickled, it is None."""
        if self.needs_key and self.options.get("api_key") is None and key_from_environment() is None:
            raise InputError(
                f"The key does not go to other processes: set {API_KEY_VARIABLE} where the workers of the executor run."
            )


def transcribe_job(job: Job) -> Outcome:
    """Transcribe a file in the process of a worker."""
    return ENGINE.run(job.run())


def _ends(error: SpeachesError | None, *, begun: bool = False) -> bool:
    """Whether what failed a file would meet the next one, too: an option, a refusal, a server that cannot be had."""
    if isinstance(error, ServerError):
        return error.severity is Severity.FATAL or (error.severity is Severity.PASSING and not begun)
    return isinstance(error, InputError | MissingExtraError | DownloadError) and not isinstance(error, AudioError)


class _Many:
    """Files under way, and what came of them. On the engine's loop."""

    def __init__(
        self,
        audio: Mapping[str, str | Recording],
        known: dict[str, FileResult],
        kept: _Kept | None,
        executor: Executor | None,
    ) -> None:
        self._audio = audio
        self._found = known
        self._kept = kept
        self._executor = executor
        self._end: str | None = None  # why no more files are tried

    @property
    def results(self) -> FileResults:
        """What there is so far."""
        return FileResults([self._found[name] for name in self._audio if name in self._found])

    async def run(self, options: SessionKeywords, asked: SessionOptions, at_once: int) -> None:
        """Transcribe what is not known, so many at a time."""
        with nullcontext() if self._kept is None else closing(self._kept):
            await self._run(options, asked, at_once)

    async def _run(self, options: SessionKeywords, asked: SessionOptions, at_once: int) -> None:
        left = [name for name in self._audio if name not in self._found or self._found[name].failed]
        if not left:
            return
        options = await _placed(options, asked, self._executor)
        needs_key = asked.api_key is not None
        jobs = (Job(name, self._audio[name], options, needs_key) for name in left)
        with Progress(len(self._audio), "files") as progress:
            progress.advance(len(self._audio) - len(left))
            tasks = [asyncio.create_task(self._work(jobs, progress)) for _ in range(min(at_once, len(left)))]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, jobs: Iterator[Job], progress: Progress) -> None:
        """Have one file after the other transcribed."""
        for job in jobs:
            if self._end is not None:
                self._found.setdefault(job.name, FileResult.failure(job.name, f"not tried: {self._end}"))
                continue
            try:
                outcome = await self._outcome(job)
            except asyncio.CancelledError as exc:
                if begun := vars(exc).get("outcome"):  # hours of text, perhaps
                    self._add(job.name, begun)
                raise
            self._add(job.name, outcome)
            progress.advance(1)

    def _add(self, name: str, outcome: Outcome) -> None:
        result = self._found[name] = FileResult.from_json(outcome.result)
        if self._kept is not None:
            self._kept.add(result)
        if outcome.ends:
            self._end = result.reason

    async def _outcome(self, job: Job) -> Outcome:
        if self._executor is None:
            return await job.run()
        try:
            return await asyncio.wrap_future(self._executor.submit(transcribe_job, job))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            reason = "the executor gave it up: it was shut down, or what it runs on was"
        except Exception as exc:  # noqa: BLE001  a worker that died, and whatever else executors run into
            reason = f"the executor failed ({type(exc).__name__}: {one_line(str(exc))})"
        return Outcome(FileResult.failure(job.name, reason).to_json())


async def _placed(options: SessionKeywords, asked: SessionOptions, executor: Executor | None) -> SessionKeywords:
    """Return options that mean the same server to every worker, which answers as far as this machine can tell."""
    found = options.copy()
    if executor is not None and not asked.others and asked_address(asked.server):
        found["server"] = asked_address(asked.server)  # workers may have another environment
    if executor is not None and not isinstance(executor, ThreadPoolExecutor | ProcessPoolExecutor):
        return found  # a cluster may see servers that this machine does not
    failures: list[ServerError] = []
    for server in (asked.server, *asked.others):
        try:
            destination = await resolve(replace(asked, server=server))
        except ServerError as exc:
            failures.append(exc)
            continue
        if destination.embedded and isinstance(executor, ProcessPoolExecutor):
            found["server"] = destination.url
        return found
    raise failures[0]
