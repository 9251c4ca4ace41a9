"""One thread with one asyncio loop runs every session.

A busy cell, a blocked main thread, a subshell or a notebook's own threads do not stop it. Callers hand coroutines
over: `run` waits like a plain function and works inside a running loop too, without patching anything.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import inspect
import os
import threading
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from ipyspeaches.checks import shown
from ipyspeaches.errors import InputError, StateError

T = TypeVar("T")

SHUT_DOWN_S = 3.0
"""How long sessions may take to close when they are interrupted, or at the end of the process."""
_REACHED: Final[ContextVar[dict[str, object] | None]] = ContextVar("reached", default=None)
"""What `leave` was given under the `run` of this context: ``wait_for`` and others may drop the exception with it."""


class Engine:
    """A daemon thread that runs an asyncio loop from its first use to the end of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; the thread is started when it is first asked for."""
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                ready = threading.Event()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop, ready), name="ipyspeaches-engine", daemon=True
                )
                self._thread.start()
                ready.wait()
            return self._loop

    def shut_down(self) -> None:
        """Cancel what runs and stop the thread; the next use starts another one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or not thread.is_alive() or thread is threading.current_thread():
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).add_done_callback(
            lambda _done: loop.call_soon_threadsafe(loop.stop)
        )
        thread.join(SHUT_DOWN_S)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(ready.set)
        loop.run_forever()
        loop.close()

    def is_current(self) -> bool:
        """Whether the caller is on the engine's thread."""
        return self._thread is threading.current_thread()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the engine and return at once."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine and wait for its result.

        It is a `StateError` if called on the engine's own thread, which would wait for itself.

        An interrupt cancels it, and has what that made it leave: see `leave`.
        """
        if not inspect.isawaitable(coroutine):
            raise InputError(f"{shown(coroutine)} is no coroutine: call one, as in run(transcribe('talk.wav')).")
        if self.is_current():
            coroutine.close()
            raise StateError("run() was called inside the engine: use await there.")
        ended = threading.Event()
        ends: list[BaseException] = []
        reached: dict[str, object] = {}

        async def work() -> T:
            _REACHED.set(reached)
            try:
                return await coroutine
            except BaseException as exc:
                ends.append(exc)
                raise
            finally:
                ended.set()

        future = self.submit(work())
        try:
            return future.result()
        except BaseException as exc:
            reached.clear()  # of what ended by itself before
            if future.cancel():
                ended.wait(SHUT_DOWN_S)  # it was under way, and closes what it has open
                leave(exc, **reached)
            elif ends:
                raise ends[0]  # noqa: B904  a future has a copy of a TimeoutError, without its cause
            raise

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine and await its result from any loop; cancelling cancels it there."""
        if self.is_current():
            return await coroutine
        return await asyncio.wrap_future(self.submit(coroutine))


def leave(exc: BaseException, **reached: object) -> None:
    """Give an exception what was reached before it, as attributes; its traceback names them."""
    vars(exc).update(reached)
    if (known := _REACHED.get()) is not None:
        known.update(reached)
    for name, value in reached.items():
        exc.add_note(f"What came until then is this exception's .{name}: {value!r}")


async def _cancel_all() -> None:
    """Cancel every other task of this loop and wait until each has cleaned up."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


ENGINE = Engine()
# Sessions close their connections and microphones when the process ends, instead of being torn away.
atexit.register(ENGINE.shut_down)

if hasattr(os, "register_at_fork"):
    # A forked child has no engine thread: it starts its own when it needs one.
    os.register_at_fork(after_in_child=ENGINE.__init__)  # type: ignore[misc]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of this package and wait for its result.

    Works in a script, in a notebook cell whose loop is running, and in a subshell. An interrupt stops it; what was
    reached by then is an attribute of the `KeyboardInterrupt`, as the coroutine's own description says.

    Parameters
    ----------
    coroutine
        Such as ``sp.transcribe("talk.wav")``.

    Returns
    -------
    T
        What the coroutine returns.
    """
    return ENGINE.run(coroutine)


def allow_nested_loops() -> None:
    """Let ``asyncio.run`` and ``run_until_complete`` work inside a running loop (nest-asyncio2), for this process.

    Nothing in this package needs it, and nothing calls it for you: it patches asyncio. It serves cells that use other
    libraries' blocking calls.
    """
    import nest_asyncio2

    nest_asyncio2.apply()
