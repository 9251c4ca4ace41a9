"""Many live sessions in one process, against a server that only takes: their CPU, and how late audio is taken.

    python benchmarks/many_sessions.py --sessions 1000

A session is a whole `Session`: it hears speech as a microphone gives it (blocks of 100 ms, at 24 kHz as pages send them
and at 48 kHz as sound cards do), resamples, scores, cuts, sends and records it, and gets a text for each utterance; the
server is another process. Beside it, as many connections of openai-python's realtime client, each of which only sends
the same blocks. A core holds as many sessions as its time is worth at the CPU of one; lateness is how long after its
time a block is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import Detector, EnergyVad, SileroVad
from rows import Row, judged, progress, report
from sink import running

SESSIONS_A_CORE = 1_000
LATE_MS = 100.0
BLOCK_S = 0.1
SOUND_CARD_HZ = 48_000
AT_ONCE = 50
"""Connections that are opened at a time."""


@dataclass(frozen=True)
class Load:
    """What so many sessions at once took: CPU of one in seconds a second, and the lateness of each block in ms."""

    cpu: float
    late_ms: list[float]

    @property
    def per_core(self) -> float:
        """How many of them a core holds."""
        return 1 / self.cpu

    @property
    def worst_ms(self) -> float:
        """Lateness of all but one in a hundred blocks."""
        return float(np.percentile(self.late_ms, 99))


class Clockwork:
    """Has many take blocks of speech, each when it is due, and measures what that takes."""

    def __init__(self, sessions: int, seconds: float, rate: int) -> None:
        samples, blocks = Recording.sample("quickstart").to_rate(rate).samples, round(seconds / BLOCK_S)
        self.sessions = sessions
        self.seconds = seconds
        self.rate = rate
        self.late_ms: list[float] = []
        self._blocks = np.resize(samples, (blocks, round(rate * BLOCK_S)))
        self._offsets = (BLOCK_S * at / sessions for at in count())  # so that not all are due at once
        self._go = asyncio.Event()
        self._ready = 0

    async def blocks(self) -> AsyncGenerator[NDArray[np.int16]]:
        """Yield block after block, from when all are there."""
        self._ready += 1
        await self._go.wait()
        clock = asyncio.get_running_loop().time
        due = clock() + next(self._offsets)
        for block in self._blocks:
            due += BLOCK_S
            await asyncio.sleep(max(0.0, due - clock()))
            self.late_ms.append((clock() - due) * 1000)
            yield block

    async def measure(self, users: list[Awaitable[Any]]) -> Load:
        """Return what it takes to live through these from when all take blocks."""
        tasks = list(map(asyncio.ensure_future, users))
        while self._ready < self.sessions and not any(task.done() for task in tasks):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        gc.collect()
        spent_s = time.process_time()
        self._go.set()
        await asyncio.gather(*tasks)
        return Load((time.process_time() - spent_s) / self.sessions / self.seconds, self.late_ms)


class Microphone:
    """Gives a session what the clockwork gives."""

    kind, label, live = "kernel", "clockwork", True

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield all of it."""
        async for samples in self._clockwork.blocks():
            yield AudioBlock(samples, self._clockwork.rate)

    def end(self) -> None:
        """Do nothing: it ends by itself."""


async def ours(url: str, clockwork: Clockwork, detector: Detector) -> Load:
    """Measure sessions with a detector."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def live() -> int:
        turn_detection = TurnDetection.client(detector)
        session = Session(Microphone(clockwork), server=url, journal=None, turn_detection=turn_detection)
        async with gate:
            await session.start()
        await session.wait()
        return len(session.transcript)

    said: list[asyncio.Task[int]] = [asyncio.ensure_future(live()) for _ in range(clockwork.sessions)]
    load = await clockwork.measure(list(said))
    progress(f"{sum(task.result() for task in said)} texts")
    return load


async def openai_python(url: str, clockwork: Clockwork) -> Load:
    """Measure as many connections of openai-python's realtime client, used as its documentation shows."""
    from openai import AsyncOpenAI

    gate = asyncio.Semaphore(AT_ONCE)

    async def live(client: AsyncOpenAI) -> None:
        manager = client.realtime.connect(model="none")
        async with gate:
            connection = await manager.enter()
        await connection.recv()
        async for samples in clockwork.blocks():
            await connection.input_audio_buffer.append(audio=base64.b64encode(samples.tobytes()).decode())
        await connection.close()

    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
        return await clockwork.measure([live(client) for _ in range(clockwork.sessions)])


def measured(name: str, clockwork: Clockwork, work: Callable[[str, Clockwork], Awaitable[Load]]) -> Load:
    """Measure against a server of its own, on the engine's loop."""

    async def run(url: str) -> Load:
        return await work(url, clockwork)

    with running() as url:
        load = ENGINE.run(run(url))
    median_ms, worst_ms = np.percentile(load.late_ms, (50, 99))
    each = f"{load.cpu * 1000:.2f} ms of CPU a second: {load.per_core:.0f} a core"
    progress(f"{clockwork.sessions} sessions, {name}: {each}; blocks {median_ms:.1f} ms late, P99 {worst_ms:.1f} ms")
    return load


def rows(sessions: int, seconds: float) -> list[Row]:
    """Measure all."""
    found = []
    loads = {}
    few = max(1, sessions // 50)
    for name, number, rate, detector, budget in (
        ("energy, 24 kHz", sessions, SESSION_RATE_HZ, EnergyVad(), SESSIONS_A_CORE),
        ("energy, 48 kHz", sessions, SOUND_CARD_HZ, EnergyVad(), SESSIONS_A_CORE),
        ("Silero, 24 kHz", few, SESSION_RATE_HZ, SileroVad(), None),
    ):
        load = loads[name] = measured(name, Clockwork(number, seconds, rate), partial(ours, detector=detector))
        found.append(judged(f"sessions a core, {name}", load.per_core, "sessions", budget=budget, at_least=True))
        found.append(judged(f"P99 lateness, {number} sessions, {name}", load.worst_ms, "ms", budget=LATE_MS))
    try:
        theirs = measured("openai-python", Clockwork(sessions, seconds, SESSION_RATE_HZ), openai_python)
    except ImportError:
        progress("openai is not installed, so that there is nothing to compare with: pip install openai")
        return found
    name = "CPU of a session, energy, 24 kHz, against openai-python that only sends"
    ours_ms, theirs_ms = loads["energy, 24 kHz"].cpu * 1000, theirs.cpu * 1000
    return [*found, judged(name, ours_ms, "ms/s", anchor=theirs_ms, budget=None)]


def main() -> int:
    """Print the rows; return 1 if a budget is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="200 sessions for 8 seconds")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    sessions, seconds = (200, 8.0) if args.quick else (args.sessions, args.seconds)
    return report(rows(sessions, seconds), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
