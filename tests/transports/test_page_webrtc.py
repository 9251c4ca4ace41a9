"""A page's own connection, as the kernel sees it: over a line that may reorder, with words for every failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from fake_peer import FakePeer
from ipyspeaches.errors import (
    ConnectionLostError,
    MicrophoneError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    UdpBlockedError,
)
from ipyspeaches.protocol.protocol_events import Noticed
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.transports.page_webrtc import PageLine, PageTransport, page_gone
from ipyspeaches.transports.transport import TransportClosed
from ipyspeaches.transports.webrtc import RtcEndpoint

KEY = "sesame"
URL = "http://server.example:8000"
QUERY = {"model": "a/b", "intent": "transcription"}


class Ends:
    """The kernel's end of a line and the page's."""

    def __init__(self, endpoint: RtcEndpoint | None = None) -> None:
        self.microphone = BrowserMicrophone()
        self.line = PageLine(1, lambda order: self.peer.obey(order))
        self.peer = FakePeer(self.line.receive_news)
        self.obstacles: list[Noticed] = []
        self.transport = PageTransport(
            self.line, self.microphone, endpoint or RtcEndpoint(URL, QUERY), self.obstacles.append
        )


@pytest.fixture
async def ends() -> Ends:
    return Ends()


async def test_messages_go_both_ways_as_they_are(ends: Ends) -> None:
    await ends.transport.connect()
    for text in (b'{"type":"a"}', b'{"type":"b"}'):
        await ends.transport.send(text)
    assert '"partial_message"' in await ends.transport.receive()
    await asyncio.sleep(0.01)
    assert ends.peer.of("send")[0]["messages"] == ['{"type":"a"}', '{"type":"b"}']
    assert ends.peer.of("open")[0]["url"] == f"{URL}/v1/realtime?model=a/b&intent=transcription"
    assert [order["seq"] for order in ends.peer.orders] == [0, 1]
    await ends.transport.close()
    assert ends.peer.orders[-1]["action"] == "close"


async def test_news_that_overtake_each_other_are_put_in_order(ends: Ends) -> None:
    ends.peer.news = []
    connecting = asyncio.create_task(ends.transport.connect())
    await asyncio.sleep(0)
    news: list[dict[str, Any]] = [{"news": "opening"}, {"news": "open", "from_s": 1.5}]
    news += [{"news": "messages", "messages": [str(number)]} for number in range(3)]
    for seq in (4, 0, 2, 1, 1, 3):
        ends.line.receive_news({"link_id": 1, "seq": seq, **news[seq]})
    ends.line.receive_news({"link_id": 7, "seq": 5, "news": "closed"})  # of an earlier connection
    await connecting
    assert [await ends.transport.receive() for _ in range(3)] == ["0", "1", "2"]
    assert ends.microphone._skipped_s == 1.5
    await ends.transport.close()


async def test_a_commit_waits_as_long_as_the_padding_before_it(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    await ends.transport.connect()
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr("ipyspeaches.transports.page_webrtc.asyncio.sleep", note)
    zeros = np.zeros(2_400, np.int16)
    await ends.transport.send(b'{"type":"opening"}')
    ends.transport.send_audio(StreamAudio(zeros))
    ends.transport.send_audio(StreamAudio(zeros, padding=True))
    await ends.transport.send(b'{"type":"closing"}')
    for _ in range(10):
        await sleep(0)
    assert [order["messages"] for order in ends.peer.of("send")] == [['{"type":"opening"}'], ['{"type":"closing"}']]
    assert waits[0] == pytest.approx(0.1)
    await ends.transport.close()


async def test_a_clear_is_told_where_the_silence_was(ends: Ends) -> None:
    ends.peer.news = [{"news": "opening"}, {"news": "open", "from_s": 2.0}]
    await ends.transport.connect()
    reader = asyncio.create_task(read_all(ends.transport))
    assert await ends.transport.clear(b'{"type":"input_audio_buffer.clear"}', 3.0) == pytest.approx(3.05)
    assert ends.peer.of("clear")[0]["heard_s"] == 5.0
    ends.peer.quiet = False
    assert await ends.transport.clear(b'{"type":"input_audio_buffer.clear"}', 3.0) is None
    assert await ends.transport.caught_up()
    assert ends.peer.kinds() == ["input_audio_buffer.clear"]
    reader.cancel()
    await ends.transport.close()


async def read_all(transport: PageTransport) -> None:
    while True:
        await transport.receive()


async def test_what_the_server_said_before_it_went_is_taken_first(ends: Ends) -> None:
    await ends.transport.connect()
    ends.peer.tell(news="closed", detail="channel closed")
    await ends.transport.receive()
    await ends.transport.receive()
    with pytest.raises(TransportClosed) as closed:
        await ends.transport.receive()
    assert (closed.value.code, closed.value.reason, closed.value.error) == (None, "channel closed", None)
    with pytest.raises(TransportClosed):
        await ends.transport.send(b"{}")
    assert not await ends.transport.caught_up()
    await ends.transport.close()


async def test_a_page_that_goes_takes_its_connection_with_it(ends: Ends) -> None:
    await ends.transport.connect()
    clearing = asyncio.create_task(ends.transport.clear(b'{"type":"x"}', 0))
    ends.line.lose(page_gone())
    with pytest.raises(TransportClosed) as closed:
        while True:
            await ends.transport.receive()
    assert isinstance(closed.value.error, ConnectionLostError)
    assert "closed or reloaded" in str(closed.value.error)
    await clearing
    orders = len(ends.peer.orders)
    await ends.transport.close()
    assert len(ends.peer.orders) == orders, "nobody is there to be told anything"


async def test_the_microphones_own_failure_is_the_reason(ends: Ends) -> None:
    ends.peer.news = []
    connecting = asyncio.create_task(ends.transport.connect())
    await asyncio.sleep(0)
    ends.line.lose(MicrophoneError("The browser blocked the microphone."))
    with pytest.raises(MicrophoneError, match="blocked"):
        await connecting


@pytest.mark.parametrize(
    ("news", "kind", "cure"),
    [
        ({"kind": "ice", "detail": "failed"}, UdpBlockedError, 'let UDP through .* transport="realtime"'),
        ({"kind": "unsupported", "detail": "x"}, ServerUnreachableError, "does not support WebRTC"),
        ({"kind": "microphone", "detail": "x"}, ConnectionLostError, "press Record again"),
        ({"kind": "other", "detail": "OperationError"}, ServerError, r"OperationError.*try again"),
        ({"kind": "refused", "status": 403, "detail": '{"detail":"no"}'}, ServerAuthError, "it may require an API key"),
        ({"kind": "refused", "status": 405, "detail": ""}, ServerError, r"does not support WebRTC \(HTTP 405\)"),
        ({"kind": "refused", "status": 500, "detail": "Internal Server Error"}, ServerError, "HTTP 500"),
    ],
)
async def test_failures_name_their_cure(ends: Ends, news: dict[str, Any], kind: type[ServerError], cure: str) -> None:
    ends.peer.news = [{"news": "opening"}, {"news": "failed", **news}]
    with pytest.raises(kind, match=cure):
        await ends.transport.connect()
    assert ends.peer.orders[-1]["action"] == "close"


async def test_a_silent_page_is_not_waited_for_without_end(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.transports.page_webrtc.PERMISSION_TIMEOUT_S", 0.01)
    ends.peer.news = []
    with pytest.raises(ServerUnreachableError, match="answer the browser's question"):
        await ends.transport.connect()


class Signalling(BaseHTTPRequestHandler):
    """Answers offers, and keeps what it was asked."""

    asked: list[tuple[str, str | None, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, self.headers["Authorization"], body))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain charset=utf-8")
        self.end_headers()
        self.wfile.write(b"the answer")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def signalling() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    handler = type("Handler", (Signalling,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        server.shutdown()


async def test_the_kernel_asks_where_a_key_is_needed(signalling: Any) -> None:
    url, asked = signalling
    ends = Ends(RtcEndpoint(url, QUERY, KEY))
    ends.peer.news = [{"news": "opening"}, {"news": "offer", "sdp": "the offer", "origin": "http://localhost:8888"}]
    await ends.transport.connect()
    assert asked == [("/v1/realtime?model=a/b&intent=transcription", f"Bearer {KEY}", b"the offer")]
    assert ends.peer.of("open")[0]["url"] is None
    assert ends.peer.of("answer")[0]["sdp"] == "the answer"
    assert ends.obstacles == []
    assert KEY not in repr(ends.peer.orders) + repr(ends.transport)
    await ends.transport.close()


@pytest.mark.parametrize(
    ("blocked", "kind", "cure"),
    [
        ("cors", "rtc_cors", "ALLOW_ORIGINS='[\"https://hub.example\"]'"),
        ("mixed_content", "rtc_mixed_content", "open the notebook at http://localhost"),
        ("unreachable", "rtc_unreachable", "works on both computers"),
    ],
)
async def test_the_kernel_asks_where_the_page_may_not(signalling: Any, blocked: str, kind: str, cure: str) -> None:
    url, asked = signalling
    ends = Ends(RtcEndpoint(url, QUERY))
    offer = {"news": "offer", "sdp": "the offer", "origin": "https://hub.example", "blocked": blocked}
    ends.peer.news = [{"news": "opening"}, offer]
    await ends.transport.connect()
    assert [key for _, key, _ in asked] == [None]
    [obstacle] = ends.obstacles
    assert obstacle.kind == kind
    assert cure in obstacle.message
    await ends.transport.close()
