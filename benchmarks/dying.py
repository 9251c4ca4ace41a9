"""A process that records until it is killed, the server that it speaks to, and whether what it leaves is whole.

Run by itself it is that process: ``dying.py SERVER FOLDER SEED``. It hears bursts of noise at several times real time,
and tells on its standard output what it has: ``heard N`` blocks, ``text START`` of an utterance.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.session import events
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.recovery import recordings, recover
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad

BLOCK: Final = SESSION_RATE_HZ // 10
BLOCK_S: Final = 0.1
FASTER: Final = 5
BURST_S: Final = (0.2, 0.6)
"""Where the noise is in each second."""
DETECTOR: Final = EnergyVad(threshold=500, min_silence_duration_ms=150, min_speech_duration_ms=100, speech_pad_ms=0)
CUTS: Final = TurnDetection.client(DETECTOR, pre_roll_ms=50, hangover_ms=50)


FEW: Final = 20
"""Blocks after which there is an utterance, and time for its text."""


def block(seed: int, number: int) -> NDArray[np.int16]:
    """Return a tenth of a second of a recording that goes on for ever."""
    loud = BURST_S[0] <= round(number * BLOCK_S % 1, 3) < BURST_S[1]
    noise = np.random.default_rng((seed, number)).normal(0, 4_000 if loud else 10, BLOCK)
    return noise.astype(np.int16)


class Bursts:
    """A microphone that hears bursts of noise, and tells how many blocks have been taken."""

    kind = "kernel"
    label = "bursts"
    live = True

    def __init__(self, seed: int) -> None:
        self._seed = seed

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield blocks until the process is killed."""
        number = 0
        while True:
            yield AudioBlock(block(self._seed, number), SESSION_RATE_HZ)
            number += 1
            tell(f"heard {number}")
            await asyncio.sleep(BLOCK_S / FASTER)

    def end(self) -> None:
        """Do nothing: only a signal ends it."""


def tell(line: str) -> None:
    """Print a line with one system call."""
    os.write(1, f"{line}\n".encode())


async def record(server: str, folder: str, seed: int) -> None:
    """Record until the end."""
    session = Session(Bursts(seed), server=server, journal=folder, turn_detection=CUTS)
    async with session:
        await asyncio.sleep(2 * BLOCK_S)  # the journal has begun, and is told of each event before this is
        session.subscribe(tell_text)
        await session.wait()


def tell_text(event: events.SessionEvent) -> None:
    """Print where an utterance begins that has its text."""
    if isinstance(event, events.Final):
        tell(f"text {event.segment.start:.3f}")


def respond(_connection: ServerConnection, request: Request) -> Response | None:
    """Answer plain HTTP; None lets the WebSocket through."""
    if request.path.startswith("/v1/realtime"):
        return None
    model = {"id": "m", "created": 1, "object": "model", "owned_by": "o", "task": "automatic-speech-recognition"}
    content = {"object": "list", "data": [model]} if request.path == "/v1/models" else {"message": "OK"}
    body = json.dumps(content).encode()
    headers = Headers([("content-type", "application/json"), ("content-length", str(len(body)))])
    return Response(HTTPStatus.OK, "OK", headers, body)


async def heard(socket: ServerConnection) -> AsyncIterator[dict[str, Any]]:
    """Yield what comes until the other side closes, or dies."""
    with suppress(ConnectionClosedError):
        async for raw in socket:
            yield json.loads(raw)


@asynccontextmanager
async def recogniser(answers: int) -> AsyncIterator[str]:
    """Run a server that gives so many utterances of each session a text, and then says nothing more."""

    async def session(socket: ServerConnection) -> None:
        turn = {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}
        state = {"id": "s", "input_audio_transcription": {"model": "m", "language": None}, "turn_detection": turn}
        await socket.send(json.dumps({"type": "session.created", "session": state}))
        commits = 0
        async for message in heard(socket):
            if message["type"] == "session.update":
                turn.update(message["session"].get("turn_detection") or {})
                await socket.send(json.dumps({"type": "session.updated", "session": state}))
            if message["type"] != "input_audio_buffer.commit" or commits >= answers:
                continue
            commits += 1
            item = {"item_id": f"item_{commits}"}
            await socket.send(json.dumps({"type": "input_audio_buffer.committed", **item, "previous_item_id": None}))
            final = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "words"}
            await socket.send(json.dumps({**final, **item, "content_index": 0}))

    async with serve(session, "127.0.0.1", 0, process_request=respond) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@dataclass(frozen=True)
class Death:
    """What became of one killed recording.

    Parameters
    ----------
    heard_s
        How much audio it had taken when it was killed, as far as it lived to tell.
    lost_s
        How much of that is not in its journal; never less than 0.
    texts
        How many texts it had told of, all of which are in its journal.
    pending
        How many stretches had none, and have one now.
    """

    heard_s: float
    lost_s: float
    texts: int
    pending: int


async def die(folder: Path, seed: int) -> Death:
    """Kill a recording at a moment that the seed chooses, recover it, and transcribe what was pending.

    It is an `AssertionError` if what was recovered is not what was recorded.
    """
    async with recogniser(answers_of(seed)) as server:
        told = await _until_killed(server, folder, seed)
    (row,) = (one for one in recordings(folder) if one.state == "unfinished")
    session = recover(row.path)
    samples = session.recording.samples
    blocks = -(-len(samples) // BLOCK)
    assert np.array_equal(samples, np.concatenate([block(seed, number) for number in range(blocks)])[: len(samples)])
    heard_s = max((int(line.split()[1]) for line in told if line.startswith("heard")), default=0) * BLOCK_S
    texts = {line.split()[1] for line in told if line.startswith("text")}
    assert texts <= {f"{segment.start:.3f}" for segment in session.transcript}
    assert row.without_text == len(session.transcript.missing)
    pending = len(session.transcript.missing)
    async with recogniser(answers=1_000) as server:
        await session.retry(server=server)
    _check_whole(recover(row.path))
    recordings(folder).remove(row.id)
    return Death(heard_s, max(0.0, round(heard_s - len(samples) / SESSION_RATE_HZ, 6)), len(texts), pending)


def answers_of(seed: int) -> int:
    """Return to how many utterances the server of a recording gives a text."""
    return random.Random(seed).choice((0, 2, 4, 1_000))


async def _until_killed(server: str, folder: Path, seed: int) -> list[str]:
    chance = random.Random(-1 - seed)
    blocks, then_s = chance.randint(3, 60), chance.uniform(0, 2 * BLOCK_S / FASTER)
    awaited = {f"heard {blocks}", *(["text"] if answers_of(seed) and blocks > FEW else [])}
    command = (sys.executable, __file__, server, str(folder), str(seed))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told: list[str] = []
    while awaited:
        line = await process.stdout.readline()
        assert line, "the recording ended by itself"
        told.append(line.decode().strip())
        awaited -= {told[-1], told[-1].partition(" ")[0]}
    await asyncio.sleep(then_s)
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    return [*told, *rest.decode().splitlines()]


def _check_whole(session: Session) -> None:
    """Hold every burst to exactly one text, but for one that had only begun."""
    assert not len(session.transcript.missing), session.transcript.missing
    starts = [segment.start for segment in session.transcript]
    length_s = session.recording.duration
    for second in range(int(length_s + 1)):
        begin, end = second + BURST_S[0], second + BURST_S[1]
        found = sum(begin - 0.1 < start < end for start in starts)
        assert found == 1 or (found == 0 and length_s < end + 0.2), (found, begin, length_s, starts)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[2], int(sys.argv[3])))
