"""The same speech through every transport: the same utterances, in the same order, at the same times, as right.

Runs against the embedded server, or against the server that ``SPEACHES_BASE_URL`` names (its key in
``SPEACHES_API_KEY``, a model in ``SPEACHES_MODEL``). The anchor for the words is the same server's text of the whole
file. Media streams play in real time, everything else as fast as the server takes it.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from human_speech import recordings
from ipyspeaches import Recording, samples, wer
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.decoding import write_audio
from ipyspeaches.local import LocalServer
from ipyspeaches.local.weights import find
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.server.client import check
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import transcribe

TRANSPORTS = ("realtime", "chunked", "sse", "webrtc")
CUTTING = ("realtime", "webrtc")
"""Transports over which a server can cut."""
APART_S = 0.1
APPEND_S = 0.2
POINTS = 0.03
POINTS_OF_A_SERVER_THAT_CUTS = 0.15
"""It clips onsets, over every transport."""
CLOCKS_S = 0.05
"""How far the words of an utterance may be apart over two transports, at the median."""
EDGE_S = 0.35
"""How far a recogniser places words beyond the edges of what was spoken."""
PAUSE_S = 1.0
SHORT = {"LJ001-0002", "LJ001-0004", "LJ001-0008"}
KEY = "sesame-1234"

# Read before the fixture that keeps all other tests from the user's own server.
GIVEN = {name: os.environ.get(f"SPEACHES_{name}") for name in ("BASE_URL", "API_KEY", "MODEL")}
QUICKEST = "tiny.en" if find("tiny.en") else None
"""Of the embedded server: it hears in half the processor time of PocketSphinx, and twice as well."""

pytestmark = [pytest.mark.realtime, pytest.mark.alone]


@dataclass
class Bench:
    """A server, and what it makes of one piece of speech; everything is recognised once."""

    url: str
    api_key: str | None
    model: str
    recording: Recording
    spoken: str

    def __post_init__(self) -> None:
        self._heard: dict[tuple[str, bool], Transcript] = {}
        self.events: list[Any] = []

    def heard(self, transport: str, *, server_cuts: bool = False) -> Transcript:
        """Return what came through a transport."""
        if (transport, server_cuts) not in self._heard:
            ENGINE.run(self._hear(transport, server_cuts))
        return self._heard[transport, server_cuts]

    async def _hear(self, transport: str, server_cuts: bool) -> None:
        # A server that cuts listens in real time; the embedded one has ears for two meanwhile.
        at_once = CUTTING if server_cuts and GIVEN["BASE_URL"] is None else (transport,)
        heard = await asyncio.gather(
            *(
                transcribe(
                    self.recording,
                    server=self.url,
                    api_key=self.api_key,
                    model=self.model,
                    language="en",
                    transport=one,
                    turn_detection=TurnDetection.server(0.5, 550) if server_cuts else TurnDetection.client(),
                    pace=1.0 if server_cuts else 0.0,
                    on_event=self.events.append,
                )
                for one in at_once
            )
        )
        self._heard |= {(one, server_cuts): text for one, text in zip(at_once, heard, strict=True)}

    @cached_property
    def whole_file_wer(self) -> float:
        """The word error rate of the same server on the whole file at once."""
        sound = io.BytesIO()
        write_audio(sound, self.recording.samples, self.recording.rate)
        answer = httpx2.post(
            f"{self.url.rstrip('/')}/v1/audio/transcriptions",
            files={"file": ("speech.wav", sound.getvalue())},
            data={"model": self.model, "language": "en", "response_format": "json"},
            headers={} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"},
            timeout=300,
        )
        return wer(self.spoken, answer.raise_for_status().json()["text"]).rate


def speech(*pieces: tuple[NDArray[np.int16], str]) -> tuple[Recording, str]:
    """Return pieces of speech between pauses, and their text."""
    pause = np.zeros(round(PAUSE_S * SESSION_RATE_HZ), dtype=np.int16)
    # A pause comes first, too: where Speaches cuts, it ends nothing in the first 3 s.
    audio = [pause, *(part for samples, _text in pieces for part in (samples, pause))]
    return Recording(np.concatenate(audio), SESSION_RATE_HZ), " ".join(text for _samples, text in pieces)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str | None, str]]:
    """The address, key and model of the server to test."""
    with ExitStack() as stack:
        url, key = GIVEN["BASE_URL"], GIVEN["API_KEY"]
        if url is None:
            local = stack.enter_context(LocalServer(api_key=KEY, model=GIVEN["MODEL"] or QUICKEST))
            url, key = local.url, local.api_key
        info = ENGINE.run(check(url, api_key=key, model=GIVEN["MODEL"]))
        yield url, key, info.model


@pytest.fixture(scope="module")
def bench(server: tuple[str, str | None, str]) -> Bench:
    """The sample and recordings of people: so many words that one that is unsure decides nothing."""
    sample = Recording.sample().to_rate(SESSION_RATE_HZ).samples, samples.info("quickstart").text
    return Bench(*server, *speech(sample, *((one.samples, one.text) for one in recordings())))


@pytest.fixture(scope="module")
def short_bench(server: tuple[str, str | None, str]) -> Bench:
    """Some recordings of people: a server that cuts listens in real time."""
    return Bench(*server, *speech(*((one.samples, one.text) for one in recordings() if one.name in SHORT)))


def spans(transcript: Transcript) -> list[tuple[float, float]]:
    return [(segment.start, segment.end) for segment in transcript]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_hears_the_same_utterances_in_the_same_order(bench: Bench, transport: str) -> None:
    heard, first = bench.heard(transport), bench.heard(TRANSPORTS[0])
    assert len(heard) == len(first)
    assert spans(heard) == sorted(spans(heard))
    assert np.allclose(spans(heard), spans(first), atol=APART_S, rtol=0), (spans(heard), spans(first))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_is_as_right_as_the_whole_file(bench: Bench, transport: str) -> None:
    text = bench.heard(transport).text
    rate = wer(bench.spoken, text).rate
    whole = bench.whole_file_wer
    sys.stdout.write(f"{bench.model} over {transport}: {rate:.3f} of the words wrong, in the whole file {whole:.3f}\n")
    assert rate <= whole + POINTS, text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_words_stand_where_they_were_spoken(bench: Bench, transport: str) -> None:
    """Where a server gives the times of words, they are within their utterance, and the same over every transport."""
    heard = bench.heard(transport)
    assert words_are_inside(heard)
    if not has_words(heard):
        return
    # Speaches gives no times of words over its realtime connections: what is compared must have some.
    for other in TRANSPORTS:
        if other != transport and has_words(bench.heard(other)):
            shifts = [word_shifts_s(one, two) for one, two in zip(heard, bench.heard(other), strict=True)]
            apart = np.abs(np.concatenate(shifts))
            median, most = np.quantile(apart, [0.5, 0.95])
            sys.stdout.write(
                f"{bench.model}, {len(apart)} edges of words over {transport} and {other}: "
                f"median {median:.3f} s apart, 95 % within {most:.3f} s, all within {apart.max():.3f} s\n"
            )
            # A clock that is wrong moves all of an utterance. One word's edge is the recogniser's guess, and Whisper
            # moves it by up to 0.2 s for a comma that it writes or leaves out.
            assert max(abs(np.median(one)) for one in shifts if len(one)) <= CLOCKS_S
            assert median <= CLOCKS_S
            assert most <= APART_S


@pytest.mark.parametrize("transport", CUTTING)
def test_a_server_that_cuts_means_the_same_times_over_every_transport(short_bench: Bench, transport: str) -> None:
    heard, first = (short_bench.heard(name, server_cuts=True) for name in (transport, CUTTING[0]))
    assert len(heard) == len(first) >= len(SHORT)
    # A server looks for the end of speech whenever audio comes, and calls that moment the end.
    assert np.allclose(spans(heard), spans(first), atol=(APART_S, APPEND_S), rtol=0), (spans(heard), spans(first))
    assert words_are_inside(heard)
    assert wer(short_bench.spoken, heard.text).rate <= short_bench.whole_file_wer + POINTS_OF_A_SERVER_THAT_CUTS
    assert "server" in {event.source for event in short_bench.events if isinstance(event, events.SpeechStopped)}


def has_words(transcript: Transcript) -> bool:
    return any(segment.words for segment in transcript)


def words_are_inside(transcript: Transcript) -> bool:
    return all(
        segment.start - EDGE_S <= word.start <= word.end <= segment.end + EDGE_S
        for segment in transcript
        for word in segment.words
    )


def word_shifts_s(one: Segment, other: Segment) -> NDArray[np.float64]:
    """Return by how much the words that two texts of an utterance have in common are later in the second.

    Words beside others that differ do not count: what a recogniser makes of one moves the edge of the next.
    """
    # Texts begin and end alike, so that their first and last words have neighbours too.
    first, second = (["", *(w.word.strip(" .,;:!?").lower() for w in text.words), ""] for text in (one, other))
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    same = [(one.words[a + i - 1], other.words[b + i - 1]) for a, b, size in blocks for i in range(1, size - 1)]
    return np.array([shift for a, b in same for shift in (b.start - a.start, b.end - a.end)], dtype=np.float64)
