"""Human speech over WebRTC, in real time, to a real server: no word is worse for it, whoever cuts.

The anchor is the same engine run on the whole file over HTTP.
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
from ipyspeaches.audio.decoding import write_sound
from ipyspeaches.local import LocalServer
from ipyspeaches.results import Transcript
from ipyspeaches.session import ENGINE, Session, TurnDetection, events

RATE_HZ = 24_000
POINTS = 0.03
KEY = "sesame-1234"

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def local() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def spoken() -> Spoken:
    """Somebody who reads a sentence."""
    return next(one for one in recordings() if one.name == "LJ001-0004")


def whole(spoken: Spoken, local: LocalServer) -> str:
    sound = io.BytesIO()
    write_sound(sound, spoken.samples, RATE_HZ)
    answer = httpx2.post(
        f"{local.url}/v1/audio/transcriptions",
        files={"file": ("speech.wav", sound.getvalue())},
        data={"model": "pocketsphinx/en-us"},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=120,
    )
    text: str = answer.raise_for_status().json()["text"]
    return text


def listen(spoken: Spoken, local: LocalServer, turn: TurnDetection) -> tuple[Transcript, list[Any]]:
    seen: list[Any] = []
    pause = np.zeros(RATE_HZ, np.int16)
    recording = Recording(np.concatenate((pause, spoken.samples, pause)), RATE_HZ)

    async def run() -> Transcript:
        session = Session(
            recording,
            server=local.url,
            api_key=KEY,
            transport="webrtc",
            turn_detection=turn,
            pace=1,
            on_event=seen.append,
        )
        async with session:
            await session.wait()
        return session.transcript

    return ENGINE.run(run()), seen


@pytest.mark.parametrize(
    "turn", [TurnDetection.client(), TurnDetection.server(0.5, 550)], ids=["client cuts", "server cuts"]
)
def test_words_over_webrtc_are_as_good_as_those_of_the_whole_file(
    local: LocalServer, spoken: Spoken, turn: TurnDetection
) -> None:
    transcript, seen = listen(spoken, local, turn)
    assert wer(spoken.text, transcript.text).rate <= wer(spoken.text, whole(spoken, local)).rate + POINTS
    assert not [event.text for event in seen if isinstance(event, events.Warning)]
    sources = {event.source for event in seen if isinstance(event, events.SpeechStopped)}
    assert ("server" in sources) == (not turn.client_cuts)
    # Nothing was lost on the way: every word stands within the sound, and in the order of time.
    times = [time for segment in transcript for word in segment.words for time in (word.start, word.end)]
    assert times
    assert times == sorted(times)
    assert times[0] >= 0.9
    assert times[-1] <= 1.1 + len(spoken.samples) / RATE_HZ
