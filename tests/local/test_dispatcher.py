"""Jobs of many clients for several models: who gets text when, and what becomes of it when a worker dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fake_workers import POISON, fake_spec, install_fake_workers, speech
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local import model_memory, worker
from ipyspeaches.local.dispatcher import BusyError, Dispatcher, RecognitionError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.local.model_memory import ModelMemory

ONE, TWO = fake_spec("fake/one"), fake_spec("fake/two")
BROKEN = fake_spec("fake/broken")


@pytest.fixture(autouse=True)
def _fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    install_fake_workers(monkeypatch)
    monkeypatch.setattr(worker, "TURN_S", 0.05)
    monkeypatch.setattr(worker, "SHORT_S", 30.0)


@asynccontextmanager
async def dispatcher(
    *specs: EngineSpec, cores: int = 2, limits: ServerLimits | None = None
) -> AsyncIterator[Dispatcher]:
    """Have a dispatcher for these models; a test that hangs fails."""
    default, *others = specs or (ONE,)
    limits = limits or ServerLimits()
    memory = ModelMemory(default, limits, cores, lambda: others)
    async with asyncio.timeout(60):
        yield Dispatcher(memory, cores, limits)
    await memory.close()


async def text_of(
    dispatcher: Dispatcher, spec: EngineSpec = ONE, seconds: float = 1, *, user: str = "ann", first: int = 1
) -> str:
    heard = dispatcher.client(user, spec).transcribe(speech(seconds, first), DecodingOptions())
    return "".join([segment.text async for segment in heard])


def words(seconds: int) -> str:
    return "".join(f" word{second}" for second in range(seconds))


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110  whatever it is, it has no event
        await asyncio.sleep(0.01)


async def order_of(dispatcher: Dispatcher, asked: Sequence[tuple[str, float]]) -> list[int]:
    """Have several jobs done that are asked for at once, and return in which order they were done."""
    done: list[int] = []

    async def ask(number: int, user: str, seconds: float) -> None:
        await text_of(dispatcher, seconds=seconds, user=user)
        done.append(number)

    await asyncio.gather(*(ask(number, user, seconds) for number, (user, seconds) in enumerate(asked)))
    return done


def pids(dispatcher: Dispatcher) -> list[int]:
    pools = dispatcher.memory.pools
    return [worker.pid for pool in pools for worker in pool.workers if worker.pid is not None]


# --- order


async def test_equal_jobs_are_done_one_after_the_other_in_the_order_in_which_they_came() -> None:
    async with dispatcher() as server:
        assert await order_of(server, [(f"user {number}", 3) for number in range(8)]) == list(range(8))


async def test_an_utterance_is_done_in_one_turn_however_slow_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In several, all of them would be done last."""
    monkeypatch.setattr(worker, "TURN_S", 0.0)
    async with dispatcher() as server:
        assert await order_of(server, [(f"user {number}", 3) for number in range(5)]) == list(range(5))


async def test_a_user_with_many_jobs_holds_up_another_by_one_at_most() -> None:
    async with dispatcher() as server:
        assert await order_of(server, [*(("ann", 3),) * 5, ("bob", 3)]) == [0, 5, 1, 2, 3, 4]


async def test_a_long_job_gives_way_to_short_ones_and_loses_nothing() -> None:
    async with dispatcher() as server:
        heard = server.client("ann", ONE).transcribe(speech(120), DecodingOptions())
        begun = (await anext(heard)).text
        assert await text_of(server, user="bob") == words(1)
        assert len(server._queue) == 1
        assert begun + "".join([segment.text async for segment in heard]) == words(120)


async def test_there_are_as_many_workers_as_cores_and_all_of_them_work() -> None:
    spec = fake_spec(workers=None)
    async with dispatcher(spec, cores=3) as server:
        at_work = 0

        async def watch() -> None:
            nonlocal at_work
            while True:
                now = sum(worker.at_work for pool in server.memory.pools for worker in pool.workers)
                at_work = max(at_work, now)
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(text_of(server, spec, 20, user=f"user {number}") for number in range(12)))
        watching.cancel()
        assert at_work == 3
        assert len(pids(server)) == 3


async def test_models_that_use_all_cores_take_turns() -> None:
    async with dispatcher(ONE, TWO) as server:
        await asyncio.gather(*(server.memory.load(server.memory.pool(spec)) for spec in (ONE, TWO)))
        jobs = [asyncio.create_task(text_of(server, spec, 20)) for spec in (ONE, TWO)]
        at_work = []
        while not all(job.done() for job in jobs):
            await asyncio.sleep(0.01)
            at_work.append(sum(worker.at_work for pool in server.memory.pools for worker in pool.workers))
        assert max(at_work) == 1


# --- loading


async def test_jobs_wait_while_their_model_is_loaded_and_hold_up_nobody(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = fake_spec("fake/slow", source=str(gate))
    async with dispatcher(ONE, slow) as server:
        waiting = [asyncio.create_task(text_of(server, slow, user=user)) for user in ("ann", "bob")]
        assert await text_of(server, ONE, user="ann") == words(1)
        assert not any(task.done() for task in waiting)
        gate.touch()
        assert await asyncio.gather(*waiting) == [words(1)] * 2


async def test_a_model_that_cannot_be_loaded_says_why_to_all_and_is_tried_again() -> None:
    async with dispatcher(BROKEN, limits=ServerLimits(max_wait_s=1000)) as server:
        with pytest.raises(SpeachesError, match="take another"):
            await server.memory.load(server.memory.pool(BROKEN))
        for _ in range(2):
            asked = (text_of(server, BROKEN, user=f"user {number}") for number in range(300))
            told = await asyncio.gather(*asked, return_exceptions=True)
            assert {str(error) for error in told} == {"fake/broken is broken: take another."}
            assert not server.unfinished
        assert not server.memory.pools


async def test_live_text_begins_when_the_model_is_there(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = fake_spec("fake/slow", source=str(gate))
    said: list[str] = []
    async with dispatcher(slow) as server:
        client = server.client("ann", slow)
        handle = await client.open_live(DecodingOptions(), lambda news: said.append(news.settled))
        handle.append(speech(1))
        gate.touch()
        await until(lambda: " 24000" in said)
        handle.append(speech(1))
        await until(lambda: " 48000" in said)
        handle.close()
        handle.append(speech(1))
        await text_of(server, slow)  # the worker has gone past all of that
        assert said[-1] == " 48000"


# --- memory


async def test_a_model_leaves_when_it_was_not_used_for_its_time_and_comes_back() -> None:
    async with dispatcher(limits=ServerLimits(model_ttl_s=0.05)) as server:
        for _ in range(2):
            assert await text_of(server, seconds=20) == words(20)  # longer than its time
            assert server.memory.pools
            await until(lambda: not server.memory.pools)


async def test_a_model_that_nobody_used_leaves_too_and_one_that_may_stay_does_not() -> None:
    for ttl_s, stays in ((0, False), (-1, True)):
        async with dispatcher(limits=ServerLimits(model_ttl_s=ttl_s)) as server:
            await server.memory.load(server.memory.pool(ONE))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert bool(server.memory.pools) == stays


async def test_the_model_that_was_used_longest_ago_makes_room() -> None:
    three = fake_spec("fake/three")
    async with dispatcher(ONE, TWO, three, limits=ServerLimits(max_models=2)) as server:
        for spec in (ONE, TWO, ONE, three):
            assert await text_of(server, spec) == words(1)
        assert {pool.spec for pool in server.memory.pools} == {ONE, three}


async def test_a_model_at_work_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much its users ask of it: a job of the other model is not put off for ever."""
    monkeypatch.setattr(model_memory, "MIN_STAY_S", 0.05)
    async with dispatcher(ONE, TWO, limits=ServerLimits(max_models=1)) as server:
        await text_of(server, ONE)
        most, done = 0, 0

        async def ask(spec: EngineSpec, number: int) -> None:
            nonlocal done, most
            assert await text_of(server, spec, 5, user=f"user {number}") == words(5)
            done += 1
            most = max(most, len(server.memory.pools))

        load = asyncio.create_task(server.memory.load(server.memory.pool(TWO)))
        await asyncio.gather(*(ask((ONE, TWO)[number % 2], number) for number in range(8)), load)
        assert (done, most) == (8, 1)


# --- failures


async def test_a_worker_that_dies_is_replaced_and_its_job_done_once() -> None:
    async with dispatcher() as server:
        heard = server.client("ann", ONE).transcribe(speech(20), DecodingOptions())
        first = (await anext(heard)).text
        (pid,) = pids(server)
        server.memory.pools[0].workers[0]._process.kill()  # type: ignore[union-attr]
        assert first + "".join([segment.text async for segment in heard]) == words(20)
        assert pids(server) != [pid]


async def test_audio_that_ends_two_workers_is_given_up_and_others_go_on() -> None:
    async with dispatcher() as server:
        poisoned = asyncio.create_task(text_of(server, first=POISON))
        assert await text_of(server, user="bob") == words(1)
        with pytest.raises(RecognitionError, match="ended twice on this audio"):
            await poisoned
        assert await text_of(server) == words(1)


async def test_a_job_that_nobody_waits_for_is_forgotten() -> None:
    async with dispatcher() as server:
        heard = server.client("ann", ONE).transcribe(speech(300), DecodingOptions())
        await anext(heard)
        await heard.aclose()  # type: ignore[attr-defined]  # it is a generator
        assert await text_of(server) == words(1)
        assert not len(server._queue)


# --- limits


async def test_what_would_wait_for_too_long_is_refused_with_a_time_to_come_back() -> None:
    async with dispatcher(limits=ServerLimits(max_wait_s=30)) as server:
        pool = server.memory.pool(ONE)
        pool.work_per_audio = 1.0
        held = [server.client(f"user {number}", ONE).transcribe(speech(3), DecodingOptions()) for number in range(11)]
        with pytest.raises(BusyError, match=r"11 jobs wait, .* would wait for 33 s: try again in 3 s\.") as told:
            server.client("bob", ONE).transcribe(speech(3), DecodingOptions())
        assert (told.value.retry_after_s, told.value.closing) == (3, False)
        assert server.tally.refused["job"] == 1
        # Short work of somebody new waits for a turn of each of the others, not for all that they have.
        assert await text_of(server, seconds=1, user="bob") == words(1)
        for heard in held:
            assert "".join([segment.text async for segment in heard]) == words(3)
        assert await text_of(server, seconds=3, user="bob") == words(3)


async def test_a_long_file_may_wait_for_longer() -> None:
    async with dispatcher(limits=ServerLimits(max_wait_s=1)) as server:
        server.memory.pool(ONE).work_per_audio = 1.0
        assert set(await order_of(server, [("ann", 40), ("bob", 50)])) == {0, 1}


async def test_sessions_are_counted_and_limited() -> None:
    async with dispatcher(limits=ServerLimits(max_sessions=2)) as server:
        with server.session(), server.session():
            with (
                pytest.raises(BusyError, match=r"has all the sessions that it takes \(2\): try again in 10 s"),
                server.session(),
            ):
                pytest.fail("let in")
            assert server.sessions == 2
        with server.session():
            assert (server.sessions, server.tally.sessions, server.tally.refused["session"]) == (1, 3, 1)


async def test_a_server_that_ends_finishes_what_it_has_and_takes_no_more() -> None:
    async with dispatcher() as server:
        jobs = [asyncio.create_task(text_of(server, seconds=5, user=f"user {number}")) for number in range(4)]
        await asyncio.sleep(0)
        finishing = asyncio.create_task(server.finish(lambda: False))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="shutting down") as told:
            await text_of(server)
        assert told.value.closing
        with pytest.raises(BusyError), server.session():
            pytest.fail("let in")
        await finishing
        assert await asyncio.gather(*jobs) == [words(5)] * 4


async def test_a_server_that_may_not_wait_ends_at_once() -> None:
    async with dispatcher() as server:
        job = asyncio.create_task(text_of(server, seconds=1000))
        await asyncio.sleep(0)
        await server.finish(lambda: True)
        assert server.unfinished == 1
        await server.memory.close()
        await asyncio.sleep(0)
        assert not server.memory.pools, "nothing is begun again"
        job.cancel()
