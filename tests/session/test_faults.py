"""Whatever goes wrong is one clear sentence, and what was heard is kept."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import (
    ConnectionLostError,
    InputError,
    MicrophoneError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerUnreachableError,
)
from ipyspeaches.protocol.protocol_events import Unknown
from ipyspeaches.results.segment import Segment
from ipyspeaches.session import events
from ipyspeaches.session.connection import PATIENCE_S, Connection
from ipyspeaches.session.delivery import LOADING_S, REFUSED_S, SETTLE_S, SLOWEST, Delivery
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session, transcribe
from ipyspeaches.session.state import SessionState
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.vad.detectors import EnergyVad
from live_recording import LiveRecording
from scripted_server import ScriptedServer, serving, without_loopback
from sessions import ENERGY, session


@pytest.mark.parametrize("turn_detection", [ENERGY, TurnDetection.server()], ids=["client", "server"])
async def test_a_server_that_cannot_reach_itself_is_named_with_the_setting(
    scripted: Any, bursts: Recording, turn_detection: TurnDetection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.FIRST_WAIT_S", 0.01)
    without_loopback(scripted, client_cuts=turn_detection.client_cuts)
    running = Session(bursts, server=scripted.url, turn_detection=turn_detection, pace=0)
    with pytest.raises(ConnectionLostError, match="LOOPBACK_HOST_URL=http://localhost:8000"):
        async with running:
            await running.wait()
    assert running.state is SessionState.FAILED
    assert "LOOPBACK_HOST_URL" in str(running.error)
    assert len(running.recording.samples) > 0, "what was heard is kept"


async def test_a_cut_connection_that_shall_not_be_had_again_is_one_clear_error_and_keeps_everything(
    scripted: Any, bursts: Recording
) -> None:
    scripted.cut_after = 1
    running = session(scripted, bursts, give_up_s=0)
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
    monkeypatch.setattr("ipyspeaches.session.delivery.SETTLE_S", 0.3)
    scripted.mute_after = 2
    async with session(scripted, bursts) as running:
        await asyncio.wait_for(running.wait(), 60)
    assert len(running.transcript) == 2
    assert [gap.reason for gap in running.transcript.missing] == ["the server did not answer for 0 s"]
    texts = running.events.columns()["text"]
    assert any("1 utterance has no text" in text for text in texts)


async def test_a_server_that_answers_nothing_may_be_loading_its_model(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.SETTLE_S", 0.3)
    scripted.mute_after = 0
    async with session(scripted, bursts) as running:
        await asyncio.wait_for(running.wait(), 60)
    assert "did not answer for 0 s. If it was still loading its model" in str(running.failure)


@pytest.mark.parametrize("cuts", [ENERGY, TurnDetection.server()], ids=["client", "server"])
async def test_a_silent_server_is_waited_for_by_the_audio_that_it_has(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch, cuts: TurnDetection
) -> None:
    patience_s: list[float] = []

    async def settle(_connection: Connection, silence_s: Callable[[], float], *, below: int = 1) -> bool:
        patience_s.append(silence_s())
        return below > 1

    monkeypatch.setattr(Connection, "settle", settle)
    scripted.mute_after = 0
    async with Session(bursts, server=scripted.url, turn_detection=cuts, pace=0) as running:
        await running.wait()
    spoken_s = 3.0 if cuts.client_cuts else running.recording.duration
    assert patience_s[-1] == pytest.approx(LOADING_S + SLOWEST * spoken_s, abs=1)
    assert patience_s[-1] < SETTLE_S


class Alive(Connection):
    """One text is pending for ever, and the server says all the time that it is alive."""

    pending = 1
    open = send = flush = reconfigure = close = None  # type: ignore[assignment]

    async def say(self) -> None:
        while True:
            self._receive([Unknown("keepalive", {})])
            await asyncio.sleep(0.01)


async def test_a_server_that_says_for_ever_that_it_is_alive_is_not_waited_for_without_end() -> None:
    kept: Any = Alive
    alive = kept(lambda _event: None)
    saying = asyncio.create_task(alive.say())
    assert not await asyncio.wait_for(alive.settle(lambda: 0.1), 60)
    assert alive.waited_s > 0.3, "as long as it was, and not only the time until the next sign of life"
    saying.cancel()


async def connect(_after: Connection | None, _beside: bool) -> Connection:
    raise AssertionError


@pytest.mark.parametrize(
    ("latency_s", "alive_s", "patience_s"),
    [(30.0, PATIENCE_S, 60.0), (None, PATIENCE_S, REFUSED_S), (500.0, PATIENCE_S, SETTLE_S), (None, 40.0, 47.0)],
)
def test_a_slow_server_is_waited_for_as_long_as_it_takes(
    latency_s: float | None, alive_s: float, patience_s: float
) -> None:
    running = Session(Recording(np.zeros(1600, np.int16), 16_000), pace=0)
    running.transcript.append(Segment(0, 1, "one", latency_s=latency_s))
    delivery = Delivery(
        connect,
        running._backlog,
        running._recorder,
        live=False,
        give_up_s=None,
        max_session_s=None,
        on_change=lambda: None,
    )
    assert delivery.patience_s(cast("Connection", SimpleNamespace(patience_s=alive_s))) == patience_s


async def test_a_server_that_reports_an_error_in_place_of_a_text_is_not_waited_for_as_long(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.REFUSED_S", 0.3)
    scripted.mute_after, scripted.mute_says = 0, ['{"type": "error", "error": "model not loaded"}']
    with pytest.raises(ProtocolError, match="the server reported “model not loaded” and gave no text"):
        await asyncio.wait_for(transcribe(bursts, server=scripted.url, turn_detection=ENERGY), 60)


async def test_a_recording_does_not_wait_for_ever_for_a_server_that_answers_nothing(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.SETTLE_S", 0.3)
    scripted.mute_after = 2
    longer = Recording(np.tile(bursts.samples, 5), bursts.rate)  # 15 utterances
    with pytest.warns(UserWarning, match="did not answer"):
        transcript = await asyncio.wait_for(transcribe(longer, server=scripted.url, turn_detection=ENERGY), 60)
    assert len(transcript) == 2
    assert transcript.missing[-1].end == pytest.approx(longer.duration, abs=1.1)


async def test_malformed_and_unknown_events_are_kept_and_not_fatal(scripted: Any, bursts: Recording) -> None:
    scripted.extra = ["{not json", "[1, 2]", '{"type": "brand.new", "x": 1}', '{"no": "type"}', '"text"']
    scripted.extra.append(json.dumps({"type": "error", "error": {"message": "busy", "type": "server_error"}}))
    async with session(scripted, bursts) as running:
        await running.wait()
    assert len(running.transcript) == 3
    columns = running.events.columns()
    assert "brand.new" in columns["type"]
    assert any("busy" in text for text in columns["text"])


@pytest.mark.parametrize(
    ("first", "kind", "words"),
    [
        ('{"type": "error", "error": {"message": "No slot is free."}}', ProtocolError, "“No slot is free.”"),
        ("Welcome!", NotSpeachesError, "began with “Welcome!” instead of session.created"),
    ],
)
async def test_a_server_that_will_open_no_session_is_not_waited_for(
    first: str, kind: type[Exception], words: str, scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.realtime_connection.READY_TIMEOUT_S", 3600)
    scripted.first = first
    with pytest.raises(kind) as failed:
        await asyncio.wait_for(session(scripted, bursts).start(), 60)
    assert words in str(failed.value)


async def test_a_server_that_begins_in_another_way_is_named_when_it_says_no_more(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.realtime_connection.READY_TIMEOUT_S", 30)
    monkeypatch.setattr("ipyspeaches.session.realtime_connection.BEGIN_TIMEOUT_S", 1)
    scripted.first = '{"type": "Begin", "id": "1"}'
    with pytest.raises(NotSpeachesError, match="began with “Begin” instead"):
        await session(scripted, bursts).start()


async def test_a_key_that_the_server_quotes_is_nowhere(scripted: Any, bursts: Recording) -> None:
    said = {"message": "The key sk-secret is over its limit", "type": "server_error"}
    scripted.extra = [json.dumps({"type": "error", "error": said})]
    async with session(scripted, bursts, api_key="sk-secret") as running:
        await running.wait()
    columns = repr(running.events.columns())
    assert "The key … is over its limit" in columns
    assert "sk-secret" not in columns


@pytest.mark.parametrize("key", ["utterance", "item", "a", "conversation", "session"])
async def test_a_word_that_is_the_key_too_is_kept(key: str, scripted: Any, bursts: Recording) -> None:
    said = await transcribe(bursts, server=scripted.url, turn_detection=ENERGY, api_key=key)
    assert said.text == "utterance 1 utterance 2 utterance 3"


async def test_an_unreachable_server_is_named(bursts: Recording) -> None:
    running = Session(bursts, server="http://127.0.0.1:9", pace=0)
    with pytest.raises(ServerUnreachableError, match=r"127\.0\.0\.1:9"):
        await running.start()
    assert running.state is SessionState.FAILED


async def test_an_unknown_model_is_refused_before_audio_flows(scripted: Any, bursts: Recording) -> None:
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


async def test_what_came_before_a_connection_was_lost_is_returned_with_what_is_missing(
    scripted: Any, bursts: Recording
) -> None:
    scripted.cut_after = 1
    with pytest.warns(UserWarning, match=r"no text .* see \.missing"):
        transcript = await transcribe(bursts, server=scripted.url, turn_detection=ENERGY, give_up_s=0)
    assert transcript.text == "utterance 1"
    assert transcript.missing[0].start == pytest.approx(3, abs=0.3)
    # To the end of the last utterance, or of the recording if that was not heard to its end.
    assert 6 - 0.1 < max(gap.end for gap in transcript.missing) < 7 + 0.1
    assert all(str(gap.reason) for gap in transcript.missing)


async def test_no_text_at_all_from_a_server_is_an_error(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 0
    with pytest.raises(ConnectionLostError):
        await transcribe(bursts, server=scripted.url, turn_detection=ENERGY, give_up_s=0)


async def test_utterances_that_all_fail_are_an_error_with_the_reason(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.SETTLE_S", 0.3)
    scripted.mute_after = 0
    with pytest.raises(ProtocolError, match="did not answer"):
        await transcribe(bursts, server=scripted.url, turn_detection=ENERGY)


async def test_a_recording_without_speech_is_an_empty_result_that_says_so(scripted: Any) -> None:
    silence = Recording(np.zeros(32_000, np.int16), 16_000)
    with pytest.warns(UserWarning, match="no speech was found"):
        transcript = await transcribe(silence, server=scripted.url, turn_detection=ENERGY)
    assert [(gap.start, gap.end) for gap in transcript.missing] == [(0, 2)]


async def test_a_warning_that_is_an_error_leaves_what_came(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning, match=r"see \.missing") as raised:
            await transcribe(bursts, server=scripted.url, turn_detection=ENERGY, give_up_s=0)
    left: Any = raised.value
    assert left.transcript.text == "utterance 1"


async def test_a_cancelled_transcription_leaves_what_came(scripted: Any, bursts: Recording) -> None:
    scripted.mute_after = 1
    at_work = asyncio.create_task(transcribe(bursts, server=scripted.url, turn_detection=ENERGY, on_event=None))
    while sum(message["type"] == "input_audio_buffer.commit" for message in scripted.received) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    at_work.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await at_work
    left: Any = cancelled.value
    assert left.transcript.text == "utterance 1"
    assert len(left.transcript.missing)
    assert "this exception's .transcript: Transcript(1 segments" in "".join(left.__notes__)


async def test_a_time_limit_has_what_came_in_its_cause(scripted: Any, bursts: Recording) -> None:
    scripted.mute_after = 1

    def reached(event: object) -> None:
        if isinstance(event, events.Final):
            loop.call_soon_threadsafe(lambda: limit.reschedule(loop.time()))

    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError) as late:
        async with asyncio.timeout(None) as limit:
            await transcribe(bursts, server=scripted.url, turn_detection=ENERGY, on_event=reached)
    cause: Any = late.value.__cause__
    assert cause.transcript.text == "utterance 1"


class Behind(ScriptedServer):
    """Cuts by itself, and confirms settings while its VAD is still at work; finds so many utterances."""

    finds = 3

    async def _heard(self, socket: ServerConnection) -> AsyncIterator[dict[str, Any]]:
        updates = 0
        async for heard in super()._heard(socket):
            yield heard
            updates += heard["type"] == "session.update"
            if updates == 2:  # the barrier at the end
                updates = 0
                for number in range(1, self.finds + 1):
                    await asyncio.sleep(0.1)
                    for kind, at in (("started", "start"), ("stopped", "end")):
                        await asyncio.sleep(0.05)
                        told = {"item_id": f"item_{number}", f"audio_{at}_ms": 1000 if at == "start" else 2000}
                        await socket.send(json.dumps({"type": f"input_audio_buffer.speech_{kind}", **told}))
                    await socket.send(await self._commit(socket, number))


@pytest.mark.parametrize(
    ("finds", "source"), [(0, LiveRecording), (0, RecordedSource), (2, RecordedSource), (3, RecordedSource)]
)
async def test_a_server_that_cuts_is_heard_out_and_what_it_passes_over_is_missing(
    bursts: Recording, finds: int, source: type[RecordedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.BEHIND_S", 10.0 if finds == 3 else 0.5)
    with serving(Behind()) as server:
        server.finds = finds
        cuts = TurnDetection.server(detector=EnergyVad())
        async with Session(source(bursts), server=server.url, turn_detection=cuts) as running:
            await running.wait()
    assert [one.start for one in running.transcript] == pytest.approx([1, 3, 5][:finds], abs=0.05)
    missing = running.transcript.missing
    assert [gap.start for gap in missing] == pytest.approx([1, 3, 5][finds:], abs=0.05)
    assert all(gap.reason == "the server cut no utterance out of what sounds like speech here" for gap in missing)
