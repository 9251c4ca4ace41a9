"""Which models the server has, and which of them are in memory, and for how long. One event loop owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from ipyspeaches.local.engines import EngineSpec, engines_here, full_id
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.local.worker_pool import WorkerPool

OPENAI_NAME: Final = "whisper-1"
MIN_STAY_S: Final = 5.0
"""How long a model that others wait for may stay at least: loading takes seconds, too."""


@dataclass(slots=True)
class _Stay:
    """When a model came into memory, and when it was used last; monotonic seconds."""

    since_s: float = 0.0
    used_s: float = 0.0
    timer: asyncio.TimerHandle | None = None


class ModelMemory:
    """The models of a server, each with its pool of workers.

    Parameters
    ----------
    default
        The one for those who name none; it need not be at hand already.
    limits
        How many may be in memory, and for how long.
    cores
        How many a worker may keep busy.
    at_hand
        Tells which other models need no download.
    """

    def __init__(
        self,
        default: EngineSpec,
        limits: ServerLimits,
        cores: int,
        at_hand: Callable[[], Sequence[EngineSpec]] = engines_here,
    ) -> None:
        self.default = default
        self.on_change: Callable[[], None] = lambda: None
        """Called when a worker has been started, has had its turn, or has ended."""
        self._limits = limits
        self._cores = cores
        self._at_hand = at_hand
        self._pools: dict[str, WorkerPool] = {}
        self._stays: dict[str, _Stay] = {}
        self._closed = False
        self._changed = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None  # for when a model has stayed long enough
        self._stopping: set[asyncio.Future[list[object]]] = set()

    @property
    def pools(self) -> list[WorkerPool]:
        """Those that are in memory, or are being loaded."""
        return [pool for pool in self._pools.values() if pool.in_memory]

    def specs(self) -> list[EngineSpec]:
        """Return the models that the server has, the default one first."""
        others = [spec for spec in self._at_hand() if find_spec(spec.requires[0]) is not None]
        return [self.default, *(spec for spec in others if spec.model != self.default.model)]

    def find(self, name: str) -> EngineSpec | None:
        """Return the model of this name, of this size (``base``), or for OpenAI's name the default one; or None."""
        model = self.default.model if name == OPENAI_NAME else full_id(name)
        if model in self._pools:
            return self._pools[model].spec
        return next((spec for spec in self.specs() if spec.model == model), None)

    def pool(self, spec: EngineSpec) -> WorkerPool:
        """Return the workers of a model; there may be none yet."""
        if spec.model not in self._pools:
            self._pools[spec.model] = WorkerPool(spec, self._cores, self._pool_changed)
            self._stays[spec.model] = _Stay()
        return self._pools[spec.model]

    def _pool_changed(self) -> None:
        for pool in self.pools:
            if pool.loaded and not self._stays[pool.spec.model].since_s:
                self.used(pool)
                self._stays[pool.spec.model].since_s = self._now_s()
        self._retry = None
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    def leaves_in_s(self, pool: WorkerPool) -> float | None:
        """Return when a model will be unloaded if nobody uses it; None for never, or while it is used."""
        timer = self._stays[pool.spec.model].timer
        if timer is None or pool.unfinished or pool.followed:
            return None
        return max(0.0, timer.when() - self._now_s())

    def usual_work_s(self, audio_s: float) -> float:
        """Return how long the machine works on some audio, with the slowest model that is in memory."""
        return audio_s * max((pool.work_per_audio for pool in self.pools), default=0.0)

    # --- in

    def want(self, pool: WorkerPool, waiting: int = 1) -> None:
        """Begin to load a model, or to start one more worker for it, if there is room."""
        if not self._closed and (pool.in_memory or self._make_room()):
            pool.grow(waiting)

    async def load(self, pool: WorkerPool) -> None:
        """Have a model in memory, as soon as there is room; a `SpeachesError` if it cannot be loaded."""
        pool.problem = None
        while not pool.loaded:
            changed = self._changed
            self.want(pool)
            if pool.in_memory:
                await pool.started()
                if pool.problem is not None:
                    raise pool.problem
            else:
                await changed.wait()

    def _make_room(self) -> bool:
        """Return whether one more model may come, unloading one for it if need be."""
        there = self.pools
        if self._limits.max_models is None or len(there) < self._limits.max_models:
            return True
        free = [pool for pool in there if pool.loaded and not pool.started_jobs]
        leaving = [pool for pool in free if not pool.unfinished or self._stayed_s(pool) >= MIN_STAY_S]
        if leaving:
            self._unload(min(leaving, key=lambda pool: (pool.unfinished > 0, self._stays[pool.spec.model].used_s)))
            return True
        if free and self._retry is None:
            wait_s = MIN_STAY_S - max(map(self._stayed_s, free))
            self._retry = asyncio.get_running_loop().call_later(wait_s, self._pool_changed)
        return False

    def _stayed_s(self, pool: WorkerPool) -> float:
        return self._now_s() - self._stays[pool.spec.model].since_s

    # --- out

    def used(self, pool: WorkerPool) -> None:
        """Note that a model is used, or was until now; its time runs from here."""
        stay = self._stays[pool.spec.model]
        stay.used_s = self._now_s()
        if stay.timer is not None:
            stay.timer.cancel()
        if self._limits.model_ttl_s >= 0:
            stay.timer = asyncio.get_running_loop().call_later(self._limits.model_ttl_s, self._expire, pool)

    def _expire(self, pool: WorkerPool) -> None:
        if pool.loaded and not (pool.unfinished or pool.followed):
            self._unload(pool)

    def _unload(self, pool: WorkerPool) -> None:
        self._stays[pool.spec.model].since_s = 0.0
        stopping = pool.stop()
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)

    async def unload(self, pool: WorkerPool) -> None:
        """Drop a model from memory; jobs under way fail."""
        self._unload(pool)
        await asyncio.gather(*self._stopping)

    async def close(self) -> None:
        """Drop all models, for good."""
        self._closed = True
        for stay in self._stays.values():
            if stay.timer is not None:
                stay.timer.cancel()
        for pool in self.pools:
            self._unload(pool)
        await asyncio.gather(*self._stopping)
