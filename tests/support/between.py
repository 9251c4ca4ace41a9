"""A server in front of another one, which answers some requests itself and keeps some messages to itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator

import httpx2
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

Transcribe = Callable[[FormData], Awaitable[Response]]


class Between:
    """Hands everything on, but for what a test changes.

    Parameters
    ----------
    behind
        Address of the server behind it.

    Attributes
    ----------
    transcribe
        Answers ``/v1/audio/transcriptions``; None hands it on.
    dropped
        Types of the server's realtime messages that are not handed on.
    """

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.transcribe: Transcribe | None = None
        self.dropped: set[str] = set()
        self.url = ""

    async def http(self, request: Request) -> Response:
        """Answer, or hand on, one request."""
        if self.transcribe is not None and request.url.path == "/v1/audio/transcriptions":
            async with request.form() as form:
                return await self.transcribe(form)
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            url = f"{self.behind}{request.url.path}?{request.url.query}"
            answer = await client.request(request.method, url, headers=headers, content=await request.body())
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    async def realtime(self, page: WebSocket) -> None:
        """Hand on one realtime session."""
        await page.accept()
        address = f"{self.behind.replace('http', 'ws', 1)}/v1/realtime?{page.url.query}"
        async with websockets.connect(address, proxy=None, max_size=None) as server:

            async def there() -> None:
                while True:
                    await server.send(await page.receive_text())

            async def back() -> None:
                async for message in server:
                    text = message if isinstance(message, str) else message.decode()
                    if not self.dropped or json.loads(text)["type"] not in self.dropped:
                        await page.send_text(text)

            ways = [asyncio.create_task(there()), asyncio.create_task(back())]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the page has closed it already
            await page.close(1011)


@contextlib.contextmanager
def between(behind: str) -> Iterator[Between]:
    """A server in front of the one at ``behind``, on a thread of its own."""
    front = Between(behind)
    routes = [
        WebSocketRoute("/v1/realtime", front.realtime),
        Route("/{path:path}", front.http, methods=["GET", "POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server in front did not start"
    front.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield front
    finally:
        server.should_exit = True
        thread.join(10)
