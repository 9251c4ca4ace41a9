"""The embedded server's end of WebRTC: who gets in, what is refused, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx2
import numpy as np
import pytest
from av import AudioFrame

from ipyspeaches.local import LocalServer, realtime_routes, rtc_peer
from ipyspeaches.local.asgi_app import create_app
from ipyspeaches.local.dispatcher import ClientRecogniser, Dispatcher
from ipyspeaches.local.engines import POCKETSPHINX
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.local.model_memory import ModelMemory
from ipyspeaches.local.realtime_events import event
from ipyspeaches.local.realtime_routes import RtcPeers
from ipyspeaches.local.realtime_session import RealtimeSession
from ipyspeaches.local.rtc_peer import FRAGMENT_CHARACTERS, TrackAudio, wrapped
from ipyspeaches.local.session_settings import SessionSettings
from ipyspeaches.protocol.realtime.media import FragmentJoiner
from ipyspeaches.transports.rtc_connection import RtcConnection
from ipyspeaches.transports.webrtc import prepare_webrtc
from realtime_client import MODEL
from rtc_wire import connected, new_peer

KEY = "sesame-1234"
PATH = f"/v1/realtime?model={MODEL}"


class App:
    """The application in this process, with connections but no recogniser."""

    def __init__(self, api_key: str | None = None) -> None:
        self.peers = RtcPeers()
        dispatcher = Dispatcher(ModelMemory(POCKETSPHINX, ServerLimits(), cores=2), 2, ServerLimits())
        self._app = create_app(dispatcher, self.peers, "127.0.0.1", api_key)

    async def post(self, path: str, body: str | bytes, **headers: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(path, content=body, headers={"Content-Type": "application/sdp", **headers})


async def offer() -> str:
    """Return an offer whose maker has gone."""
    prepare_webrtc()
    peer = RtcConnection()
    try:
        return await peer.offer()
    finally:
        await peer.close()


async def test_an_offer_gets_a_complete_answer_and_a_connection_until_shutdown() -> None:
    app = App()
    answer = await app.post(PATH, await offer())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/sdp")
    assert "a=candidate" in answer.text
    assert "opus/48000/2" in answer.text
    assert len(app.peers) == 1
    await asyncio.wait_for(app.peers.close(), 10)
    assert len(app.peers) == 0


async def emptied(peers: RtcPeers) -> None:
    """Wait until every connection has been closed."""
    async with asyncio.timeout(10):
        await asyncio.gather(*peers._tasks)


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/realtime", "v=0", 422, "Field required"),
        ("/v1/realtime?model=no/such", "v=0", 404, "Model 'no/such' is not installed"),
        (f"{PATH}&language=xx", "v=0", 422, "xx"),
        (PATH, "", 400, "Send the SDP"),
        (PATH, b"\xff\xfe", 400, "Send the SDP"),
        (PATH, "x" * (realtime_routes.MAX_OFFER_BYTES + 1), 400, "Send the SDP"),
        (PATH, '{"sdp": "v=0"}', 400, "no m=audio line"),
        (PATH, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", 400, "no m=application line"),
        (PATH, "v=0\r\nm=audio x\r\nm=application y\r\n", 400, "no SDP that could be answered"),
    ],
)
async def test_what_is_no_offer_is_refused_in_words(path: str, body: str | bytes, status: int, words: str) -> None:
    app = App()
    answer = await app.post(path, body)
    assert answer.status_code == status
    assert words in json.dumps(answer.json()["detail"], ensure_ascii=False)
    assert len(app.peers) == 0


async def test_an_offer_needs_the_key_and_a_trusted_page() -> None:
    app = App(KEY)
    assert (await app.post(PATH, "v=0")).status_code == 403
    assert (await app.post(PATH, "v=0", Authorization="Bearer wrong")).status_code == 403
    assert (await app.post(f"{PATH}&api_key={KEY}", "v=0")).status_code == 403  # HTTP takes no key in the address
    right = f"Bearer {KEY}"
    assert (await app.post(PATH, "v=0", Authorization=right, Origin="https://evil.example")).status_code == 403
    assert (await app.post(PATH, "v=0", Authorization=right, Host="evil.example")).status_code == 403
    assert (await app.post(PATH, "v=0", Authorization=right)).status_code == 400


async def test_without_aiortc_the_answer_is_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.transports.webrtc.find_spec", lambda name: None)
    answer = await App().post(PATH, "v=0")
    assert answer.status_code == 501
    assert "pip install 'ipyspeaches[webrtc]'" in answer.json()["detail"]


async def test_there_is_an_end_to_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_routes, "MAX_PEERS", 1)
    app = App()
    assert (await app.post(PATH, await offer())).status_code == 200
    refused = await app.post(PATH, await offer())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    assert "Close one" in refused.json()["detail"]
    await app.peers.close()


async def test_a_client_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc_peer, "CONNECT_TIMEOUT_S", 0.2)
    app = App()
    await app.post(PATH, await offer())
    await emptied(app.peers)


async def test_the_session_ends_with_its_client() -> None:
    async with connected() as (transport, _, heard):
        await transport.receive()
        assert not heard.closed
        await transport.close()
    assert heard.closed


async def test_a_session_that_fails_is_logged_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        closed = False

        async def serve(self) -> None:
            raise RuntimeError("no recogniser")

        async def close(self) -> None:
            self.closed = True

    peers, peer = RtcPeers(), Failing()
    with caplog.at_level(logging.ERROR):
        peers.add(peer)  # type: ignore[arg-type]
        await emptied(peers)
    assert peer.closed
    assert "A session over WebRTC failed." in caplog.text


async def test_audio_that_is_not_taken_is_dropped_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc_peer, "MAX_WAITING_FRAMES", 2)
    peer = new_peer()
    told: list[str] = []
    monkeypatch.setattr(peer, "_emit", lambda sent: told.append(sent["error"]["message"]))

    class Track:
        left = 5

        async def recv(self) -> AudioFrame:
            from aiortc.mediastreams import MediaStreamError

            self.left -= 1
            if self.left < 0:
                raise MediaStreamError
            return AudioFrame(samples=960)

    await peer._listen(Track())  # type: ignore[arg-type]
    assert peer._arrived.qsize() == 2
    assert len(told) == 1
    assert "dropped" in told[0]
    await peer.close()


async def test_a_stream_that_does_not_fit_is_told_once() -> None:
    told: list[str] = []
    recogniser: ClientRecogniser = None  # type: ignore[assignment]
    session = RealtimeSession(SessionSettings(MODEL), recogniser, lambda sent: told.append(sent["type"]))
    session._buffer.limit = 0
    for _ in range(5):
        await session.receive_stream(np.zeros(2400, np.int16))
    assert told == ["error"]


@pytest.mark.parametrize("length", [10, 850, 901, 5000])
def test_events_are_wrapped_as_speaches_wraps_them(length: int) -> None:
    sent = event("session.created", text="你" * length)
    messages = wrapped(sent)
    assert (len(messages) == 1) == (length <= 800)
    joiner = FragmentJoiner()
    [joined] = [taken for message in messages for taken in joiner.receive(message)]
    assert isinstance(joined, bytes)
    assert json.loads(joined) == sent
    parsed = [json.loads(message) for message in messages]
    assert {message["id"] for message in parsed} == {sent["event_id"]}
    if len(messages) > 1:
        assert [message["fragment_index"] for message in parsed] == list(range(len(messages)))
        assert all(len(message["data"]) == FRAGMENT_CHARACTERS for message in parsed[:-1])


@pytest.mark.parametrize(("rate", "layout"), [(48_000, "stereo"), (48_000, "mono"), (8_000, "mono")])
def test_a_track_is_resampled_as_one_stream(rate: int, layout: str) -> None:
    """Fifty frames are a second, whatever they were; a resampler for each frame would lose 800 samples of 24,000."""
    audio, pieces = TrackAudio(), []
    channels = 2 if layout == "stereo" else 1
    tone = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)).astype(np.int16)
    for start in range(0, len(tone), rate // 50):
        packed = np.repeat(tone[start : start + rate // 50], channels)[np.newaxis]
        frame = AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = rate
        pieces.append(audio.append(frame))
    pieces.append(audio.flush())
    heard = np.concatenate([piece for piece in pieces if piece is not None])
    assert 2 * 24_000 - len(heard) < 24_000 * 0.05  # what the filter waits for
    expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / 24_000)
    assert np.abs(heard[2400:-2400] - expected[2400:-2400]).max() < 80


async def test_the_server_process_answers_and_ends_with_connections_open() -> None:
    with LocalServer(api_key=KEY) as local:
        async with httpx2.AsyncClient(trust_env=False) as client:
            wrong = await client.post(f"{local.url}{PATH}", content="v=0", headers={"Authorization": "Bearer x"})
            assert wrong.status_code == 403
            headers = {"Authorization": f"Bearer {KEY}"}
            answer = await client.post(f"{local.url}{PATH}", content=await offer(), headers=headers)
            assert answer.status_code == 200
            assert (await client.get(f"{local.url}{PATH}", headers=headers)).status_code == 405
