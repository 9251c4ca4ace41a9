"""Sessions in virtual time, on a network and with a server that fail as a seed says: hours of speech in seconds.

Each utterance is a burst of its own level, by which the server tells what it has heard: the text of a burst of level
1007 is ``u7``. So a transcript shows what was lost, doubled or put in the wrong place. The wire is played; all above it
is the product: the session, the protocols, the connections.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import selectors
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import ConnectionLostError, ServerError, ServerUnreachableError, Severity
from ipyspeaches.protocol.http.transcriptions import Answer, Broken, Outcome, Refused
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.server.models import ServerInfo
from ipyspeaches.session.delivery import MOST_REPORTED
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.opening import Destination
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from ipyspeaches.transports.transport import TransportClosed
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.words import Word

WAYS: Final = ("realtime", "server cuts", "webrtc", "chunked", "sse", "windows", "odd server")
"""Transports, and other ways to use them; the last is a server that tells more, less or other than it should."""
BASE: Final = 1000
BLOCK: Final = SESSION_RATE_HZ // 10
SILENCE: Final = SESSION_RATE_HZ * 55 // 100
SHORTEST_WORD: Final = SESSION_RATE_HZ * 3 // 10
HOUR_S: Final = 3600.0
LONGEST_S: Final = 12 * HOUR_S
_ITEM: Final = "conversation.item.input_audio_transcription"
_TURN: Final = {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}

T = TypeVar("T")


# Time


class _Idle(selectors.DefaultSelector):
    """Waits for nothing: what a loop would wait is how far its clock moves on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("Everybody waits, and nothing will ever happen.")
        self.now_s += 1e-6 + (timeout if timeout and not ready else 0)  # work takes time, too
        if self.now_s > LONGEST_S:
            raise RuntimeError("It does not end.")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next thing to do."""

    def __init__(self) -> None:
        self._idle = _Idle()
        super().__init__(self._idle)

    def time(self) -> float:
        """Return the virtual time."""
        return self._idle.now_s

    def jump(self, seconds: float) -> None:
        """Let the clock go on while nothing happens, as where a machine sleeps."""
        self._idle.now_s += seconds


def live_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, and the sessions in it, in virtual time."""
    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        mock.patch.object(ENGINE, "_thread", threading.current_thread()),
    ):
        return runner.run(work)


# Sound


class Speaker:
    """A microphone."""

    kind, label, live = "kernel", "speaker", True

    def __init__(self, samples: NDArray[np.int16]) -> None:
        self._samples = samples
        self._ended = False

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield what is said, as it is said."""
        for start in range(0, len(self._samples), BLOCK):
            await asyncio.sleep(BLOCK / SESSION_RATE_HZ)
            if self._ended:
                return
            yield AudioBlock(self._samples[start : start + BLOCK], SESSION_RATE_HZ)

    def end(self) -> None:
        """Stop listening."""
        self._ended = True


def speech(utterances: int, chance: random.Random, longest_s: float = 3.0) -> NDArray[np.int16]:
    """Return so many utterances, each of a level of its own."""
    parts = [_tone(0, 0.5)]
    for number in range(utterances):
        parts += [_tone(BASE + number, chance.uniform(0.4, longest_s)), _tone(0, chance.uniform(0.8, 2.5))]
    return np.concatenate(parts)


def _tone(level: int, seconds: float) -> NDArray[np.int16]:
    return np.full(round(seconds * SESSION_RATE_HZ), level, np.int16)


def text_of(samples: NDArray[np.int16]) -> str:
    """Return what was said: the name of each burst, as often as it begins."""
    levels = samples[samples >= BASE]
    begins = np.flatnonzero(np.diff(levels, prepend=0))
    return " ".join(f"u{levels[at] - BASE}" for at in begins)


def _whole_words(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return samples without the pieces at their edges that are too short for a word."""
    whole = samples.copy()
    for ends in (whole, whole[::-1]):
        length = int(np.argmin(ends == ends[0])) if len(ends) and ends[0] >= BASE else 0
        if 0 < length < SHORTEST_WORD:
            ends[:length] = 0
    return whole


def words_of(samples: NDArray[np.int16]) -> tuple[Word, ...]:
    """Return the same with times, in seconds."""
    at = np.flatnonzero(samples >= BASE)
    bursts = np.split(at, np.flatnonzero(np.diff(samples[at])) + 1) if len(at) else []
    return tuple(
        Word(f"u{samples[one[0]] - BASE}", one[0] / SESSION_RATE_HZ, (one[-1] + 1) / SESSION_RATE_HZ) for one in bursts
    )


# Faults


FAULTS: Final = (
    "abort",
    "1000",
    "1001",
    "1006",
    "1011",
    "1012",
    "1013",
    "freeze",
    "mute",
    "refuse",
    "busy",
    "half-open",
)


ODD: Final = ("error", "nothing", "old before", "old behind", "part", "bogus", "twice", "replaced", "taken back")
"""What a server may tell of a commit in place of its answer, or beside it."""
REFUSAL: Final = "Boom"


@dataclass
class Fault:
    """What goes wrong with one connection, after so many seconds or messages, whichever comes first."""

    kind: str
    after_s: float
    messages: int


@dataclass
class World:
    """A server and the way to it.

    Attributes
    ----------
    faults
        How many more connections will fail; all later ones are sound.
    struck
        What has gone wrong, in order.
    refusal
        With what the server refuses whoever asks for it, if it does.
    session_s
        After how many seconds the server cuts a session, however it is.
    odd
        Of how many commits the server tells something odd.
    told
        The items of all connections, with their texts and seconds.
    refusals
        How often the server has reported an error in place of each text.
    """

    chance: random.Random
    faults: int
    struck: list[str] = field(default_factory=list)
    connections: int = 0
    refusal: ServerError | None = None
    session_s: float = HOUR_S * 24
    odd: int = 0
    told: list[tuple[str, str, float]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    ages_s: list[float] = field(default_factory=list)

    def fault(self) -> Fault | None:
        """Return what is to go wrong with the next connection, if anything."""
        if self.faults <= 0:
            return None
        self.faults -= 1
        chance = self.chance
        after_s = chance.choice([chance.uniform(0, 0.5), chance.uniform(0, 3), chance.uniform(0, 8)])
        return Fault(chance.choice(FAULTS), after_s, chance.choice([10**9, chance.randrange(40)]))

    def oddity(self) -> str:
        """Return what odd thing the server is to tell of a commit, if any."""
        if self.odd <= 0 or self.chance.random() < 0.3:
            return ""
        self.odd -= 1
        self.struck.append(self.chance.choice(ODD))
        return self.struck[-1]

    def strike(self, fault: Fault) -> None:
        """Note that it has gone wrong."""
        self.struck.append(fault.kind)

    @contextmanager
    def around(self) -> Iterator[None]:
        """Let sessions find this world in place of the network."""

        async def resolve(_options: object) -> Destination:
            await asyncio.sleep(self.chance.uniform(0, 0.1))
            if self.refusal is not None:
                raise self.refusal
            return Destination("http://simulated", None, False, ServerInfo("1", (), "test/model"))

        connections = "ipyspeaches.session.connections"
        with ExitStack() as stack:
            for name, made in {
                "ipyspeaches.session.session.resolve": resolve,
                f"{connections}.WebSocketTransport": lambda *_, **how: Wire(self, **how),
                f"{connections}.WebRtcTransport": lambda *_: MediaWire(self),
                f"{connections}.RequestTransport": lambda *_, **how: Requests(self, **how),
            }.items():
                stack.enter_context(mock.patch(name, made))
            yield


# Connections


class Wire:
    """A WebSocket to a server in this process. One that is frozen is noticed by its pings, after a while."""

    def __init__(self, world: World, ping_timeout_s: float = HOUR_S) -> None:
        self._world = world
        self._noticed_s = 5 + ping_timeout_s
        self._inbox: asyncio.Queue[str | TransportClosed] = asyncio.Queue()
        self._fault: Fault | None = None
        self._server: RealtimeServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed: TransportClosed | None = None
        self._sent = 0
        self._opened_at_s = asyncio.get_running_loop().time()

    async def connect(self) -> None:
        """Open the connection, unless it is to fail."""
        world = self._world
        world.connections += 1
        self._fault = fault = world.fault()
        await asyncio.sleep(world.chance.uniform(0, 0.1))
        if fault is not None and fault.kind in {"refuse", "busy"}:
            world.strike(fault)
            raise ServerUnreachableError("http://simulated does not answer: start it.")
        self._server = RealtimeServer(world, self._say)
        if fault is not None:
            self._begin(self._fail_later(fault))
            if fault.kind == "mute":
                world.strike(fault)
                self._server.mute = True
        self._server.begin()
        self._opened_at_s = asyncio.get_running_loop().time()
        self._begin(self._fail_later(Fault("1006", world.session_s, 10**9)))

    async def send(self, message: bytes) -> None:
        """Send a message."""
        if self._closed is not None:
            raise TransportClosed(self._closed.code)
        assert self._server is not None
        await asyncio.sleep(0)
        self._sent += 1
        if self._fault is not None and self._sent == self._fault.messages:
            self._fail(self._fault)
        self._server.hear(json.loads(message))

    async def receive(self) -> str:
        """Return the next message."""
        message = await self._inbox.get()
        if isinstance(message, TransportClosed):
            self._inbox.put_nowait(message)
            raise message
        return message

    async def close(self) -> None:
        """End the connection."""
        self._end(TransportClosed(1000))
        for task in self._tasks:
            task.cancel()

    def _say(self, message: str) -> None:
        if self._closed is None:
            self._inbox.put_nowait(message)

    def _end(self, closed: TransportClosed) -> None:
        if self._closed is None:
            self._closed = closed
            self._world.ages_s.append(asyncio.get_running_loop().time() - self._opened_at_s)
            self._inbox.put_nowait(closed)
            if self._server is not None:
                self._server.end()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _fail_later(self, fault: Fault) -> None:
        await asyncio.sleep(fault.after_s)
        self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        if self._closed is not None or self._server is None or self._server.mute:
            return
        self._world.strike(fault)
        if fault.kind in {"freeze", "half-open"}:
            self._server.mute = True
            self._begin(self._notice())
        else:
            self._end(TransportClosed(int(fault.kind) if fault.kind.isdigit() and fault.kind != "1006" else None))

    async def _notice(self) -> None:
        await asyncio.sleep(self._noticed_s)
        self._end(TransportClosed(None))


class MediaWire(Wire):
    """The same with audio beside the messages, at twice real time at most; nobody pings."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.writer: asyncio.Task[None] | None = None
        self._gone_at_s = 0.0

    def send_audio(self, audio: StreamAudio) -> None:
        """Hand over audio."""
        now_s = asyncio.get_running_loop().time()
        self._gone_at_s = max(self._gone_at_s, now_s) + len(audio.samples) / SESSION_RATE_HZ / 2
        if self._server is not None and self._closed is None:
            self._server.append(audio.samples)

    async def drain(self, unsent_s: float) -> None:
        """Wait until so much at most has not gone out."""
        await asyncio.sleep(max(0.0, self._gone_at_s - asyncio.get_running_loop().time() - unsent_s))


class RealtimeServer:
    """A realtime session: commits become texts after a while; a threshold below 1 cuts by itself."""

    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self.mute = False
        self._world = world
        self._chance = world.chance
        self._say_raw = say
        self._turn: dict[str, Any] = {**_TURN, "create_response": False}
        self._buffer = np.empty(0, np.int16)
        self._started: int | None = None
        self._quiet = 0
        self._item = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Open the session."""
        self._say("session.created", session=self._session())

    def end(self) -> None:
        """End the session."""
        for task in self._tasks:
            task.cancel()

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message."""
        kind = message["type"].rpartition(".")[2]
        if kind == "append":
            self.append(np.frombuffer(base64.b64decode(message["audio"]), np.int16))
        elif kind == "update":
            self._turn.update(message["session"].get("turn_detection") or {})
            self._say("session.updated", session=self._session())
        elif kind == "commit":
            self._commit(self._new_item(), self._buffer)
            self._buffer = self._buffer[:0]
        elif kind == "clear":
            self._buffer, self._started = self._buffer[:0], None
            self._say("input_audio_buffer.cleared")
        elif kind == "delete":
            text = f"Error deleting item: the item with id '{message['item_id']}' does not exist."
            self._say("error", error={"message": text, "type": "invalid_request_error"})

    def append(self, samples: NDArray[np.int16]) -> None:
        """Take audio."""
        for start in range(0, len(samples), BLOCK // 10):
            frame = samples[start : start + BLOCK // 10]
            self._buffer = np.concatenate((self._buffer, frame))
            self._listen(loud=bool((frame >= BASE).any()), length=len(frame))

    def _listen(self, *, loud: bool, length: int) -> None:
        cuts = self._turn["threshold"] < 1
        self._quiet = 0 if loud else self._quiet + length
        if self._started is None and loud and cuts:
            self._started = max(0, len(self._buffer) - length)
            self._item = self._new_item()
            at_ms = self._started * 1000 // SESSION_RATE_HZ
            self._say("input_audio_buffer.speech_started", item_id=self._item, audio_start_ms=at_ms)
        elif self._started is not None and (self._quiet >= SILENCE or not cuts):
            heard, self._buffer = self._buffer[self._started :], self._buffer[:0]
            end_ms = (self._started + len(heard)) * 1000 // SESSION_RATE_HZ
            self._say("input_audio_buffer.speech_stopped", item_id=self._item, audio_end_ms=end_ms)
            self._started = None
            self._commit(self._item, heard)

    def _commit(self, item_id: str, samples: NDArray[np.int16]) -> None:
        self._answer(item_id, samples, "" if self._turn["threshold"] < 1 else self._world.oddity())

    def _answer(self, item_id: str, samples: NDArray[np.int16], odd: str) -> None:
        if odd == "error":
            self._world.refusals.update(text_of(samples).split())
            self._say("error", error={"type": "server_error", "message": REFUSAL})
        if odd in {"error", "nothing"}:
            return
        if odd == "old before":
            self._tell_old()
        if odd == "part":  # all that is spoken; what is left is silence
            part, end = self._new_item(), int(np.flatnonzero(samples >= BASE)[-1]) + 1
            for verdict, name in (("started", "audio_start_ms"), ("stopped", "audio_end_ms")):
                self._say(f"input_audio_buffer.speech_{verdict}", item_id=part, **{name: end * 1000 // SESSION_RATE_HZ})
            self._answer(part, samples[:end], "")
            samples = samples[end:]
        if odd == "bogus":
            self._take(bogus := self._new_item())
            self._complete(bogus, "bogus", 99.5)
        for _ in range(2 if odd == "twice" else 1):
            self._take(item_id)
        if odd == "old behind":
            self._tell_old()
        self._world.told.append((item_id, text_of(samples), len(samples) / SESSION_RATE_HZ))
        task = asyncio.create_task(self._recognise(item_id, samples, odd))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell_old(self) -> None:
        for item in self._chance.sample(self._world.told, min(3, len(self._world.told))):
            self._take(item[0])
            self._complete(*item)

    def _take(self, item_id: str) -> None:
        self._say("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        item = {"id": item_id, "object": "realtime.item", "type": "message", "role": "user", "status": "completed"}
        self._say("conversation.item.created", item=item)

    async def _recognise(self, item_id: str, samples: NDArray[np.int16], odd: str) -> None:
        chance = self._chance
        await asyncio.sleep(chance.choice([chance.uniform(0.05, 0.3), chance.uniform(0.3, 4)]))
        text, seconds = text_of(samples), len(samples) / SESSION_RATE_HZ
        if odd == "replaced":
            self._complete(item_id, f"{text}0", seconds)
        if odd == "taken back":
            self._complete(item_id, text, seconds)
            self._say(f"{_ITEM}.failed", item_id=item_id, error={"message": "no"})
        for _ in range(chance.choice([1, 1, 1, 2])):  # some servers say everything twice
            self._complete(item_id, text, seconds)

    def _complete(self, item_id: str, text: str, seconds: float) -> None:
        usage = {"type": "duration", "seconds": seconds}
        self._say(f"{_ITEM}.completed", item_id=item_id, content_index=0, transcript=text, usage=usage)

    def _new_item(self) -> str:
        return f"item_{self._chance.getrandbits(64):x}"

    def _session(self) -> dict[str, Any]:
        told = {"model": "test/model", "language": None}
        return {"id": "sess_1", "input_audio_transcription": told, "turn_detection": dict(self._turn)}

    def _say(self, kind: str, **content: object) -> None:
        if not self.mute:
            self._say_raw(json.dumps({"type": kind, "event_id": "event_1", **content}))


class Requests:
    """Uploads to a server in this process."""

    def __init__(self, world: World, *, stream: bool = False, has_worked: bool = False) -> None:
        del has_worked
        self._world = world
        self._stream = stream
        self.frozen = False

    async def post(self, options: object, file: tuple[str, bytes], on_text: Callable[[str], None]) -> Outcome:
        """Take a request."""
        del options
        chance = self._world.chance
        samples = _whole_words(np.frombuffer(file[1][44:], np.int16))
        text = text_of(samples)
        takes_s = chance.uniform(0.05, 2)
        fault = self._world.fault() if chance.random() < 0.7 else None
        if fault is None:
            await asyncio.sleep(takes_s)
            on_text(f" {text}")
            return Answer(text, words=words_of(samples))
        self._world.strike(fault)
        await asyncio.sleep(min(fault.after_s, takes_s))
        if fault.kind in {"freeze", "half-open"}:
            self.frozen = True
            await asyncio.sleep(HOUR_S)
        if self._stream and fault.kind in {"1001", "1011"}:
            return Broken(" ", "The stream of text ended before its end")
        if fault.kind in {"abort", "1006", "1000"}:
            return Refused(ConnectionLostError("It was cut: see its log."), Severity.PASSING)
        return Refused(ServerUnreachableError("It is busy: wait."), Severity.PASSING)

    async def is_alive(self, within_s: float) -> bool:
        """Return whether the server answers."""
        await asyncio.sleep(within_s if self.frozen else 0)
        return not self.frozen

    def gone(self, after_s: float) -> ServerError:
        """Return why it is given up."""
        return ServerUnreachableError(f"http://simulated did not answer within {after_s:.0f} s: start it.")

    async def close(self) -> None:
        """Close nothing."""


# Sessions


@dataclass
class Outcomes:
    """What became of a session."""

    way: str
    faults: list[str]
    lost: list[str]
    refused: list[str]  # given up after as many refusals as promised, with the server's own reason
    doubled: list[str]
    disordered: bool
    exact: bool
    state: str
    missing: list[str]
    seconds: float
    connections: int

    @property
    def whole(self) -> bool:
        """Whether everything came, once, in order, but what the server would not take."""
        return (
            not (self.lost or self.doubled or self.disordered)
            and len(self.missing) == len(self.refused)
            and self.exact
            and self.state == "stopped"
        )


def session_options(way: str) -> dict[str, Any]:
    """Return the options of a session that goes this way."""
    detector = EnergyVad(threshold=500)
    transport = {"server cuts": "realtime", "odd server": "realtime", "windows": "chunked"}.get(way, way)
    cuts = TurnDetection.server(detector=detector) if way == "server cuts" else TurnDetection.client(detector)
    windows = {"chunk_s": 5.0} if way == "windows" else {}
    return {"server": "http://simulated", "transport": transport, "turn_detection": cuts, "journal": None, **windows}


async def session_with_faults(seed: str, way: str, *, utterances: int = 14, faults: int = 8) -> Outcomes:
    """Let somebody say so many utterances while so many connections fail; the seed says when and how."""
    chance = random.Random(seed)
    random.seed(seed)  # of the product's own waits
    odd = faults if way == "odd server" else 0
    world = World(chance, chance.randrange(3) if odd else faults, odd=odd)
    # A word that is cut in two is whole in one of two windows if it is not longer than half of what both hold.
    said = speech(utterances, chance, 0.7 if way == "windows" else 3.0)
    with world.around():
        session = Session(Speaker(said), **session_options(way))
        while session.state is SessionState.IDLE:
            try:
                await session.start()
            except ServerError:  # there was no session yet that could go on
                session = Session(Speaker(said), **session_options(way))
        await session.wait()
    told = session.transcript.text.split()
    wanted = [f"u{number}" for number in range(utterances)]
    missing = [gap.reason for gap in session.transcript.missing]
    silent = [one for one in wanted if one not in told]
    refused = [one for one in silent if world.refusals[one] >= MOST_REPORTED]
    refused = refused if all(REFUSAL in reason for reason in missing) else []
    return Outcomes(
        way=way,
        faults=world.struck,
        lost=[one for one in silent if one not in refused],
        refused=refused,
        doubled=sorted({one for one in told if told.count(one) > 1}),
        disordered=told != sorted(told, key=lambda one: int(one[1:])),
        exact=bool(np.array_equal(session.recording.samples, said)),
        state=session.state.value,
        missing=missing,
        seconds=asyncio.get_running_loop().time(),
        connections=world.connections,
    )
