"""Which conversation a session has: chosen by its transport, made in one place."""

from __future__ import annotations

from collections.abc import Callable

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import Hints, ProtocolEvent, RealtimeOptions, RealtimeProtocol, ServerTurnDetection
from ipyspeaches.protocol.address import takes_model
from ipyspeaches.session.conversation import Conversation
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.realtime import RealtimeConversation
from ipyspeaches.sources import Source
from ipyspeaches.transports import WebSocketTransport


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
    del source
    if options.transport != "realtime":
        raise InputError(f'transport="{options.transport}" is not there yet: use "realtime".')
    protocol = RealtimeProtocol(realtime_options(destination, options, hearing))
    transport = WebSocketTransport(destination.url, protocol.query(), destination.api_key)
    return RealtimeConversation(protocol, transport, hearing.store, on_event, lambda: hearing.in_speech)


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
