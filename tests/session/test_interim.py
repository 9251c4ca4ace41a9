"""Text of what is being spoken: in time, one request at a time, and never left behind."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from between import Between, between
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.session import Session, TurnDetection, events, interim
from ipyspeaches.vad import EnergyVad
from scripted_http import HttpScript, Posted, Reply, deltas, document, words
from sessions import ENERGY

ITEM = "conversation.item.input_audio_transcription"


class Counting:
    """A recogniser that hears a numbered word in every half second of sound.

    Attributes
    ----------
    takes_s
        How long an answer takes.
    fails
        Answers with an error.
    lengths_s
        The sound of each request.
    forms
        The other fields of each request.
    most
        Requests at the same time.
    """

    def __init__(self) -> None:
        self.takes_s = 0.0
        self.fails = False
        self.lengths_s: list[float] = []
        self.forms: list[dict[str, Any]] = []
        self.started_at: list[float] = []
        self.most = 0
        self._now = 0

    async def __call__(self, form: FormData) -> Response:
        file = form["file"]
        assert isinstance(file, UploadFile)
        samples, rate = soundfile.read(io.BytesIO(await file.read()), dtype="int16")
        self._now += 1
        self.most = max(self.most, self._now)
        self.started_at.append(asyncio.get_running_loop().time())
        self.lengths_s.append(len(samples) / rate)
        self.forms.append({name: value for name, value in form.items() if isinstance(value, str)})
        await asyncio.sleep(self.takes_s)
        self._now -= 1
        if self.fails:
            return JSONResponse({"detail": "The model is gone."}, 500)
        names = [f"w{i}" for i in range(int(self.lengths_s[-1] * 2))]
        timed = [{"word": f" {name}", "start": i / 2, "end": i / 2 + 0.5} for i, name in enumerate(names)]
        return JSONResponse({"text": " ".join(names), "words": timed})


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def front(scripted: Any, counting: Counting) -> Iterator[Between]:
    """The scripted server, with a recogniser over HTTP in front of it."""
    with between(scripted.url) as server:
        server.transcribe = counting
        yield server


@pytest.fixture(scope="module")
def long_burst() -> Recording:
    """Noise that is speech to the energy detector, from 0.5 to 4.5 s of 6."""
    noise = np.random.default_rng(5)
    sound = noise.normal(0, 10, 6 * 16_000)
    sound[8_000:72_000] = noise.normal(0, 4_000, 64_000)
    return Recording(sound.astype(np.int16), 16_000)


def session(front: Between | HttpScript, recording: Recording, **options: Any) -> tuple[Session, list[Any]]:
    seen: list[Any] = []
    given: dict[str, Any] = {"turn_detection": ENERGY, "pace": 3, "interim_s": 0.3, "on_event": seen.append}
    return Session(recording, server=front.url, **{**given, **options}), seen


def partials(seen: list[Any]) -> list[events.Partial]:
    return [event for event in seen if isinstance(event, events.Partial)]


def left(seen: list[Any]) -> set[str]:
    """Return the items whose text was never taken back nor made final."""
    texts: dict[str, str] = {}
    for event in seen:
        if isinstance(event, events.Partial):
            texts[event.item_id] = event.text
        elif isinstance(event, events.Final):
            texts[event.item_id] = ""
    return {item_id for item_id, text in texts.items() if text}


async def until(found: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not found():  # noqa: ASYNC110  the session runs on a thread of its own
            await asyncio.sleep(0.01)


async def test_text_comes_while_somebody_speaks_and_settles(
    front: Between, counting: Counting, long_burst: Recording
) -> None:
    running, seen = session(front, long_burst)
    async with running:
        await running.wait()
    shown = [event for event in partials(seen) if event.item_id == "interim_1" and event.text]
    assert len(shown) > 2
    assert shown[0].time_s < 4.5
    assert shown[0].start_s == pytest.approx(0.5, abs=0.03)
    assert [shown[0].stable, shown[1].stable] == [0, len(shown[0].text)]
    settled = [event.text[: event.stable] for event in shown]
    assert all(after.startswith(before) for before, after in itertools.pairwise(settled))
    # The sound of a request is what the gate sends: from the pre-roll on, and more each time.
    assert counting.lengths_s == sorted(counting.lengths_s)
    assert counting.lengths_s[-1] <= 4 + 0.3 + 0.3 + 0.05
    assert running.transcript.text == "utterance 1"


async def test_the_items_name_takes_over_and_the_latency_counts_the_first_text(
    front: Between, scripted: Any, long_burst: Recording
) -> None:
    running, seen = session(front, long_burst)
    async with running:
        await running.wait()
    taken_back, taken_over = partials(seen)[-2:]
    assert (taken_back.item_id, taken_back.text) == ("interim_1", "")
    assert taken_over.item_id == "item_1"
    assert taken_over.text.startswith("w0")
    (row,) = running.latency
    assert row.first_partial_ms < 0
    assert not left(seen)
    assert running.transcript.partial == ""


async def test_there_is_one_request_at_a_time_and_a_slow_server_is_asked_less(
    front: Between, counting: Counting, long_burst: Recording
) -> None:
    counting.takes_s = 0.25
    running, _ = session(front, long_burst)
    async with running:
        await running.wait()
    assert counting.most == 1
    between_s = np.diff(counting.started_at)
    assert len(between_s)
    assert between_s.min() >= interim.PERIOD * counting.takes_s - 0.05


async def test_the_recogniser_is_told_what_the_options_say(
    front: Between, counting: Counting, long_burst: Recording
) -> None:
    told = {"language": "en", "prompt": "Numbers:", "hotwords": "w0", "temperature": 0.2}
    running, _ = session(front, long_burst, **told)
    async with running:
        await running.wait()
    expected = {**told, "temperature": "0.2", "model": "test/model", "response_format": "verbose_json"}
    assert counting.forms[0] == {**expected, "timestamp_granularities[]": "word"}


async def test_another_language_is_asked_for_from_then_on(
    front: Between, counting: Counting, long_burst: Recording
) -> None:
    running, _ = session(front, long_burst)
    async with running:
        await until(lambda: counting.forms)
        await running.set_language("zh")
        await running.wait()
    languages = [form.get("language") for form in counting.forms]
    assert (languages[0], languages[-1]) == (None, "zh")


async def test_nothing_is_asked_while_a_final_text_is_awaited(
    front: Between, counting: Counting, scripted: Any, bursts: Recording
) -> None:
    scripted.hold = 2  # no final before the third utterance
    running, seen = session(front, bursts, interim_s=0.2)
    async with running:
        await running.wait()
    first_end_s = next(event.end_s for event in seen if isinstance(event, events.SpeechStopped))
    assert counting.lengths_s
    assert {event.item_id for event in partials(seen)} == {"interim_1", "item_1"}
    assert all(event.time_s < first_end_s + 1 for event in partials(seen))


@pytest.mark.parametrize("end", ["pause", "stop", "cancel", "failure"])
async def test_nothing_is_left_behind(
    front: Between, counting: Counting, scripted: Any, long_burst: Recording, end: str
) -> None:
    counting.takes_s = 0.1
    scripted.cut_after = 0 if end == "failure" else None
    running, seen = session(front, long_burst, pace=1, interim_s=0.3)
    await running.start()
    await until(lambda: running.transcript.partial)
    asked = len(counting.started_at)
    await until(lambda: len(counting.started_at) > asked)  # the next answer will come too late
    if end == "stop":
        await running.stop()
    elif end == "cancel":
        with pytest.raises(RuntimeError, match="given up"):
            async with asyncio.timeout(5):
                await running.__aexit__(RuntimeError, RuntimeError("given up"), None)
                raise RuntimeError("given up")
    else:
        await running.pause()
        await until(lambda: len(running.transcript) or running.error)
    await asyncio.sleep(3 * counting.takes_s)
    assert running.transcript.partial == ""
    assert not left(seen)
    if end == "pause":
        assert len(running.transcript) == 1
        await running.stop()


async def test_a_server_that_fails_is_asked_no_more_and_the_session_goes_on(
    front: Between, counting: Counting, long_burst: Recording
) -> None:
    counting.fails = True
    running, seen = session(front, long_burst)
    async with running:
        await running.wait()
    (warning,) = [event for event in seen if isinstance(event, events.Warning)]
    assert warning.kind == "interim_stopped"
    assert "The model is gone." in warning.text
    assert len(counting.lengths_s) == interim.MOST_FAILURES
    assert running.transcript.text == "utterance 1"


async def test_it_leaves_the_text_to_a_server_that_sends_its_own(
    front: Between, counting: Counting, scripted: Any, long_burst: Recording
) -> None:
    # As if heard by the server: text of an item that is not committed yet.
    scripted.extra = [json.dumps({"type": f"{ITEM}.delta", "item_id": "item_1", "delta": "own text"})]
    running, seen = session(front, long_burst)
    async with running:
        await running.wait()
    (note,) = [event for event in running.events if event.type == "InterimStopped"]
    assert "interim_s is not needed" in note.text
    own = next(i for i, event in enumerate(partials(seen)) if event.text == "own text")
    assert not [event for event in partials(seen)[own:] if event.item_id.startswith("interim") and event.text]
    assert not left(seen)


async def test_server_cuts_have_text_from_the_local_onset_on(
    front: Between, scripted: Any, counting: Counting, long_burst: Recording
) -> None:
    turn = TurnDetection.server(0.9, 550, detector=EnergyVad(threshold=500))
    started = {"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 500}
    scripted.extra = [json.dumps(started)]
    running, seen = session(front, long_burst, turn_detection=turn)
    await running.start()
    await until(lambda: running.transcript.partial)
    await running.pause()
    assert running.transcript.partial == ""  # the server does not know of the pause
    await running.resume()
    await running.stop()
    assert not left(seen)


async def test_recordings_that_are_read_at_once_are_not_held_up(
    front: Between, counting: Counting, bursts: Recording
) -> None:
    running, seen = session(front, bursts, pace=0)
    async with running:
        await running.wait()
    assert len(running.transcript) == 3
    assert not left(seen)


@pytest.mark.parametrize(
    "way", [{"transport": "chunked"}, {"transport": "sse"}, {"transport": "chunked", "chunk_s": 2}]
)
async def test_utterances_that_go_as_requests_have_text_before_they_go(
    http_script: HttpScript, long_burst: Recording, way: dict[str, Any]
) -> None:
    def answer(posted: Posted) -> Reply:
        if posted.name.startswith("interim"):
            heard = [(f"w{i}", i / 2, i / 2 + 0.5) for i in range(int(posted.duration_s * 2))]
            return words(" ".join(word for word, *_ in heard), *heard)
        return deltas(" final", " text") if way["transport"] == "sse" else document(text="final text")

    http_script.answer = answer
    running, seen = session(http_script, long_burst, **way)
    async with running:
        await running.wait()
    first = next(event for event in seen if isinstance(event, events.Partial | events.Final))
    assert isinstance(first, events.Partial)
    assert first.text.startswith("w0")
    assert set(running.transcript.text.split()) == {"final", "text"}
    assert not left(seen)
    assert "InterimStopped" not in running.events.columns()["type"]
    asked = [posted for posted in http_script.posted if posted.name.startswith("interim")]
    assert all("stream" not in posted.fields for posted in asked)


def test_text_that_is_translated_has_no_interim() -> None:
    with pytest.raises(InputError, match="interim_s"):
        Session(Recording.sample(), transport="chunked", task="translate", interim_s=1)
