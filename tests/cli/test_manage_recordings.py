"""The recordings command: what sessions have left on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from ipyspeaches.audio.recording import Recording
from ipyspeaches.cli import main
from ipyspeaches.session.engine import run
from ipyspeaches.session.session import Session
from left_behind import unanswered
from sessions import ENERGY


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default place, which is empty."""
    monkeypatch.setenv("IPYSPEACHES_JOURNAL", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def half(scripted: Any, bursts: Recording, place: Path) -> str:
    """The id of a recording whose kernel died before the last of its three texts came."""

    async def live() -> None:
        options: dict[str, Any] = {"server": scripted.url, "turn_detection": ENERGY, "pace": 0}
        async with Session(bursts, journal=place, **options) as session:
            await session.wait()

    run(live())
    return unanswered(place, 2).name


def test_they_are_listed(half: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(half)
    assert line.rstrip().endswith("unfinished, 1 without text")
    assert main(["recordings", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["without_text"], row["duration_s"]) == (half, 1, 7.0)


def test_none_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings"]) == 0
    assert capsys.readouterr().out == "none\n"


def test_one_is_recovered_and_what_is_missing_is_told(
    half: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    srt, wav = tmp_path / "talk.srt", tmp_path / "talk.wav"
    assert main(["recordings", "recover", half[:12], "--output", str(srt), "--output", str(wav)]) == 1
    assert "misses text" in capsys.readouterr().err
    assert "utterance 2" in srt.read_text(encoding="utf-8")
    assert "[text missing" in srt.read_text(encoding="utf-8")
    assert soundfile.info(wav).duration == pytest.approx(7, abs=0.001)


def test_what_is_missing_is_transcribed_on_request(
    half: str, scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recordings", "recover", half, "--retry", "--server", scripted.url]) == 0
    assert capsys.readouterr().out.splitlines() == ["utterance 1", "utterance 2", "utterance 1"]
    assert main(["recordings", "recover", half]) == 0


def test_options_may_stand_anywhere(half: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "recover", "--folder", str(place), half]) == 1
    assert "utterance 2" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["recordings", "recover", "--fodler", str(place), half])
    assert "--fodler" in capsys.readouterr().err


def test_one_is_removed(half: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "remove", half, "nothing"]) == 1
    assert "nothing" in capsys.readouterr().err
    assert main(["recordings", "remove", half]) == 0
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["list", "x"], ["recover"], ["recover", "a", "b"], ["remove"], ["list", "--retry"], ["other"]]
)
def test_wrong_usage(place: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["recordings", *arguments])
