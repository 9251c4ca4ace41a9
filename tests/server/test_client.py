"""The client against recorded answers of a Speaches server, and against the local one."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, ModelNotFoundError, NotSpeachesError, ProtocolError, ServerAuthError
from ipyspeaches.local import LocalServer
from ipyspeaches.server.client import Server, _as_file, _known_voices
from ipyspeaches.vad.segments import Segments

URL = "http://speaches.example:8000"
TINY = "Systran/faster-whisper-tiny"
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def replay(root: Path) -> Callable[..., httpx2.MockTransport]:
    """Answer each request with the recording of that method and path; anything else fails the test."""

    def transport(*names: str) -> httpx2.MockTransport:
        exchanges: dict[tuple[str, str], dict[str, Any]] = {}
        for name in names:
            exchange = json.loads((root / f"tests/data/exchanges/http/{name}.json").read_text(encoding="utf-8"))
            exchanges[exchange["request"]["method"], exchange["request"]["path"]] = exchange

        def handler(request: httpx2.Request) -> httpx2.Response:
            exchange = exchanges[request.method, request.url.raw_path.decode()]
            return httpx2.Response(exchange["status"], headers=exchange["headers"], text=exchange["body"])

        return httpx2.MockTransport(handler)

    return transport


async def test_models_are_sorted(replay: Callable[..., httpx2.MockTransport]) -> None:
    models = await Server(URL, transport=replay("models")).models()
    ids = [model.id for model in models]
    assert ids == sorted(ids)
    assert len(ids) == 4
    assert models[-1].task == "voice-activity-detection"
    assert models[0].languages == ("en", "zh")
    only = await Server(URL, transport=replay("models-asr")).models(task="automatic-speech-recognition")
    assert [model.id for model in only] == ids[:3]


async def test_an_overview_is_asked_for_at_once(replay: Callable[..., httpx2.MockTransport]) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/openapi.json":
            return httpx2.Response(200, json={"info": {"version": "0.9"}})
        return recorded.handle_request(request)

    recorded = replay("models", "ps-get")
    overview = await Server(URL, transport=httpx2.MockTransport(handler)).overview()
    assert (overview.url, overview.version, overview.running) == (URL, "0.9", (TINY,))
    assert TINY in overview.models.ids


async def test_what_a_server_does_not_tell_is_none(root: Path) -> None:
    models = json.loads((root / "tests/data/exchanges/http/models.json").read_text(encoding="utf-8"))["body"]

    def handler(request: httpx2.Request) -> httpx2.Response:
        found = request.url.path == "/v1/models"
        return httpx2.Response(200, text=models) if found else httpx2.Response(404, json={"detail": "Not Found"})

    overview = await Server(URL, transport=httpx2.MockTransport(handler)).overview()
    assert (overview.version, overview.running, len(overview.models)) == (None, None, 4)


async def test_the_registry_is_asked_by_task() -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        entry = {"id": "a/b", "created": 1, "object": "model", "owned_by": "a", "task": "speaker-diarization"}
        return httpx2.Response(200, json={"data": [entry], "object": "list"})

    server = Server(URL, transport=httpx2.MockTransport(handler))
    assert (await server.registry(task="speaker-diarization")).ids == ["a/b"]
    await server.registry()
    assert asked == [f"{URL}/v1/registry?task=speaker-diarization", f"{URL}/v1/registry"]


@pytest.mark.parametrize(("status", "downloaded"), [(200, True), (201, False)])
async def test_a_download_says_whether_there_was_something_to_do(status: int, downloaded: bool) -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(f"{request.method} {request.url.path}")
        return httpx2.Response(status, text="Model 'x' downloaded")

    assert await Server(URL, transport=httpx2.MockTransport(handler)).download("fastest") is downloaded
    assert asked == ["POST /v1/models/Systran/faster-whisper-small"]


async def test_speakers_are_told_apart_by_the_first_installed_model(root: Path) -> None:
    forms: list[bytes] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/models":
            assert request.url.params["task"] == "speaker-diarization"
            entry = {"id": "pyannote/some", "owned_by": "pyannote", "task": "speaker-diarization"}
            return httpx2.Response(200, json={"data": [entry]})
        assert (request.method, request.url.path) == ("POST", "/v1/audio/diarization")
        forms.append(request.content)
        turns = [{"start": 2.0, "end": 3.5, "speaker": "Ann"}, {"start": 0.5, "end": 1.5, "speaker": "Bo"}]
        return httpx2.Response(200, json={"duration": 4.0, "segments": turns})

    voice = Recording(np.zeros(100, dtype=np.int16), 16_000)
    server = Server(URL, transport=httpx2.MockTransport(handler))
    found = await server.diarize(voice, known_speakers={"Ann": voice, "Bo": voice})
    assert [tuple(turn) for turn in found] == [(0.5, 1.5, "Bo"), (2.0, 3.5, "Ann")]
    assert (found.speakers, found.duration) == (("Bo", "Ann"), 4.0)
    assert b"pyannote/some" in forms[0]
    assert forms[0].count(b'name="known_speaker_names[]"') == 2
    assert forms[0].count(b"data:audio/wav;base64,") == 2


async def test_odd_turns_and_spans_are_left_out() -> None:
    odd = [None, {"start": "1", "end": "2", "speaker": "A"}, {"start": 3, "end": 2, "speaker": "B"}, {"start": 1}]
    turns = [*odd, {"start": 0.5, "end": 1.5, "speaker": 1}, {"start": 2, "end": 3, "speaker": None}]

    def handler(request: httpx2.Request) -> httpx2.Response:
        diarized = request.url.path == "/v1/audio/diarization"
        return httpx2.Response(200, json={"segments": turns} if diarized else [*odd[:2], {"start": 960, "end": 3264}])

    voice = Recording(np.zeros(100, dtype=np.int16), 16_000)
    server = Server(URL, transport=httpx2.MockTransport(handler))
    found = await server.diarize(voice, model="x")
    assert [tuple(turn) for turn in found] == [(0.5, 1.5, "1")]
    assert found.duration == 1.5
    assert await server.speech_timestamps(voice) == Segments([(0.96, 3.264)])


async def test_health_and_running(replay: Callable[..., httpx2.MockTransport]) -> None:
    server = Server(URL, transport=replay("health", "ps-get"))
    await server.health()
    assert await server.running() == [TINY]
    assert await server.memory() == {TINY: None}  # it tells none


@pytest.mark.parametrize("name", ["ps-post", "ps-post-again"])
async def test_loading_what_is_loaded_is_fine(replay: Callable[..., httpx2.MockTransport], name: str) -> None:
    await Server(URL, transport=replay(name)).load(TINY)


@pytest.mark.parametrize("name", ["ps-delete", "ps-delete-404"])
async def test_unloading_what_is_not_loaded_is_fine(replay: Callable[..., httpx2.MockTransport], name: str) -> None:
    await Server(URL, transport=replay(name)).unload(TINY)


async def test_an_unknown_model_is_named(replay: Callable[..., httpx2.MockTransport]) -> None:
    with pytest.raises(ModelNotFoundError, match="'no/such' is not installed"):
        await Server(URL, transport=replay("ps-post-404")).load("no/such")


async def test_a_refused_key_is_a_key_problem(replay: Callable[..., httpx2.MockTransport]) -> None:
    with pytest.raises(ServerAuthError, match="may require an API key"):
        await Server(URL, transport=replay("cors-403")).models()
    with pytest.raises(ServerAuthError, match="about the API key, correct api_key") as refused:
        await Server(URL, "hidden", transport=replay("cors-403")).models()
    assert "hidden" not in str(refused.value)


async def test_the_key_is_sent_as_bearer_and_never_shown() -> None:
    seen: list[str | None] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("authorization"))
        return httpx2.Response(200, json={"models": []})

    server = Server(URL, "hidden", transport=httpx2.MockTransport(handler))
    assert await server.running() == []
    assert seen == ["Bearer hidden"]
    assert "hidden" not in repr(server)
    assert "hidden" not in server._repr_html_()
    assert "with a key" in server._repr_html_()


@pytest.mark.parametrize("name", ["timestamps-0.75", "timestamps-1.0"])
async def test_speech_timestamps_in_seconds(replay: Callable[..., httpx2.MockTransport], root: Path, name: str) -> None:
    body = json.loads((root / f"tests/data/exchanges/http/{name}.json").read_text(encoding="utf-8"))["body"]
    recording = Recording(np.zeros(100, dtype=np.int16), 16_000)
    segments = await Server(URL, transport=replay(name)).speech_timestamps(recording)
    expected = [(span["start"] / 1000, span["end"] / 1000) for span in json.loads(body)]
    assert [(segment.start, segment.end) for segment in segments] == expected


async def test_a_refused_threshold_is_said_in_the_servers_words(replay: Callable[..., httpx2.MockTransport]) -> None:
    recording = Recording(np.zeros(100, dtype=np.int16), 16_000)
    with pytest.raises(ProtocolError, match=r"422.*threshold: Input should be less than or equal to 1"):
        await Server(URL, transport=replay("timestamps-1.5")).speech_timestamps(recording, threshold=1.5)


async def test_a_file_that_is_no_sound_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_text("no sound", encoding="utf-8")
    with pytest.raises(AudioError, match=r"no\.wav"):
        await Server(URL, transport=httpx2.MockTransport(lambda _request: pytest.fail("sent"))).speech_timestamps(
            tmp_path / "no.wav"
        )


async def test_a_server_without_version_has_none() -> None:
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(404, json={"detail": "Not Found"}))
    assert await Server(URL, transport=transport).version() is None
    with pytest.raises(NotSpeachesError, match="HTTP 404"):
        await Server(URL, transport=transport).running()


async def test_all_of_it_against_the_local_server() -> None:
    server = Server(LocalServer.shared().url)
    await server.health()
    models = await server.models(task="automatic-speech-recognition")
    ours = "pocketsphinx/en-us"
    assert ours in models.ids
    await server.load(ours)
    assert ours in await server.running()
    await server.unload("no/such")
    assert await server.download(ours) is False
    assert ours in (await server.registry()).ids
    assert (await server.overview()).models.for_task(models[0].task or "") == models
    with pytest.raises(ModelNotFoundError, match="no/such"):
        await server.load("no/such")
    segments = await server.speech_timestamps(samples.path("quickstart"), threshold=0.5)
    sentences = samples.info("quickstart").sentences
    assert len(segments) == len(sentences)
    for segment, sentence in zip(segments, sentences, strict=True):
        assert segment.start == pytest.approx(sentence.start, abs=0.2)
    assert await server.version() is not None


def test_a_recording_is_sent_as_it_is() -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    name, content = _as_file(Recording(samples, 24_000))
    read, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    assert name == "audio.wav"
    assert rate == 24_000
    np.testing.assert_array_equal(read, samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_known_voices_are_sent_at_the_rate_that_they_are_taken_for(rate: int) -> None:
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    fields = _known_voices({"Ann": Recording(tone, rate), "Bo": Recording(tone, rate)})
    assert fields["known_speaker_names[]"] == ["Ann", "Bo"]
    head, _, coded = fields["known_speaker_references[]"][0].partition(",")
    assert head == "data:audio/wav;base64"
    heard, sent_rate = soundfile.read(io.BytesIO(base64.b64decode(coded)), dtype="int16")
    assert sent_rate == 16_000
    assert len(heard) == pytest.approx(16_000, abs=2)
    assert _known_voices({}) == {}


def squeezed(length: int, status: int = 200) -> httpx2.MockTransport:
    """Answer with so many bytes of JSON, in few of gzip."""
    body = gzip.compress(b'{"data": [' + b" " * length + b"]}", 1)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 2**16):
            yield body[at : at + 2**16]

    def handler(_: httpx2.Request) -> httpx2.Response:
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx2.Response(status, headers=headers, content=pieces())

    return httpx2.MockTransport(handler)


async def test_what_a_small_answer_unfolds_to_is_bounded() -> None:
    assert len(await Server(URL, transport=squeezed(2**20)).models()) == 0
    bomb = squeezed(2**27)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="sent an answer of more than 16 MiB"):
            await Server(URL, transport=bomb).models()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**26
    with pytest.raises(ProtocolError, match="HTTP 500"):
        await Server(URL, transport=squeezed(2**27, 500)).models()


async def test_one_odd_entry_costs_a_list_only_itself() -> None:
    spans = [{"start": 100, "end": 900}, {"start": None, "end": 5}, "odd", {"start": 1500, "end": 2000, "x": [[]]}]
    turns = [{"start": 0.5, "end": 1.5, "speaker": "Bo"}, {"start": 2.0, "end": 3.5}]

    def handler(request: httpx2.Request) -> httpx2.Response:
        found = spans if request.url.path.endswith("timestamps") else {"duration": 4.0, "segments": turns}
        return httpx2.Response(200, json=found)

    server, voice = Server(URL, transport=httpx2.MockTransport(handler)), Recording(np.zeros(100, np.int16), 16_000)
    assert [(one.start, one.end) for one in await server.speech_timestamps(voice)] == [(0.1, 0.9), (1.5, 2.0)]
    assert [turn.speaker for turn in await server.diarize(voice, model="m")] == ["Bo"]
