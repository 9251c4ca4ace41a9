"""However speech comes in, the text is about as good: whole files, cut by a client, cut by the server.

Run with ``-s`` to see the word error rates.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

import httpx2
import numpy as np
import pytest
import soundfile
from jiwer import process_words
from numpy.typing import NDArray

from human_speech import Spoken, recordings, words
from ipyspeaches.local import LocalServer
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.gate import Gate, GateOptions, Send, Utterance
from ipyspeaches.vad.segmenter import Closed, Opened
from realtime_client import MODEL, RealtimeClient, realtime_client

RATE = 24_000
PAUSE = np.zeros(RATE, dtype=np.int16)
ALLOWED_WORDS = 2
"""Words by which one recording may differ: the cuts lie up to 32 ms apart, and the engine is unsure of some words."""
ALLOWED_RATE = 0.06
"""Difference of the word error rates over all recordings (of about 60 words)."""


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    return recordings()


def wrong_words(said: Spoken, text: str) -> int:
    result = process_words(words(said.text), words(text))
    return result.substitutions + result.deletions + result.insertions


def whole_file(server: LocalServer, samples: NDArray[np.int16]) -> str:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format="WAV")
    answer = httpx2.post(
        f"{server.url}/v1/audio/transcriptions",
        data={"model": MODEL, "response_format": "text"},
        files={"file": ("sound.wav", buffer.getvalue(), "audio/wav")},
        timeout=300,
        trust_env=False,
    )
    return answer.raise_for_status().text


async def texts_of(client: RealtimeClient, pieces: int) -> list[str]:
    """Return the finals in the order of their commits."""
    while len(client.all("transcription.completed")) < pieces:
        await client.until("transcription.completed")
    finals = {event["item_id"]: event["transcript"] for event in client.all("transcription.completed")}
    return [finals[event["item_id"]] for event in client.all("buffer.committed")[:pieces]]


async def cut_by_client(server: LocalServer, samples: NDArray[np.int16]) -> str:
    """Send one recording between pauses as the package's own gate cuts it."""
    audio = np.concatenate((PAUSE, samples, PAUSE))
    detector = SileroVad()
    scorer = detector.scorer(RATE)
    segmenter = detector.segmenter(scorer.hop, RATE)
    gate = Gate(GateOptions(), RATE)
    pieces = 0
    async with realtime_client(server.url) as client:
        await client.update(turn_detection=None)
        for start in range(0, len(audio), 960):
            events: list[Opened | Closed] = segmenter.advance(scorer.score(audio[start : start + 960]).tolist())
            for action in gate.advance(events, segmenter.position, segmenter.silence_start):
                if isinstance(action, Send):
                    await client.append(audio[action.start : action.end])
                elif isinstance(action, Utterance):
                    await client.send("input_audio_buffer.commit")
                    pieces += 1
        return " ".join(await texts_of(client, pieces))


async def cut_by_server(server: LocalServer, samples: NDArray[np.int16]) -> str:
    """Send one recording between pauses and let the server cut it."""
    async with realtime_client(server.url) as client:
        await client.append(np.concatenate((PAUSE, samples, PAUSE)))
        await client.send("input_audio_buffer.commit")
        await client.send("input_audio_buffer.clear")
        await client.until("buffer.cleared")
        return " ".join(await texts_of(client, len(client.all("buffer.committed"))))


def rate(spoken: Sequence[Spoken], wrong: Sequence[int]) -> float:
    return sum(wrong) / sum(len(words(said.text).split()) for said in spoken)


async def test_every_way_in_gives_the_same_word_error_rate(local_server: LocalServer, spoken: list[Spoken]) -> None:
    files, clients, servers = [], [], []
    for said in spoken:
        texts = (
            await asyncio.to_thread(whole_file, local_server, said.samples),
            await cut_by_client(local_server, said.samples),
            await cut_by_server(local_server, said.samples),
        )
        file, client, server = (wrong_words(said, text) for text in texts)
        print(f"{said.name}: {file} {client} {server} of {len(said.text.split())} words wrong: {texts}")  # noqa: T201
        assert abs(client - file) <= ALLOWED_WORDS
        assert abs(server - file) <= ALLOWED_WORDS
        files.append(file)
        clients.append(client)
        servers.append(server)
    rates = [rate(spoken, wrong) for wrong in (files, clients, servers)]
    print("word error rates, file, client cuts, server VAD:", *(f"{value:.3f}" for value in rates))  # noqa: T201
    assert max(rates) - min(rates) <= ALLOWED_RATE
    assert max(rates) < 0.45
