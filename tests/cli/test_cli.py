"""The frame of every command: exit codes and sentences, whatever goes wrong inside."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ipyspeaches import cli
from ipyspeaches.cli import doctor, main
from ipyspeaches.errors import ServerUnreachableError

Fail = Callable[[BaseException], None]


@pytest.fixture
def failing_with(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Make the doctor raise."""

    def arrange(exc: BaseException) -> None:
        def broken(args: argparse.Namespace) -> int:
            raise exc

        monkeypatch.setattr(doctor, "run", broken)

    return arrange


def test_a_failure_is_one_sentence(failing_with: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(ServerUnreachableError("Nothing answers at http://x: start a server there."))
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "ipyspeaches: Nothing answers at http://x: start a server there.\n"


@pytest.mark.parametrize(
    ("exc", "sentence"),
    [
        (PermissionError(13, "Permission denied", "a.txt"), "ipyspeaches: Permission denied (a.txt).\n"),
        (OSError("no more"), "ipyspeaches: no more.\n"),
    ],
)
def test_an_error_of_the_system_names_its_file(
    failing_with: Fail, capsys: pytest.CaptureFixture[str], exc: OSError, sentence: str
) -> None:
    failing_with(exc)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err == sentence


def test_a_bug_says_how_to_report_it(failing_with: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(TypeError("what?"))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert "unexpected TypeError: what?" in said
    assert "IPYSPEACHES_DEBUG=1" in said
    assert "Traceback" not in said


def test_debug_shows_the_traceback(
    failing_with: Fail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYSPEACHES_DEBUG", "1")
    failing_with(TypeError("what?"))
    assert main(["doctor"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_quiet(failing_with: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    failing_with(KeyboardInterrupt())
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_unwinds_and_is_put_back(number: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    unwound = []

    def waiting(args: argparse.Namespace) -> int:
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            unwound.append(True)
        return 0

    before = signal.getsignal(number)
    monkeypatch.setattr(doctor, "run", waiting)
    assert main(["doctor"]) == code
    assert unwound
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(args: argparse.Namespace) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    monkeypatch.setattr(doctor, "run", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert main(["doctor"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "argv",
    [[], ["nonsense"], ["transcribe"], ["doctor", "--nonsense"], ["serve", "--port", "x"], ["demo", "--port", "70000"]],
)
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: ipyspeaches" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "serve", "transcribe", "models", "doctor"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert len(capsys.readouterr().out) > 200


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    program = f"{shlex.quote(sys.executable)} -m ipyspeaches doctor --json"
    done = subprocess.run(
        ["bash", "-c", f"{program} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in {"0", "1"}
    assert done.stderr == ""


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.build_parser().parse_args(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("ipyspeaches ")


def test_help_is_shown_whatever_the_encoding() -> None:
    command = [sys.executable, "-m", "ipyspeaches", "transcribe", "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, env=environment, capture_output=True)
    assert shown.returncode == 0
    assert shown.stderr == b""
    assert "mp3, …" in shown.stdout.decode()
