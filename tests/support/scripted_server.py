"""A server that says what a test tells it to, for faults that a real one has only by chance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ipyspeaches.audio.recording import Recording
from loop_thread import loop_thread
from replay import lines

MODEL: dict[str, Any] = {"id": "test/model", "created": 1, "object": "model", "owned_by": "test", "language": ["en"]}
CLEARED = json.dumps({"type": "input_audio_buffer.cleared"})


Script = TypeVar("Script", bound="ScriptedServer")


def listing(models: list[str]) -> dict[str, Any]:
    """Return what a server says that has these models."""
    entries = [{**MODEL, "id": model, "task": "automatic-speech-recognition"} for model in models]
    return {"object": "list", "data": entries}


class ScriptedServer:
    """Speaks enough of Speaches to be believed: models over HTTP, a realtime session over the WebSocket.

    Attributes
    ----------
    cut_after
        Commits after which the connection is cut without a close frame.
    mute_after
        Commits after which nothing is answered any more.
    mute_says
        Raw messages sent in place of each answer then.
    hold
        Finals to hold back, so that they come in reverse order.
    first
        Raw message sent in place of ``session.created``.
    extra
        Raw messages sent right after the first append.
    models
        Ids of the models that it lists.
    stubborn
        Whether it confirms every update and changes neither model nor language.
    texts
        Final texts, in place of "utterance 1" and so on.
    transcribed
        Model and language that held at each commit.
    last_words
        Raw messages sent at the first message of type ``last_words_at``, whereupon the connection is cut.
    """

    def __init__(self) -> None:
        self.cut_after: int | None = None
        self.mute_after: int | None = None
        self.mute_says: list[str] = []
        self.hold = 0
        self.first: str | None = None
        self.extra: list[str] = []
        self.models = [MODEL["id"]]
        self.stubborn = False
        self.texts: list[str] = []
        self.transcribed: list[dict[str, Any]] = []
        self.last_words: list[str] = []
        self.last_words_at = "input_audio_buffer.commit"
        self.received: list[dict[str, Any]] = []
        self.url = ""

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP; None lets the WebSocket through."""
        if request.path.startswith("/v1/realtime"):
            return None
        found = {"/v1/models": listing(self.models), "/health": {"message": "OK"}}.get(request.path.split("?")[0])
        status = HTTPStatus.OK if found else HTTPStatus.NOT_FOUND
        missing = "Model not found" if request.path.startswith("/v1/models/") else "Not Found"
        body = json.dumps(found or {"detail": missing}).encode()
        headers = Headers([("content-type", "application/json"), ("content-length", str(len(body)))])
        return Response(status, status.phrase, headers, body)

    async def session(self, socket: ServerConnection) -> None:
        """Run one realtime session."""
        turn: dict[str, Any] = {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 550}
        turn |= {"prefix_padding_ms": 0, "create_response": False}
        told: dict[str, Any] = {"model": "test/model", "language": None}
        state = {"id": "sess_1", "input_audio_transcription": told, "turn_detection": turn}
        held: list[str] = []
        commits = 0
        await socket.send(self.first or json.dumps({"type": "session.created", "session": state}))
        async for message in self._heard(socket):
            kind = message["type"]
            if kind == "session.update":
                self._update(state, message["session"])
                await socket.send(json.dumps({"type": "session.updated", "session": state}))
            elif kind == "input_audio_buffer.clear":
                await socket.send(CLEARED)
            elif kind == "input_audio_buffer.append":
                extra, self.extra = self.extra, []
                await asyncio.gather(*map(socket.send, extra))
            elif kind == "input_audio_buffer.commit":
                self.transcribed.append(dict(told))
                commits += 1
                if self.mute_after is not None and commits > self.mute_after:
                    await asyncio.gather(*map(socket.send, self.mute_says))
                    continue
                if self.cut_after is not None and commits > self.cut_after:
                    socket.transport.abort()
                    return
                held.append(await self._commit(socket, commits))
                if len(held) > self.hold:
                    for final in reversed(held):
                        await socket.send(final)
                    held.clear()

    def _update(self, state: dict[str, Any], asked: dict[str, Any]) -> None:
        state["turn_detection"].update(asked.get("turn_detection") or {})
        if not self.stubborn:
            state["input_audio_transcription"].update(asked.get("input_audio_transcription") or {})

    async def _heard(self, socket: ServerConnection) -> AsyncIterator[dict[str, Any]]:
        commits = 0
        async for raw in socket:
            message = json.loads(raw)
            self.received.append(message)
            is_commit = message["type"] == "input_audio_buffer.commit"
            commits += is_commit
            if self.mute_after is not None and commits > self.mute_after and not is_commit:
                continue
            if self.last_words and message["type"] == self.last_words_at:
                for words in self.last_words:
                    await socket.send(words)
                socket.transport.abort()
                return
            yield message

    async def _commit(self, socket: ServerConnection, number: int) -> str:
        item, before = f"item_{number}", f"item_{number - 1}" if number > 1 else None
        committed = {"type": "input_audio_buffer.committed", "item_id": item, "previous_item_id": before}
        await socket.send(json.dumps(committed))
        created: dict[str, Any] = {"id": item, "object": "realtime.item", "type": "message", "role": "user"}
        created |= {"content": [{"type": "input_audio", "transcript": None}], "status": "completed"}
        await socket.send(json.dumps({"type": "conversation.item.created", "item": created}))
        final = {"type": "conversation.item.input_audio_transcription.completed", "item_id": item}
        text = self.texts[number - 1] if self.texts else f"utterance {number}"
        return json.dumps({**final, "content_index": 0, "transcript": text})


def without_loopback(script: ScriptedServer, *, client_cuts: bool) -> None:
    """Let a server fail at the first utterance as one without LOOPBACK_HOST_URL was recorded to."""
    said = [json.dumps(line["data"]) for line in lines("ws-no-loopback")[1:] if line["dir"] == "recv"]
    # What comes before is the session's, and with it what the server's own VAD says.
    after = "input_audio_buffer.committed" if client_cuts else "input_audio_buffer.speech_started"
    first = next(number for number, message in enumerate(said) if json.loads(message)["type"] == after)
    script.last_words = said[first:]
    script.last_words_at = f"input_audio_buffer.{'commit' if client_cuts else 'append'}"


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A scripted server on a thread of its own."""
    with serving(ScriptedServer()) as script:
        yield script


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Run a server on a thread of its own."""

    async def begin() -> Server:
        return await serve(script.session, "127.0.0.1", 0, process_request=script.respond)

    async def end(server: Server) -> None:
        server.close()
        await server.wait_closed()

    with loop_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        script.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield script
        asyncio.run_coroutine_threadsafe(end(server), loop).result(10)


@pytest.fixture(scope="session")
def bursts() -> Recording:
    """Three bursts of noise, each a stretch of speech to the energy detector: at 1-2, 3-4 and 5-6 s of 7."""
    noise = np.random.default_rng(5)
    sound = noise.normal(0, 10, 7 * 16_000)
    for start in (1, 3, 5):
        sound[start * 16_000 : (start + 1) * 16_000] = noise.normal(0, 4_000, 16_000)
    return Recording(sound.astype(np.int16), 16_000)
