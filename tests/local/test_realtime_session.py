"""Sessions with the real server process: what comes for what was sent."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np
import openai
import pytest
from jiwer import wer
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed

from human_speech import words
from ipyspeaches import samples
from ipyspeaches.local import LocalServer
from realtime_client import MODEL, RealtimeClient, realtime_client

SENTENCES = samples.info("quickstart").sentences
SILENCE = np.zeros(24_000, dtype=np.int16)
COMPLETED = "input_audio_transcription.completed"


def sentence(audio: NDArray[np.int16], index: int, around_s: float = 0.3) -> NDArray[np.int16]:
    """Return one sentence as a client that cuts would send it."""
    start, end = SENTENCES[index].start - around_s, SENTENCES[index].end + around_s
    return audio[round(start * 24_000) : round(end * 24_000)]


async def final(client: RealtimeClient, item_id: str | None = None) -> dict[str, Any]:
    return await client.until(COMPLETED, lambda event: item_id in (None, event["item_id"]))


async def test_the_greeting_has_the_shape_of_a_speaches_server(local_server: LocalServer, root: Any) -> None:
    recorded = (root / "tests/data/exchanges/ws-server-vad.jsonl").read_text(encoding="utf-8").splitlines()[2]
    real = json.loads(recorded)["data"]
    async with realtime_client(local_server.url, f"model={MODEL}&intent=transcription&language=en") as client:
        ours = client.events[0]
    assert ours.keys() == real.keys()
    assert ours["session"].keys() == real["session"].keys()
    assert ours["session"]["turn_detection"].keys() == real["session"]["turn_detection"].keys()
    assert ours["session"]["input_audio_transcription"] == {"model": MODEL, "language": "en"}


async def test_server_vad_gives_an_item_a_sentence(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    async with realtime_client(local_server.url) as client:
        await client.update(turn_detection={"silence_duration_ms": 500, "prefix_padding_ms": 100})
        await client.append(np.concatenate((quickstart, SILENCE)))
        while len(client.all(COMPLETED)) < len(SENTENCES):
            await final(client)
    started, stopped = client.all("speech_started"), client.all("speech_stopped")
    committed, created = client.all("buffer.committed"), client.all("item.created")
    completed = {event["item_id"]: event for event in client.all(COMPLETED)}
    ids = [event["item_id"] for event in started]
    assert len(set(ids)) == len(SENTENCES)
    assert ids == [event["item_id"] for event in stopped] == [event["item_id"] for event in committed]
    assert ids == [event["item"]["id"] for event in created]
    assert [event["previous_item_id"] for event in committed] == [None, *ids[:-1]]
    before_s = 0.0
    for item_id, start, stop, said in zip(ids, started, stopped, SENTENCES, strict=True):
        seconds = completed[item_id]["usage"]["seconds"]
        assert stop["audio_end_ms"] == pytest.approx(seconds * 1000, abs=1)
        assert before_s + start["audio_start_ms"] / 1000 == pytest.approx(said.start - 0.1, abs=0.25)
        heard = completed[item_id]["words"]
        assert before_s + heard[0]["start"] == pytest.approx(said.start, abs=0.25)
        assert before_s + heard[-1]["end"] == pytest.approx(said.end, abs=0.3)
        before_s += seconds
    text = " ".join(completed[item_id]["transcript"] for item_id in ids)
    assert wer(words(samples.info("quickstart").text), words(text)) < 0.3


async def test_deltas_come_while_somebody_speaks_and_before_the_commit(
    local_server: LocalServer, quickstart: NDArray[np.int16]
) -> None:
    async with realtime_client(local_server.url) as client:
        await client.update(turn_detection=None)
        await client.append(sentence(quickstart, 1))
        delta = await client.until("transcription.delta", lambda event: event["delta"])
        assert client.all("committed") == []
        await client.send("input_audio_buffer.commit")
        completed = await final(client)
    assert completed["item_id"] == delta["item_id"]
    assert completed["language"] == "en"
    told = client.all("transcription.delta")
    deltas = [event["delta"] for event in told if event["delta"]]
    assert told[0]["tentative"]
    assert told[0]["delta"] == ""
    assert not deltas[0].startswith(" ")
    assert all(delta.startswith(" ") for delta in deltas[1:])
    probabilities = [word["probability"] for word in completed["words"]]
    assert all(0 <= probability <= 1 for probability in probabilities)
    assert " ".join(word["word"] for word in completed["words"]) == completed["transcript"]


@pytest.mark.parametrize("turn_detection", [None, {"threshold": 1.0}])
async def test_client_cuts_get_their_text_in_any_number_at_once(
    local_server: LocalServer, quickstart: NDArray[np.int16], turn_detection: dict[str, float] | None
) -> None:
    async with realtime_client(local_server.url) as client:
        await client.update(turn_detection=turn_detection)
        for index in range(len(SENTENCES)):
            await client.append(sentence(quickstart, index), step=48_000)
            await client.send("input_audio_buffer.commit")
        while len(client.all(COMPLETED)) < len(SENTENCES):
            await final(client)
    assert client.all("speech_started") == []
    texts = {event["item_id"]: event["transcript"] for event in client.all(COMPLETED)}
    ordered = " ".join(texts[event["item_id"]] for event in client.all("buffer.committed"))
    assert wer(words(samples.info("quickstart").text), words(ordered)) < 0.3


async def test_the_text_does_not_depend_on_what_was_heard_before(
    local_server: LocalServer, quickstart: NDArray[np.int16]
) -> None:
    async with realtime_client(local_server.url) as client:
        await client.update(turn_detection=None)
        transcripts = []
        for index in (3, 0, 3):
            await client.append(sentence(quickstart, index))
            await client.send("input_audio_buffer.commit")
            transcripts.append((await final(client))["transcript"])
    assert transcripts[0] == transcripts[2]


async def test_commit_in_the_middle_of_speech_is_safe(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    middle = round((SENTENCES[1].start + SENTENCES[1].end) / 2 * 24_000)
    async with realtime_client(local_server.url) as client:
        await client.append(quickstart[round(SENTENCES[1].start * 24_000) - 7200 : middle])
        started = await client.until("speech_started")
        await client.send("input_audio_buffer.commit")
        committed = await client.until("buffer.committed")
        assert committed["item_id"] == started["item_id"]
        await client.append(np.concatenate((quickstart[middle:], SILENCE)))
        again = await client.until("speech_started")
        assert again["item_id"] != started["item_id"]
        both = {started["item_id"], again["item_id"]}
        while not both <= {event["item_id"] for event in client.all(COMPLETED)}:
            assert (await final(client))["transcript"]


async def test_the_flush_barrier_says_what_is_pending(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    full = {"type": "server_vad", "silence_duration_ms": 550, "prefix_padding_ms": 0, "create_response": False}
    async with realtime_client(local_server.url) as client:
        await client.append(quickstart[: round(SENTENCES[0].end * 24_000) - 4800])
        started = await client.until("speech_started")
        for threshold in (1.0, 0.5):
            await client.update(turn_detection={**full, "threshold": threshold})
        stopped = [event["item_id"] for event in client.all("speech_stopped")]
        assert stopped == [started["item_id"]]
        assert (await final(client))["item_id"] == started["item_id"]
        for threshold in (1.0, 0.5):
            await client.update(turn_detection={**full, "threshold": threshold})
        assert len(client.all("speech_stopped")) == 1


async def test_silence_gives_no_words(local_server: LocalServer) -> None:
    noise = np.random.default_rng(0).normal(0, 200, 72_000).astype(np.int16)
    async with realtime_client(local_server.url) as client:
        for audio in (SILENCE, noise):
            await client.append(np.tile(audio, 2))
            await client.send("input_audio_buffer.commit")
            completed = await final(client)
            assert completed["transcript"] == ""
            assert completed["words"] == []
            assert completed["usage"] == {"seconds": len(audio) * 2 / 24_000, "type": "duration"}
    assert client.all("transcription.delta") == []


async def test_commits_below_a_tenth_of_a_second_are_refused_in_the_real_servers_words(
    local_server: LocalServer,
) -> None:
    async with realtime_client(local_server.url) as client:
        await client.append(SILENCE[:1200])
        await client.send("input_audio_buffer.commit", event_id="mine")
        error = await client.error()
        assert error["message"] == (
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
            "but buffer only has 50.00ms of audio."
        )
        assert error["event_id"] == "mine"
        await client.append(SILENCE[:1200])
        await client.send("input_audio_buffer.commit")
        assert (await final(client))["transcript"] == ""


async def test_clear_starts_the_buffers_clock_again(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    async with realtime_client(local_server.url) as client:
        await client.append(quickstart[: round(SENTENCES[1].end * 24_000) - 12_000])
        await client.until("speech_started", lambda _event: len(client.all("speech_started")) == 2)
        await client.send("input_audio_buffer.clear")
        await client.until("buffer.cleared")
        await client.append(quickstart[round(SENTENCES[1].end * 24_000) :])
        started = await client.until("speech_started")
        expected_s = SENTENCES[2].start - SENTENCES[1].end - 0.3
        assert started["audio_start_ms"] / 1000 == pytest.approx(expected_s, abs=0.25)
    assert len(client.all("buffer.committed")) == 1


@pytest.mark.parametrize(
    "message",
    [
        "hello{",
        "[]",
        "[" * 100_000,
        '{"a": 1}',
        '{"type": 5}',
        '{"type": "foo.bar"}',
        json.dumps({"type": "foo\x1b[2J\n" * 1_000}),
        json.dumps({"type": "session.update", "session": {"input_audio_format": ["x" * 1_000]}}),
        json.dumps({"type": "session.update", "session": {"turn_detection": {"threshold": "x" * 1_000}}}),
        '{"type": "response.create"}',
        '{"type": "conversation.item.delete", "item_id": "x"}',
        '{"type": "session.update"}',
        '{"type": "input_audio_buffer.append"}',
        '{"type": "input_audio_buffer.append", "audio": 5}',
        '{"type": "input_audio_buffer.append", "audio": ""}',
        '{"type": "input_audio_buffer.append", "audio": "!!!notbase64"}',
        '{"type": "input_audio_buffer.append", "audio": "abc"}',
        '{"type": "input_audio_buffer.append", "audio": "AA=="}',
        b'{"type": "input_audio_buffer.clear"}',
    ],
)
async def test_a_bad_message_is_an_error_and_the_session_lives(local_server: LocalServer, message: str | bytes) -> None:
    async with realtime_client(local_server.url) as client:
        await client.websocket.send(message)
        told = (await client.error())["message"]
        assert 0 < len(told) <= 301
        assert told.isprintable()
        await client.send("input_audio_buffer.clear")
        await client.until("buffer.cleared")


async def test_an_unknown_model_is_named_and_the_connection_closed(local_server: LocalServer) -> None:
    async with realtime_client(local_server.url, "model=no/such&intent=transcription") as client:
        message = (await client.error())["message"]
        assert message == (
            "Error code: 404 - {'detail': \"Model 'no/such' is not installed locally. "
            'You can download the model using `POST /v1/models`"}'
        )
        with pytest.raises(ConnectionClosed) as closed:
            await client.until("nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_language_that_the_model_does_not_know_is_named(local_server: LocalServer) -> None:
    async with realtime_client(local_server.url, f"model={MODEL}&intent=transcription&language=zh") as client:
        assert "does not understand the language 'zh'" in (await client.error())["message"]


async def test_a_message_that_is_too_big_is_refused(local_server: LocalServer) -> None:
    async with realtime_client(local_server.url) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.websocket.send("x" * (16 * 1024 * 1024 + 1))
            await client.until("nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_sessions_do_not_disturb_each_other(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    async def transcript(index: int) -> str:
        async with realtime_client(local_server.url) as client:
            await client.update(turn_detection=None)
            await client.append(sentence(quickstart, index))
            await client.send("input_audio_buffer.commit")
            text: str = (await final(client))["transcript"]
            return text

    together = await asyncio.gather(*(transcript(index % len(SENTENCES)) for index in range(6)))
    assert together[:2] == together[4:]
    assert together[0] == await transcript(0)


async def test_the_server_answers_while_it_recognises(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    async with realtime_client(local_server.url) as busy, realtime_client(local_server.url) as other:
        await busy.update(turn_detection=None)
        await busy.append(quickstart, step=48_000)
        await busy.send("input_audio_buffer.commit")
        await busy.until("item.created")
        recognised = asyncio.create_task(final(busy))
        answered = 0
        while not recognised.done():
            await other.send("input_audio_buffer.clear")
            await other.until("buffer.cleared")
            answered += 1
        await recognised
    # A server that does nothing else meanwhile would answer the first one behind the text.
    assert answered > 3


async def test_a_refused_update_says_that_it_was_the_session(local_server: LocalServer) -> None:
    async with realtime_client(local_server.url) as client:
        await client.send("session.update", session={"turn_detection": {"threshold": 5}}, event_id="mine")
        refused = await client.error()
        assert (refused["param"], refused["event_id"]) == ("session", "mine")
        await client.send("input_audio_buffer.commit")
        assert (await client.error())["param"] is None


async def test_openais_own_client_is_understood(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    """The official client parses what comes by its own types; the audio is real, and so is the engine."""
    seen: list[Any] = []
    sentences = samples.info("quickstart").sentences
    turn = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500, "prefix_padding_ms": 100}
    audio_input: Any = {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": {"model": MODEL, "language": "en"},
        "turn_detection": turn,
    }
    async with (
        openai.AsyncOpenAI(api_key="none", base_url=f"{local_server.url}/v1") as client,
        client.realtime.connect(model=MODEL, extra_query={"intent": "transcription"}) as connection,
    ):
        await connection.session.update(session={"type": "transcription", "audio": {"input": audio_input}})
        for start in range(0, len(quickstart), 4800):
            piece = quickstart[start : start + 4800].astype("<i2").tobytes()
            await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
        async for came in connection:
            seen.append(came)
            if sum(one.type.endswith("transcription.completed") for one in seen) == len(sentences) - 1:
                break
    kinds = [one.type for one in seen]
    assert kinds[:2] == ["session.created", "session.updated"]
    assert json.loads(seen[1].to_json())["session"]["type"] == "transcription"
    assert "conversation.item.created" not in kinds
    assert kinds.count("conversation.item.added") == kinds.count("conversation.item.done") > 0
    # Its clock goes on from one utterance to the next.
    started = [one.audio_start_ms / 1000 for one in seen if one.type == "input_audio_buffer.speech_started"]
    for began, sentence in zip(started, sentences, strict=False):
        assert began == pytest.approx(sentence.start, abs=0.35)
