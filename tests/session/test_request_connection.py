"""Sessions that send requests: results as over one connection, and where they fail, one clear sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import ConnectionLostError, ModelNotFoundError, ServerAuthError
from ipyspeaches.protocol.http import request_protocol
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.state import SessionState
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.vad.detectors import EnergyVad
from request_sessions import heard, session, warnings
from scripted_http import Posted, Reply, deltas, document, recorded, words

pytestmark = pytest.mark.usefixtures("quick_retries")


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  a server on another thread has no event for it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transport", ["chunked", "sse"])
@pytest.mark.parametrize("pace", [0, 8])
async def test_a_recording_becomes_a_transcript(http_script: Any, bursts: Recording, transport: str, pace: int) -> None:
    if transport == "sse":
        http_script.answer = lambda posted: deltas(" utterance", f" {posted.number}")
    running, seen = await heard(http_script, bursts, transport, pace=pace)
    assert running.transcript.text == "utterance 0 utterance 1 utterance 2"
    assert [segment.start for segment in running.transcript] == pytest.approx([1, 3, 5], abs=0.03)
    assert [segment.end for segment in running.transcript] == pytest.approx([2, 4, 6], abs=0.03)
    assert [segment.item_id for segment in running.transcript] == ["utterance_0", "utterance_1", "utterance_2"]
    assert [posted.duration_s for posted in http_script.posted] == pytest.approx([1.6] * 3, abs=0.05)
    assert warnings(seen) == []
    partials = [event.text for event in seen if isinstance(event, events.Partial) and event.item_id == "utterance_1"]
    assert partials == (["utterance", "utterance 1"] if transport == "sse" else [])


@pytest.mark.parametrize("transport", ["chunked", "sse"])
async def test_latencies_are_counted_from_the_end_of_speech(
    http_script: Any, bursts: Recording, transport: str
) -> None:
    http_script.answer = lambda posted: deltas(" a") if transport == "sse" else document(text="a")
    running, _ = await heard(http_script, bursts, transport, pace=8)
    for row in running.latency:
        assert 0 < row.vad_stop_ms <= row.commit_ms <= row.final_ms
        assert (row.commit_ms <= row.first_partial_ms <= row.final_ms) == (transport == "sse")


async def test_word_times_are_on_the_session_clock(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: words("hello", ("hello", 0.3, 1.3))
    running, _ = await heard(http_script, bursts)
    assert [word.word for word in running.transcript.words] == ["hello"] * 3
    assert [word.start for word in running.transcript.words] == pytest.approx([1, 3, 5], abs=0.03)


async def test_answers_in_any_order_are_shown_in_the_order_of_speech(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: Reply(
        pieces=(f'{{"text": "utterance {posted.number}"}}',), after_s=0.4 if posted.number == 0 else 0
    )
    running, seen = await heard(http_script, bursts)
    finals = [event.item_id for event in seen if isinstance(event, events.Final)]
    assert finals[-1] == "utterance_0"
    assert running.transcript.text == "utterance 0 utterance 1 utterance 2"
    assert http_script.most_at_once == request_protocol.MOST_IN_FLIGHT


async def test_what_the_recogniser_is_told_reaches_it(http_script: Any, bursts: Recording) -> None:
    told: dict[str, Any] = {"language": "zh", "prompt": "Anna", "hotwords": "Speaches", "temperature": 0.5}
    await heard(http_script, bursts, **told)
    assert {name: http_script.posted[0].fields[name] for name in told} == {**told, "temperature": "0.5"}


async def test_translation_has_an_endpoint_of_its_own(http_script: Any, bursts: Recording) -> None:
    _, seen = await heard(http_script, bursts, task="translate", language="zh")
    assert {posted.path for posted in http_script.posted} == {"/v1/audio/translations"}
    assert warnings(seen) == ["no_effect"]


async def test_recorded_exchanges_become_transcripts(http_script: Any, bursts: Recording) -> None:
    http_script.script(recorded("sse"), recorded("sse-long"), recorded("sse"))
    running, _ = await heard(http_script, bursts, "sse")
    assert len(running.transcript) == 3
    assert "  " not in running.transcript.text
    answer = json.loads(recorded("transcription-verbose_json-words").pieces[0])
    for word in answer["words"]:  # it is of a longer recording
        word |= {"start": word["start"] / answer["duration"], "end": word["end"] / answer["duration"]}
    http_script.script(document(**answer))
    running, _ = await heard(http_script, bursts)
    assert len(running.transcript.words) == 3 * 16


async def test_a_pause_ends_the_utterance_and_drops_nothing_of_a_recording(http_script: Any, bursts: Recording) -> None:
    running = session(http_script, bursts, pace=8)
    await running.start()
    await asyncio.sleep(0.2)
    await running.pause()
    await asyncio.sleep(0.1)
    await running.resume()
    await running.wait()
    assert running.recording.duration == pytest.approx(7, abs=0.001)
    assert len(running.transcript) >= 3


async def test_changes_count_from_the_next_utterance_on(http_script: Any, bursts: Recording) -> None:
    seen: list[Any] = []
    running = session(http_script, bursts, pace=4, on_event=seen.append)
    await running.start()
    await until(lambda: http_script.posted)
    await running.set_model("test/other")
    await running.set_language("zh")
    await running.wait()
    asked = [(posted.fields["model"], posted.fields.get("language")) for posted in http_script.posted]
    assert asked[0] == ("test/model", None)
    assert asked[-1] == ("test/other", "zh")
    assert any(isinstance(event, events.Reconfigured) for event in seen)


async def test_the_key_is_sent_and_never_shown(http_script: Any, bursts: Recording) -> None:
    http_script.script(recorded("error-500-engine"))
    running, seen = await heard(http_script, bursts, api_key="very-secret")
    assert http_script.posted[0].headers["authorization"] == "Bearer very-secret"
    assert "very-secret" not in repr(seen) + repr(vars(running)) + repr(running.events.columns())


async def test_windows_are_cut_by_the_clock_and_silence_is_not_sent(http_script: Any, bursts: Recording) -> None:
    quiet = Recording(np.concatenate((bursts.samples, np.zeros(16_000 * 8, np.int16))), bursts.rate)
    running, seen = await heard(http_script, quiet, chunk_s=3)
    # 0-3, 2.25-6 (nobody speaks at 3 s), 4.5-9 (somebody does at 6 s), and nothing after that.
    assert [posted.duration_s for posted in http_script.posted] == pytest.approx([3, 3.75, 4.5], abs=0.01)
    assert [segment.start for segment in running.transcript] == pytest.approx([1, 3, 5.25], abs=0.03)
    stopped = [event for event in seen if isinstance(event, events.SpeechStopped)]
    assert len(stopped) == 3
    assert len(running.latency) == 3


async def test_words_where_windows_overlap_are_told_once(http_script: Any, bursts: Recording) -> None:
    speech = Recording(np.tile(bursts.slice(1, 2).samples, 7), bursts.rate)
    spoken = [(f"word{number}", 0.4 * number, 0.4 * number + 0.38) for number in range(17)]

    def recognise(posted: Posted) -> Reply:
        # Window k begins where the one before ended, less the overlap.
        start_s = max(0.0, 3 * posted.number - 1.5)
        whole = [
            (word, start - start_s, end - start_s)
            for word, start, end in spoken
            if start >= start_s and end <= start_s + posted.duration_s
        ]
        return words(" ".join(word for word, _, _ in whole), *whole)

    http_script.answer = recognise
    running, _ = await heard(http_script, speech, chunk_s=3)
    assert running.transcript.text == " ".join(word for word, _, _ in spoken)
    assert len(http_script.posted) == 3
    starts = [segment.start for segment in running.transcript]
    assert starts == pytest.approx([0, 2.25, 5.25], abs=0.03)


async def test_speech_that_is_split_at_a_pause_leaves_what_follows_the_pause_to_the_next_request(
    http_script: Any, bursts: Recording
) -> None:
    # Speech at 1-2 and 2.2-3.7 s, too long for one utterance; that is known when half of the second part was heard.
    burst, quiet = bursts.slice(1, 2).samples, bursts.slice(0, 1).samples
    parts = (quiet, burst, quiet[: bursts.rate // 5], burst, burst[: bursts.rate // 2], quiet)
    speech = Recording(np.concatenate(parts), bursts.rate)
    turn = TurnDetection.client(EnergyVad(threshold=500, max_speech_duration_s=2.5), hangover_ms=100)
    running, seen = await heard(http_script, speech, turn_detection=turn)
    edges = [(segment.start, segment.end) for segment in running.transcript]
    assert edges == [pytest.approx((1, 2), abs=0.03), pytest.approx((2.2, 3.7), abs=0.03)]
    sent = [(event.start_s, event.end_s) for event in seen if isinstance(event, events.Sent)]
    assert sent == [pytest.approx((0.7, 2.1), abs=0.03), pytest.approx((2.1, 3.8), abs=0.03)]
    # Both are on their way at a time, and may arrive in any order.
    durations = {posted.name: posted.duration_s for posted in http_script.posted}
    assert durations == pytest.approx({"utterance_0.wav": 1.4, "utterance_1.wav": 1.7}, abs=0.03)


# Requests that fail, or take too long


class LiveSource(RecordedSource):
    """A recording that does not wait, as a microphone does not."""

    live = True


@pytest.mark.parametrize("name", ["sse-broken-at-once", "sse-bad-language"])
async def test_a_stream_that_breaks_without_text_is_tried_again_and_costs_its_utterance_only(
    http_script: Any, bursts: Recording, name: str
) -> None:
    http_script.answer = lambda posted: recorded(name) if posted.number == 1 else deltas(f" text {posted.number}")
    running, seen = await heard(http_script, bursts, "sse")
    assert running.state is SessionState.STOPPED
    assert running.transcript.text == "text 0 text 2"
    assert [posted.number for posted in http_script.posted].count(1) == 1 + len(request_protocol.BROKEN_WAITS_S)
    assert warnings(seen) == ["utterance_failed"]


async def test_a_stream_that_breaks_once_is_told_once(http_script: Any, bursts: Recording) -> None:
    http_script.script(deltas(" good", done=None), deltas(" good", " morning"))
    running, seen = await heard(http_script, bursts, "sse")
    assert running.transcript.text == "good morning good morning good morning"
    assert warnings(seen) == []


async def test_half_a_stream_again_and_again_is_kept_with_a_warning(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: recorded("sse-broken") if posted.number == 0 else deltas(" fine")
    running, seen = await heard(http_script, bursts, "sse")
    assert running.transcript[0].text.startswith("in being comparatively modern")
    assert running.transcript.text.count("in being comparatively modern produced the block looks") == 1
    assert warnings(seen) == ["incomplete"]
    assert ["may be incomplete" in gap.reason for gap in running.transcript.missing] == [True]
    assert running.transcript.partial == ""


@pytest.mark.parametrize("transport", ["chunked", "sse"])
@pytest.mark.parametrize(
    ("reply", "cure"),
    [
        (recorded("error-415-junk"), "proxy that changes uploads"),
        (recorded("error-422-format"), "correct the option"),
        (recorded("error-500-engine"), "server's log"),
        (Reply(content_type="text/html", pieces=("<html>",)), "base address of one"),
    ],
)
async def test_a_refusal_costs_its_utterance_and_names_the_cure(
    http_script: Any, bursts: Recording, transport: str, reply: Reply, cure: str
) -> None:
    http_script.answer = lambda posted: reply if posted.number == 1 else document(text=f"text {posted.number}")
    running, seen = await heard(http_script, bursts, transport)
    assert running.state is SessionState.STOPPED
    assert running.transcript.text == "text 0 text 2"
    (warning,) = [event for event in seen if isinstance(event, events.Warning)]
    assert warning.kind == "utterance_failed"
    assert warning.text.startswith("The server could not transcribe 3.0 to 4.0 s: ")
    assert cure in warning.text


@pytest.mark.parametrize(
    ("name", "kind"), [("error-403-wrong-key", ServerAuthError), ("error-404-model", ModelNotFoundError)]
)
@pytest.mark.parametrize("transport", ["chunked", "sse"])
async def test_a_refusal_for_good_ends_the_session_and_keeps_what_there_is(
    http_script: Any, bursts: Recording, transport: str, name: str, kind: type[Exception]
) -> None:
    http_script.answer = lambda posted: document(text="first") if posted.number == 0 else recorded(name)
    running = session(http_script, bursts, transport, pace=8)
    await running.start()
    with pytest.raises(kind):
        await asyncio.wait_for(running.wait(), 10)
    assert running.state is SessionState.FAILED
    assert running.transcript.text == "first"
    assert running.recording.duration > 2


async def test_a_busy_server_is_asked_again(http_script: Any, bursts: Recording) -> None:
    http_script.script(Reply(503), None, document(text="there"))
    running, seen = await heard(http_script, bursts)
    assert running.transcript.text == "there there there"
    assert warnings(seen) == ["retrying"]
    assert len(http_script.posted) == 5


@pytest.mark.parametrize("transport", ["chunked", "sse"])
async def test_a_server_that_is_busy_for_long_is_lost_and_had_again_and_loses_nothing(
    http_script: Any, bursts: Recording, transport: str
) -> None:
    text = deltas(" there") if transport == "sse" else document(text="there")
    http_script.script(*[Reply(503)] * 8, text)
    running, seen = await heard(http_script, bursts, transport)
    assert running.transcript.text == "there there there"
    assert len(running.transcript.missing) == 0
    assert any(isinstance(event, events.Reconnected) for event in seen)


async def test_a_server_that_stays_busy_for_too_long_ends_a_recording_with_the_reason(
    http_script: Any, bursts: Recording
) -> None:
    http_script.script(Reply(503))
    running = session(http_script, bursts, give_up_s=0.5)
    await running.start()
    with pytest.raises(ConnectionLostError, match=r"could not be had again within 0.5 s: .*HTTP 503"):
        await asyncio.wait_for(running.wait(), 30)
    first = running.transcript.missing[0]
    assert first.start == pytest.approx(1, abs=0.03)
    assert "HTTP 503" in first.reason


async def test_a_recording_waits_for_a_slow_server(
    http_script: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.MAX_PENDING", 1)
    http_script.answer = lambda posted: Reply(pieces=('{"text": "slow"}',), after_s=0.2)
    running, seen = await heard(http_script, bursts)
    assert running.transcript.text == "slow slow slow"
    assert http_script.most_at_once == 1
    assert warnings(seen) == []


async def test_live_audio_does_not_wait_and_what_waits_is_joined(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: Reply(pieces=('{"text": "slow"}',), after_s=0.5)
    source = LiveSource(Recording(np.tile(bursts.samples, 3), bursts.rate), 20.0)
    running, seen = await heard(http_script, source, pace=None)
    assert warnings(seen) == ["behind"]
    assert running.recording.duration == pytest.approx(21, abs=0.01)
    assert len(http_script.posted) < 9
    spans = [(segment.start, segment.end) for segment in running.transcript]
    assert spans == sorted(spans)
    assert (spans[0][0], spans[-1][1]) == pytest.approx((1, 20), abs=0.03)
    assert sum(posted.duration_s for posted in http_script.posted) > 9 * 1.5
    assert len(running.latency) == len(running.transcript)
    assert all(row.vad_stop_ms > 0 for row in running.latency)


async def test_an_answer_after_the_end_is_nothing_and_leaves_nothing(
    http_script: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ipyspeaches.session.delivery.SETTLE_S", 0.1)
    http_script.answer = lambda posted: Reply(pieces=('{"text": "late"}',), after_s=0.5)
    running, seen = await heard(http_script, bursts)
    assert running.state is SessionState.STOPPED
    assert warnings(seen) == ["unanswered"]
    before = len(seen)
    await asyncio.sleep(0.7)
    assert len(seen) == before
    assert len(running.transcript) == 0
    assert caplog.records == []

    async def tasks() -> list[str]:
        return [repr(task) for task in asyncio.all_tasks() if "_serve" in repr(task)]

    assert await ENGINE.call(tasks()) == []


async def test_a_fault_in_the_connection_ends_the_session_instead_of_hanging_it(
    http_script: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(request_protocol.RequestProtocol, "receive_outcome", fails)
    running = session(http_script, bursts)
    await running.start()
    with pytest.raises(Exception, match="failed unexpectedly"):
        await asyncio.wait_for(running.wait(), 10)
