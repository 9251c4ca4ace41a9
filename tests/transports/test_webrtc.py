"""Both ends of real connections: messages in their order, one end for both, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest

from ipyspeaches.errors import ServerUnreachableError, StateError
from ipyspeaches.protocol import FragmentJoiner, MessageLost
from ipyspeaches.transports import RtcOffer, TransportClosed, WebRtcTransport, webrtc
from rtc_wire import KEY, Answer, connected, heard_by, new_peer, offer_server, silence


async def test_messages_go_both_ways_and_the_request_is_right() -> None:
    peer = new_peer()
    seen: dict[str, str] = {}
    heard = heard_by(peer)

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        seen.update(headers, offer=offer)
        return Answer(200, await peer.answer(offer))

    async with offer_server(answer) as url:
        transport = WebRtcTransport(RtcOffer(url, {"model": "some/model"}, KEY))
        serving = asyncio.create_task(peer.serve())
        await transport.connect()
        joiner = FragmentJoiner()
        events: list[str | bytes | MessageLost] = []
        while not events:
            events = joiner.take(await transport.receive())
        await transport.send('{"type": "你好"}'.encode())
        await transport.close()
        await asyncio.wait_for(serving, 10)
        await peer.close()
    assert isinstance(events[0], bytes)
    assert json.loads(events[0])["type"] == "session.created"
    assert seen[":path"] == "/v1/realtime?model=some/model"
    assert seen["authorization"] == f"Bearer {KEY}"
    assert seen["content-type"] == "application/sdp"
    assert KEY not in repr(transport)
    # Opus alone, a channel in the offer, and no help of a third party to find a way.
    assert re.findall(r"a=rtpmap:\d+ (\w+)", seen["offer"]) == ["opus"]
    assert "m=application" in seen["offer"]
    assert set(re.findall(r" typ (\w+)", seen["offer"])) == {"host"}
    assert heard.closed


async def test_the_end_of_the_server_is_the_end_of_the_connection() -> None:
    async with connected() as (transport, peer, _):
        await peer.close()
        with pytest.raises(TransportClosed) as ended:
            async with asyncio.timeout(10):
                while True:
                    await transport.receive()
        assert not ended.value.close_frame
        with pytest.raises(TransportClosed):
            await transport.receive()
        with pytest.raises(TransportClosed):
            await transport.send(b"{}")
        transport.play(silence(20))
        await asyncio.wait_for(transport.drained(0), 5)


async def test_nothing_is_left_running_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = asyncio.all_tasks()
    async with connected() as (transport, _, _heard):
        await transport.send(b'{"secret": "what was said"}')
        await asyncio.sleep(0.3)
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == before
    assert not [record for record in caplog.records if record.name.split(".")[0] in ("aiortc", "aioice", "libav")]


async def test_no_way_for_udp_is_told_from_other_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with addresses where nobody listens, as from a container whose ports are not published."""
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 1.0)
    peer = new_peer()

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        sdp = await peer.answer(re.sub(r"a=candidate:.*\r\n", "", offer))
        return Answer(200, re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+ \d+", r"\1 192.0.2.99 9", sdp))

    async with offer_server(answer) as url:
        with pytest.raises(ServerUnreachableError, match=r'UDP.*use transport="realtime"'):
            await WebRtcTransport(RtcOffer(url, {})).connect()
    await peer.close()


async def test_a_channel_that_does_not_open_is_told_from_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 1.0)
    peer = new_peer()

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        # Another fingerprint: packets get through, but nobody can prove who sent them.
        return Answer(200, re.sub(r"(a=fingerprint:\S+) \S\S", r"\1 00", await peer.answer(offer)))

    async with offer_server(answer) as url:
        with pytest.raises(ServerUnreachableError, match="channel did not open"):
            await WebRtcTransport(RtcOffer(url, {})).connect()
    await peer.close()


async def test_nothing_can_be_done_before_it_is_open() -> None:
    transport = WebRtcTransport(RtcOffer("http://127.0.0.1:9", {}))
    with pytest.raises(StateError, match="not connected"):
        await transport.send(b"{}")
    with pytest.raises(StateError, match="not connected"):
        transport.play(silence(20))
    with pytest.raises(StateError, match="not connected"):
        await transport.receive()
    await transport.close()


def test_the_source_is_light(root: Path) -> None:
    """Only a connection imports aiortc: half a second that nobody else pays."""
    text = (root / "src" / "ipyspeaches" / "transports" / "webrtc.py").read_text(encoding="utf-8")
    assert "import aiortc" not in text
    assert "from aiortc" not in text
