"""Real WebSocket servers on the loopback interface: some that echo, and some that refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

QUERY = {"model": "Systran/faster-whisper-tiny", "intent": "transcription"}
KEY = "sk-very-secret"

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def server(handler: Handler = echo) -> AsyncIterator[str]:
    """Serve on the loopback interface and give the base address."""
    async with serve(handler, "127.0.0.1", 0) as running:
        yield f"http://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


@asynccontextmanager
async def answering(status: int, body: str = "", **headers: str) -> AsyncIterator[str]:
    """Serve something that answers every request with one status."""

    def refuse(*_: ServerConnection | Request) -> Response:
        given = {**headers, "content-length": str(len(body.encode())), "connection": "close"}
        return Response(status, "Whatever", Headers(given), body.encode())

    async with serve(echo, "127.0.0.1", 0, process_request=refuse) as running:
        yield f"http://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


@asynccontextmanager
async def raw(answer: bytes | None) -> AsyncIterator[str]:
    """Listen on a port and answer with these bytes and the end, or with nothing for ever."""
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await done.wait()
        else:
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        done.set()
        listening.close()
