"""CPU that a client spends on one second of streamed audio: ours, openai-python's, and plain websockets with json.

All three send the same speech as 24 kHz PCM16 in appends of 100 ms, as fast as the server takes them, so that
nothing but work is counted; the server is another process. Each round runs all of them, in turning order, from the
first append to the answer to a commit behind the last one. A ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from openai import AsyncOpenAI
from websockets.asyncio.client import connect

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol.address import realtime_query
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.samples import path
from ipyspeaches.transports.websocket import WebSocketTransport
from ipyspeaches.vad.gate import Utterance
from rows import Row, arguments, judged, progress, report
from sink import running

APPEND_SAMPLES = SESSION_RATE_HZ // 10
AUDIO_S = 30
BUDGET_OPENAI = 0.10
BUDGET_WEBSOCKETS = 0.15

Appends = list[NDArray[np.int16]]
Client = Callable[[str, Appends], Awaitable[float]]


def speech() -> Appends:
    """Return `AUDIO_S` seconds of speech in appends of 100 ms."""
    samples, rate_hz = soundfile.read(path("quickstart"), dtype="int16")
    resampled: NDArray[np.int16] = soxr.resample(samples, rate_hz, SESSION_RATE_HZ)
    enough = np.resize(resampled, AUDIO_S * SESSION_RATE_HZ)
    return np.split(enough, AUDIO_S * SESSION_RATE_HZ // APPEND_SAMPLES)


async def ours(url: str, appends: Appends) -> float:
    """Return the CPU seconds of the realtime protocol over its WebSocket."""
    options = RecognitionOptions()
    protocol = RealtimeProtocol(options)
    transport = WebSocketTransport(url, realtime_query(url, options))
    await transport.connect()
    protocol.connection_opened()
    protocol.receive_message(await transport.receive())
    begin = time.process_time()
    start = 0
    for samples in appends:
        protocol.send_append(samples, start)
        start += len(samples)
        for message in protocol.messages_to_send():
            await transport.send(message)
    protocol.send_commit(Utterance(0, 0, start))
    for message in protocol.messages_to_send():
        await transport.send(message)
    protocol.receive_message(await transport.receive())
    spent = time.process_time() - begin
    await transport.close()
    return spent


async def openai_python(url: str, appends: Appends) -> float:
    """Return the CPU seconds of openai-python's realtime client, used as its documentation shows."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none")
    async with client.realtime.connect(model="none") as connection:
        await connection.recv()
        begin = time.process_time()
        for samples in appends:
            await connection.input_audio_buffer.append(audio=base64.b64encode(samples.tobytes()).decode())
        await connection.input_audio_buffer.commit()
        await connection.recv()
        spent = time.process_time() - begin
    await client.close()
    return spent


async def plain_websockets(url: str, appends: Appends) -> float:
    """Return the CPU seconds of websockets, json and base64 with their defaults."""
    async with connect(f"{url.replace('http', 'ws', 1)}/v1/realtime") as connection:
        await connection.recv()
        begin = time.process_time()
        for samples in appends:
            audio = base64.b64encode(samples.tobytes()).decode()
            await connection.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        await connection.send(json.dumps({"type": "input_audio_buffer.commit"}))
        await connection.recv()
        return time.process_time() - begin


CLIENTS: dict[str, Client] = {"ours": ours, "openai": openai_python, "websockets": plain_websockets}


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds per second of audio of every client in every round."""
    appends = speech()
    spent: dict[str, list[float]] = {name: [] for name in CLIENTS}
    names = list(CLIENTS)
    with running() as url:
        for name in names:
            # The first run fills caches, and imports what is imported late.
            await CLIENTS[name](url, appends[:20])
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                gc.collect()
                spent[name].append(await CLIENTS[name](url, appends) / AUDIO_S * 1000)
            progress(f"round {number + 1} of {rounds}: " + ", ".join(f"{n} {spent[n][-1]:.3f} ms" for n in names))
    return spent


def rows(spent: dict[str, list[float]]) -> list[Row]:
    """Return the figures against both anchors."""
    anchors = (
        ("openai", f"openai-python {version('openai')}", BUDGET_OPENAI),
        ("websockets", f"websockets {version('websockets')} + json defaults", BUDGET_WEBSOCKETS),
    )
    return [
        judged(
            f"client CPU per second of audio, against {label}",
            statistics.median(spent["ours"]),
            "ms",
            anchor=statistics.median(spent[name]),
            ratio=statistics.median(a / b for a, b in zip(spent["ours"], spent[name], strict=True)),
            budget=budget,
        )
        for name, label, budget in anchors
    ]


def main() -> int:
    """Measure and print."""
    chosen = arguments(__doc__ or "")
    spent = asyncio.run(measure(9 if chosen.quick else 45))
    return report(rows(spent), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
