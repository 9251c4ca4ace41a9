"""Both ends of real connections: messages in their order, one end for both, nothing left behind, refusals in words."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys

import pytest

from ipyspeaches.errors import (
    MissingExtraError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    StateError,
)
from ipyspeaches.protocol.protocol_events import MessageLost
from ipyspeaches.protocol.realtime.media import FragmentJoiner
from ipyspeaches.transports import webrtc
from ipyspeaches.transports.rtc_connection import RtcConnection
from ipyspeaches.transports.transport import TransportClosed
from ipyspeaches.transports.webrtc import RtcEndpoint, WebRtcTransport
from rtc_wire import KEY, Answer, connected, heard_by, new_peer, offer_server, silence


async def test_messages_go_both_ways_and_the_request_is_right() -> None:
    peer = new_peer()
    seen: dict[str, str] = {}
    heard = heard_by(peer)

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        seen.update(headers, offer=offer)
        return Answer(200, await peer.answer(offer))

    async with offer_server(answer) as url:
        transport = WebRtcTransport(RtcEndpoint(url, {"model": "some/model"}, KEY))
        serving = asyncio.create_task(peer.serve())
        await transport.connect()
        joiner = FragmentJoiner()
        events: list[str | bytes | MessageLost] = []
        while not events:
            events = joiner.receive(await transport.receive())
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
        assert ended.value.code is None
        with pytest.raises(TransportClosed):
            await transport.receive()
        with pytest.raises(TransportClosed):
            await transport.send(b"{}")
        transport.send_audio(silence(20))
        await asyncio.wait_for(transport.drain(0), 5)


async def test_nobody_waits_for_audio_that_a_fault_keeps_from_going_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected() as (transport, _, _heard):
        monkeypatch.setattr(RtcConnection, "send", lambda *_: 1 / 0)
        await transport.send(b"{}")
        transport.send_audio(silence(20))
        await asyncio.wait_for(transport.drain(0), 5)
        assert transport.writer is not None
        assert isinstance(transport.writer.exception(), ZeroDivisionError)


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
            await WebRtcTransport(RtcEndpoint(url, {})).connect()
    await peer.close()


async def test_a_channel_that_does_not_open_is_told_from_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 1.0)
    peer = new_peer()

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        # Another fingerprint: packets get through, but nobody can prove who sent them.
        return Answer(200, re.sub(r"(a=fingerprint:\S+) \S\S", r"\1 00", await peer.answer(offer)))

    async with offer_server(answer) as url:
        with pytest.raises(ServerUnreachableError, match="channel did not open"):
            await WebRtcTransport(RtcEndpoint(url, {})).connect()
    await peer.close()


async def test_nothing_can_be_done_before_it_is_open() -> None:
    transport = WebRtcTransport(RtcEndpoint("http://127.0.0.1:9", {}))
    with pytest.raises(StateError, match="not connected"):
        await transport.send(b"{}")
    with pytest.raises(StateError, match="not connected"):
        transport.send_audio(silence(20))
    with pytest.raises(StateError, match="not connected"):
        await transport.receive()
    await transport.close()


def test_only_a_connection_imports_aiortc() -> None:
    """It takes half a second, which nobody else pays."""
    program = "import sys, ipyspeaches.transports, ipyspeaches.local.realtime_routes; print('aiortc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(403, '{"detail": "Invalid API key."}'), ServerAuthError, "about the API key, correct api_key"),
        (Answer(404, '{"detail": "Not Found"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, '{"detail": "Method Not Allowed"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, ""), ProtocolError, "does not support WebRTC (HTTP 405)"),
        (Answer(501, '{"detail": "pip install aiortc"}'), ProtocolError, "pip install aiortc"),
        (Answer(404, '{"detail": "Model \'x\' is not installed"}'), ModelNotFoundError, "Model 'x'"),
        (
            Answer(422, '{"detail": [{"msg": "Field required", "loc": ["query", "model"]}]}'),
            ProtocolError,
            "model: Field required",
        ),
        (Answer(500, "Internal Server Error"), ProtocolError, "rejected the WebRTC offer (HTTP 500)"),
        (Answer(503, ""), ServerUnreachableError, "overloaded"),
        (Answer(200, "<!doctype html>"), NotSpeachesError, "no usable answer"),
        (Answer(200, ""), NotSpeachesError, "no usable answer"),
        (Answer(413, ""), ProtocolError, "HTTP 413"),
        (
            Answer(415, f'{{"error": "No SDP, {KEY}"}}'),
            ProtocolError,
            "rejected the WebRTC offer (HTTP 415: No SDP, …)",
        ),
        (Answer(429, f'{{"error": "{KEY} is too fast"}}'), ServerUnreachableError, "HTTP 429: … is too fast"),
        (Answer(429, '{"error": {"code": "insufficient_quota"}}'), ProtocolError, "plan and billing"),
        (Answer(502, "<title>Bad gateway of nginx</title>"), ServerUnreachableError, "HTTP 502: Bad gateway of nginx"),
    ],
)
async def test_refusals_are_told_by_their_cause(answer: Answer, kind: type[ServerError], words: str) -> None:
    async def refuse(offer: str, headers: dict[str, str]) -> Answer:
        return answer

    before = asyncio.all_tasks()
    async with offer_server(refuse) as url:
        transport = WebRtcTransport(RtcEndpoint(url, {}, KEY))
        with pytest.raises(kind) as failure:
            await transport.connect()
    assert words in str(failure.value)
    assert url in str(failure.value)
    assert KEY not in str(failure.value)
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == before


async def test_nobody_listens_there() -> None:
    with pytest.raises(ServerUnreachableError, match="start the server"):
        await WebRtcTransport(RtcEndpoint("http://127.0.0.1:9", {})).connect()


async def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'ipyspeaches[webrtc]'")):
        await WebRtcTransport(RtcEndpoint("http://127.0.0.1:9", {})).connect()


def test_a_machine_without_a_network_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from aioice import ice

    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    webrtc.prepare_webrtc()
    webrtc.prepare_webrtc()
    assert ice.get_host_addresses(True, True) == ["127.0.0.1"]
