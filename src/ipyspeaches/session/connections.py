"""The connection to a server, by the way that is wanted; the one that consists of requests is here.

It is imported when a session starts: the libraries of all ways take longer to import than the rest of the package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypedDict

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.decoding import wav
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.protocol.address import realtime_query
from ipyspeaches.protocol.http.request_protocol import Request, RequestProtocol, Told
from ipyspeaches.protocol.protocol_events import Disconnected, ProtocolEvent
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import Changes, RecognitionOptions
from ipyspeaches.session.connection import CHECK_S, PATIENCE_S, Connection
from ipyspeaches.session.media_connections import MediaConnection, PageConnection
from ipyspeaches.session.opening import Destination
from ipyspeaches.session.options import REQUESTS
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.sources.source import Source
from ipyspeaches.sources.tee import Tee
from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.transports.page_webrtc import PageTransport
from ipyspeaches.transports.webrtc import RtcEndpoint, WebRtcTransport
from ipyspeaches.transports.websocket import WebSocketTransport
from ipyspeaches.vad.gate import GateAction, Send


class _OfSession(TypedDict):
    api_key: str | None
    has_worked: bool
    earlier: frozenset[str]


def connection_to(
    destination: Destination,
    transport: str,
    asked: RecognitionOptions,
    source: Source,
    pipeline: Pipeline,
    on_event: Callable[[ProtocolEvent], None],
    after: Connection | None = None,
) -> Connection:
    """Return the connection by the way that is wanted, not opened yet; the parameters are those of `Connection`s.

    It is the first one, or one ``after`` another that was lost.
    """
    url, key = destination.url, destination.api_key
    if transport in REQUESTS:
        worked = after is not None and after.worked
        requests = RequestTransport(url, key, stream=transport == "sse", has_worked=worked)
        told = after.told if isinstance(after, RequestConnection) else None
        protocol = RequestProtocol(asked, live=source.live, after=told)
        return RequestConnection(protocol, requests, pipeline.store, on_event)
    query = realtime_query(url, asked)
    earlier = after.names if isinstance(after, RealtimeConnection) else frozenset[str]()
    of_session: _OfSession = {
        "api_key": key,
        "has_worked": after is not None and after.worked,
        "earlier": earlier,
    }
    # Sessions that listen along get the audio from the kernel: a page has one connection, which is the main session's.
    microphone = source.source if isinstance(source, Tee) else source
    from_page = isinstance(microphone, BrowserMicrophone) and microphone.line is not None
    # A page sends what is spoken now, and nothing of before: what it has missed can only go through the kernel.
    if transport == "realtime" or (from_page and after is not None):
        patience_s = PATIENCE_S if after is None else after.next_patience_s
        websocket = WebSocketTransport(url, query, key, ping_timeout_s=patience_s)
        return RealtimeConnection(
            RealtimeProtocol(asked, **of_session), websocket, pipeline.store, on_event, lambda: pipeline.in_speech
        )
    media, endpoint = destination.info.media, RtcEndpoint(url, query, key)
    if isinstance(microphone, BrowserMicrophone) and microphone.line is not None:
        # Nothing can be put into what a page sends. Where this side cuts, the connection knows how long to wait.
        padding_ms = 0 if asked.client_cuts else media.padding_ms
        continuous = replace(media, continuous=True, padding_ms=padding_ms)
        page = PageTransport(microphone.line, microphone, endpoint, on_event)
        return PageConnection(RealtimeProtocol(asked, media=continuous, **of_session), page, pipeline, on_event, media)
    return MediaConnection(
        RealtimeProtocol(asked, media=media, **of_session), WebRtcTransport(endpoint), pipeline.store, on_event
    )


def requests_to(destination: Destination) -> RequestTransport:
    """Return what carries the requests of `Interim`."""
    return RequestTransport(destination.url, destination.api_key)


class RequestConnection(Connection):
    """Owns a task for each request that is on its way; closing it ends them all.

    The protocol decides what to send, and what the answers mean.
    """

    def __init__(
        self,
        protocol: RequestProtocol,
        transport: RequestTransport,
        store: AudioStore,
        on_event: Callable[[ProtocolEvent], None],
    ) -> None:
        super().__init__(on_event)
        self._protocol = protocol
        self._transport = transport
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """How many utterances have no text yet."""
        return self._protocol.pending

    @property
    def told(self) -> dict[int, Told]:
        """The last requests that have ended, by their utterances' numbers."""
        return self._protocol.told

    async def open(self) -> None:
        """Begin; the server has been asked already whether it is there."""
        self._protocol.open()
        self._advance()
        self._watch = self._run(self._notice_silence())

    async def send(self, actions: Sequence[GateAction], *, last: bool = False) -> None:
        """Gather what is to be sent; an utterance that ends becomes a request."""
        del last  # nothing leaves before an utterance ends
        for action in actions:
            if isinstance(action, Send):
                self._protocol.send_audio(action.start, action.end)
            else:
                self._protocol.send_commit(action)
        self._advance()

    async def flush(self) -> None:
        """Do nothing: this side has ended every utterance itself."""

    async def reconfigure(self, changes: Changes) -> None:
        """Ask for something else from the next utterance on."""
        self._protocol.reconfigure(changes)
        self._advance()

    async def close(self) -> None:
        """Give up the requests that are on their way, and the connections."""
        tasks = [*self._tasks, *([] if self._watch is None else [self._watch])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.close()

    def _advance(self) -> None:
        """Send what may be sent now, and tell what has happened."""
        while not self.lost.done() and (request := self._protocol.request_to_send()) is not None:
            task = self._run(self._serve(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._receive(self._protocol.events_received())

    async def _serve(self, request: Request) -> None:
        """See a request through to its end, however often it has to be sent."""
        file = (f"{request.item_id}.wav", wav(self._store.read(request.start, request.end), SESSION_RATE_HZ))
        wait_s: float | None = 0.0
        while wait_s is not None:
            await asyncio.sleep(wait_s)
            outcome = await self._transport.post(request.options, file, partial(self._receive_text, request))
            wait_s = self._protocol.receive_outcome(request, outcome)
            self._advance()

    async def _notice_silence(self) -> None:
        """End the connection when the server gives no sign of life while requests are on their way to it."""
        while not self.lost.done():
            await asyncio.sleep(CHECK_S)
            if self._tasks and not await self._transport.is_alive(self.patience_s) and not self.lost.done():
                self.silent = True
                self._receive([Disconnected(self._transport.gone(self.patience_s))])

    def _receive_text(self, request: Request, text: str) -> None:
        self._protocol.receive_text(request, text)
        self._advance()
