"""Many files: a row each, whatever becomes of them, here and elsewhere."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from distributed import Client, LocalCluster
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerUnreachableError
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE, ApiKey
from ipyspeaches.results.files import FileResults
from ipyspeaches.session.many import Job, transcribe_many
from ipyspeaches.sources.source import RecordedSource
from request_sessions import quick_retries
from scripted_http import Reply, document, http_script
from scripted_server import ScriptedServer, bursts, serving
from sessions import ENERGY

__all__ = ["bursts", "http_script", "quick_retries"]

KEY = "sk-not-to-be-seen"


class Strict(ScriptedServer):
    """Counts its sessions, and refuses some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: dict[int, Response] = {}  # by the number of the session
        self.asked = self.open = self.most_open = 0

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/v1/realtime"):
            self.asked += 1
            return self.refusals.get(self.asked)
        return super().respond(connection, request)

    async def session(self, socket: ServerConnection) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await super().session(socket)
        finally:
            self.open -= 1


@pytest.fixture
def server() -> Any:
    with serving(Strict()) as script:
        yield script


@pytest.fixture(scope="module")
def folder(bursts: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files, one of which is none."""
    made = tmp_path_factory.mktemp("talks")
    for number in range(6):
        bursts.slice(0, 2.5 + number / 10).save(made / f"{number}.wav")
    (made / "3.wav").write_bytes(b"not a sound")
    return made


async def heard(server: Any, files: Any, **options: Any) -> FileResults:
    options = {"turn_detection": ENERGY, **options}
    return await asyncio.wait_for(transcribe_many(files, server=server.url, **options), 60)


def refusal(status: HTTPStatus, **headers: str) -> Response:
    return Response(status, status.phrase, Headers({**headers, "content-length": "0"}), b"")


async def test_each_file_is_a_row_and_one_that_fails_has_its_reason(server: Any, folder: Path) -> None:
    results = await heard(server, str(folder / "*.wav"))
    table = pd.DataFrame(results)
    assert [Path(path).name for path in table.path] == [f"{number}.wav" for number in range(6)]
    assert list(table.text) == ["utterance 1"] * 3 + [""] + ["utterance 1"] * 2
    assert list(table.failed) == [False] * 3 + [True] + [False] * 2
    assert (table.words[0], table.seconds[1], table.missing[0]) == (2, pytest.approx(2.6), 0)
    assert "cannot be read as audio" in table.reason[3]
    assert repr(results) == "FileResults(6 files, 1 failed)"
    assert results.transcripts[table.path[5]].segments[0].start == pytest.approx(1.0, abs=0.1)
    assert len(results.to_arrow()) == 6
    assert 1 < server.most_open <= 4


async def test_it_goes_on_where_it_was_and_tries_again_what_failed(
    server: Any, folder: Path, tmp_path: Path, bursts: Recording
) -> None:
    kept = tmp_path / "talks.jsonl"
    files = [*(folder / f"{number}.wav" for number in range(6)), bursts]
    first = await heard(server, files[:4], resume=kept)
    kept.write_bytes(kept.read_bytes() + b'{"path":"4.wav","sec')  # it was interrupted
    again = await heard(server, files, resume=kept, at_once=1)
    assert server.asked == 3 + 3
    tries = Counter(json.loads(line)["path"] for line in kept.read_text(encoding="utf-8").splitlines())
    assert sorted(tries.values()) == [1] * 6 + [2]
    assert tries[str(files[3])] == 2
    assert again.to_pandas()[:4].equals(first.to_pandas())
    assert again.transcripts[str(files[0])].to_json() == first.transcripts[str(files[0])].to_json()
    assert again[-1].text == "utterance 1 utterance 2 utterance 3"
    with pytest.raises(InputError, match="made with another language: name another file"):
        await heard(server, files, resume=kept, language="en")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a note", "is not a result of transcribe_many: name another file"),
        ('{"path":"a"}\n', "line 1: this is not a result of transcribe_many"),
        ('{"path":"a","options":{}', ""),
    ],
)
async def test_a_file_of_something_else_is_left_alone(
    server: Any, folder: Path, tmp_path: Path, content: str, message: str
) -> None:
    kept = tmp_path / "notes.jsonl"
    kept.write_text(content)
    if not message:  # half a line of its own
        assert len(await heard(server, folder / "0.wav", resume=kept)) == 1
        return
    with pytest.raises(InputError, match=message):
        await heard(server, folder / "0.wav", resume=kept)
    assert kept.read_text() == content


async def test_a_busy_server_is_asked_again_when_it_says(server: Any, folder: Path) -> None:
    busy = refusal(HTTPStatus.TOO_MANY_REQUESTS, **{"retry-after": "1"})
    server.refusals = {1: busy, 3: refusal(HTTPStatus.SERVICE_UNAVAILABLE)}
    results = await heard(server, [folder / "0.wav", folder / "1.wav"], at_once=1)
    assert (results.to_pandas().text == "utterance 1").all()
    assert server.asked == 4


async def test_what_would_fail_all_others_too_ends_it(server: Any, folder: Path, tmp_path: Path) -> None:
    server.refusals = dict.fromkeys(range(2, 9), refusal(HTTPStatus.UNAUTHORIZED))
    kept = tmp_path / "talks.jsonl"
    results = (await heard(server, [folder / f"{n}.wav" for n in (0, 1, 2, 4)], at_once=1, resume=kept)).to_pandas()
    assert list(results.failed) == [False, True, True, True]
    assert "key" in results.reason[1]
    assert results.reason[2] == results.reason[3] == f"not tried: {results.reason[1]}"
    assert server.asked == 2
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 2


async def test_files_may_have_names_and_a_fault_in_here_fails_one_of_them(
    server: Any, folder: Path, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = RecordedSource.blocks

    def blocks(source: RecordedSource) -> Any:
        if source.duration_s < 2.55:
            raise TypeError("what?")
        return hear(source)

    monkeypatch.setattr(RecordedSource, "blocks", blocks)
    results = await heard(server, {"one": folder / "0.wav", "two": bursts}, at_once=1)
    assert [(row.path, row.words, row.failed) for row in results] == [("one", 0, True), ("two", 6, False)]


async def test_without_a_server_there_is_nothing_to_begin(folder: Path) -> None:
    with pytest.raises(ServerUnreachableError):
        await transcribe_many(folder / "0.wav", server="http://127.0.0.1:9")


async def test_an_utterance_that_the_server_failed_may_be_had_by_another_try(
    http_script: Any, bursts: Recording, tmp_path: Path, quick_retries: None
) -> None:
    http_script.answer = lambda posted: Reply(500) if posted.number == 1 else document(text="said")
    options: Any = {"transport": "chunked", "resume": tmp_path / "kept.jsonl"}
    partly = (await heard(http_script, bursts, **options))[0]
    assert (partly.text, partly.failed, partly.missing) == ("said said", True, pytest.approx(1, abs=0.2))
    http_script.answer = lambda _posted: document(text="said")
    whole = (await heard(http_script, bursts, **options))[0]
    assert (whole.text, whole.failed, whole.reason) == ("said said said", False, None)


async def test_an_interrupt_keeps_what_is_done(http_script: Any, folder: Path, tmp_path: Path) -> None:
    http_script.answer = lambda _posted: document(text="said") if len(http_script.posted) < 3 else Reply(after_s=60)
    kept = tmp_path / "kept.jsonl"
    where: Any = {"server": http_script.url, "transport": "chunked", "turn_detection": ENERGY}
    many = asyncio.create_task(transcribe_many(folder / "[0-2].wav", at_once=1, resume=kept, **where))
    while len(http_script.posted) < 3:  # noqa: ASYNC110  it is counted on another thread
        await asyncio.sleep(0.01)
    many.cancel()
    with pytest.raises(asyncio.CancelledError) as stopped:
        await many
    came: Any = stopped.value
    assert [row.text for row in came.results] == ["said", "said"]
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 2


async def test_an_interrupt_keeps_what_was_said_in_the_file_under_way(
    http_script: Any, bursts: Recording, tmp_path: Path
) -> None:
    http_script.answer = lambda _posted: document(text="said") if len(http_script.posted) < 3 else Reply(after_s=60)
    kept = tmp_path / "kept.jsonl"
    where: Any = {"server": http_script.url, "transport": "chunked", "turn_detection": ENERGY}
    many = asyncio.create_task(transcribe_many({"long": bursts}, resume=kept, **where))
    while len(http_script.posted) < 3:  # noqa: ASYNC110  it is counted on another thread
        await asyncio.sleep(0.01)
    many.cancel()
    with pytest.raises(asyncio.CancelledError):
        await many
    while not kept.read_text(encoding="utf-8"):  # noqa: ASYNC110  this loop is not the engine's
        await asyncio.sleep(0.01)
    row = json.loads(kept.read_text(encoding="utf-8"))
    assert (row["text"], row["failed"], bool(row["missing"])) == ("said said", True, True)


class Odd(Executor):
    """Fails in its own ways."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        self.submit = self.refuse  # type: ignore[method-assign]
        return future

    @staticmethod
    def refuse(*_: Any, **__: Any) -> Future[Any]:
        raise BrokenProcessPool("a process died")


async def test_an_executor_that_fails_gives_rows(server: Any, folder: Path) -> None:
    results = await heard(server, [folder / "0.wav", folder / "1.wav"], executor=Odd(), at_once=1)
    assert [row.reason for row in results] == [
        "the executor gave it up: it was shut down, or what it runs on was",
        "the executor failed (BrokenProcessPool: a process died)",
    ]


async def test_threads_take_the_key_and_pickles_do_not(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = await heard(server, str(folder / "[0-2].wav"), executor=pool, api_key=KEY)
    assert not len(results.failed)
    job = Job("0.wav", str(folder / "0.wav"), {"server": server.url, "api_key": ApiKey(KEY)}, needs_key=True)
    assert KEY not in repr(job)
    assert KEY.encode() not in pickle.dumps(job)
    elsewhere: Job = pickle.loads(pickle.dumps(job))
    outcome = await elsewhere.run()
    assert outcome.ends
    assert f"set {API_KEY_VARIABLE} where the workers" in outcome.result["reason"]
    monkeypatch.setenv(API_KEY_VARIABLE, KEY)
    assert (await elsewhere.run()).result["seconds"] == pytest.approx(2.5)


def test_a_cluster_that_loses_a_worker_gives_the_whole_table(
    http_script: Any,
    bursts: Recording,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = [bursts.slice(0, 2.5).save(tmp_path / f"{number}.wav") for number in range(10)]
    monkeypatch.setenv(API_KEY_VARIABLE, KEY)
    http_script.answer = lambda _posted: Reply(pieces=('{"text":"said"}',), after_s=0.1)
    kept = tmp_path / "kept.jsonl"
    with (
        caplog.at_level(logging.DEBUG, "distributed"),
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        client.get_executor() as executor,
    ):

        async def lose_a_worker() -> FileResults:
            many = asyncio.create_task(heard(http_script, files, executor=executor, transport="chunked", resume=kept))
            while not kept.exists() or kept.read_bytes().count(b"\n") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            cluster.workers[0].process.process._process.kill()
            return await many

        results = asyncio.run(lose_a_worker())
    assert [row.text for row in results] == ["said"] * 10
    done = [json.loads(line)["path"] for line in kept.read_text(encoding="utf-8").splitlines()]
    assert sorted(done) == sorted(map(str, files))
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ([], {}, "There are no files"),
        ("/no/*.wav", {}, "No file matches"),
        (".", {}, "is a folder: give a glob"),
        ([7], {}, "7 is no file"),
        ({"a": 7}, {}, "7 is no file"),
        ("a.wav", {"executor": 7}, "executor is 7"),
        ("a.wav", {"at_once": 0}, "at_once is 0"),
        ("a.wav", {"executor": Odd(), "on_event": print}, "on_event cannot go to other processes"),
        ("a.wav", {"transport": "pigeon"}, "transport is 'pigeon'"),
    ],
)
async def test_what_cannot_be_transcribed(files: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        await transcribe_many(files, **options)
