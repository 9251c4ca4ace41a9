"""Sessions that send requests: results as over one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.protocol import exchange
from ipyspeaches.session import events
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
    assert http_script.most_at_once == exchange.MOST_IN_FLIGHT


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
    http_script.script(recorded("transcription-verbose_json-words"))
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


async def test_words_at_the_seams_of_windows_are_told_once(http_script: Any, bursts: Recording) -> None:
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
