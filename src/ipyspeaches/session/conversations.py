"""Which conversation a session has: chosen by its transport, made in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipyspeaches.protocol import (
    Hints,
    ProtocolEvent,
    RealtimeOptions,
    RealtimeProtocol,
    RequestProtocol,
    ServerTurnDetection,
    TranscriptionOptions,
)
from ipyspeaches.protocol.address import takes_model
from ipyspeaches.session.conversation import Conversation
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.interim import Interim
from ipyspeaches.session.media import MediaConversation
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.page import PageConversation
from ipyspeaches.session.realtime import RealtimeConversation
from ipyspeaches.session.requests import RequestConversation
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.sources import BrowserMicrophone, Source, Tee
from ipyspeaches.transports import PageTransport, RequestTransport, RtcEndpoint, WebRtcTransport, WebSocketTransport


def conversation_for(
    source: Source,
    destination: Destination,
    options: SessionOptions,
    hearing: Hearing,
    on_event: Callable[[ProtocolEvent], None],
) -> Conversation:
    """Return the conversation that the options ask for, not opened yet.

    Parameters
    ----------
    source
        Where sound comes from.
    destination
        The server.
    options
        By which way, and what the recogniser is told.
    hearing
        Keeps the sound, and knows who cuts.
    on_event
        Called on the loop with each protocol event.
    """
    if options.route.by_requests:
        requests = RequestProtocol(transcription_options(destination, options), live=source.live)
        return RequestConversation(
            requests, RequestTransport(destination.url, destination.api_key), hearing.store, on_event
        )
    if options.transport == "webrtc":
        return _webrtc(source, destination, options, hearing, on_event)
    protocol = RealtimeProtocol(realtime_options(destination, options, hearing))
    transport = WebSocketTransport(destination.url, protocol.query(), destination.api_key)
    return RealtimeConversation(protocol, transport, hearing.store, on_event, lambda: hearing.in_speech)


def transcription_options(destination: Destination, options: SessionOptions) -> TranscriptionOptions:
    """Return what each request of a session asks for."""
    told = options.recognition
    return TranscriptionOptions(
        model=destination.model,
        language=told.language,
        translate=told.task == "translate",
        prompt=told.prompt,
        hotwords=told.hotwords,
        temperature=told.temperature,
        stream=options.transport == "sse",
    )


def _webrtc(
    source: Source,
    destination: Destination,
    options: SessionOptions,
    hearing: Hearing,
    on_event: Callable[[ProtocolEvent], None],
) -> Conversation:
    """Return a conversation over WebRTC: from the page that captures the sound, else from the kernel."""
    told = realtime_options(destination, options, hearing)
    media = destination.info.media
    # Sessions that listen along get the sound from the kernel: a page has one connection, which is the main session's.
    microphone = source.source if isinstance(source, Tee) else source
    if isinstance(microphone, BrowserMicrophone) and microphone.line is not None:
        # Nothing can be put into what a page sends. Where this side cuts, the conversation knows how long to wait.
        padding_ms = 0 if told.client_cuts else media.padding_ms
        protocol = RealtimeProtocol(replace(told, media=replace(media, continuous=True, padding_ms=padding_ms)))
        endpoint = RtcEndpoint(destination.url, protocol.query(), destination.api_key)
        through = PageTransport(microphone.line, microphone, endpoint, on_event)
        return PageConversation(protocol, through, hearing, on_event, media)
    protocol = RealtimeProtocol(replace(told, media=media))
    transport = WebRtcTransport(RtcEndpoint(destination.url, protocol.query(), destination.api_key))
    return MediaConversation(protocol, transport, hearing.store, on_event)


def realtime_options(destination: Destination, options: SessionOptions, hearing: Hearing) -> RealtimeOptions:
    """Return what a realtime session is asked to be."""
    turn, told = hearing.turn_detection, options.recognition
    return RealtimeOptions(
        model=destination.model,
        language=told.language,
        turn_detection=turn.server_vad or ServerTurnDetection(),
        client_cuts=turn.client_cuts,
        hints=Hints(told.prompt, told.hotwords, told.temperature),
        model_in_address=takes_model(destination.url),
    )


def interim_for(destination: Destination, options: SessionOptions, hearing: Hearing, scribe: Scribe) -> Interim | None:
    """Return what asks for text of unfinished utterances, if the options want it."""
    interim_s = options.route.interim_s
    if interim_s is None:
        return None
    asked = replace(transcription_options(destination, options), stream=False)
    return Interim(hearing, scribe, RequestTransport(destination.url, destination.api_key), asked, interim_s)
