"""A session over a real connection: results in order, and one clear sentence for whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio import AudioBlock
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import (
    AudioError,
    ConnectionLostError,
    InputError,
    MicrophoneError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerUnreachableError,
    StateError,
)
from ipyspeaches.session import Session, SessionState, TurnDetection, events, live, run, transcribe
from ipyspeaches.sources import RecordedSource
from ipyspeaches.vad import EnergyVad
from scripted_server import without_loopback

ENERGY = TurnDetection.client(EnergyVad(threshold=500))


def session(scripted: Any, recording: Recording, **options: Any) -> Session:
    return Session(recording, server=scripted.url, turn_detection=ENERGY, pace=0, **options)


async def next_event(running: Session, kind: type) -> Any:
    """Return the next event of a kind from a session that is under way."""
    async for event in running:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


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


@pytest.mark.parametrize("turn_detection", [ENERGY, TurnDetection.server()], ids=["client", "server"])
async def test_a_server_that_cannot_reach_itself_is_named_with_the_setting(
    scripted: Any, bursts: Recording, turn_detection: TurnDetection
) -> None:
    without_loopback(scripted, client_cuts=turn_detection.client_cuts)
    running = Session(bursts, server=scripted.url, turn_detection=turn_detection, pace=0)
    with pytest.raises(ProtocolError, match="LOOPBACK_HOST_URL=http://localhost:8000"):
        async with running:
            await running.wait()
    assert running.state is SessionState.FAILED
    assert "LOOPBACK_HOST_URL" in str(running.error)
    assert len(running.recording.samples) > 0, "what was heard is kept"


async def test_only_speech_is_sent_and_all_of_it(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts) as running:
        await running.wait()
    appends = [m for m in scripted.received if m["type"] == "input_audio_buffer.append"]
    sent = [np.frombuffer(base64.b64decode(m["audio"]), dtype="<i2") for m in appends]
    assert all(len(audio) % 3 == 0 for audio in sent)
    # 1 s of speech, 300 ms before and 300 ms behind, three times.
    assert sum(map(len, sent)) == pytest.approx(3 * 1.6 * 24_000, rel=0.03)
    loud = sum(int((np.abs(audio.astype(int)) > 200).sum()) for audio in sent)
    heard = np.abs(running.recording.samples.astype(int)) > 200
    assert loud == int(heard.sum())


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


async def test_a_cut_connection_is_one_clear_error_and_keeps_everything(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 1
    running = session(scripted, bursts)
    await running.start()
    with pytest.raises(ConnectionLostError) as caught:
        await running.wait()
    assert str(caught.value).count("\n") == 0
    assert running.state is SessionState.FAILED
    assert running.error is caught.value
    assert running.transcript.text == "utterance 1"
    assert running.recording.duration > 2


async def test_a_silent_server_does_not_hang_the_session(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SETTLE_S", 0.3)
    scripted.mute_after = 2
    async with session(scripted, bursts) as running:
        await asyncio.wait_for(running.wait(), 60)
    assert len(running.transcript) == 2
    texts = running.events.columns()["text"]
    assert any("1 utterances have no text" in text or "1 utterance has no text" in text for text in texts)


async def test_malformed_and_unknown_events_are_kept_and_not_fatal(scripted: Any, bursts: Recording) -> None:
    scripted.extra = ["{not json", "[1, 2]", '{"type": "brand.new", "x": 1}', '{"no": "type"}', '"text"']
    scripted.extra.append(json.dumps({"type": "error", "error": {"message": "busy", "type": "server_error"}}))
    async with session(scripted, bursts) as running:
        await running.wait()
    assert len(running.transcript) == 3
    columns = running.events.columns()
    assert "brand.new" in columns["type"]
    assert any("busy" in text for text in columns["text"])


async def test_an_unreachable_server_is_named(bursts: Recording) -> None:
    running = Session(bursts, server="http://127.0.0.1:9", pace=0)
    with pytest.raises(ServerUnreachableError, match=r"127\.0\.0\.1:9"):
        await running.start()
    assert running.state is SessionState.FAILED


async def test_an_unknown_model_is_refused_before_sound_flows(scripted: Any, bursts: Recording) -> None:
    running = session(scripted, bursts, model="no/such")
    with pytest.raises(ModelNotFoundError, match=r"no/such.*test/model"):
        await running.start()
    assert not any(message["type"].endswith("append") for message in scripted.received)


@pytest.mark.parametrize("address", ["ws://localhost:8000", "localhost:8000", "ftp://x"])
async def test_a_wrong_scheme_is_corrected(address: str, bursts: Recording) -> None:
    with pytest.raises(InputError, match="http://"):
        await Session(bursts, server=address, pace=0).start()


async def test_a_server_that_is_not_speaches(bursts: Recording) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(NotSpeachesError):
            await Session(bursts, server=f"http://127.0.0.1:{port}", pace=0).start()


async def test_start_twice_and_stop_before_start(scripted: Any, bursts: Recording) -> None:
    running = session(scripted, bursts)
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


async def test_a_missing_microphone_fails_in_words(scripted: Any) -> None:
    class Missing:
        kind, label, live = "kernel", "none", True

        async def blocks(self) -> Any:
            raise MicrophoneError("There is no microphone: plug one in.")
            yield

        def end(self) -> None:
            pass

    running = Session(Missing(), server=scripted.url)
    await running.start()
    with pytest.raises(MicrophoneError, match="plug one in"):
        await running.wait()


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
async def test_arrays_that_are_no_sound(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(AudioError):
        await transcribe(samples, rate)


async def test_an_array_needs_its_rate() -> None:
    with pytest.raises(InputError, match="rate=16000"):
        await transcribe(np.zeros(100, dtype=np.int16))


@pytest.mark.parametrize("source", ["browser", 42])
def test_sources_that_are_none(source: Any) -> None:
    with pytest.raises(InputError):
        Session(source)


def test_unknown_options_are_refused_by_name(bursts: Recording) -> None:
    with pytest.raises(InputError, match="Unknown option modell"):
        Session(bursts, modell="x")  # type: ignore[call-arg]


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


async def test_server_vad_changes_while_listening_and_is_confirmed(scripted: Any, bursts: Recording) -> None:
    turn = TurnDetection.server(0.9, 550, detector=EnergyVad())
    running = Session(bursts, server=scripted.url, turn_detection=turn, pace=4)
    async with running:
        await running.set_turn_detection(TurnDetection.server(0.4, 300, detector=EnergyVad()))
        with pytest.raises(StateError, match="from the next recording on"):
            await running.set_turn_detection(ENERGY)
        told = [event async for event in running if isinstance(event, events.Reconfigured)]
    confirmed = told[-1].turn_detection
    assert confirmed is not None
    assert (confirmed["threshold"], confirmed["silence_duration_ms"]) == (0.4, 300)
    sent = [m["session"]["turn_detection"] for m in scripted.received if m["type"] == "session.update"]
    full = {"type", "threshold", "silence_duration_ms", "prefix_padding_ms", "create_response"}
    assert all(set(turn_detection) == full for turn_detection in sent)


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


def changes_of(scripted: Any) -> list[dict[str, Any]]:
    """Return what the session's updates said about transcription."""
    updates = [m["session"] for m in scripted.received if m["type"] == "session.update"]
    return [session["input_audio_transcription"] for session in updates if "input_audio_transcription" in session]


async def test_language_and_model_change_between_utterances(scripted: Any, bursts: Recording) -> None:
    scripted.models.append("test/other")
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        assert (running.model, running.language) == ("test/model", None)
        await next_event(running, events.SpeechStarted)
        # Somebody is speaking: that utterance keeps what it began with.
        await running.set_language("zh")
        await running.set_model("test/other")
        await running.wait()
    assert scripted.transcribed == [
        {"model": "test/model", "language": None},
        *[{"model": "test/other", "language": "zh"}] * 2,
    ]
    assert (running.model, running.language) == ("test/other", "zh")
    told = [row for row in running.events.columns()["detail"] if "test/other" in row]
    assert told


async def test_none_lets_the_server_find_the_language_out(scripted: Any, bursts: Recording) -> None:
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4, language="zh") as running:
        assert running.language == "zh"
        await running.set_language(None)
        await running.wait()
    assert changes_of(scripted) == [
        {"model": "test/model", "language": "zh"},
        {"model": "test/model", "language": ""},
    ]
    assert running.language is None


async def test_an_unknown_model_changes_nothing(scripted: Any, bursts: Recording) -> None:
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        with pytest.raises(ModelNotFoundError, match=r"no/such.*choose one of test/model"):
            await running.set_model("no/such")
        assert running.model == "test/model"
        await running.wait()
    assert changes_of(scripted) == []
    assert len(running.transcript) == 3


async def test_a_server_that_confirms_something_else_is_a_warning(scripted: Any, bursts: Recording) -> None:
    scripted.stubborn = True
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        await running.set_language("zh")
        await running.wait()
    assert running.language is None
    assert "The server uses language = None, not 'zh' as asked." in running.events.columns()["text"]


async def test_changes_before_the_start_and_after_the_end(scripted: Any, bursts: Recording) -> None:
    running = session(scripted, bursts)
    await running.set_language("de")
    assert running.language == "de"
    starting = asyncio.create_task(running.start())
    await asyncio.sleep(0)
    await running.set_language("zh")  # waits until there is a connection that can be told
    await starting
    await running.wait()
    await running.set_language("en")
    await running.set_model("whatever")
    assert changes_of(scripted) == [{"model": "test/model", "language": language} for language in ("de", "zh")]


async def test_options_without_effect_are_named_once_with_the_way_that_has_them(
    scripted: Any, bursts: Recording
) -> None:
    told = {"prompt": "Names", "hotwords": "Speaches", "temperature": 0.2}
    async with session(scripted, bursts, **told) as running:
        await running.wait()
    warnings = [row for row in running.events.columns()["text"] if "no effect" in row]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "prompt, hotwords and temperature have no effect in a realtime session of this server"
    )
    assert 'transport="chunked" and transport="sse" send such options' in warnings[0]
    assert all("Names" not in json.dumps(message) for message in scripted.received)


async def test_a_single_option_without_effect(scripted: Any, bursts: Recording) -> None:
    async with session(scripted, bursts, prompt="Names") as running:
        await running.wait()
    assert any(row.startswith("prompt has no effect") for row in running.events.columns()["text"])


async def test_silence_is_not_sent_so_that_nothing_has_to_be_cleared(scripted: Any) -> None:
    noise = np.random.default_rng(5)
    sound = noise.normal(0, 10, 70 * 16_000)
    sound[65 * 16_000 : 66 * 16_000] = noise.normal(0, 4_000, 16_000)
    async with session(scripted, Recording(sound.astype(np.int16), 16_000)) as running:
        await running.wait()
    kinds = [message["type"].removeprefix("input_audio_buffer.") for message in scripted.received]
    assert "clear" not in kinds
    assert set(kinds) == {"session.update", "append", "commit"}
    sent = sum(len(base64.b64decode(m["audio"])) // 2 for m in scripted.received if m["type"].endswith("append"))
    assert sent < 2 * 24_000
    assert [segment.start for segment in running.transcript] == pytest.approx([65], abs=0.03)


async def test_a_server_that_cuts_is_spared_long_silence(scripted: Any) -> None:
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


class HeldUp(RecordedSource):
    """A microphone whose sound is held up once, as by a notebook that is busy, and then comes all at once."""

    live = True

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the recording, with a wait before its second 2.9."""
        position_s, waited = 0.0, False
        async for block in super().blocks():
            position_s += len(block.samples) / block.rate
            if position_s > 2.9 and not waited:
                waited = True
                await asyncio.sleep(1.5)
            yield block


async def test_sound_that_comes_late_is_told_and_marked(scripted: Any, bursts: Recording) -> None:
    seen: list[Any] = []
    options: dict[str, Any] = {"server": scripted.url, "turn_detection": ENERGY, "on_event": seen.append}
    async with Session(HeldUp(bursts, 8.0), **options) as running:
        await running.wait()
    assert running.transcript.text == "utterance 1 utterance 2 utterance 3"
    told = [event.text for event in seen if isinstance(event, events.Warning) and event.kind == "audio_late"]
    assert len(told) == 1, told
    sent = [event.late for event in seen if isinstance(event, events.Sent)]
    assert True in sent
    assert not sent[0]
