"""Real speech, in real time, over a real WebSocket to a real server: nothing is clipped, nothing is worse.

The anchor is the same engine run on the whole file over HTTP, and the local detector run on the whole file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from between import between
from human_speech import recordings
from ipyspeaches import wer
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.local import LocalServer
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session, transcribe
from ipyspeaches.transports.websocket import WebSocketTransport
from ipyspeaches.vad.detectors import SileroVad

POINTS = 0.03
# A recogniser hears a word at the edge of a window without what follows it. Measured over seven lengths of windows:
# 4.7 % of other words than in the text of the whole file on average with the times of words, 8.5 % without.
OVERLAP_POINTS = 0.1
OVERLAP_POINTS_WITHOUT_TIMES = 0.15

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def local() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture(scope="module")
def speech() -> dict[Path, str]:
    """The human recordings and what is said in them."""
    return {spoken.path: spoken.text for spoken in recordings()}


async def listen(file: Path, local: LocalServer, turn: TurnDetection) -> tuple[Transcript, list[Any]]:
    seen: list[Any] = []
    session = Session(file, server=local.url, turn_detection=turn, pace=1, on_event=seen.append)
    async with session:
        await session.wait()
    return session.transcript, seen


@pytest.fixture(scope="module")
def whole(local: LocalServer) -> Callable[[Path], str]:
    """What the same engine hears in a whole file; asked once a file."""

    @cache
    def ask(file: Path) -> str:
        with file.open("rb") as content:
            data = {"model": "pocketsphinx/en-us", "response_format": "json"}
            answer = httpx2.post(
                f"{local.url}/v1/audio/transcriptions", files={"file": content}, data=data, timeout=120
            )
        text: str = answer.raise_for_status().json()["text"]
        return text

    return ask


@pytest.fixture(scope="module")
def talk(speech: dict[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All recordings in one file, with short pauses between them."""
    pause = np.zeros(SESSION_RATE_HZ * 2 // 5, np.int16)
    parts = [part for file in speech for part in (Recording.load(file).to_rate(SESSION_RATE_HZ).samples, pause)]
    return Recording(np.concatenate(parts), SESSION_RATE_HZ).save(tmp_path_factory.mktemp("talk") / "talk.wav")


def test_client_cuts_are_as_good_as_the_whole_file_and_clip_nothing(
    local: LocalServer, whole: Callable[[Path], str], speech: dict[Path, str]
) -> None:
    turn = TurnDetection.client()

    async def all_files() -> list[tuple[Transcript, list[Any]]]:
        # Two at a time: more decoders than cores would fall behind real time.
        places = asyncio.Semaphore(2)

        async def one(file: Path) -> tuple[Transcript, list[Any]]:
            async with places:
                return await listen(file, local, turn)

        return await asyncio.gather(*(one(file) for file in speech))

    heard = ENGINE.run(all_files())
    for (file, spoken), (transcript, seen) in zip(speech.items(), heard, strict=True):
        streamed, at_once = wer(spoken, transcript.text).rate, wer(spoken, whole(file)).rate
        assert streamed <= at_once + POINTS, f"{file.name}: {transcript.text!r}"
        sent = [(event.start_s, event.end_s) for event in seen if isinstance(event, events.Sent)]
        for segment in SileroVad(speech_pad_ms=0).segment(Recording.load(file)):
            assert covered(segment.start, segment.end, sent), f"{file.name}: {segment} was not sent whole: {sent}"


@pytest.mark.parametrize(("transport", "margin"), [("chunked", OVERLAP_POINTS), ("sse", OVERLAP_POINTS_WITHOUT_TIMES)])
def test_no_word_is_lost_or_doubled_where_windows_overlap(
    local: LocalServer, whole: Callable[[Path], str], talk: Path, transport: str, margin: float
) -> None:
    transcript = ENGINE.run(transcribe(talk, server=local.url, transport=transport, chunk_s=5))
    assert len(transcript) >= 5
    assert wer(whole(talk), transcript.text).rate <= margin, transcript.text
    times = [word.start for word in transcript.words]
    assert times == sorted(times)


def test_words_come_while_speaking(local: LocalServer) -> None:
    async def quickstart() -> list[Any]:
        seen: list[Any] = []
        half = Recording.sample().slice(0, Recording.sample().duration / 2)
        # At half the speed: a recogniser that is late gives no words of an unfinished utterance.
        async with Session(half, server=local.url, pace=0.5, on_event=seen.append) as session:
            await session.wait()
        return seen

    seen = ENGINE.run(quickstart())
    first = next(event for event in seen if isinstance(event, events.Partial))
    last = [event for event in seen if isinstance(event, events.SpeechStopped)][-1]
    # While somebody still speaks: how soon depends on the machine, and is for a benchmark to say.
    assert first.time_s < last.end_s


def test_words_come_while_speaking_from_a_server_that_sends_none(local: LocalServer) -> None:
    """The embedded recogniser, whose own live text is held back. It is slow: so is the speech."""
    samples = np.concatenate([one.samples for one in recordings() if one.name.startswith("LJ")])
    speech = Recording(samples, SESSION_RATE_HZ).slice(0, 6)
    one_utterance = TurnDetection.client(SileroVad(min_silence_duration_ms=5_000))

    async def listen_to(url: str) -> list[Any]:
        seen: list[Any] = []
        async with Session(
            speech, server=url, turn_detection=one_utterance, pace=0.3, interim_s=0.5, on_event=seen.append
        ) as session:
            await session.wait()
        assert session.transcript.partial == ""
        return seen

    with between(local.url) as server:
        server.dropped = {"conversation.item.input_audio_transcription.delta"}
        seen = ENGINE.run(listen_to(server.url))
    (stopped,) = (event for event in seen if isinstance(event, events.SpeechStopped))
    shown = [event for event in seen if isinstance(event, events.Partial) and event.text]
    assert shown[0].time_s < stopped.end_s
    settled = [event.text[: event.stable] for event in shown]
    assert settled[-1]
    assert all(after.text.startswith(before) for before, after in zip(settled, shown[1:], strict=False))
    final = next(event.segment.text for event in seen if isinstance(event, events.Final))
    assert wer(final[: len(settled[-1])], settled[-1]).rate < 0.5  # the same speech, if not the same words


def covered(start_s: float, end_s: float, spans: list[tuple[float, float]]) -> bool:
    """Whether spans in order, without gaps between them, hold everything from start to end."""
    at = start_s
    for begin, end in spans:
        if begin <= at + 0.001:
            at = max(at, end)
    return at >= end_s - 0.001  # the rates of file and session round a sample differently


def test_a_refused_language_is_a_warning_and_the_words_go_on(local: LocalServer) -> None:
    async def quickstart() -> Session:
        async with Session(Recording.sample(), server=local.url, pace=4) as session:
            await session.set_language("zh")
            await session.set_language("en")
            await session.wait()
        return session

    session = ENGINE.run(quickstart())
    assert session.language == "en"
    texts = session.events.columns()["text"]
    assert any("does not understand the language 'zh'" in text for text in texts)
    assert any("not 'zh' as asked" in text for text in texts)
    assert len(session.transcript) == 4


class Patient:
    """Speech, silence until the server's buffer was cleared, and the same speech again: no clock but the server's."""

    kind, label, live = "file", "patient", False

    def __init__(self, spoken: Recording, sent: list[str]) -> None:
        self._spoken = spoken
        self._sent = sent
        self.heard = asyncio.Event()  # the first text
        self.silence_s = 0.0

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        for block in self._speech():
            yield block
        noise = np.random.default_rng(3)
        while "input_audio_buffer.clear" not in self._sent[:-1] and self.silence_s < 120:
            if self.silence_s > 2:
                await self.heard.wait()
            await asyncio.sleep(0.002)
            self.silence_s += 0.1
            yield AudioBlock(noise.normal(0, 3, self._spoken.rate // 10).astype(np.int16), self._spoken.rate)
        for block in self._speech():
            yield block

    def _speech(self) -> Iterator[AudioBlock]:
        step = self._spoken.rate // 10
        for start in range(0, len(self._spoken.samples), step):
            yield AudioBlock(self._spoken.samples[start : start + step], self._spoken.rate)

    def end(self) -> None:
        pass


def test_long_silence_is_cleared_and_no_word_is_lost(local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    send = WebSocketTransport.send

    async def noted(transport: WebSocketTransport, message: bytes) -> None:
        sent.append(json.loads(message)["type"])
        await send(transport, message)

    monkeypatch.setattr(WebSocketTransport, "send", noted)
    sample = Recording.sample()
    spoken = Recording(sample.samples[: round(3.1 * sample.rate)], sample.rate)
    source = Patient(spoken, sent)

    def listener(event: Any) -> None:
        if isinstance(event, events.Final):
            source.heard.set()

    async def listen_long() -> Transcript:
        turn = TurnDetection.server(0.5, 550)
        async with Session(source, server=local.url, turn_detection=turn, on_event=listener) as session:
            await session.wait()
        return session.transcript

    first, second = ENGINE.run(listen_long())
    assert sent.count("input_audio_buffer.clear") == 1
    assert second.text == first.text
    # On the session clock, although the server's clock began anew in between.
    apart_s = second.words[0].start - first.words[0].start
    assert apart_s == pytest.approx(spoken.duration + source.silence_s, abs=0.15)
