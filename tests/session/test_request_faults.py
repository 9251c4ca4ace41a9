"""Requests that fail, or take too long: one clear sentence, and what was heard is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import ModelNotFoundError, ServerAuthError
from ipyspeaches.protocol import exchange
from ipyspeaches.session import ENGINE, SessionState, events, live
from ipyspeaches.sources import RecordedSource
from request_sessions import heard, session, warnings
from scripted_http import Reply, deltas, document, recorded

pytestmark = pytest.mark.usefixtures("quick_retries")


class LiveSource(RecordedSource):
    """A recording that does not wait, as a microphone does not."""

    live = True


@pytest.mark.parametrize("name", ["sse-broken-at-once", "sse-bad-language"])
async def test_a_stream_that_breaks_without_text_is_tried_twice_and_costs_its_utterance_only(
    http_script: Any, bursts: Recording, name: str
) -> None:
    http_script.answer = lambda posted: recorded(name) if posted.number == 1 else deltas(f" text {posted.number}")
    running, seen = await heard(http_script, bursts, "sse")
    assert running.state is SessionState.STOPPED
    assert running.transcript.text == "text 0 text 2"
    assert [posted.number for posted in http_script.posted].count(1) == 2
    assert warnings(seen) == ["utterance_failed"]


async def test_a_stream_that_breaks_once_is_told_once(http_script: Any, bursts: Recording) -> None:
    http_script.script(deltas(" good", done=None), deltas(" good", " morning"))
    running, seen = await heard(http_script, bursts, "sse")
    assert running.transcript.text == "good morning good morning good morning"
    assert warnings(seen) == []


async def test_half_a_stream_twice_is_kept_with_a_warning(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: recorded("sse-broken") if posted.number == 0 else deltas(" fine")
    running, seen = await heard(http_script, bursts, "sse")
    assert running.transcript[0].text.startswith("in being comparatively modern")
    assert running.transcript.text.count("in being comparatively modern produced the block looks") == 1
    assert warnings(seen) == ["incomplete"]
    assert running.transcript.partial == ""


@pytest.mark.parametrize("transport", ["chunked", "sse"])
@pytest.mark.parametrize(
    ("reply", "cure"),
    [
        (recorded("error-415-junk"), "proxy that changes uploads"),
        (recorded("error-422-format"), "Correct the option"),
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


async def test_a_server_that_stays_busy_costs_texts_but_neither_sound_nor_session(
    http_script: Any, bursts: Recording
) -> None:
    http_script.script(Reply(503))
    running, seen = await heard(http_script, bursts)
    assert running.state is SessionState.STOPPED
    assert len(running.transcript) == 0
    assert warnings(seen) == ["retrying", *["utterance_failed"] * 3]
    assert running.recording.duration == pytest.approx(7, abs=0.001)


async def test_a_recording_waits_for_a_slow_server(
    http_script: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_PENDING", 1)
    http_script.answer = lambda posted: Reply(pieces=('{"text": "slow"}',), after_s=0.2)
    running, seen = await heard(http_script, bursts)
    assert running.transcript.text == "slow slow slow"
    assert http_script.most_at_once == 1
    assert warnings(seen) == []


async def test_live_sound_does_not_wait_and_what_waits_is_joined(http_script: Any, bursts: Recording) -> None:
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
    monkeypatch.setattr(live, "SETTLE_S", 0.1)
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


async def test_a_fault_in_the_conversation_ends_the_session_instead_of_hanging_it(
    http_script: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(exchange.RequestProtocol, "take", fails)
    running = session(http_script, bursts)
    await running.start()
    with pytest.raises(Exception, match="failed unexpectedly"):
        await asyncio.wait_for(running.wait(), 10)
