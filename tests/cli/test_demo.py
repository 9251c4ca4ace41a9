"""The demo: a real JupyterLab, started and stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ipyspeaches.cli import main
from ipyspeaches.cli.demo import NOTEBOOK, copy_notebooks, free_port, get_model
from ipyspeaches.errors import InputError
from ipyspeaches.local import weights
from model_hub import model_hub


def test_the_notebooks_are_copied_once_and_lead_from_one_to_the_next(tmp_path: Path) -> None:
    copy = copy_notebooks(tmp_path / "new folder")
    assert copy == tmp_path / "new folder" / NOTEBOOK
    copies = {path.name: path.read_text(encoding="utf-8") for path in copy.parent.iterdir()}
    numbered = sorted(copies.keys() - {"index.ipynb"})
    assert re.findall(r"\((\d\S+?\.ipynb)\)", copies["index.ipynb"]) == numbered
    for this, following in zip(numbered, [*numbered[1:], "index.ipynb"], strict=True):
        assert f"]({following})" in copies[this]
    copy.write_text("mine", encoding="utf-8")
    (copy.parent / "index.ipynb").unlink()
    assert copy_notebooks(copy.parent).read_text(encoding="utf-8") == "mine"
    assert (copy.parent / "index.ipynb").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--no-browser", "--folder", str(tmp_path / "file" / "x")]) == 1
    assert f"{tmp_path / 'file' / 'x'} cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "status", "auto_download", "told"),
    [
        ("", 200, False, "hears English only, and badly: get a better one with --auto-download (148 MB), or"),
        ("small", 200, False, "faster-whisper-small (486 MB) is not on this machine"),
        ("", 200, True, "Downloading Systran/faster-whisper-base from 127.0.0.1."),
        ("", 403, True, "refuses to give Systran/faster-whisper-base (HTTP 403)"),
        ("pocketsphinx/en-us", 403, True, ""),
    ],
)
def test_the_demo_says_what_its_recogniser_lacks_and_gets_it_where_that_is_allowed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: str,
    status: int,
    auto_download: bool,
    told: str,
) -> None:
    monkeypatch.setenv(weights.MODEL_VARIABLE, model)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path))
    monkeypatch.setattr(weights, "_cached", lambda _model: None)
    monkeypatch.setattr(weights, "PACKAGED", ())
    with model_hub(status=status) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        get_model(auto_download=auto_download)
        assert bool(hub.asked) == (auto_download and told != "")
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) == bool(told)
    assert weights.models_at_hand() == (["Systran/faster-whisper-base"] if "Downloading" in told else [])


def test_a_taken_port_is_refused_when_asked_for_and_passed_over_when_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="is taken"):
            free_port(taken.getsockname()[1])
    assert free_port(0) > 0
    assert free_port(None) > 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_the_notebook_until_it_is_stopped(tmp_path: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "ipyspeaches", "demo", "--no-browser", "--port", "0", "--folder", str(tmp_path)]
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / ".config"), "JUPYTER_RUNTIME_DIR": str(tmp_path / ".run")}
    demo = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert demo.stdout is not None
        line = demo.stdout.readline()
        found = re.fullmatch(rf"JupyterLab is at (http://127\.0\.0\.1:\d+)/lab/tree/{NOTEBOOK}\?token=(\S+)\n", line)
        assert found is not None, line
        url, token = found.groups()
        with urllib.request.urlopen(f"{url}/api/contents/{NOTEBOOK}?token={token}") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{url}/api/contents/{NOTEBOOK}")
        assert token not in Path(f"/proc/{demo.pid}/cmdline").read_text()
    finally:
        demo.send_signal(stop)
        _, said = demo.communicate(timeout=120)
    assert demo.returncode == 128 + stop
    assert said == ""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/api/status?token={token}")
