"""Several servers behind HAProxy, behind nginx, and in a list: one is killed in the middle of utterances, one drained.

The configurations are those of ``deploy/``, with three embedded servers on this machine behind them. While all sessions
are in the middle of an utterance, a server is killed. More come, a second server is drained (of a list, it is ended),
and more come again. Counted are utterances that came other than once, and sessions that a draining server still got or
lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ipyspeaches as sp
from ipyspeaches.session.comparing import live_through
from rows import Row, arguments, judged, progress, report

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from certificates import localhost_certificate

DEPLOY = Path(__file__).parents[1] / "deploy"
ROUNDS = 3
SPEECH = sp.Recording.sample("quickstart").slice(0, 6.6)
"""Two sentences."""
CUTS = sp.TurnDetection.client(sp.EnergyVad())
READY_S = 20.0
BACK_S = 6.0
"""After so long, both balancers give a server sessions again that was gone."""


class Fleet:
    """Three embedded servers, each at its own port."""

    def __init__(self) -> None:
        self.ports = free_ports(3)
        self._servers: dict[int, sp.LocalServer] = {}

    def start(self) -> None:
        """Start those that do not run."""
        ended = [port for port in self.ports if port not in self._servers or not self._servers[port].is_running]
        fresh = {port: sp.LocalServer("pocketsphinx", port=port) for port in ended}
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(sp.LocalServer.start, fresh.values()))
        self._servers.update(fresh)

    def end(self, number: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End one, kindly or not."""
        process = self._servers[self.ports[number]]._process  # noqa: SLF001  nobody else ends one like that
        assert process is not None
        process.send_signal(how)
        process.wait()

    def sessions(self, number: int) -> int:
        """Return how many sessions a server has had."""
        with urllib.request.urlopen(f"{self.urls[number]}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return round(sum(float(line.split()[-1]) for line in lines if "sessions_total" in line.split()[0]))

    @property
    def urls(self) -> list[str]:
        """Their addresses."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def close(self) -> None:
        """End all."""
        for server in self._servers.values():
            server.stop()


@dataclass(frozen=True)
class Front:
    """What sessions are given as their server, and what drains the second one, and has it take sessions again."""

    name: str
    server: str | Sequence[str]
    drain: Callable[[], object]
    restore: Callable[[], object]


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def program(name: str) -> str:
    """Return where a program is; Debian's users do not have /usr/sbin in their path."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed: run tools/apt.sh {name}")
    return found


@contextlib.contextmanager
def running(command: list[str], url: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a balancer until the block ends, from when it answers for its servers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program(command[0]), *command[1:]], env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        give_up_s = time.monotonic() + READY_S
        while not answers(url):
            if process.poll() is not None or time.monotonic() > give_up_s:
                raise SystemExit(f"{command[0]} does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Return whether a server behind an address is well."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # an HTTP error, too
        return False


@contextlib.contextmanager
def balancer(name: str, fleet: Fleet, folder: Path) -> Iterator[Front]:
    """Run HAProxy or nginx with its configuration of ``deploy/`` before the fleet, and TLS before that."""
    authority, _ = localhost_certificate(folder)
    certificate = folder / "both.pem"
    certificate.write_bytes(authority.read_bytes() + (folder / "key.pem").read_bytes())
    plain, tls, admin, metrics = free_ports(4)
    environment = {f"SPEACHES_{number}": f"127.0.0.1:{port}" for number, port in enumerate(fleet.ports, 1)}
    environment |= {"LISTEN": f"127.0.0.1:{plain}", "LISTEN_TLS": f"127.0.0.1:{tls}", "CERTIFICATE": str(certificate)}
    environment |= {"HAPROXY_ADMIN": f"ipv4@127.0.0.1:{admin}", "LISTEN_METRICS": f"127.0.0.1:{metrics}"}
    os.environ["SSL_CERT_FILE"] = str(authority)
    url, log = f"https://localhost:{tls}", folder / "log"
    front = haproxy(url, admin) if name == "haproxy" else nginx(url, folder, environment)
    command = ["haproxy", "-f", str(DEPLOY / "haproxy.cfg")]
    if name == "nginx":
        front.restore()
        command = ["nginx", "-p", str(folder), "-c", "nginx.conf"]
    try:
        with running(command, url, environment, log):
            yield front
    finally:
        del os.environ["SSL_CERT_FILE"]


def haproxy(url: str, admin: int) -> Front:
    """Return HAProxy, which is told what to do over its socket."""

    def tell(state: str) -> None:
        with socket.create_connection(("127.0.0.1", admin), 5) as peer:
            peer.sendall(f"set server speaches/speaches-2 state {state}\n".encode())
            peer.recv(4096)

    return Front("haproxy", url, lambda: tell("drain"), lambda: tell("ready"))


def nginx(url: str, folder: Path, environment: dict[str, str]) -> Front:
    """Return nginx, which is told what to do in its configuration."""
    template = string.Template((DEPLOY / "nginx.conf.template").read_text(encoding="utf-8"))
    logs = "daemon off; pid nginx.pid; error_log stderr notice; worker_processes 1;"
    temporary = " ".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

    def write(down: str) -> None:
        speech = template.safe_substitute(environment)
        second = f"server {environment['SPEACHES_2']}"
        speech = speech.replace(second, f"{second}{down}").replace("/dev/stdout", "access.log")
        text = f"{logs} events {{}} http {{ {temporary} {speech} }}"
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        if (folder / "nginx.pid").exists():
            os.kill(int((folder / "nginx.pid").read_text()), signal.SIGHUP)
            time.sleep(0.3)  # nobody says when the new configuration is in force

    return Front("nginx", url, lambda: write(" down"), lambda: write(""))


class Talk:
    """A session under way."""

    def __init__(self, server: str | Sequence[str], pace: float) -> None:
        self.reconnects = self.started = 0
        where = server if isinstance(server, str) else list(server)
        self.session = sp.Session(SPEECH, server=where, pace=pace, turn_detection=CUTS, on_event=self._note)
        self.task = asyncio.create_task(live_through(self.session))

    def _note(self, event: object) -> None:
        self.reconnects += isinstance(event, sp.events.Reconnecting)
        self.started += isinstance(event, sp.events.SpeechStarted)

    @property
    def spans(self) -> list[tuple[float, float]]:
        """When what was said began and ended."""
        return [(round(one.start, 2), round(one.end, 2)) for one in self.session.transcript.segments if one.text]


async def until(sentence: int, talks: Sequence[Talk]) -> None:
    """Wait until all say their first or second sentence."""
    while min(talk.started for talk in talks) < sentence:
        for talk in talks:
            if talk.session.error is not None:
                raise talk.session.error
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Outcome:
    """What became of the sessions of a round."""

    expected: int
    lost: int
    doubled: int
    disturbed: int  # sessions that lost their connection
    misled: int  # sessions that a drained server still got, or lost


async def one_round(fleet: Fleet, front: Front, pace: float = 1.0) -> Outcome:
    """Kill one server in the middle of utterances, and drain one."""
    reference = Talk(fleet.urls[2], 0)
    await reference.task
    talks = [Talk(front.server, pace) for _ in range(4)]
    await until(2, talks)
    await asyncio.to_thread(fleet.end, 0)
    talks.append(Talk(front.server, pace))
    await until(1, talks)
    hit = sum(talk.reconnects > 0 for talk in talks)
    await asyncio.to_thread(front.drain)
    before = await asyncio.to_thread(fleet.sessions, 1) if isinstance(front.server, str) else 0
    talks.append(Talk(front.server, pace))
    await asyncio.gather(*(talk.task for talk in talks))
    disturbed = sum(talk.reconnects > 0 for talk in talks)
    misled = 0
    if isinstance(front.server, str):
        misled = await asyncio.to_thread(fleet.sessions, 1) - before + disturbed - hit
    found = [(len(set(talk.spans)), len(talk.spans)) for talk in talks]
    wanted = set(reference.spans)
    lost = sum(len(wanted - set(talk.spans)) for talk in talks)
    doubled = sum(every - different for different, every in found) + sum(len(set(t.spans) - wanted) for t in talks)
    return Outcome(len(talks) * len(wanted), lost, doubled, disturbed, misled)


@contextlib.contextmanager
def fronts(name: str, fleet: Fleet) -> Iterator[Front]:
    """Yield one of the three ways to several servers."""
    if name == "list":
        yield Front("list", fleet.urls, lambda: fleet.end(1, signal.SIGTERM), lambda: None)
        return
    with tempfile.TemporaryDirectory() as folder, balancer(name, fleet, Path(folder)) as front:
        yield front


def rounds(names: Sequence[str], count: int) -> Iterator[tuple[str, Outcome]]:
    """Yield what became of each round."""
    fleet = Fleet()
    try:
        for name in names:
            fleet.start()
            with fronts(name, fleet) as front:
                for number in range(count):
                    if number:
                        fleet.start()
                        front.restore()
                        time.sleep(BACK_S)
                    outcome = asyncio.run(one_round(fleet, front))
                    progress(f"{name}, round {number + 1}: {outcome}")
                    yield name, outcome
    finally:
        fleet.close()


def main() -> int:
    """Measure and print."""
    chosen = arguments(__doc__ or "")
    rows: list[Row] = []
    for name, found in rounds(("haproxy", "nginx", "list"), 1 if chosen.quick else ROUNDS):
        for what, count in (
            ("lost", found.lost),
            ("doubled", found.doubled),
            ("misled by a drained server", found.misled),
        ):
            rows.append(judged(f"{name}: of {found.expected} utterances, {what}", count, "", budget=0))
        rows.append(judged(f"{name}: sessions that lost their server", found.disturbed, "sessions", budget=None))
    return report(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
