"""How busy a server is, as it tells or as this machine sees it."""

from __future__ import annotations

import httpx2
import pytest

from ipyspeaches.server.usage import UsageMeter
from scripted_server import ScriptedServer, serving

EMBEDDED = """\
# HELP ipyspeaches_cpu_seconds_total Time that cores were busy.
# TYPE ipyspeaches_cpu_seconds_total counter
ipyspeaches_cpu_seconds_total{of="server"} 1.5
ipyspeaches_cpu_seconds_total{of="models"} 20
ipyspeaches_model_memory_bytes{model="tiny.en"} 3e8
ipyspeaches_memory_bytes 1e8
ipyspeaches_queue_jobs 7
"""
OTHERS = "process_cpu_seconds_total 12.5\nprocess_resident_memory_bytes 2.5e8\nprocess_virtual_memory_bytes 9e9\n"


@pytest.mark.parametrize(("metrics", "usage"), [(EMBEDDED, (21.5, 4e8)), (OTHERS, (12.5, 2.5e8))])
async def test_what_it_tells_prometheus_counts(metrics: str, usage: tuple[float, float]) -> None:
    told = httpx2.MockTransport(lambda _request: httpx2.Response(200, text=metrics))
    assert await UsageMeter("http://server:8000", None, told).read() == usage


async def test_a_server_without_metrics_is_looked_up_on_this_machine() -> None:
    with serving(ScriptedServer()) as script:
        usage = await UsageMeter(script.url, None).read()
    assert usage is not None
    assert usage.cpu_s > 0
    assert usage.memory_bytes > 1e6


async def test_nobody_knows_it_of_a_server_elsewhere_and_of_none() -> None:
    assert await UsageMeter("http://192.0.2.1:9", None)._seen() is None
    assert await UsageMeter("http://127.0.0.1:9", None).read() is None
