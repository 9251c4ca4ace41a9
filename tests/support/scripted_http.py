"""An HTTP server that answers uploads as a test tells it to: refusals, half streams, slowness, recorded exchanges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

from loop_thread import loop_thread
from scripted_server import MODEL, listing

EXCHANGES = Path(__file__).parents[1] / "data" / "exchanges" / "http"
STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Posted:
    """An upload: where to, the fields of its form, the name and bytes of its file, its headers."""

    path: str
    fields: dict[str, str]
    name: str
    sound: bytes
    headers: dict[str, str]

    @property
    def number(self) -> int:
        """The utterance's number."""
        return int(self.name.removesuffix(".wav").rsplit("_", 1)[1])

    @property
    def duration_s(self) -> float:
        """Seconds of 24 kHz sound behind the WAV header."""
        return (len(self.sound) - 44) / 2 / 24_000


@dataclass(frozen=True)
class Reply:
    """An answer: pieces of its body, and whether the connection is cut behind them."""

    status: int = 200
    content_type: str = "application/json"
    pieces: tuple[str, ...] = ()
    cut: bool = False
    after_s: float = 0
    between_s: float = 0


def document(**fields: Any) -> Reply:
    """Return a JSON answer."""
    return Reply(pieces=(json.dumps(fields),))


def words(text: str, *times: tuple[str, float, float]) -> Reply:
    """Return a ``verbose_json`` answer with the times of words."""
    timed = [{"word": f" {word}", "start": start, "end": end} for word, start, end in times]
    return document(text=text, language="en", words=timed)


def deltas(*texts: str, done: str | None = "") -> Reply:
    """Return an event stream; without ``done`` it is cut."""
    events = [{"type": "transcript.text.delta", "delta": text} for text in texts]
    if done is not None:
        events.append({"type": "transcript.text.done", "text": done})
    pieces = tuple(f"data: {json.dumps(event)}\n\n" for event in events)
    return Reply(content_type=STREAM, pieces=pieces, cut=done is None)


def recorded(name: str) -> Reply:
    """Return what a real server once answered."""
    exchange = json.loads((EXCHANGES / f"{name}.json").read_text(encoding="utf-8"))
    pieces = [chunk["text"] for chunk in exchange["chunks"]] if "chunks" in exchange else [exchange["body"]]
    cut = exchange.get("ended", "complete") != "complete"
    return Reply(exchange["status"], exchange["headers"]["content-type"], tuple(pieces), cut)


@dataclass
class HttpScript:
    """What the server does, and what it was sent.

    Attributes
    ----------
    answer
        Makes the reply to an upload; None cuts the connection without a word.
    posted
        All uploads so far.
    most_at_once
        The most uploads that were without an answer at one time.
    """

    answer: Callable[[Posted], Reply | None] = lambda posted: document(text=f"utterance {posted.number}")
    posted: list[Posted] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""

    def script(self, *replies: Reply | None) -> None:
        """Answer with these, in order of arrival; the last one again and again."""
        left = list(replies)
        self.answer = lambda _posted: left.pop(0) if len(left) > 1 else left[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if method == "GET":
            found = {"/v1/models": listing([MODEL["id"], "test/other"])}.get(path.split("?")[0])
            await self._send(writer, document(**found) if found else Reply(404, pieces=('{"detail":"Not Found"}',)))
            return True
        posted = _posted(path, headers, body)
        self.posted.append(posted)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = self.answer(posted)
            if reply is None:
                return False
            await asyncio.sleep(reply.after_s)
        finally:
            self.at_once -= 1
        await self._send(writer, reply)
        return not reply.cut

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
        head = f"HTTP/1.1 {reply.status} X\r\ncontent-type: {reply.content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for piece in filter(None, reply.pieces):
            data = piece.encode()
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await writer.drain()
            await asyncio.sleep(reply.between_s)
        if not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


def _posted(path: str, headers: dict[str, str], body: bytes) -> Posted:
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {headers['content-type']}\r\n\r\n".encode() + body)
    fields: dict[str, str] = {}
    name, sound = "", b""
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
        else:
            name, sound = str(part.get_filename()), content
    return Posted(path, fields, name, sound, headers)


@pytest.fixture
def http_script() -> Iterator[HttpScript]:
    """A scripted HTTP server on a thread of its own."""
    script = HttpScript()

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(script.serve, "127.0.0.1", 0, limit=1 << 24)

    async def end(server: asyncio.Server) -> None:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    with loop_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield script
        asyncio.run_coroutine_threadsafe(end(server), loop).result(10)
