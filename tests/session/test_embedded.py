"""The embedded server's model: had, fetched, done without, or refused in a sentence, before anything is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches.errors import DownloadError, InputError, ModelNotFoundError, SpeachesError
from ipyspeaches.local import weights
from ipyspeaches.server.models import ServerInfo
from ipyspeaches.session import opening
from ipyspeaches.session.opening import Place, locate, resolve
from ipyspeaches.session.options import SessionOptions
from model_hub import Hub, model_hub

BASE = "Systran/faster-whisper-base"
CHECK = Place.check


class Started:
    """Stands in for the server's process."""

    url, api_key, warnings = "http://127.0.0.1:9", None, ("A model is damaged.",)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Models that a server was started for; it has whichever is asked for, and PocketSphinx where none is."""
    asked: list[str | None] = []

    def shared(model: str | None = None) -> Any:
        asked.append(model)
        return Started()

    async def check(_place: Place, model: str | None) -> ServerInfo:
        return ServerInfo("1", (), model or "pocketsphinx/en-us")

    monkeypatch.setattr("ipyspeaches.local.LocalServer.shared", shared)
    monkeypatch.setattr(opening.Place, "check", check)
    return asked


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, and a machine without any model but PocketSphinx's."""
    monkeypatch.delenv(weights.MODEL_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    monkeypatch.setattr(weights, "_cached", lambda _model: None)
    monkeypatch.setattr(weights, "PACKAGED", ())
    with model_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def options(**keywords: Any) -> SessionOptions:
    return SessionOptions.of(keywords)


async def test_nothing_is_downloaded_unasked(hub: Hub, started: list[str | None]) -> None:
    assert (await resolve(options())).warnings == Started.warnings
    with pytest.raises(ModelNotFoundError, match=r"faster-whisper-small \(486 MB\) is not on this machine: allow its"):
        await resolve(options(model="fastest"))
    assert started == [None], "a server was started for a model that is not here"
    assert hub.asked == []


@pytest.mark.usefixtures("hub")
async def test_what_may_be_downloaded_is_there_before_the_server_starts() -> None:
    await locate(options(auto_download=True))
    assert weights.models_at_hand() == [BASE]
    assert (await resolve(options(auto_download=True, model="small"))).model == "small"
    assert weights.find("Systran/faster-whisper-small") is not None


async def test_what_cannot_be_downloaded_is_done_without_unless_it_was_named(hub: Hub) -> None:
    hub.status = 403
    place = await locate(options(auto_download=True))
    assert place.warnings[0].startswith("127.0.0.1 refuses to give Systran/faster-whisper-base (HTTP 403)")
    with pytest.raises(DownloadError, match="refuses to give Systran/faster-whisper-small"):
        await locate(options(auto_download=True, model="small"))


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"language": "zh-CN"}, "'pocketsphinx/en-us' does not understand the language 'zh', only en"),
        ({"model": "tiny.en", "language": "zh"}, "tiny.en' does not understand the language 'zh', only en"),
        (
            {"model": "tiny.en", "task": "translate", "transport": "chunked"},
            "knows English only and translates nothing",
        ),
        ({"model": "base", "language": "gsw"}, "base' does not understand the language 'gsw': leave the language out"),
    ],
)
async def test_what_the_model_does_not_know_is_told_before_anybody_speaks(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        await resolve(options(auto_download=True, **asked) if "model" in asked else options(**asked))


@pytest.mark.usefixtures("hub")
async def test_a_model_that_its_server_set_aside_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def has_none(*_args: object, **_keywords: object) -> None:
        raise ModelNotFoundError("It has no such model.")

    monkeypatch.setattr("ipyspeaches.server.client.check", has_none)
    place = Place("http://127.0.0.1:9", None, embedded=True, warnings=(f"{BASE} is damaged.", "Something else."))
    with pytest.raises(
        ModelNotFoundError, match=rf"^{BASE} is damaged\. {BASE} \(148 MB\) is not on this machine: all"
    ):
        await CHECK(place, "base")


@pytest.mark.usefixtures("hub")
async def test_a_folder_gets_a_server_of_its_own(tmp_path: Path, started: list[str | None]) -> None:
    await locate(options(model=str(tmp_path)))
    assert started == [str(tmp_path)]


@pytest.mark.parametrize("given", ["yes", 1, None])
def test_the_option_is_true_or_false(given: object) -> None:
    with pytest.raises(SpeachesError, match=r"auto_download is .*: use True or False"):
        options(auto_download=given)
