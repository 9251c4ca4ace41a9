"""Real sessions with a real embedded server, and sockets between them that fail as a seed says.

Each session has a proxy of its own in front of the server that all share; what goes by WebRTC fails where it leaves the
process. The server knows tones (see `tones`), so that a transcript shows what was lost, doubled or put in the wrong
place. Some seconds of a fault are waited for: nothing here is virtual.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import struct
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
from aioice.ice import StunProtocol
from numpy.typing import NDArray

import tones
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import ServerError
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad
from simulated import Outcomes

WAYS: Final = ("realtime", "chunked", "sse", "webrtc", "server cuts")
KINDS: Final = ("cut", "reset", "truncate", "half-open", "stall", "slow", "refuse", "bad gateway", "busy")
"""What may go wrong with one connection over TCP."""
LEAST: Final = 5
"""Faults of each session: whoever speaks goes on until there were so many, …"""
MOST: Final = 9
"""… and then that is enough of them."""
FEWEST: Final = 10
"""Utterances of a session, at least."""
PACES: Final = (1, 1, 3)
"""Speed of what is heard: what is spoken, and recordings."""
SLOW_BYTES_S: Final = 20_000
"""Less than the 64,000 that the audio of a realtime session takes."""
_CHUNK: Final = 65_536
_BLOCK: Final = SESSION_RATE_HZ // 10
_ANSWERS: Final = {
    "bad gateway": b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\n"
    b"connection: close\r\n\r\n<html></html>",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
}
_LINGER: Final = struct.pack("ii", 1, 0)


# The server


class ToneServer:
    """The server process; it has the same port after each restart."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(tones.__file__)), str(self.port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the server did not start"

    async def end(self, how: int) -> None:
        """End it by a signal."""
        assert self._process is not None
        with suppress(ProcessLookupError):  # it has ended, and was to be started again
            self._process.send_signal(how)
        await self._process.wait()

    async def freeze(self, seconds: float) -> None:
        """Stop it for a while."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    async def fail(self, chance: random.Random, ways: set[Way]) -> None:
        """Restart it, or have it frozen, now and then; whoever has a connection by these ways has that fault."""
        while True:
            await asyncio.sleep(chance.uniform(8, 20))
            kind = chance.choice(("killed", "ended", "frozen"))
            for way in filter(lambda way: way.in_use, ways):
                way.strike(kind)
            if kind == "frozen":
                await self.freeze(chance.uniform(2, 14))
                continue
            await self.end(signal.SIGKILL if kind == "killed" else signal.SIGTERM)
            await asyncio.sleep(chance.uniform(0, 5))
            await self.start()


# The way to it


@dataclass(eq=False)
class Fault:
    """What goes wrong with one connection, after so many seconds or bytes, whichever comes first."""

    kind: str
    after_s: float
    after_bytes: int


class Way:
    """The network between a session and the server: a proxy for TCP, and a tap on UDP."""

    def __init__(self, server: ToneServer, chance: random.Random) -> None:
        self.struck: list[str] = []
        self.url = ""
        self.connections = 0
        self.failing = False  # before there is a session, nothing could be lost
        self._server = server
        self._chance = chance
        self._links: set[Link] = set()
        self._taps: set[StunProtocol] = set()
        self._dead: set[StunProtocol] = set()
        self._loop = asyncio.get_running_loop()
        self._listener: asyncio.Server | None = None

    @property
    def in_use(self) -> bool:
        """Whether there is a connection."""
        return bool(self._links or self._taps - self._dead)

    def strike(self, kind: str) -> None:
        """Note that something has gone wrong."""
        self.struck.append(kind)

    def fault(self) -> Fault | None:
        """Return what is to go wrong with the next connection, if anything."""
        chance = self._chance
        if not self.failing or len(self.struck) >= MOST or chance.random() < 0.2:
            return None
        after_s = chance.choice([chance.uniform(0, 0.5), chance.uniform(0, 3), chance.uniform(0, 6)])
        after_bytes = chance.choice([10**9, chance.randrange(1, 600), chance.randrange(1, 100_000)])
        return Fault(chance.choice(KINDS), after_s, after_bytes)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Listen for connections."""
        await self._listen(0)
        try:
            yield
        finally:
            assert self._listener is not None
            self._listener.close()
            for link in list(self._links):
                link.close()

    async def _listen(self, port: int) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault = self.fault()
        if fault is not None and fault.kind == "refuse":
            self.strike("refuse")
            await self._be_away(writer)
        elif fault is not None and fault.kind in _ANSWERS:
            self.strike(fault.kind)
            with suppress(OSError):
                await reader.read(_CHUNK)
                writer.write(_ANSWERS[fault.kind])
            writer.close()
        else:
            await self._hand_on(reader, writer, fault)

    async def _be_away(self, writer: asyncio.StreamWriter) -> None:
        """Refuse this connection, and all others for a while."""
        assert self._listener is not None
        reset(writer)
        if not self._listener.is_serving():
            return
        port = self._listener.sockets[0].getsockname()[1]
        self._listener.close()
        await asyncio.sleep(self._chance.uniform(0, 3))
        await self._listen(port)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._server.port)
        except OSError:
            reset(writer)
            return
        link = Link(self, (writer, back), fault, self._chance)
        self._links.add(link)
        await link.carry(reader, there)
        self._links.discard(link)

    # What goes by UDP

    def tap(self, protocol: StunProtocol) -> None:
        """Note a socket of WebRTC, and whether it is to be dead after a while."""
        self._taps.add(protocol)
        if len(self.struck) < MOST and self._chance.random() < 0.7:
            self._loop.call_soon_threadsafe(self._loop.call_later, self._chance.uniform(0, 8), self._kill, protocol)

    def _kill(self, protocol: StunProtocol) -> None:
        if protocol in self._taps:
            self._dead.add(protocol)
            self.strike("no UDP")

    def untap(self, protocol: StunProtocol) -> None:
        """Forget a socket that is closed."""
        self._taps.discard(protocol)

    def is_dead(self, protocol: StunProtocol) -> bool:
        """Whether nothing gets through any more."""
        return protocol in self._dead


WAY: ContextVar[Way] = ContextVar("way")
"""The way of the session in whose context something is done."""


class Link:
    """One connection over TCP, and its other half with the server."""

    def __init__(
        self,
        way: Way,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        fault: Fault | None,
        chance: random.Random,
    ) -> None:
        self._way = way
        self._ends = ends
        self._fault = fault
        self._chance = chance
        self._flows = asyncio.Event()
        self._flows.set()
        self._bytes_s = float("inf")
        self._passed = 0

    async def carry(self, client: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Carry everything both ways until one side ends, or what is to go wrong does."""
        to_client, to_server = self._ends
        works = [self._pump(client, to_server), self._pump(server, to_client), self._fail_later()]
        tasks = [asyncio.create_task(work) for work in works]
        _, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.close()

    def close(self) -> None:
        """End it on both sides."""
        for end in self._ends:
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                self._passed += len(data)
                if self._fault is not None and self._passed >= self._fault.after_bytes:
                    if self._fault.kind == "truncate":
                        writer.write(data[: len(data) // 2])
                    if self._strike():
                        return
                await self._flows.wait()
                await asyncio.sleep(len(data) / self._bytes_s)
                writer.write(data)
                await writer.drain()

    async def _fail_later(self) -> None:
        if self._fault is not None:
            await asyncio.sleep(self._fault.after_s)
            if self._fault is not None and self._strike():
                return
        await asyncio.Event().wait()

    def _strike(self) -> bool:
        """Have it go wrong; return whether that is its end."""
        assert self._fault is not None
        kind, self._fault = self._fault.kind, None
        self._way.strike(kind)
        if kind == "reset":
            for end in self._ends:
                reset(end)
        elif kind == "half-open":
            self._flows.clear()
        elif kind == "stall":
            self._flows.clear()
            asyncio.get_running_loop().call_later(self._chance.uniform(1, 9), self._flows.set)
        elif kind == "slow":
            self._bytes_s = SLOW_BYTES_S
        return kind in {"cut", "reset", "truncate"}


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash does."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()


class Tapped(StunProtocol):
    """A socket of WebRTC that its session's way may kill."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket, with a tap on what it sends."""
        self._way = WAY.get()
        self._way.tap(self)
        super().connection_made(transport)
        send = transport.sendto  # type: ignore[attr-defined]
        transport.sendto = lambda data, addr=None: None if self._way.is_dead(self) else send(data, addr)  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._way.untap(self)
        super().connection_lost(exc)

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Take what comes, unless it does not get through."""
        if not self._way.is_dead(self):
            super().datagram_received(data, addr)


# Sessions


class Speaker:
    """A microphone in front of somebody who speaks until enough has gone wrong; ``said`` is what it has heard."""

    kind, label = "kernel", "speaker"

    def __init__(self, way: Way, chance: random.Random, pace: float) -> None:
        self.live = pace == 1
        self._block_s = _BLOCK / SESSION_RATE_HZ / pace
        self.said: list[NDArray[np.int16]] = []
        self.utterances = 0
        self._way = way
        self._chance = chance

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield what is said, as it is said."""
        clock = asyncio.get_running_loop().time
        due_s, waiting = clock(), tones.tone(-1, 0.5)
        while len(waiting) >= _BLOCK or self._say_more():
            if len(waiting) < _BLOCK:
                chance, number = self._chance, self.utterances
                self.utterances += 1
                said = (tones.tone(number, chance.uniform(0.4, 1.2)), tones.tone(-1, chance.uniform(0.8, 1.5)))
                waiting = np.concatenate((waiting, *said))
            block, waiting = waiting[:_BLOCK], waiting[_BLOCK:]
            due_s = max(due_s + self._block_s, clock() - self._block_s)
            await asyncio.sleep(max(0.0, due_s - clock()))
            self.said.append(block)
            yield AudioBlock(block, SESSION_RATE_HZ)

    def _say_more(self) -> bool:
        few = self.utterances < FEWEST or len(self._way.struck) < LEAST
        return few and self.utterances < tones.MOST

    def end(self) -> None:
        """Do nothing: it ends by itself."""


def session_options(way: str, url: str) -> dict[str, Any]:
    """Return the options of a session that goes this way."""
    detector = EnergyVad(threshold=tones.LOUD)
    cuts = TurnDetection.server(detector=detector) if way == "server cuts" else TurnDetection.client(detector)
    transport = "realtime" if way == "server cuts" else way
    return {"server": url, "transport": transport, "turn_detection": cuts, "journal": None, "give_up_s": 600.0}


async def session_with_faults(seed: str, transport: str, server: ToneServer, ways: set[Way]) -> Outcomes:
    """Have somebody speak until enough has gone wrong, and return what became of it."""
    chance = random.Random(seed)
    way = Way(server, chance)
    WAY.set(way)
    begun_s = asyncio.get_running_loop().time()
    async with way.opened():
        pace = chance.choice(PACES)
        while True:
            speaker = Speaker(way, chance, pace)
            session = Session(speaker, **session_options(transport, way.url))
            try:
                await session.start()
            except ServerError:  # there was no session yet that could go on
                await asyncio.sleep(0.5)
            else:
                break
        way.failing = True
        ways.add(way)
        with suppress(ServerError):
            await session.wait()
        ways.discard(way)
    told = session.transcript.text.split()
    wanted = [f"u{number}" for number in range(speaker.utterances)]
    return Outcomes(
        way=f"{transport}, {'live' if speaker.live else 'recording'}",
        faults=way.struck,
        lost=[one for one in wanted if one not in told],
        refused=[],
        doubled=sorted({one for one in told if told.count(one) > 1}),
        disordered=told != sorted(told, key=lambda one: int(one[1:])),
        exact=bool(np.array_equal(session.recording.samples, np.concatenate(speaker.said))),
        state=session.state.value,
        missing=[gap.reason for gap in session.transcript.missing],
        seconds=asyncio.get_running_loop().time() - begun_s,
        connections=way.connections,
    )


async def live_through(sessions: int, seed: str, at_once: int) -> AsyncIterator[tuple[str, Outcomes]]:
    """Yield the outcomes of so many sessions, each with its seed, as they end; so many run at once."""
    server, ways, room = ToneServer(), set[Way](), asyncio.Semaphore(at_once)

    async def one(number: int) -> tuple[str, Outcomes]:
        async with room:
            name = f"{seed} {number}"
            return name, await session_with_faults(name, WAYS[number % len(WAYS)], server, ways)

    await server.start()
    failing = asyncio.create_task(server.fail(random.Random(f"{seed} server"), ways))
    try:
        with mock.patch("aioice.ice.StunProtocol", Tapped):
            for done in asyncio.as_completed([one(number) for number in range(sessions)]):
                yield await done
    finally:
        failing.cancel()
        await asyncio.gather(failing, return_exceptions=True)
        await server.end(signal.SIGKILL)
