"""Which conversation a session has: chosen by its transport, made in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import ProtocolEvent, RealtimeOptions, RealtimeProtocol
from ipyspeaches.session.conversation import Conversation
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.media import MediaConversation
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.realtime import RealtimeConversation
from ipyspeaches.sources import Source
from ipyspeaches.transports import WebRtcTransport, WebSocketTransport


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
    if options.transport == "webrtc":
        return _webrtc(source, destination, options, hearing, on_event)
    if options.transport != "realtime":
        raise InputError(f'transport="{options.transport}" is not there yet: use "realtime".')
    protocol = RealtimeProtocol(realtime_options(destination, options, hearing))
    transport = WebSocketTransport(destination.url, protocol.query(), destination.api_key)
    return RealtimeConversation(protocol, transport, hearing.store, on_event)


def _webrtc(
    source: Source,
    destination: Destination,
    options: SessionOptions,
    hearing: Hearing,
    on_event: Callable[[ProtocolEvent], None],
) -> Conversation:
    """Return a conversation over WebRTC: from the kernel, unless the sound is in a page."""
    if source.kind == "browser":
        raise InputError('transport="webrtc" from a page is not there yet: use source="kernel".')
    told = replace(realtime_options(destination, options, hearing), media=destination.info.media)
    protocol = RealtimeProtocol(told)
    transport = WebRtcTransport(destination.url, protocol.query(), destination.api_key)
    return MediaConversation(protocol, transport, hearing.store, on_event)


def realtime_options(destination: Destination, options: SessionOptions, hearing: Hearing) -> RealtimeOptions:
    """Return what a realtime session is asked to be."""
    turn = hearing.turn_detection
    if turn.server_vad is None:
        return RealtimeOptions(model=destination.model, language=options.language)
    return RealtimeOptions(
        model=destination.model, language=options.language, turn_detection=turn.server_vad, client_cuts=False
    )
