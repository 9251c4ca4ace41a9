"""Human speech over WebRTC to a real server that cuts, as fast as the stream may go.

The anchor is the same engine run on the whole file over HTTP. Cuts of this side are in the conformance suite.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from human_speech import Spoken, recordings
from ipyspeaches import Recording, wer
from ipyspeaches.audio.decoding import write_audio
from ipyspeaches.local import LocalServer
from ipyspeaches.results import Transcript
from ipyspeaches.session import ENGINE, Session, TurnDetection, events

RATE_HZ = 24_000
POINTS = 0.1
"""Measured: 3.3, of 61 words. A server that cuts costs words over every transport; the conformance suite is strict."""
KEY = "sesame-1234"

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def local() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    """All recordings: so many words that one the engine is unsure of decides nothing."""
    return recordings()


def joined(spoken: list[Spoken]) -> Recording:
    """Return the sentences one after the other, with pauses."""
    pause = np.zeros(RATE_HZ, np.int16)
    pieces = [piece for one in spoken for piece in (pause, one.samples)]
    return Recording(np.concatenate((*pieces, pause)), RATE_HZ)


def whole(spoken: Spoken, local: LocalServer) -> str:
    sound = io.BytesIO()
    write_audio(sound, spoken.samples, RATE_HZ)
    answer = httpx2.post(
        f"{local.url}/v1/audio/transcriptions",
        files={"file": ("speech.wav", sound.getvalue())},
        data={"model": "pocketsphinx/en-us"},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=120,
    )
    text: str = answer.raise_for_status().json()["text"]
    return text


def listen(recording: Recording, local: LocalServer, turn: TurnDetection) -> tuple[Transcript, list[Any]]:
    seen: list[Any] = []

    async def run() -> Transcript:
        session = Session(
            recording,
            server=local.url,
            api_key=KEY,
            transport="webrtc",
            turn_detection=turn,
            pace=0,
            on_event=seen.append,
        )
        async with session:
            await session.wait()
        return session.transcript

    return ENGINE.run(run()), seen


def test_a_server_cuts_a_media_stream_and_its_words_stand_where_they_were_spoken(
    local: LocalServer, spoken: list[Spoken]
) -> None:
    transcript, seen = listen(joined(spoken), local, TurnDetection.server(0.5, 550))
    said = " ".join(one.text for one in spoken)
    at_once = " ".join(whole(one, local) for one in spoken)
    assert wer(said, transcript.text).rate <= wer(said, at_once).rate + POINTS, transcript.text
    assert not [event.text for event in seen if isinstance(event, events.Warning)]
    sources = {event.source for event in seen if isinstance(event, events.SpeechStopped)}
    assert "server" in sources
    # Every word stands within the segment where it was spoken, and there is one for each sentence at least.
    assert len(transcript) >= len(spoken)
    for segment in transcript:
        assert segment.words
        assert all(segment.start - 0.35 <= word.start <= word.end <= segment.end + 0.35 for word in segment.words)
