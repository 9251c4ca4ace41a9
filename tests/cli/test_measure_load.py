"""The loadtest command: what it prints, where, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import ipyspeaches
from ipyspeaches.audio.recording import Recording
from ipyspeaches.cli import main
from ipyspeaches.results.load_report import LoadReport, SessionOutcome, level_of

QUICK = ["--pace", "100", "--ramp", "0", "--vad", "energy", "--within", "60"]


@pytest.fixture
def talk(bursts: Recording, tmp_path: Path) -> str:
    return str(bursts.save(tmp_path / "talk.wav"))


def test_a_table_and_what_the_server_holds(scripted: Any, talk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loadtest", "--server", scripted.url, "--sessions", "1,2", talk, *QUICK]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "realtime: holds 2 sessions within 60 s"
    assert printed[1].split()[:2] == ["sessions", "refused"]
    assert [line.split()[:8] for line in printed[2:4]] == [
        ["1", "0", "3", "3", "0", "0", "0", "0.000"],
        ["2", "0", "6", "6", "0", "0", "0", "0.000"],
    ]
    assert [line.split()[-1] for line in printed[2:4]] == ["yes", "yes"]


def test_json_of_a_level_that_does_not_hold_ends_with_1(
    scripted: Any, talk: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["--pace", "20", *QUICK[2:-1], "0.01", "--json"]  # half a second of silence ends speech: 0.03 s here
    assert main(["loadtest", *quick, "--sessions", "1", "--server", scripted.url, talk]) == 1
    plain = json.loads(capsys.readouterr().out)
    assert plain["holds"] == {"realtime": 0}
    assert plain["levels"][0]["final"] == 3


def test_a_server_that_is_not_there_is_one_sentence(talk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loadtest", *QUICK, "--server", "http://127.0.0.1:9", talk]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "127.0.0.1:9" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sessions", "1,none", "x.wav"], "no list of numbers"),
        (["--sessions", "0", "x.wav"], "no list of numbers"),
        (["--transport", "pigeon", "x.wav"], "names none of"),
        (["--server", "http://a", "http://b"], "required: FILE"),
        ([], "required: FILE"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["loadtest", *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_ctrl_c_prints_the_levels_that_are_done(
    talk: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(coroutine: Any) -> None:
        coroutine.close()
        stop = KeyboardInterrupt()
        vars(stop)["report"] = LoadReport([level_of("realtime", 1, [SessionOutcome(())], [])])
        raise stop

    monkeypatch.setattr(ipyspeaches, "run", interrupted)
    assert main(["loadtest", "--server", "http://a", "http://b", talk]) == 130
    assert "realtime: holds 0 sessions" in capsys.readouterr().out
