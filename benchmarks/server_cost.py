"""What a session costs a server: ours as it is by default, against a client that sends 100 ms appends to its VAD.

    python benchmarks/server_cost.py --server http://localhost:8000 --model Systran/faster-whisper-tiny.en

The server is one that is given, and runs on this machine or tells its processor time (`/metrics`); nothing else may
use it meanwhile. Both clients speak the same words in real time. Recognition costs the same whoever asks for it: the
third row sends the same utterances as requests, one an utterance, and what is above that is what listening costs. What
the server spends while nobody speaks is subtracted. Without ``--server``, an embedded PocketSphinx is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import numpy as np
from websockets.asyncio.client import connect

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerError, SpeachesError
from ipyspeaches.local.local_server import LocalServer
from ipyspeaches.server.usage import UsageMeter
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.load_testing import MicrophoneReplay
from ipyspeaches.session.opening import resolve
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.session import Session
from rows import Row, judged, progress, report

BUDGET = 1 / 6
APPEND_S = 0.1
IDLE_S = 5.0
SETTLED_S = 2.0
"""A server that spends nothing for so long has done its work."""
SILENT_S = 8.0
COMPLETED = "conversation.item.input_audio_transcription.completed"
TURN: dict[str, object] = {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}
TURN["create_response"] = False  # all of them, or Speaches takes none

Client = Callable[[str, str, Recording], Awaitable[int]]


async def ours(url: str, model: str, speech: Recording, transport: str = "realtime") -> int:
    """Speak as `Session` does by default; return how many texts came."""
    session = Session(MicrophoneReplay(speech, 1.0), server=url, model=model, transport=transport, journal=None)
    async with session:
        await session.wait()
    return len(session.transcript)


async def requests(url: str, model: str, speech: Recording) -> int:
    """Have the same utterances recognised, each by a request."""
    return await ours(url, model, speech, "chunked")


async def server_cuts(url: str, model: str, speech: Recording) -> int:
    """Send 100 ms appends to the server's own VAD, as the field's examples do; return how many texts came."""
    texts, heard_s = 0, time.monotonic()
    address = f"{url.replace('http', 'ws', 1)}/v1/realtime?model={model}&intent=transcription"
    async with connect(address, max_size=None) as socket:

        async def listen() -> None:
            nonlocal texts, heard_s
            async for message in socket:
                texts, heard_s = texts + (json.loads(message)["type"] == COMPLETED), time.monotonic()

        listening = asyncio.create_task(listen())
        update = {"turn_detection": TURN, "input_audio_transcription": {"model": model}}
        await socket.send(json.dumps({"type": "session.update", "session": update}))
        due = time.monotonic()
        samples = np.append(speech.samples, np.zeros(2 * speech.rate, np.int16))  # so that it hears the last end
        for block in np.split(samples, range(2400, len(samples), 2400)):
            due += APPEND_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            audio = base64.b64encode(block.tobytes()).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        heard_s = time.monotonic()
        while time.monotonic() - heard_s < SILENT_S:  # noqa: ASYNC110  a server that is behind is heard out
            await asyncio.sleep(SETTLED_S / 10)
        listening.cancel()
    return texts


CLIENTS: dict[str, Client] = {"ours": ours, "server VAD": server_cuts, "recognition alone": requests}


async def spent_s(meter: UsageMeter) -> float:
    """Return the server's processor time so far; an `InputError` if nobody knows it."""
    usage = await meter.read()
    if usage is None:
        raise InputError("Nobody knows what this server spends: run it on this machine, with psutil installed here.")
    return usage.cpu_s


async def settled_s(meter: UsageMeter, idle: float) -> float:
    """Return the server's processor time once it has nothing to do any more."""
    before = await spent_s(meter)
    while True:
        await asyncio.sleep(SETTLED_S)
        now = await spent_s(meter)
        if now - before < (idle + 0.05) * SETTLED_S:
            return now
        before = now


async def measure(server: str, model: str | None, rounds: int, speech: Recording) -> dict[str, list[float]]:
    """Return the processor seconds of every client in every round."""
    place = await resolve(SessionOptions(server=server, recognition=SessionOptions.of({"model": model}).recognition))
    meter = UsageMeter(place.url, place.api_key)
    spent: dict[str, list[float]] = {name: [] for name in CLIENTS}
    await requests(place.url, place.model, speech)  # reads the model
    begin = await settled_s(meter, 0.5)
    await asyncio.sleep(IDLE_S)
    idle = (await spent_s(meter) - begin) / IDLE_S
    progress(f"{place.url}, {place.model}: {idle:.3f} of a core at rest")
    for number in range(rounds):
        for name, client in CLIENTS.items():
            begin, began_s = await settled_s(meter, idle), time.monotonic()
            texts = await client(place.url, place.model, speech)
            end = await settled_s(meter, idle)
            spent[name].append(end - begin - idle * (time.monotonic() - began_s))
            progress(f"round {number + 1}, {name}: {spent[name][-1]:.2f} s, {texts} texts")
            if not texts:
                raise ServerError(f"The client “{name}” got no text, so that nothing can be compared: see the server.")
    return spent


def rows(spent: dict[str, list[float]], seconds: float, budget: float | None) -> list[Row]:
    """Return the figures per second of audio; the budget is a Speaches server's."""
    mine, theirs, alone = (statistics.median(values) / seconds * 1000 for values in spent.values())
    return [
        judged("server CPU of a session, against 100 ms appends to its VAD", mine, "ms/s", anchor=theirs, budget=None),
        judged(
            "the same without recognition",
            max(mine - alone, 0.0),
            "ms/s",
            anchor=max(theirs - alone, 0.0),
            budget=budget,
        ),
        judged("recognition alone", alone, "ms/s", budget=None),
    ]


def main() -> int:
    """Print the rows; return 1 if the budget is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--server", metavar="URL")
    parser.add_argument("--model", metavar="ID")
    args = parser.parse_args()
    speech = Recording.sample("quickstart").to_rate(SESSION_RATE_HZ)
    with ExitStack() as stack:
        server = args.server or stack.enter_context(LocalServer("pocketsphinx")).url
        try:
            spent = ENGINE.run(measure(server, args.model, 1 if args.quick else 3, speech))
        except SpeachesError as exc:
            progress(str(exc))
            return 1
    budget = BUDGET if args.server else None
    return report(rows(spent, speech.duration, budget), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
