"""Several servers behind HAProxy and nginx, as deploy/ configures them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from websockets.asyncio.server import Server, ServerConnection, serve

from balancers import Fleet, balancer, free_ports, one_round, program
from certificates import localhost_certificate
from loop_thread import loop_thread
from scripted_server import ScriptedServer


class Counted(ScriptedServer):
    """Knows its sessions, and can die."""

    def __init__(self) -> None:
        super().__init__()
        self.sockets: list[ServerConnection] = []
        self.server: Server | None = None

    async def session(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        await super().session(socket)

    async def listen(self, port: int) -> None:
        self.server = await serve(self.session, "127.0.0.1", port, process_request=self.respond)

    async def die(self) -> None:
        assert self.server is not None
        self.server.close(close_connections=False)
        for socket in self.sockets:
            socket.transport.abort()


class ScriptedFleet(Fleet):
    """Three servers that recognise nothing, and so are quick."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ports = free_ports(3)
        self._loop = loop
        self._scripts = [Counted() for _ in self.ports]
        for script, port in zip(self._scripts, self.ports, strict=True):
            asyncio.run_coroutine_threadsafe(script.listen(port), loop).result(5)

    def end(self, number: int, how: signal.Signals = signal.SIGKILL) -> None:
        asyncio.run_coroutine_threadsafe(self._scripts[number].die(), self._loop).result(5)

    def sessions(self, number: int) -> int:
        return len(self._scripts[number].sockets)

    def close(self) -> None:
        for number in range(3):
            self.end(number)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with loop_thread() as loop, ExitStack() as stack:
        servers = ScriptedFleet(loop)
        stack.callback(servers.close)
        yield servers


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["haproxy", "nginx"])
def test_a_server_may_die_and_one_be_drained(name: str, fleet: Fleet, tmp_path: Path) -> None:
    with balancer(name, fleet, tmp_path) as front:
        found = asyncio.run(one_round(fleet, front, pace=3))
    assert (found.lost, found.doubled, found.misled) == (0, 0, 0)
    assert found.disturbed


@pytest.mark.realtime
def test_the_balancer_of_the_cluster_is_configured(root: Path, tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all((root / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")))
    kinds = ["Deployment", "Service", "ConfigMap", "Deployment", "Service", "ScaledObject"]
    assert [one["kind"] for one in documents] == kinds
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(documents[2]["data"]["haproxy.cfg"], encoding="utf-8")
    certificate, _ = localhost_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + (tmp_path / "key.pem").read_bytes())
    checked = subprocess.run(
        [program("haproxy"), "-c", "-f", configuration],
        env={"CERTIFICATE": str(both)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("balancer", ["haproxy", "nginx"])
def test_compose_names_what_the_balancer_is_told(root: Path, balancer: str) -> None:
    composed = yaml.safe_load((root / "deploy" / f"compose.{balancer}.yaml").read_text(encoding="utf-8"))
    servers = yaml.safe_load((root / "deploy" / composed["include"][0]).read_text(encoding="utf-8"))["services"]
    assert composed["services"][balancer]["depends_on"] == list(servers)
    told = root / "deploy" / ("haproxy.cfg" if balancer == "haproxy" else f"compose.{balancer}.yaml")
    assert [name for name in servers if f"{name}:8000" not in told.read_text(encoding="utf-8")] == []
