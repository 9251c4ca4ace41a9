"""The connection to a server, by the way that is wanted.

It is imported when a session starts: the libraries of all ways take longer to import than the rest of the package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipyspeaches.protocol.address import realtime_query
from ipyspeaches.protocol.http.request_protocol import RequestProtocol
from ipyspeaches.protocol.protocol_events import ProtocolEvent
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.session.connection import Connection
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.media_connections import MediaConnection, PageConnection
from ipyspeaches.session.opening import Destination
from ipyspeaches.session.options import REQUESTS
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.session.request_connection import RequestConnection
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.sources.source import Source
from ipyspeaches.sources.tee import Tee
from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.transports.page_webrtc import PageTransport
from ipyspeaches.transports.webrtc import RtcEndpoint, WebRtcTransport
from ipyspeaches.transports.websocket import WebSocketTransport


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
