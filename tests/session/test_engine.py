"""The engine runs coroutines for callers of every kind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ipyspeaches.errors import InputError, StateError
from ipyspeaches.session.engine import ENGINE, Engine, leave, run


async def thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_run_waits_for_the_result_on_the_engine_thread() -> None:
    assert run(thread_name()) == "ipyspeaches-engine"


async def test_run_works_inside_a_running_loop() -> None:
    assert run(thread_name()) == "ipyspeaches-engine"


async def test_call_is_awaited_from_another_loop() -> None:
    assert await ENGINE.call(thread_name()) == "ipyspeaches-engine"


def test_run_on_the_engine_itself_is_refused_instead_of_waiting_for_ever() -> None:
    async def nested() -> None:
        run(thread_name())

    with pytest.raises(StateError, match="use await there"):
        run(nested())


async def test_cancelling_the_caller_cancels_the_work() -> None:
    cancelled = threading.Event()
    started = threading.Event()

    async def long() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    task = asyncio.create_task(ENGINE.call(long()))
    await asyncio.to_thread(started.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled.wait, 60)


def test_what_is_no_coroutine_is_refused() -> None:
    wrong: Any = thread_name
    with pytest.raises(InputError, match="is no coroutine: call one"):
        run(wrong)


def test_exceptions_reach_the_caller() -> None:
    async def fails() -> None:
        raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        run(fails())


def test_a_timeout_reaches_the_caller_with_its_cause() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as exc:
            leave(exc, found="half of it")
            raise

    with pytest.raises(TimeoutError) as stopped:
        run(asyncio.wait_for(work(), 0.01))
    cause: Any = stopped.value.__cause__
    assert cause.found == "half of it"


def test_shutting_down_lets_tasks_clean_up_and_the_next_use_starts_again() -> None:
    engine = Engine()
    cleaned = threading.Event()
    started = threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    engine.submit(work())
    assert started.wait(60)
    first = engine.loop
    engine.shut_down()
    assert cleaned.is_set()
    assert not first.is_running()
    assert engine.run(thread_name()) == "ipyspeaches-engine"
    engine.shut_down()


@pytest.mark.parametrize("within", [lambda work: work, lambda work: asyncio.wait_for(work, 60)])
def test_an_interrupt_waits_until_the_work_has_closed_and_has_what_it_left(
    within: Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]],
) -> None:
    at_work = threading.Event()

    async def work() -> None:
        at_work.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as exc:
            await asyncio.sleep(0.01)
            leave(exc, found="half of it")
            raise

    def interrupted(_future: object, _timeout: float | None = None) -> None:
        assert at_work.wait(60)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt) as stopped:
        patch.setattr(concurrent.futures.Future, "result", interrupted)
        run(within(work()))
    left: Any = stopped.value
    assert left.found == "half of it"
    assert left.__notes__ == ["What came until then is this exception's .found: 'half of it'"]
