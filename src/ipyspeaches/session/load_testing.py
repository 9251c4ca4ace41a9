"""How many sessions a server holds: the same words in more and more sessions at once, paced as microphones are."""

from __future__ import annotations

import asyncio
import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import to_samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import number, shown
from ipyspeaches.errors import AudioError, InputError, ProtocolError
from ipyspeaches.protocol.api_key import hidden_address
from ipyspeaches.results.load_report import (
    LoadError,
    LoadLevel,
    LoadReport,
    SessionOutcome,
    errors_of,
    level_of,
)
from ipyspeaches.results.segment import Segment
from ipyspeaches.server.usage import UsageMeter
from ipyspeaches.session import events
from ipyspeaches.session.comparing import live_through
from ipyspeaches.session.engine import ENGINE, leave
from ipyspeaches.session.opening import resolve
from ipyspeaches.session.options import SessionOptions, TurnDetection, hide_key
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.terminal import Progress
from ipyspeaches.vad.gate import Utterance

WITHIN_S: Final = 3.0
"""How long people wait for their words before they look elsewhere."""
MOST_SESSIONS: Final = 1024
GIVE_UP_S: Final = 10.0
"""How long a session waits for a connection that it has lost, if nothing else is asked for."""
DESCRIPTORS: Final = {"realtime": 3, "chunked": 5, "sse": 5, "webrtc": 16}
"""Files and sockets that a session has open at a time, at the most."""
TICK_S: Final = 0.05
LATE_MS: Final = 100.0
FULL_CORE: Final = 0.8
"""Beyond these, a process that runs sessions on one thread is near its own limit."""
_FAILURES: Final = frozenset({"server_error", "utterance_failed", "unanswered", "clock", "message_lost"})
"""Warnings of a session that are the server's fault."""
_COUNT: Final = number(1, 100_000, "numbers of sessions, from 1 on", whole=True)
_WITHIN_S: Final = number(0.01, cure="seconds above 0")
_RAMP_S: Final = number(0, cure="seconds from 0 on, or None")


async def load_test(
    server: str | Sequence[str] | None,
    audio: Recording | str | os.PathLike[str],
    sessions: Iterable[int] | None = None,
    *,
    transport: str | Sequence[str] = "realtime",
    model: str | Sequence[str] | None = None,
    within_s: float = WITHIN_S,
    ramp_s: float | None = None,
    **options: Any,  # noqa: ANN401  of a session
) -> LoadReport:
    """Find out how many people may speak at once: sessions in this process, each with the same words, in real time.

    The first level is one session, to whose text the others are compared. A detector scores the words once for all.

    Parameters
    ----------
    server
        Its address, as for a session; of several servers, each session begins with the next one.
    audio
        What everybody says: a `Recording`, or a path.
    sessions
        How many at a time, level by level; None doubles them until the server does not hold them.
    transport
        By which way, or several of them, one after the other.
    model
        The model, or several of them, which the sessions take in turn.
    within_s
        A level holds if all utterances have their text once and 95 of 100 have it within so many seconds.
    ramp_s
        Seconds over which the sessions of a level begin; None for the time from one utterance to the next, so that they
        do not all end at once.
    **options
        Of all sessions, see `SessionOptions`. With ``pace=0`` they are files instead of microphones. ``give_up_s`` is
        10 unless given.

    Returns
    -------
    LoadReport
        One row a level. What interrupts or cancels it has the levels that are done as ``.report``.

    Raises
    ------
    InputError
        If an option cannot be used, or this process may not have so many connections open.
    AudioError
        If the audio cannot be read, or nobody speaks in it.
    ServerError
        If a server cannot be used, or gives one session alone no text.
    """
    hide_key(cast("Any", options))
    servers = list(map(hidden_address, _several("server", server)))
    server = None  # or a traceback shows a password in it
    transports, models = _several("transport", transport), _several("model", model)
    wanted = {"journal": None, "give_up_s": GIVE_UP_S, **options}
    for one in [{"transport": way, "model": name} for way in transports for name in models]:
        SessionOptions.of({**wanted, **one, "server": servers if len(servers) > 1 else servers[0]})
    levels = None if sessions is None else _counts(sessions)
    recording = audio if isinstance(audio, Recording) else Recording.load(audio)
    within_s, ramp_s = _WITHIN_S("within_s", within_s), None if ramp_s is None else _RAMP_S("ramp_s", ramp_s)
    speech = await asyncio.to_thread(Speech.of, recording, wanted)
    test = LoadTest(speech, servers, models, wanted, within_s=within_s, ramp_s=ramp_s)
    try:
        await ENGINE.call(test.run(transports, levels))
    except BaseException as exc:
        leave(exc, report=test.report)
        raise
    return test.report


def _several(name: str, value: Any) -> list[Any]:  # noqa: ANN401  one or more of something
    if value is None or isinstance(value, str):
        return [value]
    if not isinstance(value, Sequence) or not value:
        raise InputError(f"{name} is {shown(value)}: give one as text, or a list of them.")
    return list(value)


def _counts(sessions: Any) -> list[int]:  # noqa: ANN401  whatever was given
    if not isinstance(sessions, Iterable) or not (counts := list(sessions)):
        raise InputError(f"sessions is {shown(sessions)}: give a list of numbers such as [1, 2, 4, 8], or None.")
    return [int(_COUNT("sessions", count)) for count in counts]


class MicrophoneReplay(RecordedSource):
    """A recording as a microphone gives it: it waits for nobody."""

    live = True


class KnownScores:
    """Scores of a recording again, while its audio comes: all sessions hear the same, and one has scored it."""

    def __init__(self, hop: int, scores: NDArray[np.float32]) -> None:
        self.hop = hop
        self._scores = scores
        self._samples = 0
        self._told = 0

    def score(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the scores of the frames that these samples complete; behind the end, the last one again."""
        self._samples += len(samples)
        begin, self._told = self._told, max(self._told, self._samples // self.hop)
        return np.asarray(self._scores[np.minimum(np.arange(begin, self._told), len(self._scores) - 1)])


@dataclass(frozen=True)
class Speech:
    """What is said in each session.

    Attributes
    ----------
    recording
        The audio.
    turn_detection
        Who cuts; its detector knows the scores already.
    utterances
        What it cuts; empty if the server cuts.
    """

    recording: Recording
    turn_detection: TurnDetection
    utterances: tuple[Segment, ...]

    @classmethod
    def of(cls, recording: Recording, options: dict[str, Any]) -> Self:
        """Return the speech of a recording; an `AudioError` if there is none."""
        turn_detection = options.get("turn_detection") or TurnDetection.client()
        pipeline = Pipeline(turn_detection, options.get("chunk_s"))
        block = AudioBlock(recording.samples, recording.rate)
        actions = [*pipeline.process(block).actions, *pipeline.end_segment().actions]
        cut = [Segment(one.start_s, one.end_s, "") for one in actions if isinstance(one, Utterance)]
        if turn_detection.client_cuts and not cut:
            raise AudioError("Nobody speaks in this recording: give one with speech.")
        hop = to_samples(pipeline.frame_s)
        scores = pipeline.frames.score
        detector = copy.copy(turn_detection.detector)
        object.__setattr__(detector, "scorer", lambda _rate: KnownScores(hop, scores))
        return cls(recording, turn_detection.with_detector(detector), tuple(cut))


class LoadedSession:
    """One of many sessions, and what is noted about it."""

    def __init__(self, speech: Speech, alone: Sequence[Segment], options: dict[str, Any]) -> None:
        pace = options.get("pace", 1.0)
        source = (MicrophoneReplay if pace else RecordedSource)(speech.recording, pace)
        self.session = Session(source, **{**options, "turn_detection": speech.turn_detection})
        self.session.subscribe(self._note)
        self.alone = alone
        self.finals: dict[str, Segment] = {}
        self.errors: list[tuple[str, str]] = []
        self.on_text: Callable[[], None] = lambda: None
        self._listened = False

    async def run(self, delay_s: float) -> None:
        """Live through it, after so many seconds."""
        await asyncio.sleep(delay_s)
        await live_through(self.session)

    def _note(self, event: events.SessionEvent) -> None:
        if isinstance(event, events.Final):
            self.finals[event.item_id] = event.segment
            self.on_text()
        elif isinstance(event, events.StateChanged):
            self._listened |= event.state is SessionState.LISTENING
        elif isinstance(event, events.Reconnecting):
            self.errors.append(("reconnecting", event.reason))
        elif isinstance(event, events.ErrorOccurred):
            self.errors.append((type(event.error).__name__, str(event.error)))
        elif isinstance(event, events.Warning) and event.kind in _FAILURES:
            self.errors.append((event.kind, event.text))

    @property
    def outcome(self) -> SessionOutcome:
        """What it gave."""
        finals = sorted(self.finals.values(), key=lambda one: one.start)
        missing, latency = self.session.transcript.missing, self.session.latency
        refused = not self._listened and self.session.error is not None
        return SessionOutcome(finals, missing, latency, refused, self.errors, self.alone)


@dataclass
class Watch:
    """How late and how busy this process is, and how busy the servers are, while a level runs."""

    meters: Sequence[UsageMeter]
    late_ms: list[float] = field(default_factory=list)
    _usages: list[tuple[float, float, float]] = field(default_factory=list)  # when; CPU seconds and memory of all
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._began = time.monotonic(), time.process_time()
        await self._read()
        self._tasks = [asyncio.create_task(self._be_punctual()), asyncio.create_task(self._keep_reading())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ended = time.monotonic(), time.process_time()
        await self._read()

    async def _be_punctual(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + TICK_S
            await asyncio.sleep(TICK_S)
            self.late_ms.append((clock() - due) * 1000)

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self._read()

    async def _read(self) -> None:
        usages = [usage for usage in await asyncio.gather(*(meter.read() for meter in self.meters)) if usage]
        if len(usages) == len(self.meters):
            cpu_s, memory = sum(one.cpu_s for one in usages), sum(one.memory_bytes for one in usages)
            self._usages.append((time.monotonic(), cpu_s, memory))

    @property
    def measured(self) -> dict[str, float]:
        """What is known, as fields of `LoadLevel`."""
        (began_s, cpu_s), (ended_s, ended_cpu_s) = self._began, self._ended
        found = {
            "late_p99_ms": float(np.percentile(self.late_ms, 99)) if self.late_ms else math.nan,
            "client_cores": (ended_cpu_s - cpu_s) / max(ended_s - began_s, 1e-9),
        }
        if len(self._usages) > 1:
            (at_s, first_s, _), (until_s, last_s, _) = self._usages[0], self._usages[-1]
            found["server_cores"] = (last_s - first_s) / max(until_s - at_s, 1e-9)
            found["server_mb"] = max(memory for _, _, memory in self._usages) / 1e6
        return found


class LoadTest:
    """Runs level after level; ``report`` has those that are done. On the engine's loop."""

    def __init__(
        self,
        speech: Speech,
        servers: Sequence[str | None],
        models: Sequence[str | None],
        options: dict[str, Any],
        *,
        within_s: float,
        ramp_s: float | None,
    ) -> None:
        self._speech = speech
        self._servers = list(servers)
        self._models = models
        self._options = options
        self._within_s = within_s
        self._ramp_s = ramp_s
        self._meters: list[UsageMeter] = []
        self._alone: dict[str | None, Sequence[Segment]] = {}  # by model
        self._levels: list[LoadLevel] = []
        self._errors: list[LoadError] = []
        self._notes: list[str] = []

    @property
    def report(self) -> LoadReport:
        """What is known so far."""
        return LoadReport(self._levels, self._errors, self._notes, self._within_s)

    async def run(self, transports: Sequence[str], counts: Sequence[int] | None) -> None:
        """Run all levels, or raise a `SpeachesError` if one session alone has no text."""
        rooms = {transport: _room(transport) for transport in transports}
        for transport, room in rooms.items():
            if counts is not None and max(counts) > room:
                raise InputError(_too_many(max(counts), room, transport))
        for server in self._servers:
            place = await resolve(SessionOptions.of({**self._options, "server": server, "model": self._models[0]}))
            self._meters.append(UsageMeter(place.url, place.api_key))
        for transport, room in rooms.items():
            self._alone = {}
            for count in _levels(counts, room):
                level = await self._level(transport, count)
                if not level.final:
                    self._notes.append(
                        f"At level {count} over {transport}, no text came any more, so that no more were tried."
                    )
                    break
                if counts is None and not level.holds(self._within_s):
                    break

    async def _level(self, transport: str, count: int) -> LoadLevel:
        loaded = self._sessions(transport, count)
        total = len(self._speech.utterances) * len(loaded)
        with Progress(total, f"texts, level {count} over {transport}") as progress:
            for one in loaded:
                one.on_text = partial(progress.advance, 1)
            async with Watch(self._meters) as watch:
                if self._alone:
                    await asyncio.gather(*(one.run(self._delay_s(at, count)) for at, one in enumerate(loaded)))
                else:
                    for one in loaded:
                        await one.run(0.0)
                    self._note_alone(loaded)
        outcomes = [one.outcome for one in loaded]
        level = level_of(transport, count, outcomes, self._said, **watch.measured)
        self._levels.append(level)
        self._errors += errors_of(level, outcomes)
        self._judge_itself(level)
        return level

    def _sessions(self, transport: str, count: int) -> list[LoadedSession]:
        """Return the sessions of a level; before anything is known, one for each model."""
        models = [self._models[at % len(self._models)] for at in range(count)] if self._alone else self._models
        found = []
        for at, model in enumerate(models):
            first = at % len(self._servers)
            order = [*self._servers[first:], *self._servers[:first]]
            server = order if len(order) > 1 else order[0]
            options = {**self._options, "transport": transport, "model": model, "server": server}
            found.append(LoadedSession(self._speech, self._alone.get(model, ()), options))
        return found

    def _note_alone(self, loaded: Sequence[LoadedSession]) -> None:
        for model, one in zip(self._models, loaded, strict=True):
            if not one.session.transcript.text:
                what = "" if model is None else f" with {model}"
                raise one.session.failure or ProtocolError(f"A session alone has no text{what}: try another recording.")
            one.alone = self._alone[model] = one.outcome.finals

    @property
    def _said(self) -> Sequence[Segment]:
        """What is spoken in each session: what this side cuts, or what the server did when it had time for it."""
        return self._speech.utterances or next(iter(self._alone.values()))

    def _delay_s(self, at: int, count: int) -> float:
        ramp_s = self._speech.recording.duration / len(self._said) if self._ramp_s is None else self._ramp_s
        return ramp_s * at / count

    def _judge_itself(self, level: LoadLevel) -> None:
        known = not math.isnan(level.late_p99_ms)  # else it was over at once
        if known and (level.late_p99_ms > LATE_MS or level.client_cores > FULL_CORE):
            self._notes.append(
                f"At level {level.sessions} over {level.transport}, this process was late itself "
                f"(P99 {level.late_p99_ms:.0f} ms, at {level.client_cores:.2f} of a core): these figures are not the "
                "server's alone. Run the test on another machine than the server, or with fewer sessions at a time."
            )


def _levels(counts: Sequence[int] | None, room: int) -> Iterator[int]:
    if counts is not None:
        yield from (1, *sorted({*counts} - {1}))
        return
    count = 1
    while count <= min(MOST_SESSIONS, room):
        yield count
        count *= 2


def _room(transport: str) -> int:
    """Return how many sessions this process may have, by the files and sockets that it may have open."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return MOST_SESSIONS
    most, opened = resource.getrlimit(resource.RLIMIT_NOFILE)[0], 64
    with suppress(OSError):
        opened = len(os.listdir("/dev/fd")) + 32  # noqa: PTH208  as quick as it can be
    if most == resource.RLIM_INFINITY:
        return MOST_SESSIONS
    return max(0, most - opened) // DESCRIPTORS[transport]


def _too_many(count: int, room: int, transport: str) -> str:
    return (
        f"{count} sessions over {transport} need more open files than this process may have, which are enough for "
        f"{room}: raise the limit (ulimit -n {count * DESCRIPTORS[transport] + 200}), or test with fewer."
    )
