"""A server that takes audio and does nothing with it, in a process of its own.

It negotiates compression as WebSocket servers do, opens a session as Speaches does, and answers a commit: by then it
has read everything before it. Each utterance gets the same text.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

TURN_DETECTION = {
    "type": "server_vad",
    "threshold": 1.0,
    "silence_duration_ms": 550,
    "prefix_padding_ms": 0,
    "create_response": False,
}
COMPLETED = "conversation.item.input_audio_transcription.completed"
# Longer messages carry audio, and only their arrival matters.
SHORTEST_APPEND = 1000


def event(kind: str, **fields: object) -> str:
    """Return a message of the server."""
    return json.dumps({"type": kind, "event_id": "event_1", **fields})


async def take(connection: ServerConnection) -> None:
    """Open a session and take what comes."""
    session: dict[str, object] = {"id": "sess_1", "turn_detection": TURN_DETECTION}
    items = 0
    await connection.send(event("session.created", session=session))
    async for message in connection:
        if len(message) >= SHORTEST_APPEND:
            continue
        told = json.loads(message)
        if told["type"] == "session.update":
            session |= told["session"]
            await connection.send(event("session.updated", session=session))
        elif told["type"] == "input_audio_buffer.commit":
            item, before = f"item_{items + 1}", f"item_{items}" if items else None
            items += 1
            await connection.send(event("input_audio_buffer.committed", item_id=item, previous_item_id=before))
            await connection.send(event(COMPLETED, item_id=item, content_index=0, transcript="as it is"))


def models(_connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is asked before a session."""
    if request.path.startswith("/v1/realtime"):
        return None
    entry = {
        "id": "none",
        "created": 1,
        "object": "model",
        "owned_by": "nobody",
        "task": "automatic-speech-recognition",
    }
    body = json.dumps({"object": "list", "data": [entry]}).encode()
    headers = Headers([("content-type", "application/json"), ("content-length", str(len(body)))])
    return Response(200, "OK", headers, body)


async def main() -> None:
    """Serve until the process is ended, and print the port."""
    async with serve(take, "127.0.0.1", 0, max_size=None, process_request=models) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


@contextmanager
def running() -> Iterator[str]:
    """Start the server and give its base address."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(main())
