"""A session over a real connection: results in order, nothing sent that is not speech, and one end, whoever ends it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, InputError, StateError
from ipyspeaches.session import events
from ipyspeaches.session.delivery import MOST_SPEED
from ipyspeaches.session.engine import run
from ipyspeaches.session.media_connections import PageConnection
from ipyspeaches.session.options import SessionOptions, TurnDetection
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.session.session import Session, transcribe
from ipyspeaches.session.state import SessionState
from ipyspeaches.vad.detectors import EnergyVad
from live_recording import LiveRecording
from sessions import ENERGY, next_event, session


async def test_a_recording_becomes_a_transcript(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts) as running:
        await running.wait()
    assert running.state is SessionState.STOPPED
    assert running.transcript.text == "utterance 1 utterance 2 utterance 3"
    assert [segment.start for segment in running.transcript] == pytest.approx([1, 3, 5], abs=0.03)
    assert [segment.end for segment in running.transcript] == pytest.approx([2, 4, 6], abs=0.03)
    assert running.recording.duration == pytest.approx(7, abs=0.001)
    assert len(running.latency) == 3
    assert len(running.frames) == 350


async def test_only_speech_is_sent_and_all_of_it(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts) as running:
        await running.wait()
    appends = [m for m in scripted.received if m["type"] == "input_audio_buffer.append"]
    sent = [np.frombuffer(base64.b64decode(m["audio"]), dtype="<i2") for m in appends]
    assert all(len(audio) % 3 == 0 for audio in sent)
    # 1 s of speech, 300 ms before and 300 ms behind, three times.
    assert sum(map(len, sent)) == pytest.approx(3 * 1.6 * 24_000, rel=0.03)
    loud = sum(int((np.abs(audio.astype(int)) > 200).sum()) for audio in sent)
    recorded = np.abs(running.recording.samples.astype(int)) > 200
    assert loud == int(recorded.sum())


async def test_appends_grow_long_where_no_partial_text_comes(scripted: Any, bursts: Recording) -> None:
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        await running.wait()
    lengths = appends_ms(scripted)
    # The first utterance shows that no deltas come; after it an utterance of 1.6 s is one append.
    assert lengths[:5] == [200] * 5
    assert lengths[-1] > 1_000
    assert lengths[-2] > 1_000


async def test_appends_stay_short_where_text_comes_in_pieces(openai_server: Any, bursts: Recording) -> None:
    async with Session(bursts, server=openai_server.url, turn_detection=ENERGY, pace=4, model="whisper-1") as running:
        await running.wait()
    assert max(appends_ms(openai_server)) == 200


def appends_ms(server: Any) -> list[int]:
    """Return how long each append was, in milliseconds."""
    appends = [m["audio"] for m in server.received if m["type"] == "input_audio_buffer.append"]
    return [len(base64.b64decode(audio)) // 48 for audio in appends]


async def test_finals_in_any_order_are_shown_in_the_order_of_speech(scripted: Any, bursts: Recording) -> None:
    scripted.hold = 2
    async with session(scripted, bursts) as running:
        await running.wait()
    assert [segment.text for segment in running.transcript] == ["utterance 1", "utterance 2", "utterance 3"]


async def test_events_tell_the_story_in_order(scripted: Any, bursts: Recording) -> None:
    seen: list[Any] = []
    async with session(scripted, bursts) as running:
        async for event in running:
            seen.append(event)
    states = [event.state for event in seen if isinstance(event, events.StateChanged)]
    assert states == ["connecting", "listening", "stopping", "stopped"]
    assert sum(isinstance(event, events.SpeechStarted) for event in seen) == 3
    assert sum(isinstance(event, events.SpeechStopped) for event in seen) == 3
    assert [event.segment.text for event in seen if isinstance(event, events.Final)] == [
        "utterance 1",
        "utterance 2",
        "utterance 3",
    ]
    assert "Final" in running.events.columns()["type"]


async def test_silence_gives_an_empty_transcript(scripted: Any) -> None:
    silence = Recording(np.zeros(32_000, dtype=np.int16), 16_000)
    transcript = await transcribe(silence, server=scripted.url)
    assert transcript.text == ""
    assert len(transcript) == 0
    assert not any(message["type"].endswith("append") for message in scripted.received)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(0, dtype=np.int16), 16_000),
        (np.zeros((100, 0), dtype=np.float32), 16_000),
        (np.array([0.0, np.nan], dtype=np.float32), 16_000),
        (np.zeros(100, dtype=np.int16), 0),
        (np.zeros((2, 2, 2), dtype=np.int16), 16_000),
    ],
)
async def test_arrays_that_are_no_audio(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(AudioError):
        await transcribe(samples, rate)


async def test_an_array_needs_its_rate() -> None:
    with pytest.raises(InputError, match="rate=16000"):
        await transcribe(np.zeros(100, dtype=np.int16))
    with pytest.raises(InputError, match="rate= is for arrays"):
        await transcribe("talk.wav", rate=16_000)


@pytest.mark.parametrize("source", ["browser", 42])
def test_sources_that_are_none(source: Any) -> None:
    with pytest.raises(InputError):
        Session(source)


def test_unknown_options_are_refused_by_name(bursts: Recording) -> None:
    with pytest.raises(InputError, match="Unknown option modell"):
        Session(bursts, modell="x")  # type: ignore[call-arg]


def test_who_cuts_is_the_same_for_the_recogniser_and_for_the_pipeline() -> None:
    turn_detection = TurnDetection.server(0.4)
    options = SessionOptions(turn_detection=turn_detection)
    assert options.recognition.server_vad == turn_detection.server_vad
    assert SessionOptions().recognition.client_cuts


def test_the_key_is_in_no_repr(bursts: Recording) -> None:
    running = Session(bursts, api_key="very-secret")
    assert "very-secret" not in repr(running) + repr(running.options) + repr(vars(running))


def test_run_gives_the_same_from_plain_code(scripted: Any, bursts: Recording) -> None:
    transcript = run(transcribe(bursts, server=scripted.url, turn_detection=ENERGY))
    assert transcript.text == "utterance 1 utterance 2 utterance 3"


async def test_marks_are_told_and_kept(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts) as running:
        await running.wait()
        mark = running.mark()
        running.rename_mark(mark.id, "end")
        running.mark("start", 0.5)
    assert [(m.name, m.time) for m in running.marks] == [("end", pytest.approx(7, abs=0.001)), ("start", 0.5)]
    assert running.events.columns()["type"].count("Marked") == 3


@pytest.mark.parametrize("wrong", [("a", "b"), ("a", float("nan")), ("a", -1), ("a", 1e9), (5, 0)])
def test_a_mark_is_a_name_and_a_moment(bursts: Recording, wrong: Any) -> None:
    running = Session(bursts)
    with pytest.raises(InputError, match=r" is .*: give "):
        running.mark(*wrong)
    assert len(running.marks) == 0


@pytest.mark.parametrize(
    ("told", "begin"),
    [
        ({"prompt": "Names"}, "prompt has no effect"),
        ({"prompt": "Names", "hotwords": "Speaches"}, "prompt and hotwords have no effect"),
        (
            {"prompt": "Names", "hotwords": "Speaches", "temperature": 0.2},
            "prompt, hotwords and temperature have no effect",
        ),
    ],
)
async def test_options_without_effect_are_named_once_with_the_way_that_has_them(
    scripted: Any, bursts: Recording, told: dict[str, Any], begin: str
) -> None:
    async with session(scripted, bursts, **told) as running:
        await running.wait()
    warnings = [row for row in running.events.columns()["text"] if "no effect" in row]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{begin} in a realtime session of this server")
    assert 'transport="chunked" and transport="sse" send such options' in warnings[0]
    assert all("Names" not in json.dumps(message) for message in scripted.received)


async def test_silence_is_not_sent_so_that_nothing_has_to_be_cleared(scripted: Any) -> None:
    noise = np.random.default_rng(5)
    samples = noise.normal(0, 10, 70 * 16_000)
    samples[65 * 16_000 : 66 * 16_000] = noise.normal(0, 4_000, 16_000)
    async with session(scripted, Recording(samples.astype(np.int16), 16_000)) as running:
        await running.wait()
    kinds = [message["type"].removeprefix("input_audio_buffer.") for message in scripted.received]
    assert "clear" not in kinds
    assert set(kinds) == {"session.update", "append", "commit"}
    sent = sum(len(base64.b64decode(m["audio"])) // 2 for m in scripted.received if m["type"].endswith("append"))
    assert sent < 2 * 24_000
    assert [segment.start for segment in running.transcript] == pytest.approx([65], abs=0.03)


async def test_a_server_that_cuts_gets_a_file_no_faster_than_its_detector_stands(scripted: Any) -> None:
    silence = Recording(np.zeros(16_000, dtype=np.int16), 16_000)
    begun = asyncio.get_running_loop().time()
    async with Session(silence, server=scripted.url, turn_detection=TurnDetection.server(), pace=0) as running:
        await running.wait()
    assert asyncio.get_running_loop().time() - begun >= 1 / MOST_SPEED


async def test_a_server_that_cuts_is_spared_long_silence(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.MOST_SPEED", 1_000)
    silence = Recording(np.zeros(70 * 16_000, dtype=np.int16), 16_000)
    turn = TurnDetection.server(detector=EnergyVad(threshold=500))
    async with Session(silence, server=scripted.url, turn_detection=turn, pace=100) as running:
        await running.wait()
    kinds = [message["type"].removeprefix("input_audio_buffer.") for message in scripted.received]
    assert kinds.count("clear") == 2
    for at in (index for index, kind in enumerate(kinds) if kind == "clear"):
        # The barrier, and not one append between it and the clear; then the last seconds once more.
        assert kinds[at - 3 : at + 2] == ["session.update", "append", "session.update", "clear", "append"]
    appends = [m for m in scripted.received if m["type"].endswith("append")]
    sent = sum(len(base64.b64decode(m["audio"])) // 2 for m in appends)
    barriers = 3  # two before the clears, one at the end: 100 ms of zeros each
    assert sent == pytest.approx((70 + 2 * 3 + barriers * 0.1) * 24_000, abs=20)
    assert len(running.transcript) == 0


# Start and end


async def test_start_twice_and_stop_before_start(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=1)  # not over before the second start
    with pytest.raises(StateError, match="start it first"):
        await running.stop()
    with pytest.raises(StateError, match="start it first"):
        await running.wait()
    await running.start()
    with pytest.raises(StateError, match="already running"):
        await running.start()
    await running.stop()
    await running.stop()
    with pytest.raises(StateError, match="make a new session"):
        await running.start()


async def test_pause_ends_the_utterance_and_drops_nothing_of_a_recording(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=3)
    await running.start()
    await next_event(running, events.SpeechStarted)
    await running.pause()
    assert running.state is SessionState.PAUSED
    held = len(running.recording.samples)
    await asyncio.sleep(0.3)
    assert len(running.recording.samples) == held
    await running.resume()
    await running.wait()
    assert running.recording.duration == pytest.approx(7, abs=0.001)


async def test_stop_ends_a_recording_early_and_keeps_its_texts(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=2)
    await running.start()
    await next_event(running, events.Final)
    await running.stop()
    assert running.state is SessionState.STOPPED
    assert 1 <= len(running.transcript) < 3
    assert running.transcript[0].text == "utterance 1"


async def test_a_caller_that_is_cancelled_leaves_nothing_running(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=1)

    async def use() -> None:
        async with running:
            await running.wait()

    task = asyncio.create_task(use())
    await next_event(running, events.SpeechStarted)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)
    assert running.state is SessionState.FAILED
    assert running.recording.duration > 0


@pytest.mark.parametrize("hears_silence", [False, True])
async def test_silence_is_told_to_a_connection_only_if_it_flows_by_itself(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, hears_silence: bool
) -> None:
    assert PageConnection.hears_silence
    assert not RealtimeConnection.hears_silence
    told: list[int] = []
    send = RealtimeConnection.send

    async def note(connection: RealtimeConnection, actions: Any, *, last: bool = False) -> None:
        told.append(len(actions))
        await send(connection, actions, last=last)

    monkeypatch.setattr(RealtimeConnection, "send", note)
    monkeypatch.setattr(RealtimeConnection, "hears_silence", hears_silence)
    silence = Recording(np.zeros(16_000, np.int16), 16_000)
    async with Session(LiveRecording(silence, 20), server=scripted.url, turn_detection=ENERGY, journal=None) as quiet:
        await quiet.wait()
    assert not any(told)
    assert (len(told) > 5) is hears_silence
