"""The server's models, as a page sees and asks for them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fake_page import Page, wait_for
from ipyspeaches.errors import ModelNotFoundError, ProtocolError
from ipyspeaches.local import LocalServer
from ipyspeaches.server.client import Server
from ipyspeaches.server.models import presets
from ipyspeaches.widget.transcriber import Transcriber

OURS = "pocketsphinx/en-us"


def test_the_list_shows_what_is_installed_and_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # a hub that is not there: nothing is downloaded for a test
    with LocalServer(api_key="very-secret") as server:
        # The model that is wanted is not there: what is there is listed all the same.
        widget = Transcriber(server=server.url, api_key="very-secret", model="accurate")
        page = Page(widget, monkeypatch)
        assert page.command("load_model", model=OURS) is None
        page.ask("list_models")
        assert OURS in widget._models
        assert widget._loaded_models == [OURS]
        assert widget.model == "accurate"
        data, _ = page.ask("download_model", model=OURS)
        assert data == {"model": OURS, "downloaded": False}
        missing = page.command("download_model", model="accurate")
        assert missing is not None
        assert missing["kind"] == "server"
        assert "HF_ENDPOINT" in missing["text"]
        assert presets["accurate"] in missing["text"]
        refused = page.command("start")
        assert refused is not None
        assert refused["kind"] == "model"
        assert presets["accurate"] in refused["text"]
    assert "very-secret" not in json.dumps([content for content, _ in page.messages])
    assert "very-secret" not in repr(widget.get_state())


def test_a_server_that_does_not_say_what_is_in_memory_is_listed(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    Page(widget, monkeypatch).ask("list_models")
    assert (widget._models, widget._loaded_models) == (["test/model"], [])


def test_another_server_has_other_models(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    page.ask("list_models")
    assert page.command("set_server", url="http://127.0.0.1:9") is None
    assert widget._models == []
    unreachable = page.command("list_models")
    assert unreachable is not None
    assert unreachable["kind"] == "unreachable"


@pytest.mark.parametrize("outcome", [True, False, ModelNotFoundError("Gated."), ProtocolError("No way to the hub.")])
def test_a_download_is_shown_as_long_as_it_runs(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, outcome: bool | Exception
) -> None:
    go_on = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def download(_server: Server, model: str, *, progress: bool) -> bool:
        assert not progress
        loops.append(asyncio.get_running_loop())
        await go_on.wait()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(Server, "download", download)
    widget = Transcriber(server=scripted.url)
    page = Page(widget, monkeypatch)
    page.say({"type": "command", "id": 1, "name": "download_model", "args": {"model": " fastest "}})
    (job,) = wait_for(lambda: widget._model_jobs)
    assert (job["model"], job["kind"]) == (presets["fastest"], "download")
    wait_for(lambda: loops)
    twice = page.command("load_model", model="fastest")
    assert twice is not None
    assert "busy with" in twice["text"]
    loops[0].call_soon_threadsafe(go_on.set)
    reply = wait_for(lambda: next((m for m, _ in page.messages if m.get("id") == 1), None))
    if isinstance(outcome, Exception):
        assert reply["error"]["text"] == str(outcome)
    else:
        assert reply["error"] is None
        assert reply["data"] == {"model": presets["fastest"], "downloaded": outcome}
        assert widget._models == ["test/model"], "what is there was asked for again"
    assert wait_for(lambda: widget._model_jobs == [])


def test_no_model_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Page(Transcriber(), monkeypatch).command("download_model", model=" ")
    assert refused is not None
    assert "No model was given" in refused["text"]
