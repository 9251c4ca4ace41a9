"""The transcribe command's own work: what goes where. The recognition is real in test_commands_live.py."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipyspeaches import EnergyVad, Recording, Segment, Transcript, TurnDetection, run, samples, transcribe
from ipyspeaches.cli import INTERRUPTED, main, transcribe_files
from ipyspeaches.cli.transcribe_files import LiveLine
from ipyspeaches.errors import AudioError, ServerUnreachableError
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.session import delivery
from ipyspeaches.session.events import Partial
from ipyspeaches.session.options import Route, SessionOptions
from ipyspeaches.session.session import Session
from request_sessions import quick_retries
from scripted_http import Reply, document, http_script
from scripted_server import bursts, scripted, without_loopback

__all__ = ["bursts", "http_script", "quick_retries", "scripted"]

SAID = Transcript([Segment(0.0, 1.5, "good morning"), Segment(2.0, 3.0, "你好")])


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Put a fixed transcript in the place of recognition, and keep which files were asked for."""
    files: list[Path] = []

    def recognise(file: Path, _args: argparse.Namespace) -> Transcript:
        files.append(file)
        if file.name == "broken.wav":
            raise AudioError("broken.wav cannot be read as audio: convert it first.")
        if file.name == "offline.wav":
            raise ServerUnreachableError("Nothing answers there: start a server.")
        return SAID

    monkeypatch.setattr(transcribe_files, "_transcribe", recognise)
    return files


@pytest.mark.parametrize(
    ("given", "told"), [((), True), (("--server", "http://127.0.0.1:9"), False), (("--model", "x"), False)]
)
def test_that_only_pocketsphinx_is_here_is_said(
    heard: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    told: bool,
) -> None:
    monkeypatch.setattr("ipyspeaches.local.weights.models_at_hand", list)
    monkeypatch.delenv("IPYSPEACHES_MODEL")
    assert main(["transcribe", "a.wav", *given]) == 0
    assert (
        "hears English only, and badly: get a better one with --auto-download (148 MB).\n" in capsys.readouterr().err
    ) == told
    assert heard == [Path("a.wav")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("txt", "good morning\n你好\n"),
        ("json", SAID.to_json()),
        ("srt", SAID.to_srt()),
        ("vtt", SAID.to_vtt()),
        ("csv", SAID.to_csv()),
    ],
)
def test_every_format_goes_to_stdout(
    heard: list[Path], capsys: pytest.CaptureFixture[str], kind: str, expected: str
) -> None:
    assert main(["transcribe", "--format", kind, "a.wav"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == expected.rstrip("\n")
    assert heard == [Path("a.wav")]


def test_the_ending_of_the_output_names_the_format(heard: list[Path], tmp_path: Path) -> None:
    assert main(["transcribe", "a.wav", "--output", str(tmp_path / "new" / "a.json")]) == 0
    assert json.loads((tmp_path / "new" / "a.json").read_text(encoding="utf-8"))["text"] == SAID.text


def test_several_files_go_to_a_folder(heard: list[Path], tmp_path: Path) -> None:
    assert main(["transcribe", "a.wav", "b.flac", "--format", "srt", "--output", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.srt", "b.srt"]


def test_several_files_on_stdout_have_headings(heard: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "a.wav", "b.wav"]) == 0
    assert capsys.readouterr().out.count("==>") == 2


def test_a_broken_file_does_not_stop_the_others(heard: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "broken.wav", "b.wav"]) == 1
    said = capsys.readouterr()
    assert "good morning" in said.out
    assert said.err == "ipyspeaches: broken.wav cannot be read as audio: convert it first.\n"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_nothing_is_lost_to_the_encoding_of_a_redirect(
    heard: list[Path], monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, newline="\n"))
    assert main(["transcribe", "a.wav", "b\udce9.wav"]) == 0
    assert (
        written.getvalue().decode() == "==> a.wav <==\ngood morning\n你好\n==> b\\udce9.wav <==\ngood morning\n你好\n"
    )


def test_a_terminal_that_cannot_show_a_character_shows_its_escape(
    heard: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    terminal = io.TextIOWrapper(written, encoding="cp1252", newline="\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["transcribe", "a.wav"]) == 0
    assert written.getvalue() == b"good morning\n\\u4f60\\u597d\n"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what stands in for a closed stderr stays open, as it must
def test_a_service_without_streams_writes_its_file(
    heard: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["transcribe", "a.wav", "--output", str(tmp_path / "a.txt")]) == 0
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == SAID.to_txt()
    with pytest.raises(SystemExit) as refused:
        main(["transcribe", "b.wav"])
    assert refused.value.code == 2
    assert heard == [Path("a.wav")]


def test_a_file_may_begin_with_the_mark_that_excel_needs(
    heard: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "a.wav", "--format", "csv", "--bom"]) == 0
    assert capsys.readouterr().out.startswith("\ufeffstart,")
    assert main(["transcribe", "a.wav", "--output", str(tmp_path / "a.csv"), "--bom"]) == 0
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfstart,")


def test_subtitles_are_split_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = Transcript([Segment(0.0, 30.0, "one two three four five. " * 20)])
    monkeypatch.setattr(transcribe_files, "_transcribe", lambda *_: long)
    assert main(["transcribe", "a.wav", "--format", "srt", "--no-split"]) == 0
    assert capsys.readouterr().out == long.to_srt(split=False)
    assert main(["transcribe", "a.wav", "--format", "srt"]) == 0
    assert capsys.readouterr().out == long.to_srt()


def test_an_output_that_ends_in_a_slash_is_a_folder(heard: list[Path], tmp_path: Path) -> None:
    assert main(["transcribe", "a.wav", "--format", "srt", "--output", f"{tmp_path}/results/"]) == 0
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["a.srt"]
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        main(["transcribe", "a.wav", "--output", f"{tmp_path}/file/"])


def test_a_server_that_is_away_stops_at_once(heard: list[Path]) -> None:
    assert main(["transcribe", "offline.wav", "b.wav"]) == 1
    assert heard == [Path("offline.wav")]


def test_an_output_that_cannot_be_written_is_named(
    heard: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert main(["transcribe", "a.wav", "--output", str(tmp_path / "file" / "a.txt")]) == 1
    said = capsys.readouterr()
    assert "cannot be written" in said.err
    assert "good morning" in said.out, "what is finished is not lost"


def test_every_option_reaches_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Done:
        transcript = SAID

        def __init__(self, _file: Path, **options: Any) -> None:
            asked.update(options)

        async def __aenter__(self) -> None:
            pass

        async def __aexit__(self, *_: object) -> None:
            pass

        async def wait(self) -> None:
            pass

    monkeypatch.setattr("ipyspeaches.Session", Done)
    argv = "a.wav --transport chunked --chunk-s 5 --task translate --prompt Lecture. --hotwords city"
    assert main(["transcribe", *argv.split(), "--temperature", "0.2", "--language", "zh", "--model", "fastest"]) == 0
    options = SessionOptions.of(asked)
    assert options.recognition == RecognitionOptions(
        model="fastest", language="zh", task="translate", prompt="Lecture.", hotwords="city", temperature=0.2
    )
    assert options.route == Route("chunked", 5.0, None)
    assert options.turn_detection is not None
    assert options.turn_detection.client_cuts
    assert main(["transcribe", "a.wav", "--interim-s", "0.5"]) == 0
    assert SessionOptions.of(asked).route == Route("realtime", None, 0.5)


def test_a_server_that_cannot_reach_itself_is_one_sentence(
    scripted: Any,
    bursts: Recording,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.FIRST_WAIT_S", 0.01)
    without_loopback(scripted, client_cuts=True)
    file = bursts.save(tmp_path / "talk.wav")
    assert main(["transcribe", str(file), "--server", scripted.url, "--vad", "energy"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ipyspeaches: The server dropped the session at the first utterance")
    assert "LOOPBACK_HOST_URL=http://localhost:8000" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--chunk-s", "5"], "chunk_s"),
        (["--transport", "sse", "--turn-detection", "server"], "TurnDetection.client"),
        (["--task", "translate"], "chunked"),
    ],
)
def test_options_that_contradict_each_other_are_one_sentence(
    capsys: pytest.CaptureFixture[str], argv: list[str], told: str
) -> None:
    sample = str(samples.path("quickstart"))
    assert main(["transcribe", sample, *argv]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ipyspeaches: ")
    assert len(said.splitlines()) == 1
    assert told in said


@pytest.mark.parametrize(
    "argv",
    [
        ["a.wav", "b.wav", "--format", "srt"],
        ["x/a.wav", "y/a.wav", "--output", "out"],
        ["a.wav", "--output", "a.wav"],
        ["a.wav", "--output", ""],
        ["a.wav", "b.wav", "--output", " "],
        ["a.wav", "b.wav", "--output", "both.srt"],
        ["a.wav", "--output", "a.docx"],
        ["a.srt", "--output", "./", "--format", "srt"],
        ["a.wav", "--pace", "-1"],
        ["a.wav", "--pace", "nan"],
        ["a.wav", "--format", "doc"],
        ["a.wav", "--transport", "pigeon"],
        ["a.wav", "--task", "summarise"],
        ["a.wav", "--temperature", "1.5"],
        ["a.wav", "--temperature", "warm"],
        ["a.wav", "--chunk-s", "0"],
        ["a.wav", "--interim-s", "soon"],
        ["a.wav", "--interim-s", "0.1"],
        ["a.wav", "--interim-s", "inf"],
        ["a.wav", "--chunk-s", "31"],
        ["a.wav", "--pace", "1e4"],
    ],
)
def test_wrong_usage_is_2_and_nothing_is_transcribed(heard: list[Path], argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["transcribe", *argv])
    assert caught.value.code == 2
    assert heard == []


def test_files_may_stand_behind_an_option_and_the_result_goes_to_stdout_by_its_usual_name(
    heard: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "a.wav", "--output", "-", "b.wav"]) == 0
    assert capsys.readouterr().out.count("==>") == 2
    assert heard == [Path("a.wav"), Path("b.wav")]


def test_a_key_behind_a_misspelt_option_is_not_shown(heard: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--apikey", "sk-realkey"], ["--apikey=sk-realkey"]):
        with pytest.raises(SystemExit):
            main(["transcribe", "a.wav", *argv])
        said = capsys.readouterr().err
        assert "unrecognized arguments: --apikey\n" in said
        assert "realkey" not in said
    assert heard == []


def test_several_inputs_do_not_go_to_one_file(heard: list[Path], tmp_path: Path) -> None:
    (tmp_path / "one.txt").touch()
    with pytest.raises(SystemExit):
        main(["transcribe", "a.wav", "b.wav", "--output", str(tmp_path / "one.txt")])
    assert heard == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_follows_the_words_and_is_left_clean() -> None:
    stream = Terminal()
    with LiveLine(stream, "talk.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "good\nmorning"))
        assert stream.getvalue().endswith("talk.wav: good morning")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_no_terminal_hears_nothing() -> None:
    stream = io.StringIO()
    with LiveLine(stream, "talk.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "good morning"))
    assert stream.getvalue() == ""


def test_a_narrow_terminal_shows_the_newest_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    with LiveLine(stream, "a.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "one two three four five"))
        assert stream.getvalue().rpartition("\x1b[K")[2] == "a.wav: …e four five"


def test_a_connection_that_is_had_again_leaves_no_gap(
    scripted: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.cut_after = 2
    file = bursts.save(tmp_path / "talk.wav")
    assert main(["transcribe", str(file), "--server", scripted.url, "--vad", "energy"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert "misses" not in shown.err


def test_the_next_server_is_used_where_one_is_away(
    scripted: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bursts.save(tmp_path / "talk.wav")
    servers = ["--server", "http://127.0.0.1:9", "--server", scripted.url]
    assert main(["transcribe", str(file), *servers, "--vad", "energy"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert f"The session begins with {scripted.url}, because of this: Nothing is listening at http" in shown.err


def test_a_connection_that_stays_lost_keeps_what_came_and_names_the_rest(
    scripted: Any,
    bursts: Recording,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ipyspeaches.session.session.GIVE_UP_S", 0.0)
    scripted.cut_after = 2
    file = bursts.save(tmp_path / "talk.wav")
    out = tmp_path / "talk.srt"
    arguments = ["transcribe", str(file), "--server", scripted.url, "--vad", "energy", "--output", str(out)]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("ipyspeaches: talk.wav misses text for 0:0")
    assert len(said.splitlines()) == 1
    assert "utterance 1" in out.read_text(encoding="utf-8")
    assert "[text missing: The" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("refusal", [Reply(302), Reply(400), Reply(500), document(text=None)])
def test_utterances_that_are_refused_are_told_and_the_others_written(
    http_script: Any,
    bursts: Recording,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    quick_retries: None,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Reply,
) -> None:
    monkeypatch.setattr(delivery, "FIRST_WAIT_S", 0.01)
    http_script.answer = lambda posted: refusal if posted.number == 1 else document(text=f"said {posted.number}")
    file = bursts.save(tmp_path / "talk.wav")
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    first, hole, last = said.out.splitlines()
    assert (first, last) == ("said 0", "said 2")
    assert hole.startswith("[text missing: ")
    assert said.err.startswith("ipyspeaches: talk.wav misses text for 0:0")


def test_a_result_is_not_replaced_by_none(
    http_script: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str], quick_retries: None
) -> None:
    file, output = bursts.save(tmp_path / "talk.wav"), tmp_path / "talk.srt"
    output.write_text("yesterday's")
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    http_script.answer = lambda posted: Reply(400)
    assert main([*arguments, "--output", str(output)]) == 1
    assert output.read_text() == "yesterday's"
    assert "talk.srt is left as it was" in capsys.readouterr().err
    http_script.answer = lambda posted: document(text="good")
    assert main([*arguments, "--output", str(output)]) == 0
    assert "good" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize("level", [0, 30])
def test_a_file_without_speech_is_told_with_its_level(
    http_script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], level: int
) -> None:
    hum = (np.arange(32_000) % 2 * 2 - 1) * level
    file = Recording(hum.astype(np.int16), 16_000).save(tmp_path / "hum.wav")
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    assert main(arguments) == 1
    assert "hum.wav misses text for 0:00.0-0:02.0: no speech was found" in capsys.readouterr().err


def stuck_after_one(http_script: Any, uploads: int) -> threading.Event:
    """Let a server answer the first upload of each recording, and none after so many; return what then is set."""
    reached = threading.Event()

    def answer(posted: Any) -> Reply:
        if len(http_script.posted) < uploads:
            return document(text=f"said {posted.number}")
        reached.set()
        return Reply(200, after_s=60)

    http_script.answer = answer
    return reached


def interrupted(command: list[str], reached: threading.Event) -> str:
    """Run a command, press Ctrl-C when something is reached, and return what it told."""
    with subprocess.Popen(
        [sys.executable, "-m", "ipyspeaches", *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert reached.wait(60)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == INTERRUPTED
    return told


@pytest.mark.parametrize("kind", ["txt", "srt", "json"])
def test_ctrl_c_keeps_what_came(http_script: Any, bursts: Recording, tmp_path: Path, kind: str) -> None:
    reached = stuck_after_one(http_script, 2)
    file, out = bursts.save(tmp_path / "talk.wav"), tmp_path / f"talk.{kind}"
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    told = interrupted([*arguments, "--output", str(out), "--pace", "2"], reached)
    written = out.read_text(encoding="utf-8")
    if kind == "json":
        transcript = Transcript.from_json(written)
        assert (transcript.text, len(transcript.missing) > 0) == ("said 0", True)
    else:
        assert written.index("said 0\n") < written.index("[text missing: ")
    assert "talk.wav misses text for" in told
    assert "Traceback" not in told


def test_ctrl_c_keeps_the_files_that_are_done_and_what_came_of_the_next(
    http_script: Any, bursts: Recording, tmp_path: Path
) -> None:
    reached = stuck_after_one(http_script, 5)
    files = [str(bursts.save(tmp_path / f"{name}.wav")) for name in ("a", "b", "c")]
    arguments = ["transcribe", *files, "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    interrupted([*arguments, "--output", str(tmp_path / "out"), "--pace", "2"], reached)
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert written["a.txt"] == "said 0\nsaid 1\nsaid 2\n"
    assert written["b.txt"].startswith("said 0\n[text missing: ")
    assert set(written) == {"a.txt", "b.txt"}


def test_a_terminal_that_is_closed_keeps_what_came(http_script: Any, bursts: Recording, tmp_path: Path) -> None:
    reached = stuck_after_one(http_script, 2)
    file, out = bursts.save(tmp_path / "talk.wav"), tmp_path / "talk.txt"
    command = [sys.executable, "-m", "ipyspeaches", "transcribe", str(file), "--server", http_script.url]
    command += ["--vad", "energy", "--transport", "chunked", "--output", str(out), "--pace", "2"]
    # A session of its own, whose terminal the shell makes this one by opening it.
    window, terminal = pty.openpty()
    script = f"exec <>{os.ttyname(terminal)} >&0 2>&0; exec {shlex.join(command)}"
    with subprocess.Popen(["bash", "-c", script], start_new_session=True) as running:
        assert reached.wait(60)
        os.close(terminal)
        os.close(window)
        running.wait(60)
    assert running.returncode == 129
    assert out.read_text(encoding="utf-8").startswith("said 0\n[text missing: ")


def test_a_fault_in_here_keeps_what_came(
    http_script: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    async def fails(session: Session) -> None:
        async with session:
            await session.wait()
        raise TypeError("what?")

    monkeypatch.setattr(transcribe_files, "_live_through", fails)
    file = bursts.save(tmp_path / "talk.wav")
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out.startswith("utterance 0\n")
    assert "unexpected TypeError: what?" in said.err


def test_an_utterance_without_words_among_others_is_told(
    http_script: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    http_script.answer = lambda posted: document(text="" if posted.number == 1 else f"said {posted.number}")
    file = bursts.save(tmp_path / "talk.wav")
    arguments = ["transcribe", str(file), "--server", http_script.url, "--vad", "energy", "--transport", "chunked"]
    assert main([*arguments, "--format", "srt"]) == 1
    said = capsys.readouterr()
    assert "[text missing: no words were recognised]" in said.out
    assert said.err == "ipyspeaches: talk.wav misses text for 0:03.0-0:04.0: no words were recognised\n"


def test_what_is_odd_about_a_file_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "silent.wav"
    Recording(np.zeros(800, dtype=np.int16), 8000).save(file)

    async def do_nothing(_session: object) -> None:
        pass

    monkeypatch.setattr(transcribe_files, "_live_through", do_nothing)
    for _ in range(2):  # each time, not once
        assert main(["transcribe", str(file)]) == 0
        assert (
            capsys.readouterr().err
            == "ipyspeaches: warning: silent.wav: It is silent: in 16 bits, every sample is 0.\n"
        )


def test_what_a_server_reports_on_the_way_is_told(
    scripted: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.extra = [json.dumps({"type": "error", "error": {"message": "half deaf", "type": "server_error"}})]
    file = bursts.save(tmp_path / "talk.wav")
    assert main(["transcribe", str(file), "--server", scripted.url, "--vad", "energy"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("ipyspeaches: warning: The server reports: half deaf")
    assert len(said.out.splitlines()) == 3


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_what_a_cut_file_lacks_is_missing(
    scripted: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    cut, output = tmp_path / f"cut.{ending}", tmp_path / "cut.srt"
    content = bursts.save(cut).read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    command = ["transcribe", str(cut), "--server", scripted.url, "--vad", "energy", "--output", str(output)]
    assert main(command) == 1
    assert "cut off or damaged here" in capsys.readouterr().err
    assert "utterance 1" in output.read_text(encoding="utf-8")
    assert "[text missing: the file" in output.read_text(encoding="utf-8")
    with pytest.warns(UserWarning, match="cut off or damaged here"):
        transcript = run(transcribe(cut, server=scripted.url, turn_detection=TurnDetection.client(EnergyVad())))
    assert transcript.missing[-1].end == pytest.approx(bursts.duration, abs=0.01)


def test_a_byte_less_is_no_stretch_without_text(scripted: Any, bursts: Recording, tmp_path: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(bursts.save(cut).read_bytes()[:-1])
    assert main(["transcribe", str(cut), "--server", scripted.url, "--vad", "energy"]) == 0


def test_a_link_to_an_input_is_not_written_over(heard: list[Path], tmp_path: Path) -> None:
    sound, link = tmp_path / "a.wav", tmp_path / "b.txt"
    sound.write_bytes(b"RIFF")
    link.hardlink_to(sound)
    with pytest.raises(SystemExit):
        main(["transcribe", str(sound), "--output", str(link)])
    assert sound.read_bytes() == b"RIFF"


def test_an_ending_without_a_format_is_refused_unless_one_is_given(heard: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "x.docx"
    with pytest.raises(SystemExit):
        main(["transcribe", "a.wav", "--output", str(output)])
    assert not output.exists()
    assert main(["transcribe", "a.wav", "--output", str(output), "--format", "txt"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no such streams")
def test_what_is_opened_takes_the_place_of_no_closed_stream(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.closerange(0, 3); sys.stdin = sys.stdout = sys.stderr = None; "
        "from ipyspeaches.cli import main; code = main(['models', '--server', 'http://127.0.0.1:9']); "
        f"open({str(tmp_path / 'x')!r}, 'w').write(str((code, os.open(os.devnull, 0) > 2)))"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert (tmp_path / "x").read_text() == "(1, True)"


def test_a_file_of_lines_gets_all_results_and_goes_on(
    scripted: Any, bursts: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        bursts.save(tmp_path / f"{name}.wav")
    (tmp_path / "c.wav").write_bytes(b"no sound")
    output = tmp_path / "talks.jsonl"
    command = ["transcribe", str(tmp_path / "*.wav"), "--server", scripted.url, "--vad", "energy"]
    assert main([*command, "--output", str(output), "--at-once", "2"]) == 1
    assert capsys.readouterr().err.startswith(f"ipyspeaches: {tmp_path / 'c.wav'}: c.wav cannot be read as audio")
    (tmp_path / "c.wav").unlink()
    commits = len(scripted.transcribed)
    assert main([*command, "--output", str(output)]) == 0
    assert len(scripted.transcribed) == commits == 6
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    said = "utterance 1 utterance 2 utterance 3"
    assert {Path(row["path"]).stem: row["text"] for row in rows} == {"a": said, "b": said, "c": ""}
    assert len(rows) == 3


@pytest.mark.parametrize("odd", [["--at-once", "2"], ["--output", "x.jsonl", "--format", "srt"]])
def test_what_does_not_go_with_a_file_of_lines_is_refused(heard: list[Path], odd: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["transcribe", "a.wav", *odd])
    assert heard == []
