"""Which conversation a session has."""

from __future__ import annotations

import pytest

from ipyspeaches.server.models import ServerInfo
from ipyspeaches.session.conversation import Conversation
from ipyspeaches.session.conversations import conversation_for
from ipyspeaches.session.destination import Destination
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.session.media import MediaConversation
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.page import PageConversation
from ipyspeaches.session.realtime import RealtimeConversation
from ipyspeaches.session.requests import RequestConversation
from ipyspeaches.session.turn_detection import TurnDetection
from ipyspeaches.sources import BrowserMicrophone, Source, Tee
from ipyspeaches.transports import PageLine


def conversation(source: Source, transport: str) -> Conversation:
    destination = Destination("http://server.example", None, ServerInfo("1", (), "m"), embedded=False)
    options = SessionOptions.of({"transport": transport})
    return conversation_for(source, destination, options, Hearing(TurnDetection.client()), lambda _event: None)


def page() -> BrowserMicrophone:
    microphone = BrowserMicrophone()
    microphone.line = PageLine(1, lambda _order: None)
    return microphone


@pytest.mark.parametrize(
    ("transport", "kind"),
    [
        ("realtime", RealtimeConversation),
        ("chunked", RequestConversation),
        ("sse", RequestConversation),
        ("webrtc", MediaConversation),
    ],
)
async def test_the_transport_chooses(transport: str, kind: type) -> None:
    assert type(conversation(BrowserMicrophone(), transport)) is kind


async def test_a_page_sends_its_sound_itself_also_where_others_listen_along() -> None:
    shared = Tee(page(), 1)
    assert type(conversation(page(), "webrtc")) is PageConversation
    assert type(conversation(shared, "webrtc")) is PageConversation
    assert type(conversation(shared.branches[0], "webrtc")) is MediaConversation
