"""The client against recorded answers of a Speaches server, and against the local one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, ModelNotFoundError, NotSpeachesError, ProtocolError, ServerAuthError
from ipyspeaches.local import LocalServer
from ipyspeaches.server import Server

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


async def test_health_and_running(replay: Callable[..., httpx2.MockTransport]) -> None:
    server = Server(URL, transport=replay("health", "ps-get"))
    await server.health()
    assert await server.running() == [TINY]


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
    with pytest.raises(ServerAuthError, match="wants an API key"):
        await Server(URL, transport=replay("cors-403")).models()
    with pytest.raises(ServerAuthError, match="API key is wrong") as refused:
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
    assert [model.id for model in models] == ["pocketsphinx/en-us"]
    await server.load(models[0].id)
    assert models[0].id in await server.running()
    await server.unload("no/such")
    await server.download(models[0].id)
    with pytest.raises(ModelNotFoundError, match="no/such"):
        await server.load("no/such")
    segments = await server.speech_timestamps(samples.path("quickstart"), threshold=0.5)
    sentences = samples.info("quickstart").sentences
    assert len(segments) == len(sentences)
    for segment, sentence in zip(segments, sentences, strict=True):
        assert segment.start == pytest.approx(sentence.start, abs=0.2)
    assert await server.version() is not None
