"""Models: listed, loaded, unloaded, in the shapes that were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ipyspeaches.local import LocalServer
from ipyspeaches.local.engines import engines_here
from model_hub import Hub, model_hub
from realtime_client import MODEL

SYSTRAN = "Systran/faster-whisper-tiny"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with model_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def client(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A server of its own, because these tests unload its model and fetch others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.delenv("HF_HUB_OFFLINE", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with LocalServer() as server, httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            yield client


def recorded(root: Path, name: str) -> tuple[int, Any]:
    """Return a recorded answer, with our model for theirs."""
    exchange = json.loads((root / f"tests/data/exchanges/http/{name}.json").read_text(encoding="utf-8"))
    return exchange["status"], json.loads(exchange["body"].replace(SYSTRAN, MODEL))


def answered(response: httpx2.Response) -> tuple[int, Any]:
    return response.status_code, response.json()


def test_the_models_at_hand_are_listed_with_the_default_one_first(client: httpx2.Client, root: Path) -> None:
    _status, real = recorded(root, "models")
    listed = client.get("/v1/models").json()
    assert listed.keys() == real.keys()
    *others, silero = listed["data"]
    at_hand = {spec.model for spec in engines_here()}
    assert others[0]["id"] == MODEL
    assert {model["id"] for model in others} == at_hand
    assert {model["task"] for model in others} == {"automatic-speech-recognition"}
    assert (silero["id"], silero["task"]) == ("silero_vad_v6", "voice-activity-detection")
    assert all(model.keys() == real["data"][0].keys() for model in listed["data"])
    only = client.get("/v1/models", params={"task": "automatic-speech-recognition"}).json()["data"]
    assert only == others
    assert client.get(f"/v1/models/{MODEL}").json() == only[0]


def test_what_could_be_had_is_what_is_there(client: httpx2.Client) -> None:
    assert client.get("/v1/registry").json() == client.get("/v1/models").json()
    only = {"task": "automatic-speech-recognition"}
    assert MODEL in [model["id"] for model in client.get("/v1/registry", params=only).json()["data"]]


def test_others_are_not_found(client: httpx2.Client, root: Path) -> None:
    assert answered(client.get("/v1/models/no/such")) == recorded(root, "model-404")
    assert answered(client.post("/api/ps/no/such")) == recorded(root, "ps-post-404")
    assert client.post(f"/api/ps/{root}").status_code == 404  # nobody may look into folders
    assert client.post(f"/v1/models{root}/src/ipyspeaches").status_code == 404


@pytest.mark.parametrize("name", [MODEL, "whisper-1"])
def test_a_model_that_is_here_need_not_be_downloaded(client: httpx2.Client, name: str) -> None:
    assert answered(client.post(f"/v1/models/{name}")) == (201, {"message": f"Model '{MODEL}' already exists"})


def test_a_model_is_fetched_from_the_hub(client: httpx2.Client, hub: Hub) -> None:
    hub.status = 503
    failed = client.post("/v1/models/small")
    assert failed.status_code == 500
    assert "127.0.0.1 failed to give Systran/faster-whisper-small (HTTP 503): try again" in failed.json()["detail"]
    hub.status = 200
    assert client.get("/v1/models/small").status_code == 404
    fetched = {"message": "Model 'Systran/faster-whisper-small' downloaded"}
    assert answered(client.post("/v1/models/small")) == (200, fetched)
    assert client.get("/v1/models/small").json()["id"] == "Systran/faster-whisper-small"


def test_the_engine_is_unloaded_and_loaded(client: httpx2.Client, root: Path) -> None:
    running = client.get("/api/ps").json()
    (details,) = running.pop("details")
    assert (200, running) == recorded(root, "ps-get")
    assert details["memory_bytes"] > 10e6
    assert (details["id"], details["processes"], details["unfinished"]) == (MODEL, 1, 0)
    assert 0 < details["leaves_in_s"] <= 300
    assert answered(client.post(f"/api/ps/{MODEL}")) == recorded(root, "ps-post-again")
    assert answered(client.delete(f"/api/ps/{MODEL}")) == recorded(root, "ps-delete")
    assert answered(client.delete(f"/api/ps/{MODEL}")) == recorded(root, "ps-delete-404")
    _status, empty = recorded(root, "ps-get-empty")
    assert client.get("/api/ps").json() == {**empty, "details": []}
    assert answered(client.post(f"/api/ps/{MODEL}")) == recorded(root, "ps-post")


def test_an_unloaded_engine_comes_back_when_it_is_needed(client: httpx2.Client) -> None:
    client.delete(f"/api/ps/{MODEL}")
    files = {"file": ("silence.raw", bytes(32_000), "audio/pcm")}
    assert client.post("/v1/audio/transcriptions", data={"model": MODEL}, files=files).json()["text"] == ""
    assert client.get("/api/ps").json()["models"] == [MODEL]


def test_other_paths_and_methods_are_answered_in_json(client: httpx2.Client, root: Path) -> None:
    assert answered(client.get("/nowhere")) == (404, {"detail": "Not Found"})
    assert answered(client.post("/v1/models", json={})) == recorded(root, "client-secrets-405")
