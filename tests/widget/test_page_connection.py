"""The page's own connection with the server, from the button to the table: pages and server are played."""

from __future__ import annotations

from typing import Any

import pytest

from fake_page import Page, wait_for
from fake_peer import FakePeer
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import ConnectionLostError
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY

KEY = "sesame"


class ConnectedPage(Page):
    """A page that connects as it is told."""

    def __init__(self, widget: Transcriber, monkeypatch: pytest.MonkeyPatch, client_id: str = "me") -> None:
        super().__init__(widget, monkeypatch)
        self.peer = FakePeer(self.say, client_id)
        monkeypatch.setattr(widget, "send", self._take)
        self.say({"type": "hello", "client_id": client_id})

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.messages.append((content, buffers or []))
        if content["type"] == "peer":
            self.peer.obey(content)

    def speak(self, recording: Recording) -> None:
        """Send the three bursts as the capture that is running, each when the one before has its text."""
        size = recording.rate // 25
        for number in range(3):
            begin, end = (0, 2.84, 4.84, 7)[number : number + 2]
            self._send(
                recording, range(round(begin * 25) * size, min(round(end * 25) * size, len(recording.samples)), size)
            )
            wait_for(lambda: len(self.events("final")) > number)  # noqa: B023

    def _send(self, recording: Recording, starts: range) -> None:
        capture_id = self.of("capture")[-1]["capture_id"]
        size = recording.rate // 25
        for at in starts:
            number = at // size
            content = {"type": "audio", "seq": number, "first_frame": at, "rate": recording.rate}
            self.say({**content, "capture_id": capture_id}, [recording.samples[at : at + size].tobytes()])


@pytest.fixture
def widget(scripted: Any) -> Transcriber:
    return Transcriber(server=scripted.url, transport="webrtc", turn_detection=ENERGY)


@pytest.fixture
def page(widget: Transcriber, monkeypatch: pytest.MonkeyPatch) -> ConnectedPage:
    return ConnectedPage(widget, monkeypatch)


def test_words_come_through_the_page(
    widget: Transcriber, page: ConnectedPage, bursts: Recording, scripted: Any
) -> None:
    widget.start()
    page.speak(bursts)
    widget.stop()
    assert [segment.text for segment in widget.transcript] == ["utterance 1", "utterance 2", "utterance 3"]
    starts = [segment.start for segment in widget.transcript]
    assert starts == pytest.approx([1, 3, 5], abs=0.2)
    assert widget.recording.duration == pytest.approx(7, abs=0.05)
    assert scripted.received == [], "something went over a WebSocket"
    assert page.peer.orders[-1]["action"] == "close"
    assert {order["client_id"] for order in page.peer.orders} == {"me"}
    assert widget._transport == "webrtc"


def test_a_key_stays_in_the_kernel(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = Transcriber(server=scripted.url, transport="webrtc", turn_detection=ENERGY, api_key=KEY)
    page = ConnectedPage(widget, monkeypatch)
    page.peer.news = [{"news": "opening"}, {"news": "offer", "sdp": "the offer", "origin": "http://localhost"}]
    error = page.command("start")
    assert error is not None, "the scripted server takes no offers"
    assert "not in HTTP" in error["text"]
    assert page.peer.of("open")[0]["url"] is None
    assert KEY not in repr(page.messages) + repr(widget.get_state())


def test_a_blocked_way_is_told_in_the_cell(widget: Transcriber, page: ConnectedPage) -> None:
    page.peer.news = [{"news": "opening"}, {"news": "failed", "kind": "ice", "detail": "failed", "status": 0}]
    error = page.command("start")
    assert error is not None
    assert (error["kind"], widget.state) == ("udp", "failed")
    assert 'transport="realtime"' in error["text"]


def test_a_refused_microphone_is_the_reason(widget: Transcriber, page: ConnectedPage) -> None:
    page.peer.news = []
    page.say({"type": "command", "id": 1, "name": "start", "args": {}, "client_id": "me"})
    order = wait_for(lambda: page.peer.of("open") and page.of("capture"))[-1]
    page.say({"type": "capture", "state": "failed", "capture_id": order["capture_id"], "error": "denied"})
    reply = wait_for(lambda: next(iter(page.of("reply")), None))
    assert reply["error"]["kind"] == "denied"
    assert widget.state == "failed"


def test_stopping_while_it_connects_is_no_failure(widget: Transcriber, page: ConnectedPage) -> None:
    page.peer.news = []
    page.say({"type": "command", "id": 1, "name": "start", "args": {}, "client_id": "me"})
    wait_for(lambda: page.peer.of("open"))
    page.say({"type": "command", "id": 2, "name": "stop", "args": {}, "client_id": "me"})
    wait_for(lambda: page.of("capture")[-1]["action"] == "stop")
    page.peer._link_id = page.peer.orders[0]["link_id"]
    page.peer.tell(news="failed", kind="microphone", detail="not open", status=0)
    wait_for(lambda: widget.state == "stopped")
    assert widget._error is None


def test_a_reloaded_page_ends_the_recording_in_words(
    widget: Transcriber, page: ConnectedPage, bursts: Recording
) -> None:
    widget.start()
    page.speak(bursts)
    page.say({"type": "bye", "client_id": "me"})
    with pytest.raises(ConnectionLostError, match="closed or reloaded"):
        widget.wait()
    assert widget._error is not None
    assert 'transport="realtime"' in widget._error["text"]
    assert len(widget.transcript) == 3
    assert widget.recording.duration == pytest.approx(7, abs=0.05)


def test_a_page_that_went_without_a_word_is_not_taken_over(
    widget: Transcriber, page: ConnectedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.widget.capture.SILENT_S", 0.0)
    widget.start()
    page.say({"type": "hello", "client_id": "other"})
    refused = page.command("resume_capture")
    assert refused is not None
    assert "closed or reloaded" in refused["text"]
    wait_for(lambda: widget.state == "failed")


def test_another_page_cannot_go_on_after_a_pause(widget: Transcriber, page: ConnectedPage) -> None:
    widget.start()
    widget.pause()
    page.say({"type": "command", "id": 5, "name": "resume", "args": {}, "client_id": "other"})
    reply = wait_for(lambda: next((one for one in page.of("reply") if one["id"] == 5), None))
    assert "continue there" in reply["error"]["text"]
    assert widget.state == "paused"
    assert page.command("resume") is None
    widget.stop()


def test_a_page_that_loses_the_server_goes_on_through_the_kernel(
    widget: Transcriber, page: ConnectedPage, bursts: Recording, scripted: Any
) -> None:
    widget.start()
    page.speak(bursts)
    page.peer.tell(news="closed", detail="connection failed")
    wait_for(lambda: any(message["type"] == "session.update" for message in scripted.received))
    widget.stop()
    assert widget.state == "stopped"
    assert not widget._error
    assert widget.recording.duration == pytest.approx(7, abs=0.05)
    assert len(widget.transcript) == 3
    assert "connection failed" in repr(widget.events.columns()["text"])


def test_news_of_strangers_are_nobodys(widget: Transcriber, page: ConnectedPage) -> None:
    page.say({"type": "peer", "news": "open", "link_id": 1, "seq": 0, "client_id": "me"})  # before any recording
    widget.start()
    link_id = page.peer.orders[0]["link_id"]
    page.say({"type": "peer", "news": "closed", "link_id": link_id, "seq": 9, "client_id": "stranger"})
    widget.pause()
    assert widget.state == "paused"
    widget.stop()
