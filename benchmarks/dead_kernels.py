"""What a killed recording leaves, and what hours of recording cost.

Recordings are killed (SIGKILL) at random moments and recovered: the audio bit-exact, each text that had come, and what
was pending is transcribed. Then eight hours of audio go through a session's pipeline, recorder and journal: memory
after the first minute, and the processor's time for a block in the first hour against that in the last.

``--seed`` repeats the moments.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dying import BLOCK, BLOCK_S, Bursts, die
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol.protocol_events import ItemCommitted, ItemCompleted
from ipyspeaches.session.journal import Journal
from ipyspeaches.session.options import SessionOptions, TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.words import Word
from rows import Row, judged, progress, report

DEATHS = 50
HOURS = 8
MOST_LOST_S = 0.5
MOST_MB = 50
MOST_SLOWER = 1.5
CUTS = TurnDetection.client(EnergyVad(threshold=500, frame_ms=32))
"""As many frames as Silero has, and an utterance every five seconds."""
MINUTE = 600
"""Blocks after which the sound begins again: making noise takes longer than taking it in."""
WORDS = tuple(Word(word, 0.2 + number / 10, 0.3 + number / 10) for number, word in enumerate(("some", "few", "words")))


def killed(deaths: int, seed: int) -> list[Row]:
    """Kill recordings, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for number in range(deaths):
            found.append(asyncio.run(die(Path(folder), seed + number)))
            progress(f"{number + 1} of {deaths}: {found[-1]}")
    texts, pending = sum(one.texts for one in found), sum(one.pending for one in found)
    heard_s, lost_s = sum(one.heard_s for one in found), max(one.lost_s for one in found)
    return [
        judged(f"most audio lost in {deaths} kills, seed {seed}", lost_s, "s", budget=MOST_LOST_S),
        judged("audio recorded until then, all bit-exact", heard_s, "s", budget=None),
        judged("texts that had come, all recovered", texts, "texts", budget=None),
        judged("stretches without text, all transcribed afterwards, once", pending, "stretches", budget=None),
    ]


def resident_mb() -> float:
    """Return how much memory this process has; of Linux only."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


def recorded(hours: float) -> list[Row]:
    """Record for hours, as fast as this machine can."""
    noise = np.random.default_rng(1)
    loud = [number * BLOCK_S % 5 < 3 for number in range(MINUTE)]
    sounds = [noise.normal(0, 4_000 if is_loud else 10, BLOCK).astype(np.int16) for is_loud in loud]
    blocks = [AudioBlock(sound, SESSION_RATE_HZ) for sound in sounds]
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(CUTS)
        recorder = Recorder(pipeline)
        journal = Journal(SessionOptions(journal=folder), Bursts(1), pipeline, recorder)
        count = round(hours * 60) * MINUTE
        waited, worked = np.full(count, np.nan), np.full(count, np.nan)  # none that grows with what is measured
        resident: list[float] = []
        for number in range(count):
            begin, work = time.perf_counter(), time.thread_time()
            processed = pipeline.process(blocks[number % MINUTE])
            recorder.receive_audio(processed)
            journal.receive_audio(processed)
            waited[number], worked[number] = time.perf_counter() - begin, time.thread_time() - work
            for action in processed.actions:
                if isinstance(action, Utterance):
                    answer(recorder, action)
            if number % MINUTE == MINUTE - 1:
                resident.append(resident_mb())
                if len(resident) % 60 == 0:
                    last_us = np.median(worked[number + 1 - MINUTE : number + 1]) * 1e6
                    progress(f"{len(resident) // 60} h: {resident[-1]:.0f} MB, {last_us:.0f} us of CPU a block")
        assert len(pipeline.store) == count * BLOCK
    return figures(waited * 1e3, worked * 1e6, resident)


def answer(recorder: Recorder, utterance: Utterance) -> None:
    """Have the recogniser give an utterance its text."""
    item_id = f"item_{utterance.number}"
    recorder.receive_event(ItemCommitted(item_id, utterance))
    recorder.receive_event(ItemCompleted(item_id, utterance, "some few words", "en", WORDS))


def figures(waited_ms: NDArray[np.float64], worked_us: NDArray[np.float64], resident_mb: list[float]) -> list[Row]:
    """Return memory and times of a long recording."""
    eighth = len(worked_us) // 8
    first, last = float(np.median(worked_us[:eighth])), float(np.median(worked_us[-eighth:]))
    hours, more_mb = f"{len(resident_mb) / 60:g} h of blocks", max(resident_mb) - resident_mb[0]
    return [
        judged(f"memory that {hours} add after the first minute", more_mb, "MB", budget=MOST_MB),
        judged(f"CPU of a block at the end of {hours} against the start", last, "us", anchor=first, budget=MOST_SLOWER),
        judged("the most CPU that a block took", float(worked_us.max()) / 1000, "ms", budget=None),
        judged(
            "the longest wait for a block, the machine's other work included", float(waited_ms.max()), "ms", budget=None
        ),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="take less than a minute")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="of the moments")
    chosen = parser.parse_args()
    progress(f"seed {chosen.seed}")
    rows = [*recorded(1 if chosen.quick else HOURS), *killed(5 if chosen.quick else DEATHS, chosen.seed)]
    return report(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
