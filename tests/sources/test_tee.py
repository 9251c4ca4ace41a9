"""One source for several sessions: the main one gets all of it, whatever the others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import MicrophoneError
from ipyspeaches.sources.source import RecordedSource, Source
from ipyspeaches.sources.tee import KEPT_S, Tee

RATE = 1_000


def block(value: int, seconds: float = 1.0, lost: int = 0) -> AudioBlock:
    return AudioBlock(np.full(int(seconds * RATE), value, np.int16), RATE, lost)


class Microphone:
    """A live source that gives its blocks one by one and then ends, or fails."""

    kind, label, live = "kernel", "some microphone", True

    def __init__(self, blocks: list[AudioBlock], error: Exception | None = None) -> None:
        self._blocks = blocks
        self._error = error
        self.closed = False

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        try:
            for one in self._blocks:
                await asyncio.sleep(0)
                yield one
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True

    def end(self) -> None:
        self._blocks = []


async def hear(source: Source) -> list[AudioBlock]:
    return [one async for one in source.blocks()]


def values(blocks: list[AudioBlock]) -> list[int]:
    return [int(one.samples[0]) for one in blocks]


async def test_everybody_hears_the_same_from_the_beginning() -> None:
    tee = Tee(RecordedSource(Recording(np.arange(1_050, dtype=np.int16), RATE)), 2)
    main, *others = await asyncio.gather(hear(tee), *map(hear, tee.branches))
    whole = np.concatenate([one.samples for one in main])
    assert whole.tolist() == list(range(1_050))
    for other in others:
        assert np.concatenate([one.samples for one in other]).tolist() == whole.tolist()


async def test_a_branch_that_comes_late_gets_what_it_missed() -> None:
    tee = Tee(Microphone([block(n) for n in range(5)]), 1)
    assert values(await hear(tee)) == [0, 1, 2, 3, 4]
    (branch,) = tee.branches
    assert branch.behind_s == 5
    assert values(await hear(branch)) == [0, 1, 2, 3, 4]
    assert branch.behind_s == 0


async def test_a_branch_that_cannot_follow_loses_the_oldest_and_says_how_much() -> None:
    count = int(KEPT_S) + 10
    tee = Tee(Microphone([block(n, lost=7 if n == 3 else 0) for n in range(count)]), 2)
    deaf, _ = tee.branches
    main = await asyncio.wait_for(hear(tee), 5)
    assert values(main) == list(range(count))
    heard = await hear(deaf)
    assert values(heard) == list(range(10, count))
    assert heard[0].lost == 10 * RATE + 7
    assert sum(one.lost + len(one.samples) for one in heard) == count * RATE + 7


async def test_lost_audio_is_counted_in_the_rate_of_the_block_that_tells_it() -> None:
    tee = Tee(Microphone([block(1, KEPT_S), AudioBlock(np.zeros(int(2 * RATE * KEPT_S), np.int16), 2 * RATE)]), 1)
    await hear(tee)
    (heard,) = await hear(tee.branches[0])
    assert heard.lost == 2 * RATE * KEPT_S


async def test_nobody_listening_costs_nothing() -> None:
    tee = Tee(Microphone([block(n) for n in range(100)]), 1)
    tee.branches[0].abandon()
    assert len(await hear(tee)) == 100
    assert tee.branches[0].behind_s == 0
    await asyncio.wait_for(tee.branches[0].drain(), 1)
    assert await hear(tee.branches[0]) == []


async def test_while_the_main_session_is_paused_a_branch_gets_nothing_either() -> None:
    tee = Tee(Microphone([block(n) for n in range(4)]), 1)
    heard = []
    async for one in tee.blocks():
        heard.append(one)
        if len(heard) == 1:
            tee.pause_branches()
        elif len(heard) == 3:
            tee.resume_branches()
    assert values(heard) == [0, 1, 2, 3]
    assert values(await hear(tee.branches[0])) == [0, 3]


async def test_a_recording_waits_while_paused_so_a_branch_misses_nothing_of_it() -> None:
    tee = Tee(RecordedSource(Recording(np.arange(300, dtype=np.int16), RATE)), 1)
    tee.pause_branches()
    await hear(tee)
    assert values(await hear(tee.branches[0])) == [0, 100, 200]


async def test_a_microphone_that_fails_ends_the_branches_and_is_told_to_the_main_session_alone() -> None:
    microphone = Microphone([block(1)], MicrophoneError("It was unplugged: plug it in."))
    tee = Tee(microphone, 1)
    with pytest.raises(MicrophoneError):
        await hear(tee)
    assert values(await asyncio.wait_for(hear(tee.branches[0]), 1)) == [1]
    assert microphone.closed


async def test_ending_a_branch_ends_no_other() -> None:
    tee = Tee(Microphone([block(n) for n in range(3)]), 2)
    tee.branches[0].end()
    assert values(await hear(tee)) == [0, 1, 2]
    assert await hear(tee.branches[0]) == []
    assert values(await hear(tee.branches[1])) == [0, 1, 2]


async def test_it_is_called_what_its_source_is_called_also_when_that_changes() -> None:
    microphone = Microphone([])
    tee = Tee(microphone, 1)
    microphone.label = "Desk mic"
    shared: list[Source] = [tee, *tee.branches]
    assert {(one.kind, one.label, one.live) for one in shared} == {("kernel", "Desk mic", True)}
