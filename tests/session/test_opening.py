"""Which connection a session has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipyspeaches.protocol.protocol_events import Reported
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.server.models import ServerInfo
from ipyspeaches.session.connection import Connection
from ipyspeaches.session.connections import RequestConnection, connection_to
from ipyspeaches.session.media_connections import MediaConnection, PageConnection
from ipyspeaches.session.opening import Destination
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.realtime_connection import RealtimeConnection
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.sources.source import Source
from ipyspeaches.sources.tee import Tee
from ipyspeaches.transports.page_webrtc import PageLine

KEY = "sk-secret"


def connection(source: Source, transport: str) -> Connection:
    destination = Destination("http://server.example", KEY, embedded=False, info=ServerInfo("1", (), "m"))
    asked = RecognitionOptions(model="m")
    pipeline = Pipeline(TurnDetection.client())
    return connection_to(destination, transport, asked, source, pipeline, lambda _event: None)


def page() -> BrowserMicrophone:
    microphone = BrowserMicrophone()
    microphone.line = PageLine(1, lambda _order: None)
    return microphone


@pytest.mark.parametrize(
    ("transport", "kind"),
    [
        ("realtime", RealtimeConnection),
        ("chunked", RequestConnection),
        ("sse", RequestConnection),
        ("webrtc", MediaConnection),
    ],
)
async def test_the_transport_chooses(transport: str, kind: type) -> None:
    assert type(connection(BrowserMicrophone(), transport)) is kind


async def test_a_page_sends_its_audio_itself_also_where_others_listen_along() -> None:
    shared = Tee(page(), 1)
    assert type(connection(page(), "webrtc")) is PageConnection
    assert type(connection(shared, "webrtc")) is PageConnection
    assert type(connection(shared.branches[0], "webrtc")) is MediaConnection


@pytest.mark.parametrize("transport", ["realtime", "webrtc"])
@pytest.mark.parametrize("source", [page, BrowserMicrophone])
async def test_whichever_way_a_server_quotes_the_key_nobody_sees_it(
    transport: str, source: Callable[[], BrowserMicrophone]
) -> None:
    made = connection(source(), transport)
    assert isinstance(made, RealtimeConnection)
    protocol = made._protocol
    protocol.connection_opened()
    [reported, *_] = protocol.receive_message(f'{{"type": "error", "error": {{"message": "{KEY} is too fast"}}}}')
    assert isinstance(reported, Reported)
    assert reported.message == "… is too fast"
