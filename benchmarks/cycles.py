"""What is left behind by sessions that are started and stopped: threads, file descriptors, memory.

    python benchmarks/cycles.py --cycles 200

First over a simulated network in virtual time (see `simulated`), then with a real embedded server (see `tones`), by
each way in turn. Each session hears an utterance and is stopped at once. What is there after the first cycles, which
load libraries and fill caches, is compared with what is there in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import numpy as np

import broken_sockets
import simulated
import tones
from dead_kernels import resident_mb
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.session import Session
from rows import Row, judged, progress, report

WARM_UP = 40
"""Cycles before what is compared."""
MOST_MB = 10.0
"""An allocator's doing; in simulations it comes and goes, and is no more after 1,200 cycles than after 200."""
MOST_THREADS = 0
MOST_DESCRIPTORS = 0


def held() -> tuple[int, int, float]:
    """Return how many threads and file descriptors this process has, and its memory in MB; of Linux only."""
    gc.collect()
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), resident_mb()


async def cycled(cycles: int, name: str, cycle: Callable[[int], Awaitable[None]]) -> list[Row]:
    """Go through the cycles and compare."""
    for number in range(WARM_UP):
        await cycle(number)
    before = held()
    for number in range(cycles):
        await cycle(number)
        if number % 50 == 49:
            progress(f"{name}: {number + 1} of {cycles}, threads, descriptors, MB: {held()}")
    after = held()
    more = [then - now for now, then in zip(before, after, strict=True)]
    return [
        judged(f"threads after {cycles} cycles, {name}, before: {before[0]}", more[0], "more", budget=MOST_THREADS),
        judged(f"descriptors, before: {before[1]}", more[1], "more", budget=MOST_DESCRIPTORS),
        judged(f"memory, before: {before[2]:.1f} MB", more[2], "MB more", budget=MOST_MB),
    ]


async def simulation(cycles: int) -> list[Row]:
    """Cycle over a network that is played."""
    chance = random.Random(1)
    world = simulated.World(chance, 0)
    ways = [way for way in simulated.WAYS if way != "odd server"]

    async def cycle(number: int) -> None:
        speaker = simulated.Speaker(simulated.speech(1, chance))
        async with Session(speaker, **simulated.session_options(ways[number % len(ways)])):
            await asyncio.sleep(2)

    with world.around():
        return await cycled(cycles, "simulated", cycle)


class Brief:
    """A microphone that hears a tone, and then nothing."""

    kind, label, live = "kernel", "brief", True

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the tone, and wait to be stopped."""
        yield AudioBlock(np.concatenate((tones.tone(-1, 0.3), tones.tone(0, 0.3))), SESSION_RATE_HZ)
        await self._ended.wait()

    def end(self) -> None:
        """Stop listening."""
        self._ended.set()


async def with_server(cycles: int) -> list[Row]:
    """Cycle over sockets."""
    server = broken_sockets.ToneServer()
    await server.start()
    url = f"http://127.0.0.1:{server.port}"

    async def cycle(number: int) -> None:
        options = broken_sockets.session_options(broken_sockets.WAYS[number % len(broken_sockets.WAYS)], url)
        async with Session(Brief(), **options) as session:
            pass
        assert session.transcript.text == "u0", session.transcript.missing

    try:
        return await ENGINE.call(cycled(cycles, "embedded server", cycle))
    finally:
        await server.end(signal.SIGKILL)


def main() -> int:
    """Print the rows; return 1 if something is left behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="20 cycles")
    parser.add_argument("--cycles", type=int, default=200)
    args = parser.parse_args()
    cycles = 20 if args.quick else args.cycles
    rows = simulated.live_through(simulation(cycles))
    return report([*rows, *asyncio.run(with_server(cycles))], as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
