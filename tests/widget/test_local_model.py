"""Where PocketSphinx is all that there is, pages are offered a better model, and it is used from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_page import Page, wait_for
from ipyspeaches.errors import ServerUnreachableError
from ipyspeaches.local import downloads, weights
from ipyspeaches.local.downloads import Download
from ipyspeaches.widget import controller, local_model
from ipyspeaches.widget.transcriber import Transcriber
from model_hub import FILES, Hub, model_hub

MODEL = "Systran/faster-whisper-base"
TOTAL = sum(len(content) for name, content in FILES.items() if name != ".gitattributes")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, and a machine without any model but PocketSphinx's."""
    monkeypatch.delenv(weights.MODEL_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    monkeypatch.setattr(weights, "_cached", lambda _model: None)
    monkeypatch.setattr(weights, "PACKAGED", ())
    monkeypatch.setattr(local_model, "INTERVAL_S", 0.01)
    monkeypatch.setattr(downloads, "RETRY_WAIT_S", 0)
    with model_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Options with which servers were looked for; none is started."""
    asked: list[Any] = []

    async def resolve(options: Any) -> None:
        asked.append(options)
        raise ServerUnreachableError("None is started here.")

    monkeypatch.setattr(controller, "resolve", resolve)
    return asked


def greeted(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Transcriber, Page]:
    widget = Transcriber(**options)
    page = Page(widget, monkeypatch)
    page.say({"type": "hello", "client_id": "me"})
    return widget, page


def state(widget: Transcriber) -> Any:
    return (widget._local_model or {}).get("state")


@pytest.mark.usefixtures("hub")
def test_a_better_model_is_offered_with_its_size_fetched_and_then_used(
    monkeypatch: pytest.MonkeyPatch, resolved: list[Any]
) -> None:
    widget, page = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    offer = {"model": MODEL, "size_bytes": 147_880_000, "named": False, "can_run": True}
    assert widget._local_model == {**offer, "state": "offered", "failure": None}
    shown = []
    widget.observe(lambda change: shown.append(change["new"]), "_local_model")
    assert page.command("get_model") is None
    wait_for(lambda: resolved)
    assert state(widget) == "done"
    far = [one for one in shown if one["state"] == "downloading"]
    assert {one["total_bytes"] for one in far} <= {None, TOTAL}
    assert weights.models_at_hand() == [MODEL]
    refused = page.command("get_model")
    assert refused is not None
    assert "nothing to download" in refused["text"]


def test_it_can_be_stopped_and_goes_on_from_there(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, resolved: list[Any]
) -> None:
    hub.piece_s = 0.01
    widget, page = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert page.command("get_model") is None
    wait_for(lambda: (widget._local_model or {}).get("done_bytes", 0) > 65_536)
    assert page.command("stop_download") is None
    wait_for(lambda: state(widget) == "offered")
    assert widget._local_model is not None
    assert widget._local_model["failure"] is None
    assert widget._local_model["done_bytes"] > 65_536
    hub.piece_s = 0
    assert page.command("get_model") is None
    wait_for(lambda: resolved)
    assert hub.asked[-1][1] is not None


def test_what_is_wrong_with_the_hub_stays_beside_the_offer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.status = 403
    widget, page = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert page.command("get_model") is None
    wait_for(lambda: state(widget) == "offered" and widget._local_model["failure"])
    assert widget._local_model is not None
    assert widget._local_model["failure"]["kind"] == "download"
    assert "refuses to give" in widget._local_model["failure"]["text"]


def test_it_comes_by_itself_only_where_that_was_allowed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, resolved: list[Any]
) -> None:
    widget, _ = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert hub.asked == []
    greeted(monkeypatch, auto_download=True)
    wait_for(lambda: resolved)
    assert resolved[0].auto_download
    assert Download.under_way(MODEL) is None


def test_a_named_model_is_offered_by_its_name(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    widget, page = greeted(monkeypatch, model="accurate")
    wait_for(lambda: state(widget) == "offered")
    assert widget._local_model is not None
    assert widget._local_model["model"] == "Systran/faster-whisper-large-v3"
    assert widget._local_model["named"]
    assert page.command("set_model", model="pocketsphinx/en-us") is None
    assert widget._local_model is None
    assert hub.asked == []


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_environment_names_is_offered_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.MODEL_VARIABLE, "base")
    widget, _ = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert widget._local_model is not None
    assert (widget._local_model["model"], widget._local_model["named"]) == (MODEL, True)


@pytest.mark.usefixtures("hub")
def test_the_packages_that_run_it_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "find_spec", lambda _name: None)
    widget, _ = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert widget._local_model is not None
    assert not widget._local_model["can_run"]


@pytest.mark.usefixtures("hub")
def test_another_server_has_models_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    widget, page = greeted(monkeypatch)
    wait_for(lambda: state(widget) == "offered")
    assert page.command("set_server", url="http://127.0.0.1:9") is None
    assert widget._local_model is None


def test_the_list_of_models_fetches_others_and_says_how_far_they_are(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.MODEL_VARIABLE, "pocketsphinx/en-us")
    monkeypatch.setattr(controller, "INTERVAL_S", 0.01)
    hub.piece_s = 0.01
    widget, page = greeted(monkeypatch)
    jobs: list[dict[str, Any]] = []
    widget.observe(lambda change: jobs.extend(change["new"]), "_model_jobs")
    data, _ = page.ask("download_model", model="fastest")
    assert data == {"model": "Systran/faster-whisper-small", "downloaded": True}
    assert {job["total_bytes"] for job in jobs if job.get("done_bytes")} == {TOTAL}
    assert widget._model_jobs == []
    data, _ = page.ask("download_model", model="fastest")
    assert not data["downloaded"]
    hub.status = 404
    refused = page.command("download_model", model="accurate")
    assert refused is not None
    assert refused["kind"] == "download"
