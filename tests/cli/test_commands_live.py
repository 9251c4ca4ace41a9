"""The commands with real recognition by the embedded server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches import LocalServer, Transcript, samples, wer
from ipyspeaches.cli import main
from scripted_server import scripted

__all__ = ["scripted"]

pytestmark = pytest.mark.realtime

SAMPLE = str(samples.path("quickstart"))
SAID = samples.info("quickstart").text


@pytest.mark.parametrize(
    "options",
    [[], ["--vad", "energy"], ["--turn-detection", "server"], ["--language", "en", "--transport", "realtime"]],
    ids=lambda options: " ".join(options) or "defaults",
)
def test_the_sample_is_understood(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert main(["transcribe", SAMPLE, *options]) == 0
    assert wer(SAID, capsys.readouterr().out).rate <= 0.2


def test_a_server_with_a_key_is_used_and_the_key_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with LocalServer(api_key="sesame-1234") as server:
        assert main(["transcribe", SAMPLE, "--server", server.url]) == 1
        refused = capsys.readouterr().err
        assert len(refused.splitlines()) == 1
        assert "key" in refused
        monkeypatch.setenv("MY_KEY", "sesame-1234")
        arguments = ["--server", server.url, "--api-key-env", "MY_KEY", "--output", str(tmp_path / "said.json")]
        assert main(["transcribe", SAMPLE, *arguments]) == 0
        assert main(["doctor", "--server", server.url, "--api-key-env", "MY_KEY"]) == 0
        assert main(["transcribe", SAMPLE, *arguments, "--model", "no/such-model"]) == 1
    said = capsys.readouterr()
    assert "no/such-model" in said.err
    assert "sesame" not in said.out + said.err + refused
    transcript = Transcript.from_json((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert wer(SAID, transcript.text).rate <= 0.2
    assert len(transcript.words) > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([SAMPLE, "--server", "http://127.0.0.1:9"], "127.0.0.1:9"),
        ([SAMPLE, "--server", "ws://127.0.0.1:9"], "http://"),
        (["no-such-file.wav"], "no-such-file.wav"),
        ([str(Path(__file__))], "cannot be read as audio"),
        ([SAMPLE, "--model", "no/such-model"], "no/such-model"),
        ([SAMPLE, "--language", "zh"], "does not understand the language 'zh'"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["transcribe", *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ipyspeaches: ")
    assert len(said.err.splitlines()) == 1
    assert told in said.err


def test_the_server_command_serves_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "ipyspeaches", "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", server.stdout.readline())
        assert found is not None
        check = [sys.executable, "-m", "ipyspeaches", "doctor", "--json", "--server", found[1]]
        done = subprocess.run(check, capture_output=True, text=True)
        entries = {entry["name"]: entry for entry in json.loads(done.stdout)}
        assert entries["Server"]["ok"], entries["Server"]
    finally:
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=120)
    assert server.returncode in {0, 130}
    assert "Traceback" not in said


def test_ctrl_c_stops_a_transcription_quietly(scripted: Any) -> None:
    command = [sys.executable, "-m", "ipyspeaches", "transcribe", SAMPLE, "--pace", "0.01", "--server", scripted.url]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not scripted.received and program.poll() is None:
        time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    out, said = program.communicate(timeout=120)
    assert program.returncode == 130
    assert (out, said) == ("", "")
