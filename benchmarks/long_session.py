"""A session of hours, in virtual time, whose server ends each connection after half an hour.

    python benchmarks/long_session.py --hours 8 --seed 1

The session is to take another connection before each end, at a pause: no connection may be cut, every utterance has its
text once and in order, the recording is what was said, sample by sample, and memory stays as after the first minute.
Audio and events are written to disk as they are in use; see `simulated` for the network and the server.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np

import simulated
from dead_kernels import MOST_MB, resident_mb
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.session.session import Session
from rows import Row, judged, progress, report

SESSION_S = 1800.0
BLOCK = simulated.BLOCK
MINUTE = 600
LEVELS = 30_000
"""Utterances are told apart by their levels, of which int16 has so many."""


class Talker:
    """A microphone in front of somebody who talks for so many seconds; what was said is not kept, only its hash."""

    kind, label, live = "kernel", "talker", True

    def __init__(self, seconds: float, chance: random.Random) -> None:
        self.utterances = 0
        self.said = hashlib.sha256()
        self.resident: list[float] = []
        self._blocks = round(seconds * SESSION_RATE_HZ / BLOCK)
        self._chance = chance
        self._waiting = np.zeros(SESSION_RATE_HZ // 2, np.int16)

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield what is said, as it is said."""
        for number in range(self._blocks):
            await asyncio.sleep(BLOCK / SESSION_RATE_HZ)
            while len(self._waiting) < BLOCK:
                self._say()
            block, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
            self.said.update(block.tobytes())
            yield AudioBlock(block, SESSION_RATE_HZ)
            if number % MINUTE == MINUTE - 1:
                self.resident.append(resident_mb())
                if len(self.resident) % 60 == 0:
                    progress(f"{len(self.resident) // 60} h: {self.utterances} utterances, {self.resident[-1]:.0f} MB")

    def end(self) -> None:
        """Stop listening: it ends by itself."""

    def _say(self) -> None:
        level = simulated.BASE + self.utterances % LEVELS
        spoken, quiet = (round(self._chance.uniform(*span) * SESSION_RATE_HZ) for span in ((0.4, 6), (0.8, 2.5)))
        self.utterances += 1
        self._waiting = np.concatenate((self._waiting, np.full(spoken, level, np.int16), np.zeros(quiet, np.int16)))


async def listened(hours: float, seed: str, way: str, folder: Path) -> list[Row]:
    """Listen for so many hours and return what became of them."""
    chance = random.Random(seed)
    world = simulated.World(chance, 0, session_s=SESSION_S)
    talker = Talker(hours * simulated.HOUR_S, random.Random(f"{seed} talk"))
    with world.around():
        session = Session(talker, **{**simulated.session_options(way), "journal": folder})
        await session.start()
        await session.wait()
    told = session.transcript.text.split()
    wanted = [f"u{number % LEVELS}" for number in range(talker.utterances)]
    whole = wanted[: len(told)] if talker.utterances - len(told) in (0, 1) else wanted  # the last may not have begun
    heard = hashlib.sha256()
    recording = session.recording.samples
    for start in range(0, len(recording), SESSION_RATE_HZ * 60):
        heard.update(recording[start : start + SESSION_RATE_HZ * 60].tobytes())
    kinds = list(session.events.columns()["type"])
    more_mb = max(talker.resident) - talker.resident[0]
    an_hour_mb = 60 * (talker.resident[-1] - talker.resident[0]) / max(len(talker.resident) - 1, 1)
    columns = session.frames.columns()
    frames_mb = sum(columns[name].nbytes for name in columns if name != "energy") / hours / 1e6  # that is the score
    return [
        judged(f"roll-overs in {hours:g} h", kinds.count("RolledOver"), "times", budget=hours * 2 - 1, at_least=True),
        judged("connections that the server ended", kinds.count("Reconnecting"), "connections", budget=0),
        judged("utterances that are not in their place once", sum(map(str.__ne__, told, whole)), "texts", budget=0),
        judged("utterances lost", len(whole) - len(told), "utterances", budget=0),
        judged("stretches without text", len(session.transcript.missing), "stretches", budget=0),
        judged("recordings that are not bit-exact", int(heard.digest() != talker.said.digest()), "", budget=0),
        judged("memory after the first minute", talker.resident[0], "MB", budget=None),
        judged("memory that is added to that", more_mb, "MB", budget=MOST_MB),
        judged("an hour", an_hour_mb, "MB", budget=None),
        judged("frames of an hour", frames_mb, "MB", budget=None),
        judged("and its utterances", talker.utterances / hours, "utterances", budget=None),
    ]


def main() -> int:
    """Print the rows; return 1 if one does not keep to its budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="1 h")
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--way", choices=("realtime", "server cuts", "webrtc"), default="realtime")
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = listened(1 if args.quick else args.hours, args.seed, args.way, Path(folder))
        return report(simulated.live_through(work), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
