"""Who sends what when, where a page sends its sound by itself: the page and the server are played, the rest is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from fake_peer import FakePeer
from ipyspeaches.audio.audio_blocks import AudioBlock, NumberedBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import ConnectionLostError, ServerError
from ipyspeaches.protocol.address import realtime_query
from ipyspeaches.protocol.protocol_events import ItemCommitted, ItemCompleted, Noticed, ProtocolEvent
from ipyspeaches.protocol.realtime.media import Media
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.session.media_connections import PageConnection, Patience
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.transports.page_webrtc import PageLine, PageTransport, page_gone
from ipyspeaches.transports.webrtc import RtcEndpoint
from ipyspeaches.vad.detectors import EnergyVad

BLOCK = SESSION_RATE_HZ // 25
SILENCE_MS = 550


class Talk:
    """A conversation through a played page; sound goes in as fast as a test gives it."""

    def __init__(
        self,
        *,
        padding_ms: int = 360,
        min_silence_ms: int = SILENCE_MS,
        server_vad: bool = False,
        busy: bool = False,
        patience: Patience | None = None,
    ) -> None:
        detector = EnergyVad(threshold=500, min_silence_duration_ms=min_silence_ms)
        turn = TurnDetection.server(detector=detector) if server_vad else TurnDetection.client(detector)
        self.pipeline = Pipeline(turn)
        self.events: list[ProtocolEvent] = []
        self.line = PageLine(1, lambda order: self.peer.obey(order))
        self.peer = FakePeer(self.line.receive_news)
        media = Media(padding_ms=padding_ms if server_vad else 0, continuous=True, busy=busy)
        asked = RecognitionOptions(model="m", server_vad=turn.server_vad)
        protocol = RealtimeProtocol(asked, media=media)
        endpoint = RtcEndpoint("http://server.example", realtime_query("http://server.example", asked))
        transport = PageTransport(self.line, BrowserMicrophone(), endpoint, self.events.append)
        self.conversation = PageConnection(
            protocol, transport, self.pipeline, self.events.append, Media(padding_ms=padding_ms, held_ms=125), patience
        )

    async def hear(self, seconds: float, level: int = 0) -> None:
        """Let so much sound come from the page, and everything that follows from it."""
        for _ in range(round(seconds * 25)):
            samples = np.full(BLOCK, level, np.int16)
            heard = self.pipeline.process(AudioBlock(samples, SESSION_RATE_HZ))
            await self.conversation.send(heard.actions)
            await asyncio.sleep(0)

    async def end(self) -> None:
        """End the sound."""
        await self.conversation.send(self.pipeline.end_segment().actions)
        await self.conversation.flush()

    def heard(self, kind: str) -> int:
        """Count what the server has heard of a kind."""
        return self.peer.kinds().count(f"input_audio_buffer.{kind}")


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    talk = Talk()
    await talk.conversation.open()
    yield talk
    await talk.conversation.close()
    assert talk.peer.orders[-1]["action"] == "close"


async def settled(talk: Talk) -> None:
    assert await talk.conversation.settle(lambda: 5)


async def test_the_session_never_answers_and_never_cuts(talk: Talk) -> None:
    asked = talk.peer.heard[0]["session"]
    assert talk.peer.kinds() == ["session.update"]
    assert asked["turn_detection"]["create_response"] is False
    assert asked["turn_detection"]["threshold"] == 1.0
    assert asked["input_audio_transcription"]["model"] == "m"


async def test_an_utterance_is_committed_once_when_the_server_must_have_heard_it(talk: Talk) -> None:
    await talk.hear(0.5)
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await settled(talk)
    assert talk.heard("commit") == 1
    [completed] = [event for event in talk.events if isinstance(event, ItemCompleted)]
    assert (completed.utterance.number, completed.text) == (0, "utterance 1")
    # By then, the silence that ends an utterance has lasted longer than the way to the server.
    assert not [order for order in talk.peer.of("send") if "append" in str(order)]


async def test_a_server_that_recognises_is_asked_how_far_it_is_before_an_utterance_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk = Talk(busy=True)
    answer = talk.peer.say
    await talk.conversation.open()
    monkeypatch.setattr(talk.peer, "say", lambda *_a, **_k: None)  # it is at work
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await asyncio.sleep(0.1)
    [asked] = [message for message in talk.peer.heard if message["type"] == "conversation.item.delete"]
    assert talk.heard("commit") == 0
    assert talk.conversation.pending == 1
    monkeypatch.setattr(talk.peer, "say", answer)
    answer({"type": "error", "error": {"message": f"no item '{asked['item_id']}'", "type": "invalid_request_error"}})
    await settled(talk)
    assert talk.heard("commit") == 1
    await talk.conversation.close()


async def test_a_server_at_rest_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.session.media_connections.RECENTLY_S", 0.0)
    talk = Talk(busy=True)
    await talk.conversation.open()
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await settled(talk)
    assert talk.heard("commit") == 1
    assert "conversation.item.delete" not in talk.peer.kinds()
    await talk.conversation.close()


async def test_a_short_silence_is_no_reason_to_hurry() -> None:
    talk = Talk(min_silence_ms=100)
    await talk.conversation.open()
    await talk.hear(0.5)
    await talk.hear(1, level=3_000)
    await talk.hear(0.16)
    await asyncio.sleep(0.05)
    assert talk.heard("commit") == 0
    assert talk.conversation.pending == 1
    await asyncio.sleep(0.5)  # what the way of the sound takes
    assert talk.heard("commit") == 1
    await talk.conversation.close()


async def test_the_end_of_the_sound_ends_the_utterance(talk: Talk) -> None:
    await talk.hear(1, level=3_000)
    await talk.end()
    await settled(talk)
    assert talk.heard("commit") == 1
    assert talk.conversation.pending == 0


async def test_utterances_that_a_busy_notebook_held_up_are_one() -> None:
    talk = Talk(padding_ms=140)
    await talk.conversation.open()
    for _ in range(2):
        samples = np.full(BLOCK * 25, 3_000, np.int16)
        samples[BLOCK * 10 :] = 0
        heard = talk.pipeline.process(AudioBlock(samples, SESSION_RATE_HZ))
        await talk.conversation.send(heard.actions)
    await talk.end()
    await settled(talk)
    assert talk.heard("commit") == 1
    [obstacle] = [event for event in talk.events if isinstance(event, Noticed)]
    assert obstacle.message.startswith("2 utterances have one text")
    [committed] = [event for event in talk.events if isinstance(event, ItemCommitted)]
    assert (committed.utterance.number, len(committed.utterance.parts)) == (1, 2)
    await talk.conversation.close()


async def test_silence_is_cleared_again_and_again(talk: Talk) -> None:
    await talk.hear(7)
    assert talk.heard("clear") == 3
    asked = [order["heard_s"] for order in talk.peer.of("clear")]
    assert asked == sorted(asked)
    assert asked[0] == pytest.approx(2, abs=0.05)


async def test_speech_is_never_cleared(talk: Talk) -> None:
    await talk.hear(1)
    await talk.hear(8, level=3_000)
    assert talk.heard("clear") == 0
    await talk.hear(1)
    await settled(talk)
    assert [kind for kind in talk.peer.kinds() if kind != "session.update"] == ["input_audio_buffer.commit"]


async def test_what_may_turn_out_to_be_speech_is_not_cleared(talk: Talk) -> None:
    await talk.hear(1.92)
    await talk.hear(0.2, level=3_000)
    assert talk.heard("clear") == 0


async def test_nothing_is_cleared_while_an_item_is_on_its_way(talk: Talk) -> None:
    talk.peer.mute = True
    await talk.hear(1, level=3_000)
    await talk.hear(1)
    async with asyncio.timeout(10):
        while not talk.heard("commit"):  # noqa: ASYNC110  the page is played and has no event
            await asyncio.sleep(0.01)
    await talk.hear(5)
    assert (talk.heard("commit"), talk.heard("clear")) == (1, 0)


async def test_what_the_page_keeps_back_is_asked_for_later(talk: Talk) -> None:
    talk.peer.quiet = False
    await talk.hear(2.4)
    assert (len(talk.peer.of("clear")), talk.heard("clear")) == (1, 0)
    talk.peer.quiet = True
    await talk.hear(2)
    assert (len(talk.peer.of("clear")), talk.heard("clear")) == (2, 1)


async def test_times_are_right_after_a_clear(talk: Talk) -> None:
    # The server's buffer begins at the last clear, a second before the speech.
    talk.peer.words = [{"word": "hello", "start": 1.5, "end": 1.75}]
    await talk.hear(5)
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await settled(talk)
    [completed] = [event for event in talk.events if isinstance(event, ItemCompleted)]
    assert completed.words[0].start == pytest.approx(5.5, abs=0.3)


async def test_times_are_right_after_a_pause(talk: Talk) -> None:
    await talk.hear(1, level=3_000)
    talk.peer.tell(news="silent", seconds=1.0)
    # Of the second of silence, 0.4 s had come when the server ended its buffer; 0.6 s begin the next one.
    talk.peer.usage = {"type": "duration", "seconds": 1.4}
    await talk.end()
    await settled(talk)
    talk.peer.words = [{"word": "again", "start": 0.6 + 0.5, "end": 0.6 + 0.75}]
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await settled(talk)
    completed = [event for event in talk.events if isinstance(event, ItemCompleted)]
    [word] = completed[1].words
    assert (word.start, word.end) == pytest.approx((1.5, 1.75), abs=0.01)


async def test_a_server_that_cuts_is_flushed_and_never_cleared() -> None:
    talk = Talk(server_vad=True, padding_ms=20)
    await talk.conversation.open()
    await talk.hear(6)
    assert talk.peer.kinds() == ["session.update"]
    await talk.end()
    await settled(talk)
    assert talk.peer.kinds()[1:] == ["session.update", "session.update"]
    await talk.conversation.close()


async def test_a_dead_session_is_noticed_and_a_held_up_notebook_is_not_mistaken_for_one() -> None:
    talk = Talk(patience=Patience(quiet_s=0.01, answer_s=0.02))
    await talk.conversation.open()
    talk.peer.mute = True
    echo, talk.peer.obey = talk.peer.obey, lambda order: None  # type: ignore[method-assign]
    await talk.hear(1, level=3_000)
    await talk.hear(0.8)
    await asyncio.sleep(0.15)
    assert not talk.conversation.lost.done(), "nothing comes from the page: that says nothing about the server"
    talk.peer.obey = echo  # type: ignore[method-assign]
    for order in ("echo", "echo"):
        talk.peer.tell(news=order)
    error = await asyncio.wait_for(asyncio.shield(talk.conversation.lost), 5)
    assert "answers nothing any more" in str(error)
    await talk.conversation.close()


async def test_a_reloaded_page_ends_the_conversation_in_words(talk: Talk) -> None:
    talk.line.lose(page_gone())
    error = await asyncio.wait_for(asyncio.shield(talk.conversation.lost), 5)
    assert isinstance(error, ConnectionLostError)
    assert "closed or reloaded" in str(error)
    talk.peer.orders.append({"action": "close"})  # nobody is there to be told


async def test_a_server_that_goes_ends_the_conversation(talk: Talk) -> None:
    talk.peer.tell(news="closed", detail="channel closed")
    error = await asyncio.wait_for(asyncio.shield(talk.conversation.lost), 5)
    assert isinstance(error, ServerError)
    assert "channel closed" in str(error)


async def test_what_was_captured_before_the_connection_is_left_out() -> None:
    microphone = BrowserMicrophone()
    microphone.skip(0.1)
    for number in range(4):
        samples = np.full(BLOCK, number, np.int16)
        microphone.receive(NumberedBlock(number, number * BLOCK, samples, SESSION_RATE_HZ))
    microphone.end()
    heard = [block async for block in microphone.blocks()]
    assert [len(block.samples) for block in heard] == [BLOCK // 2, BLOCK]
    assert [int(block.samples[0]) for block in heard] == [2, 3]
