"""How busy a server is: by what it tells Prometheus, else by its process, if that is on this machine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx2

from ipyspeaches.errors import ServerError
from ipyspeaches.protocol.address import is_loopback
from ipyspeaches.server.api import Call, HttpApi

_METRIC: Final = re.compile(
    r"^(?:ipyspeaches_)?(?P<name>(?:process_)?cpu_seconds_total|(?:model_)?memory_bytes|process_resident_memory_bytes)"
    r"(?:\{[^}]*\})? (?P<value>\S+)",
    re.MULTILINE,
)
"""Those of the embedded server, and what Prometheus' own libraries tell of any process."""


class ServerUsage(NamedTuple):
    """Seconds that a server has kept cores busy since it began, and the memory that it has now."""

    cpu_s: float
    memory_bytes: float


class UsageMeter:
    """Reads the usage of one server; the parameters are those of `Server`."""

    def __init__(self, url: str, api_key: str | None, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._api = HttpApi(url, api_key, transport)
        self._tells = True  # whether it has metrics, as far as is known

    async def read(self) -> ServerUsage | None:
        """Return the usage now; None if neither the server nor this machine knows."""
        if self._tells:
            with suppress(ServerError):
                return _told(_METRIC.findall((await self._api.send(Call(path="/metrics"))).text)) or await self._seen()
        return await self._seen()

    async def _seen(self) -> ServerUsage | None:
        self._tells = False
        return await asyncio.to_thread(_of_process, self._api.url)


def _told(metrics: Iterable[tuple[str, str]]) -> ServerUsage | None:
    values: dict[str, float] = {"cpu": 0.0, "memory": 0.0}
    for name, value in metrics:
        with suppress(ValueError):
            values["cpu" if "cpu" in name else "memory"] += float(value)
    return ServerUsage(values["cpu"], values["memory"]) if values["memory"] else None


def _of_process(url: str) -> ServerUsage | None:
    """Return the usage of the process that listens at an address of this machine, its children included."""
    try:
        import psutil
    except ImportError:
        return None
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        listeners = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        pids = {one.pid for one in listeners if one.pid is not None and one.laddr.port == port}
        family: set[Any] = set()
        for process in map(psutil.Process, pids):
            family |= {process, *process.children(recursive=True)}
        times = [process.cpu_times() for process in family]
        memory = sum(process.memory_info().rss for process in family)
    except psutil.Error:
        return None
    return ServerUsage(sum(one.user + one.system for one in times), memory) if family else None
