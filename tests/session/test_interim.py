"""Text of what is being spoken: in time, one request at a time, and never left behind.

First where it goes, whatever the server makes of the utterances; then with servers.
"""

from __future__ import annotations

import asyncio
import dataclasses
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
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_samples, to_seconds
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.protocol_events import (
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    ProtocolEvent,
    ServerSpeechStarted,
)
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.session import events, interim
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.session.session import Session
from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.vad.gate import GateAction, Utterance
from ipyspeaches.vad.segmenter import Closed, Opened
from ipyspeaches.words import Word
from realtime_wire import server_cut
from scripted_http import HttpScript, Posted, Reply, deltas, document, words
from sessions import ENERGY

ITEM = "conversation.item.input_audio_transcription"
CLIENT = TurnDetection.client(EnergyVad())
SERVER = TurnDetection.server(0.9, 550, detector=EnergyVad())


class Scene:
    """Interim text with everything around it, but for audio and server."""

    def __init__(self, turn: TurnDetection) -> None:
        pipeline = Pipeline(turn)
        pipeline.process(AudioBlock(np.zeros(60 * SESSION_RATE_HZ, dtype=np.int16), SESSION_RATE_HZ))
        self.recorder = Recorder(pipeline)
        nobody = RequestTransport("http://127.0.0.1:9")
        self.interim = Interim(pipeline, self.recorder, nobody, RecognitionOptions(model="m"), 0.5)
        self.on_page: dict[str, str] = {}
        self.recorder.subscribe(self._show)
        self._cut = 0

    def _show(self, event: Any) -> None:
        if isinstance(event, events.Partial):
            self.on_page.pop(event.item_id, None)
            if event.text:
                self.on_page[event.item_id] = event.text
        elif isinstance(event, events.Final):
            self.on_page.pop(event.item_id, None)

    def _process(self, event: Opened | Closed, actions: list[GateAction]) -> None:
        for listener in (self.interim, self.recorder):
            listener.receive_audio(Processed([event], actions))

    def opened(self, start_s: float, text: str = "") -> None:
        self._process(Opened(to_samples(start_s)), [])
        if text:
            self.says(text)

    def says(self, text: str) -> None:
        spoken = self.interim.under_way
        assert spoken is not None
        start_s = to_seconds(spoken.start)
        spoken.text.update(text, [Word(text, start_s, start_s + 1)], start_s + 1)
        self.interim._show(spoken)

    def closed(self, start_s: float, end_s: float) -> Utterance:
        """End speech, and with it an utterance if this side cuts them."""
        start, end = to_samples(start_s), to_samples(end_s)
        utterance = Utterance(self._cut, start, end)
        self._cut += 1
        client_cuts = self.interim._pipeline.turn_detection.client_cuts
        self._process(Closed(start, end), [utterance] if client_cuts else [])
        return utterance

    def server(self, *happened: ProtocolEvent) -> None:
        for event in happened:
            self.interim.receive_event(event)
            self.recorder.receive_event(event)

    @property
    def shown(self) -> dict[str, str]:
        """What the page shows; the transcript knows the same."""
        assert self.recorder.transcript.partial == " ".join(self.on_page.values())
        return self.on_page


def final(item_id: str, utterance: Utterance, text: str = "x") -> ItemCompleted:
    return ItemCompleted(item_id, utterance, text, None, ())


def test_an_utterance_keeps_its_text_until_the_final_comes() -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "hello")
    assert scene.shown == {"interim_1": "hello"}
    one = scene.closed(1, 2)
    assert scene.shown == {"interim_1": "hello"}
    scene.server(ItemCommitted("a", one))
    assert scene.shown == {"a": "hello"}
    scene.server(final("a", one))
    assert scene.shown == {}


ONE = Utterance(0, to_samples(1), to_samples(2))


@pytest.mark.parametrize(
    "end", [ItemFailed("a", ONE, "no"), ItemFailed("", ONE, "refused"), final("a", ONE), final("a", ONE, text="")]
)
@pytest.mark.parametrize("after_commit", [True, False])
def test_whatever_ends_an_utterance_ends_its_text(end: ItemFailed | ItemCompleted, after_commit: bool) -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "hello")
    assert scene.closed(1, 2) == ONE
    if after_commit and end.item_id:
        scene.server(ItemCommitted("a", ONE))
    scene.server(end)
    assert scene.shown == {}


def test_the_next_utterance_is_not_touched_by_the_end_of_the_last_one() -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "one")
    one = scene.closed(1, 2)
    scene.server(ItemCommitted("a", one))
    scene.opened(2.2, "two")
    scene.server(final("a", one))
    assert scene.shown == {"interim_2": "two"}


def test_utterances_that_are_sent_together_show_their_texts_together() -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "one")
    one = scene.closed(1, 2)
    scene.opened(3, "two")
    both = one.joined_with(scene.closed(3, 4))
    scene.server(ItemCommitted("both", both))
    assert scene.shown == {"both": "one two"}
    scene.server(final("both", both))
    assert scene.shown == {}


def test_text_of_an_utterance_that_the_server_passed_over_goes_with_the_next() -> None:
    scene = Scene(SERVER)
    scene.server(ServerSpeechStarted("b", 3))
    scene.opened(1, "one")
    scene.closed(1, 2)
    scene.opened(3, "two")
    scene.server(ItemCommitted("b", server_cut(0, 3, 5)))
    assert scene.shown == {"b": "two"}


def test_a_server_that_hears_nothing_leaves_no_text() -> None:
    scene = Scene(SERVER)
    scene.opened(1, "cough")
    scene.closed(1, 2)
    assert scene.shown == {}


def test_speech_that_a_server_cuts_begins_anew_behind_the_cut() -> None:
    scene = Scene(SERVER)
    scene.opened(1, "one")
    scene.server(ServerSpeechStarted("a", 1.1), ItemCommitted("a", server_cut(0, 1.1, 4)))
    spoken = scene.interim.under_way
    assert spoken is not None
    assert (spoken.start, spoken.text.from_s, spoken.asked) == (to_samples(4), 4, to_samples(4))
    scene.says("two")
    assert scene.shown == {"a": "one", "interim_2": "two"}


def test_the_audio_of_the_last_utterance_is_not_recognised_twice() -> None:
    scene = Scene(CLIENT)
    scene.opened(1)
    scene.closed(1, 2)
    scene.opened(2.4)
    spoken = scene.interim.under_way
    assert spoken is not None
    assert spoken.text.from_s == pytest.approx(2.3)


def test_text_that_streams_in_takes_the_place_of_the_interim_one() -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "hello")
    one = scene.closed(1, 2)
    scene.server(ItemCommitted("a", one), ItemDelta("a", "Hell"))
    assert scene.shown == {"a": "Hell"}


def test_the_first_text_counts_from_the_end_of_speech() -> None:
    scene = Scene(CLIENT)
    scene.opened(55, "hello")  # at second 60
    utterance = scene.closed(55, 59)
    scene.server(ItemCommitted("a", utterance), final("a", utterance))
    (row,) = scene.recorder.latency
    assert row.first_partial_ms == pytest.approx(1000, abs=1)


async def test_at_the_end_nothing_is_left() -> None:
    scene = Scene(CLIENT)
    scene.opened(1, "one")
    one = scene.closed(1, 2)
    scene.server(ItemCommitted("a", one))
    scene.opened(3, "two")
    assert len(scene.shown) == 2
    await scene.interim.close()
    assert scene.shown == {}


def test_settled_text_stays_settled_under_the_items_name() -> None:
    scene = Scene(CLIENT)
    told: list[events.Partial] = []
    scene.recorder.subscribe(lambda event: told.append(event) if isinstance(event, events.Partial) else None)
    scene.opened(1, "one two")
    scene.says("one two three")
    one = scene.closed(1, 2)
    scene.server(ItemCommitted("a", one))
    assert dataclasses.astuple(told[-1])[1:] == ("a", 1.0, "one two three", len("one two"))


# With servers


class Counting:
    """A recogniser that hears a numbered word in every half second of audio.

    Attributes
    ----------
    takes_s
        How long an answer takes.
    fails
        Answers with an error.
    lengths_s
        The length of the audio of each request.
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
    samples = noise.normal(0, 10, 6 * 16_000)
    samples[8_000:72_000] = noise.normal(0, 4_000, 64_000)
    return Recording(samples.astype(np.int16), 16_000)


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
    # The audio of a request is what the gate sends: from the pre-roll on, and more each time.
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
    running, seen = session(front, long_burst, pace=1, interim_s=0.3, give_up_s=0)
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
    assert "The model is gone" in warning.text
    assert len(counting.lengths_s) == interim.MOST_FAILURES
    assert running.transcript.text == "utterance 1"


async def test_it_leaves_the_text_to_a_server_that_sends_its_own(
    front: Between, counting: Counting, scripted: Any, long_burst: Recording
) -> None:
    # As if the server heard speech by itself: text of an item that is not committed yet.
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
