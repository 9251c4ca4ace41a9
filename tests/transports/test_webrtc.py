"""Both ends of real connections: what goes in comes out, in its order and undamaged, and every failure has a cure."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, Packet
from numpy.typing import NDArray

from human_speech import load
from ipyspeaches import samples
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
from ipyspeaches.local.rtc_sound import TrackSound
from ipyspeaches.protocol import FragmentJoiner, MessageLost, Sound
from ipyspeaches.protocol.media import LOSSY_CLOCK, PADDING_MS, SHORT_PADDING_MS
from ipyspeaches.transports import TransportClosed, WebRtcTransport, rtc_support, webrtc
from ipyspeaches.transports.speech_track import FRAME_SAMPLES, SpeechTrack
from rtc_wire import KEY, Answer, LossySound, connected, heard_by, new_peer, offer_server

RATE_HZ = 24_000
# What Opus looks ahead, at 24 kHz: its output is that much late.
OPUS_DELAY = 156


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    """Three seconds of speech."""
    return load(samples.path("quickstart"))[RATE_HZ // 2 : RATE_HZ * 7 // 2]


def silence(milliseconds: int) -> Sound:
    return Sound(np.zeros(milliseconds * RATE_HZ // 1000, np.int16), padding=True)


def decoded(packets: list[Packet[Any]]) -> NDArray[np.int16]:
    """Return what Opus makes of a track's packets, on the session's clock, without any connection."""
    decoder, heard = OpusDecoder(), TrackSound()
    pieces = []
    for packet in packets:
        frames = decoder.decode(JitterFrame(bytes(packet), packet.pts or 0))
        pieces += [heard.push(frame) for frame in frames if isinstance(frame, AudioFrame)]
    pieces.append(heard.take())
    return np.concatenate([piece for piece in pieces if piece is not None])


def lag(late: NDArray[np.int16], early: NDArray[np.int16]) -> int:
    """Return by how many samples one is late, as their correlation has it."""
    size = 2 * len(late)
    spectrum = np.fft.rfft(late.astype(float), size) * np.fft.rfft(early.astype(float), size).conj()
    best = int(np.argmax(np.fft.irfft(spectrum)))
    return best if best < len(late) else best - size


async def test_messages_go_both_ways_and_the_request_is_right() -> None:
    peer = new_peer()
    seen: dict[str, str] = {}
    heard = heard_by(peer)

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        seen.update(headers, offer=offer)
        return Answer(200, await peer.answer(offer))

    async with offer_server(answer) as url:
        transport = WebRtcTransport(url, {"model": "some/model"}, KEY)
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


@pytest.mark.realtime
async def test_sound_arrives_as_the_codec_gives_it_and_messages_stay_behind_it(
    speech: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[Packet[Any]] = []
    take_packet = SpeechTrack._packet

    def noted(track: SpeechTrack) -> Packet[Any]:
        played.append(take_packet(track))
        return played[-1]

    monkeypatch.setattr(SpeechTrack, "_packet", noted)
    thirds = np.array_split(speech, 3)
    async with connected() as (transport, _, heard):
        positions, at = [], 0
        for number, third in enumerate(thirds):
            transport.play(Sound(third))
            transport.play(silence(SHORT_PADDING_MS))
            await transport.send(f"commit {number}".encode())
            at += len(third)
            positions.append(at)
            at += len(silence(SHORT_PADDING_MS).samples)
            await asyncio.sleep(0.5)  # a pause sends nothing and takes no time of the stream
        await heard.until(messages=3)
        sound = heard.sound
    whole = np.concatenate([part for third in thirds for part in (third, silence(SHORT_PADDING_MS).samples)])
    assert [text for text, _ in heard.messages] == ["commit 0", "commit 1", "commit 2"]
    for (_, there), position in zip(heard.messages, positions, strict=True):
        assert there >= position + OPUS_DELAY, "a message came before the sound that it is about"
    expected = decoded(played)
    length = min(len(sound), len(expected))
    assert len(whole) - length < RATE_HZ * SHORT_PADDING_MS // 1000
    # The connection adds nothing and loses nothing; only the last bits are dithered by the resampler.
    assert np.abs(sound[:length].astype(int) - expected[:length]).max() <= 3
    # Opus leaves it nearly as it is: the noise is less than a hundredth of the sound.
    spoken = whole[: length - OPUS_DELAY].astype(float)
    assert np.mean((sound[OPUS_DELAY:length] - spoken) ** 2) < 0.01 * np.mean(spoken**2)
    # It is late by what Opus looks ahead, at the end as at the beginning.
    for start in range(0, length - 2 * RATE_HZ, RATE_HZ):
        assert lag(sound[start : start + RATE_HZ], whole[start : start + RATE_HZ]) == pytest.approx(OPUS_DELAY, abs=2)


@pytest.mark.realtime
async def test_padding_gets_an_utterance_through_a_receiver_like_that_of_speaches(speech: NDArray[np.int16]) -> None:
    peer = new_peer()
    peer._sound = LossySound()  # type: ignore[assignment]
    async with connected(peer) as (transport, _, heard):
        at, positions = 0, []
        for number in range(3):
            part = speech[: RATE_HZ + number * 777]
            transport.play(Sound(part))
            transport.play(silence(PADDING_MS))
            await transport.send(b"commit")
            at += len(part)
            positions.append(at)
            at += len(silence(PADDING_MS).samples)
        await heard.until(messages=3)
    for (_, counted), position in zip(heard.messages, positions, strict=True):
        assert position <= counted * LOSSY_CLOCK <= position + PADDING_MS * RATE_HZ / 1000


async def test_nothing_to_say_sends_nothing() -> None:
    async with connected() as (transport, _, heard):
        await asyncio.sleep(0.5)
        assert len(heard.sound) == 0
        transport.play(silence(400))
        await transport.drained(0)
        await asyncio.sleep(0.3)
        count = len(heard.sound)
        await asyncio.sleep(0.5)
        assert len(heard.sound) == count <= 400 * RATE_HZ // 1000


async def test_a_recording_waits_for_its_time_in_the_stream(speech: NDArray[np.int16]) -> None:
    async with connected() as (transport, _, _heard):
        transport.play(Sound(speech))
        await transport.drained(5)  # it is three seconds long
        waiting = asyncio.create_task(transport.drained(1))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await transport.close()
        await asyncio.wait_for(waiting, 5)  # the end of the connection ends the wait


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


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(403, '{"detail": "Invalid API key."}'), ServerAuthError, "the API key is wrong"),
        (Answer(404, '{"detail": "Not Found"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, '{"detail": "Method Not Allowed"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, ""), ProtocolError, "has no WebRTC (HTTP 405)"),
        (Answer(501, '{"detail": "pip install aiortc"}'), ProtocolError, "pip install aiortc"),
        (Answer(404, '{"detail": "Model \'x\' is not installed"}'), ModelNotFoundError, "Model 'x'"),
        (
            Answer(422, '{"detail": [{"msg": "Field required", "loc": ["query", "model"]}]}'),
            ProtocolError,
            "model: Field required",
        ),
        (Answer(500, "Internal Server Error"), ProtocolError, "could not do anything with the WebRTC offer (HTTP 500)"),
        (Answer(503, ""), ServerUnreachableError, "overloaded"),
        (Answer(200, "<!doctype html>"), NotSpeachesError, "no fitting answer"),
        (Answer(200, ""), NotSpeachesError, "no fitting answer"),
    ],
)
async def test_refusals_are_told_by_their_cause(answer: Answer, kind: type[ServerError], words: str) -> None:
    async def refuse(offer: str, headers: dict[str, str]) -> Answer:
        return answer

    before = asyncio.all_tasks()
    async with offer_server(refuse) as url:
        transport = WebRtcTransport(url, {}, KEY)
        with pytest.raises(kind) as failure:
            await transport.connect()
    assert words in str(failure.value)
    assert url in str(failure.value)
    assert KEY not in str(failure.value)
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == before


async def test_nobody_there() -> None:
    with pytest.raises(ServerUnreachableError, match="start the server"):
        await WebRtcTransport("http://127.0.0.1:9", {}).connect()


async def test_no_way_for_udp_is_told_from_other_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with addresses where nobody listens, as from a container whose ports are not published."""
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 1.0)
    peer = new_peer()

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        sdp = await peer.answer(re.sub(r"a=candidate:.*\r\n", "", offer))
        return Answer(200, re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+ \d+", r"\1 192.0.2.99 9", sdp))

    async with offer_server(answer) as url:
        with pytest.raises(ServerUnreachableError, match=r'UDP.*use transport="realtime"'):
            await WebRtcTransport(url, {}).connect()
    await peer.close()


async def test_a_channel_that_does_not_open_is_told_from_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 1.0)
    peer = new_peer()

    async def answer(offer: str, headers: dict[str, str]) -> Answer:
        # Another fingerprint: packets get through, but nobody can prove who sent them.
        return Answer(200, re.sub(r"(a=fingerprint:\S+) \S\S", r"\1 00", await peer.answer(offer)))

    async with offer_server(answer) as url:
        with pytest.raises(ServerUnreachableError, match="channel did not open"):
            await WebRtcTransport(url, {}).connect()
    await peer.close()


async def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc_support, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'ipyspeaches[webrtc]'")):
        await WebRtcTransport("http://127.0.0.1:9", {}).connect()


async def test_nothing_can_be_done_before_it_is_open() -> None:
    transport = WebRtcTransport("http://127.0.0.1:9", {})
    with pytest.raises(StateError, match="not connected"):
        await transport.send(b"{}")
    with pytest.raises(StateError, match="not connected"):
        transport.play(silence(20))
    with pytest.raises(StateError, match="not connected"):
        await transport.receive()
    await transport.close()


def test_a_machine_without_a_network_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from aioice import ice

    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    rtc_support.prepare()
    rtc_support.prepare()
    assert ice.get_host_addresses(True, True) == ["127.0.0.1"]


async def test_a_track_gives_out_whole_frames_and_waits_for_the_rest() -> None:
    track = SpeechTrack()
    for _ in range(4):
        track.push(np.zeros(1000, np.int16))
    packets = [await track.recv() for _ in range(3)]
    assert [packet.pts for packet in packets] == [0, FRAME_SAMPLES, 2 * FRAME_SAMPLES]
    assert {packet.time_base for packet in packets} == {Fraction(1, 48_000)}
    assert track.waiting_s * 48_000 % FRAME_SAMPLES == pytest.approx(0, abs=0.01)
    waiting = asyncio.create_task(track.played())
    while track.waiting_s:
        await track.recv()
    await asyncio.wait_for(waiting, 5)
    ended = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await asyncio.wait_for(ended, 5)


def test_the_source_is_light(root: Path) -> None:
    """Only a connection imports aiortc: half a second that nobody else pays."""
    text = (root / "src" / "ipyspeaches" / "transports" / "webrtc.py").read_text(encoding="utf-8")
    assert "import aiortc" not in text
    assert "from aiortc" not in text
