"""From options to what a run is made of: the source, the server, and the connection to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ipyspeaches.audio.decoding import printable_name
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.protocol import ProtocolEvent, RealtimeProtocol, RecognitionOptions, RequestProtocol
from ipyspeaches.protocol.address import BASE_URL_VARIABLE, realtime_query
from ipyspeaches.protocol.api_key import key_from_environment
from ipyspeaches.server.client import check
from ipyspeaches.server.models import ServerInfo, model_id
from ipyspeaches.session.connection import Connection
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.media_connections import MediaConnection, PageConnection
from ipyspeaches.session.options import REQUESTS, SessionOptions
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.session.request_connection import RequestConnection
from ipyspeaches.sources import BrowserMicrophone, KernelMicrophone, RecordedSource, Source, Tee
from ipyspeaches.transports import PageTransport, RequestTransport, RtcEndpoint, WebRtcTransport, WebSocketTransport

SourceLike = Source | Recording | str | os.PathLike[str]


def open_source(source: SourceLike, pace: float | None) -> Source:
    """Return the source that is meant: ``"kernel"``, a path, a `Recording`, or a source itself.

    It is an `InputError` if it is none of these, an `AudioError` if the file cannot be read.
    """
    speed = 1.0 if pace is None else pace
    if isinstance(source, Recording):
        return RecordedSource(source, speed)
    if isinstance(source, str) and source == "kernel":
        return KernelMicrophone()
    if isinstance(source, str) and source == "browser":
        raise InputError('source="browser" needs the Transcriber widget: use "kernel" or a file in a plain session.')
    if isinstance(source, (str, os.PathLike)):
        return RecordedSource(Recording.load(source), speed, printable_name(source))
    if not hasattr(source, "blocks"):
        raise InputError(f'{type(source).__name__} is no source: give a path, a Recording, "kernel", or a Source.')
    return source


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, asked or not; the key is never shown."""

    url: str
    api_key: str | None = field(repr=False)
    embedded: bool


@dataclass(frozen=True, slots=True)
class Destination(Place):
    """A server that answers, and what the check found, the model among it."""

    info: ServerInfo

    @property
    def model(self) -> str:
        """The model's id."""
        return self.info.model

    async def find(self, model: str | None) -> str:
        """Return the id of a model, a preset name or None (the first recognition model) that the server has now.

        It is a `ModelNotFoundError` if it does not have it; the message lists what it has.
        """
        info = await check(self.url, api_key=self.api_key, model=None if model is None else model_id(model))
        return info.model


async def locate(options: SessionOptions) -> Place:
    """Find the server that the options mean, without asking it anything; starts the embedded one if that is meant.

    It is a `MissingExtraError` if that one is needed and not installed.
    """
    url = options.server or os.environ.get(BASE_URL_VARIABLE)
    if url:
        return Place(url, options.api_key or key_from_environment(url), embedded=False)
    from ipyspeaches.local import LocalServer

    # Starting the process takes about a second: the engine must not wait for it.
    local = await asyncio.to_thread(LocalServer.shared)
    return Place(local.url, local.api_key, embedded=True)


async def resolve(options: SessionOptions) -> Destination:
    """Find the server that the options mean and check it; errors as of `locate` and `check`."""
    place = await locate(options)
    model = options.recognition.model
    info = await check(place.url, api_key=place.api_key, model=None if model is None else model_id(model))
    return Destination(place.url, place.api_key, place.embedded, info)


def connection_to(
    destination: Destination,
    transport: str,
    asked: RecognitionOptions,
    source: Source,
    pipeline: Pipeline,
    on_event: Callable[[ProtocolEvent], None],
) -> Connection:
    """Return the connection by the way that is wanted, not opened yet; the parameters are those of `Connection`s."""
    url, key = destination.url, destination.api_key
    if transport in REQUESTS:
        requests = RequestTransport(url, key, stream=transport == "sse")
        return RequestConnection(RequestProtocol(asked, live=source.live), requests, pipeline.store, on_event)
    query = realtime_query(url, asked)
    if transport == "realtime":
        websocket = WebSocketTransport(url, query, key)
        return RealtimeConnection(
            RealtimeProtocol(asked, api_key=key), websocket, pipeline.store, on_event, lambda: pipeline.in_speech
        )
    media, endpoint = destination.info.media, RtcEndpoint(url, query, key)
    # Sessions that listen along get the audio from the kernel: a page has one connection, which is the main session's.
    microphone = source.source if isinstance(source, Tee) else source
    if isinstance(microphone, BrowserMicrophone) and microphone.line is not None:
        # Nothing can be put into what a page sends. Where this side cuts, the connection knows how long to wait.
        padding_ms = 0 if asked.client_cuts else media.padding_ms
        continuous = replace(media, continuous=True, padding_ms=padding_ms)
        protocol = RealtimeProtocol(asked, media=continuous, api_key=key)
        page = PageTransport(microphone.line, microphone, endpoint, on_event)
        return PageConnection(protocol, page, pipeline, on_event, media)
    protocol = RealtimeProtocol(asked, media=media, api_key=key)
    return MediaConnection(protocol, WebRtcTransport(endpoint), pipeline.store, on_event)


def interim_to(
    destination: Destination, asked: RecognitionOptions, interim_s: float, pipeline: Pipeline, recorder: Recorder
) -> Interim:
    """Return what asks for text of unfinished utterances."""
    return Interim(pipeline, recorder, RequestTransport(destination.url, destination.api_key), asked, interim_s)
