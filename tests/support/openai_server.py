"""A server that speaks OpenAI's GA shape: every message in either direction is checked by the official types.

It is no recording of OpenAI's server; see `openai_events.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from openai_events import SESSION, event, sent, session, utterance
from scripted_server import ScriptedServer, serving


class OpenAIServer(ScriptedServer):
    """Transcribes what is committed, in two pieces and charged by tokens.

    Attributes
    ----------
    query
        Of the last connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.models = ["gpt-4o-transcribe", "whisper-1"]
        self.query = ""

    async def session(self, socket: ServerConnection) -> None:
        """Run one realtime session."""
        assert socket.request is not None
        self.query = socket.request.path.partition("?")[2]
        sound = {**SESSION["audio"]["input"]}
        items = 0
        await socket.send(session("session.created"))
        async for raw in socket:
            message = sent(raw.encode() if isinstance(raw, str) else raw)
            self.received.append(message)
            kind = message["type"]
            if kind == "session.update":
                sound |= message["session"]["audio"]["input"]
                await socket.send(session("session.updated", **sound))
            elif kind == "input_audio_buffer.commit":
                items += 1
                self.transcribed.append(dict(sound["transcription"]))
                await self._transcribe(socket, items)
            elif kind == "input_audio_buffer.clear":
                await socket.send(event("input_audio_buffer.cleared"))

    async def _transcribe(self, socket: ServerConnection, number: int) -> None:
        before = f"item_{number - 1}" if number > 1 else None
        for message in utterance(f"item_{number}", "utterance ", str(number), before=before):
            await socket.send(message)

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """``audio.input`` of each update."""
        updates = [message for message in self.received if message["type"] == "session.update"]
        return [update["session"]["audio"]["input"] for update in updates]


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """A server of the newer shape on a thread of its own."""
    with serving(OpenAIServer()) as script:
        yield script
