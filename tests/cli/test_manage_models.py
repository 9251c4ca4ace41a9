"""The models command against a server process of its own, and against a wire that answers as a Speaches server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches import LocalServer, presets
from ipyspeaches.cli import main, manage_models
from ipyspeaches.session.opening import Place
from model_hub import model_hub

OURS = "pocketsphinx/en-us"
TASK = "automatic-speech-recognition"
SMALL = presets["fastest"]


class Hub(BaseHTTPRequestHandler):
    """Answers as Speaches does: one model is installed, one can be had, and one takes for ever."""

    posted: threading.Event

    def do_GET(self) -> None:
        small = {"id": SMALL, "created": 1, "object": "model", "owned_by": "Systran", "language": ["en"], "task": TASK}
        known: dict[str, Any] = {
            "/v1/models": {"data": [{**small, "id": "other/model"}, {"id": ""}], "object": "list"},
            "/v1/registry": {"data": [small, {**small, "id": "other/model"}], "object": "list"},
            "/api/ps": {"models": ["other/model"]},
        }
        body = known.get(self.path.partition("?")[0])
        self._answer(404 if body is None else 200, json.dumps(body or {"detail": "Not Found"}))

    def do_DELETE(self) -> None:
        missing = self.path.endswith("/no/such")
        self._answer(500 if missing else 200, json.dumps({"detail": "'no/such' is unknown"}) if missing else "text")

    def do_POST(self) -> None:
        if self.path == "/v1/models/slow/model":
            type(self).posted.set()
            self.rfile.read()  # until the client goes
            return
        if self.path.endswith("/no/such"):
            self._answer(404, json.dumps({"detail": "no such"}))
            return
        self._answer(200 if self.path == f"/v1/models/{SMALL}" else 201, "text")

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.posted = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_installed_models_are_listed_with_what_is_known(hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--server", hub]) == 0
    assert capsys.readouterr().out.split() == ["other/model", f"{TASK},", "in", "memory"]


def test_the_registry_says_what_is_not_installed(hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "registry", "--server", hub, "--json"]) == 0
    found = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert found[SMALL] == {
        "id": SMALL,
        "preset": "fastest",
        "task": TASK,
        "languages": ["en"],
        "installed": False,
        "in_memory": False,
    }
    assert found["other/model"]["installed"]
    assert main(["models", "registry", "--server", hub]) == 0
    assert f"{TASK}, preset fastest, not installed\n" in capsys.readouterr().out
    assert main(["models", "--task", "no-such-task", "--server", hub]) == 0
    assert capsys.readouterr().out == "none\n"


def test_downloads_say_whether_there_was_something_to_do(hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "download", "fastest", "other/model", "--server", hub]) == 0
    said = capsys.readouterr()
    assert said.out == f"{SMALL}: downloaded\nother/model: already installed\n"
    assert said.err == ""


@pytest.mark.parametrize("action", ["download", "load", "unload"])
def test_a_model_that_fails_does_not_stop_the_others(hub: str, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", action, "no/such", "../x", "other/model", "--server", hub]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("other/model: ")
    missing, nameless = said.err.splitlines()
    assert "'no/such'" in missing
    assert "not a Speaches server" not in missing
    assert "No model was given" in nameless


def test_ctrl_c_stops_only_the_waiting(hub: str) -> None:
    command = [sys.executable, "-m", "ipyspeaches", "models", "download", "slow/model", "--server", hub]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert Hub.posted.wait(30)
    program.send_signal(signal.SIGINT)
    out, said = program.communicate(timeout=30)
    assert program.returncode == 130
    assert (out, said) == ("", "")


def test_a_server_is_asked_to_load_and_unload(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalServer(api_key="sesame-1234") as server:
        options = ["--server", server.url, "--api-key", "sesame-1234"]
        assert main(["models", "unload", OURS, *options]) == 0
        assert main(["models", "--task", TASK, *options]) == 0
        assert main(["models", "load", OURS, *options]) == 0
        assert main(["models", "--task", TASK, *options]) == 0
        assert main(["models", "running", "--json", *options]) == 0
        assert main(["models", "--server", server.url]) == 1
        assert main(["models", "load", "no/such", *options]) == 1
        assert main(["models", "download", "no/such", *options]) == 1
    said = capsys.readouterr()
    (running,) = json.loads(said.out[said.out.index("[\n") :])
    assert (running["id"], running["memory_bytes"] > 10e6) == (OURS, True)
    lines = [line for line in said.out.splitlines() if line.startswith(OURS)]  # and those of others at hand
    unloaded, idle, loaded, busy = lines
    assert (unloaded, loaded) == (f"{OURS}: not in memory", f"{OURS}: in memory")
    assert "in memory" not in idle
    assert "in memory" in busy
    refused, missing, unknown = said.err.splitlines()
    assert "API key" in refused
    assert "no/such" in missing
    assert "no/such" in unknown
    assert "sesame" not in said.out + said.err


@pytest.mark.parametrize(
    "argv",
    [
        ["download"],
        ["load"],
        ["list", "x"],
        ["registry", "x"],
        ["running", "--task", "x"],
        ["load", "x", "--json"],
        ["dance"],
    ],
)
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["models", *argv])
    assert caught.value.code == 2
    assert "usage: ipyspeaches models" in capsys.readouterr().err


async def test_models_of_the_embedded_server_are_downloaded_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    embedded = Place("http://127.0.0.1:9", None, embedded=True)
    with model_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert await manage_models._try("download", embedded, "fastest")
        assert await manage_models._try("download", embedded, "small")
        hub.status = 404
        assert not await manage_models._try("download", embedded, "large-v3")
    said = capsys.readouterr()
    assert said.out == f"{SMALL}: downloaded\n{SMALL}: already installed\n"
    assert "has no model Systran/faster-whisper-large-v3 for everybody (HTTP 404)" in said.err
