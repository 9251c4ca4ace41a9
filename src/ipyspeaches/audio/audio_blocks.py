"""Blocks of audio: as a source hands them over, and as they cross a network of queues, put back in order.

A browser numbers its blocks. They may arrive late, twice, or out of order (subshells), and some may never arrive.
The sequencer gives them back in order, each once; what is missing after `patience` newer blocks is counted as lost
and reported with the next block, so that time stays right: a gap is a gap, not a join.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Mono audio at the source's own rate, before it is on the session clock."""

    samples: NDArray[np.int16]  # int16, shape ``(n,)``
    rate: int  # samples per second
    lost: int = 0  # samples, at the same rate, that the source knows to be missing directly before this block
    overflowed: bool = False  # whether the source dropped an unknown amount of audio before this block


@dataclass(frozen=True, slots=True)
class NumberedBlock:
    """One block as it came: its number, the capture frame it begins at, int16 samples of shape ``(n,)``, their rate."""

    sequence: int
    first_frame: int
    samples: NDArray[np.int16]
    rate: int


class Sequencer:
    """Order numbered blocks; a missing one is given up after ``patience`` newer ones."""

    def __init__(self, patience: int = 25) -> None:
        self._patience = patience
        self._waiting: dict[int, NumberedBlock] = {}
        self._next_sequence = 0
        self._next_frame = 0

    def receive(self, block: NumberedBlock) -> list[AudioBlock]:
        """Return the blocks that are in order now, whichever comes in; one that was there before is dropped."""
        if block.sequence < self._next_sequence:
            return []
        self._waiting.setdefault(block.sequence, block)
        ready = self._ready()
        if len(self._waiting) > self._patience:
            ready += self._give_up()
        return ready

    def flush(self) -> list[AudioBlock]:
        """Return all that still waits, in order, counting what is missing between."""
        ready: list[AudioBlock] = []
        while self._waiting:
            ready += self._give_up()
        return ready

    def _ready(self) -> list[AudioBlock]:
        ready: list[AudioBlock] = []
        while (block := self._waiting.pop(self._next_sequence, None)) is not None:
            # The frame index tells what is missing even where the page dropped audio before numbering its blocks.
            # The first block begins the recording, whatever frames the capture ran through before it.
            lost = max(0, block.first_frame - self._next_frame) if block.sequence else 0
            self._next_sequence = block.sequence + 1
            self._next_frame = block.first_frame + len(block.samples)
            ready.append(AudioBlock(block.samples, block.rate, lost))
        return ready

    def _give_up(self) -> list[AudioBlock]:
        self._next_sequence = min(self._waiting)
        return self._ready()
