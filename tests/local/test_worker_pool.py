"""Worker processes: shared fairly, replaced when they die, and honest about failures."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import POCKETSPHINX, DecodingOptions, EngineSpec
from ipyspeaches.local.worker_pool import RecognitionError, WorkerPool, WorkerProcess

BROKEN = EngineSpec("pocketsphinx", "no/such", ("en",), "nobody", requires=("os", "os", "local"))


def process_ids(pool: WorkerPool) -> list[int]:
    """Return the process ids of the workers that live."""
    return [worker._process.pid for worker in pool._workers if worker.alive and worker._process is not None]


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    """Two workers at most."""
    pool = WorkerPool(POCKETSPHINX, max_workers=2)
    yield pool
    await pool.unload()


@pytest.fixture
def first_sentence(quickstart: NDArray[np.int16]) -> NDArray[np.int16]:
    return quickstart[: round((samples.info("quickstart").sentences[0].end + 0.4) * 24_000)]


async def text_of(pool: WorkerPool, audio: NDArray[np.int16]) -> str:
    return "".join([segment.text async for segment in pool.transcribe(audio, DecodingOptions())])


async def test_it_loads_when_it_is_needed(pool: WorkerPool, first_sentence: NDArray[np.int16]) -> None:
    assert not pool.loaded
    texts = await asyncio.gather(*(text_of(pool, first_sentence) for _ in range(3)))
    assert pool.loaded
    assert texts[0].startswith(" ")
    assert len(set(texts)) == 1
    await pool.unload()
    assert not pool.loaded


async def test_a_second_worker_gets_work_and_no_third_is_started(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is asked for workers again while the second one starts."""
    started = 0
    both = asyncio.Event()
    start = WorkerProcess.start

    async def counted(worker: WorkerProcess) -> None:
        nonlocal started
        started += 1
        await start(worker)
        if started > 1:
            both.set()

    monkeypatch.setattr(WorkerProcess, "start", counted)
    for _ in range(3):
        await pool.open_live(DecodingOptions(), lambda _text: None)
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await both.wait()
    for _ in range(6):
        await pool.open_live(DecodingOptions(), lambda _text: None)
    await asyncio.sleep(0)
    assert started == 2
    assert len(process_ids(pool)) == 2


async def test_a_worker_that_dies_fails_its_job_and_is_replaced(
    pool: WorkerPool, quickstart: NDArray[np.int16], first_sentence: NDArray[np.int16]
) -> None:
    await pool.load()
    job = asyncio.create_task(text_of(pool, np.tile(quickstart, 5)))
    await asyncio.sleep(0)
    (pid,) = process_ids(pool)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(RecognitionError, match="a new one is started"):
        await job
    assert await text_of(pool, first_sentence)


async def test_a_job_that_nobody_waits_for_is_forgotten(
    pool: WorkerPool, quickstart: NDArray[np.int16], first_sentence: NDArray[np.int16]
) -> None:
    segments = pool.transcribe(np.tile(quickstart, 50), DecodingOptions())
    await anext(segments)
    await segments.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert await text_of(pool, first_sentence)


async def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    pool = WorkerPool(BROKEN)
    with pytest.raises(SpeachesError, match="no/such: leave the model out"):
        await pool.load()
    with pytest.raises(SpeachesError, match="no/such"):
        await text_of(pool, np.zeros(2400, dtype=np.int16))
    assert not pool.loaded


async def test_live_text_stops_with_its_handle(pool: WorkerPool, quickstart: NDArray[np.int16]) -> None:
    said: list[str] = []
    heard = asyncio.Event()

    def tell(text: str) -> None:
        said.append(text)
        heard.set()

    handle = await pool.open_live(DecodingOptions(), tell)
    handle.append(quickstart[: 24_000 * 4])
    async with asyncio.timeout(120):
        await heard.wait()
    handle.close()
    before = len(said)
    handle.append(quickstart[24_000 * 4 :])
    assert await text_of(pool, quickstart[: 24_000 * 2])  # the worker has gone past all of that
    assert len(said) == before
