"""A conversation whose audio is a media stream, against a peer that does what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.store import AudioStore
from ipyspeaches.errors import ConnectionLostError, ModelNotFoundError, ProtocolError
from ipyspeaches.protocol.protocol_events import Disconnected, ItemCompleted, ProtocolEvent, Reported
from ipyspeaches.protocol.realtime.media import Media, StreamAudio
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from ipyspeaches.session.media_connections import PIECE_SAMPLES, MediaConnection, Patience
from ipyspeaches.vad.gate import Send, Utterance
from memory_transport import MemoryPeer, MemoryTransport, memory_pair
from realtime_wire import DEFAULT_VAD, MODEL, NEVER, committed, completed, created, error, session
from replay import lines

SECOND = 24_000
QUICK = Patience(quiet_s=0.1, answer_s=0.2)


class MediaWire:
    """A memory transport that notes audio in its place among the messages.

    Attributes
    ----------
    sent
        ``audio``, ``padding``, or the type of each message.
    room
        Cleared, it keeps a recording from handing over more.
    """

    def __init__(self, wire: MemoryTransport) -> None:
        self._wire = wire
        self.connect, self.receive, self.close = wire.connect, wire.receive, wire.close
        self.sent: list[str] = []
        self.room = asyncio.Event()
        self.room.set()
        self.breaks: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.writer: asyncio.Task[None] | None = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await self.breaks

    async def send(self, message: bytes) -> None:
        self.sent.append(json.loads(message)["type"].rpartition(".")[2])
        await self._wire.send(message)

    def send_audio(self, audio: StreamAudio) -> None:
        self.sent.append("padding" if audio.padding else "audio")

    async def drain(self, unsent_s: float) -> None:
        await self.room.wait()


class Server:
    """The other end: answers the configuration and pings while it lives."""

    def __init__(self, peer: MemoryPeer) -> None:
        self.peer = peer
        self.alive = True
        self.pings = 0
        self.commits = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()

    async def run(self) -> None:
        await self.peer.connected.wait()
        await self.peer.send(session(vad={**DEFAULT_VAD, "create_response": True}))
        while True:
            message = json.loads(await self.peer.receive())
            kind = message["type"]
            if kind == "session.update":
                await self.peer.send(session("session.updated", vad=NEVER))
            elif kind == "input_audio_buffer.commit":
                self.commits.set()
            elif kind == "conversation.item.delete":
                self.pings += 1
                self.asked.set()
                await self.answers.wait()
                if self.alive:
                    text = f"Error deleting item: the item with id '{message['item_id']}' does not exist."
                    await self.peer.send(error(text))


class Talk:
    """A conversation, its server, and what was said."""

    def __init__(self, patience: Patience, media: Media) -> None:
        wire, peer = memory_pair()
        self.wire = MediaWire(wire)
        self.server = Server(peer)
        self.events: list[ProtocolEvent] = []
        store = AudioStore()
        store.append(np.zeros(10 * SECOND, np.int16))
        protocol = RealtimeProtocol(RecognitionOptions(model=MODEL), media=media)
        self.conversation = MediaConnection(protocol, self.wire, store, self.events.append, patience)

    async def say(self, number: int = 0) -> None:
        await self.conversation.send([Send(0, SECOND), Utterance(number, 0, SECOND)])
        await self.server.commits.wait()
        self.server.commits.clear()

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]


@asynccontextmanager
async def talking(patience: Patience = QUICK, media: Media | None = None) -> AsyncIterator[Talk]:
    talk = Talk(patience, media or Media())
    serving = asyncio.create_task(talk.server.run())
    await talk.conversation.open()
    try:
        yield talk
    finally:
        await talk.conversation.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_a_busy_server_is_told_the_end_of_an_utterance_once_it_has_all_of_it() -> None:
    async with talking(media=Media(busy=True)) as talk:
        talk.server.answers.clear()
        speaking = asyncio.create_task(talk.say())
        await talk.server.asked.wait()
        assert talk.wire.sent[-3:] == ["audio", "padding", "delete"]
        talk.server.answers.set()
        await speaking
        assert talk.wire.sent[-2:] == ["commit", "update"]
        assert talk.wire.sent.count("padding") == 1


async def test_no_audio_flows_before_the_session_is_no_chat_any_more() -> None:
    async with talking() as talk:
        assert talk.wire.sent == ["update", "update"]
        await talk.say()
        assert talk.wire.sent == ["update", "update", *["audio"] * 10, "padding", "commit", "update"]
        assert talk.conversation.append_samples == PIECE_SAMPLES


async def test_a_recording_waits_for_its_place_in_the_stream() -> None:
    async with talking() as talk:
        talk.wire.room.clear()
        carrying = asyncio.create_task(talk.conversation.send([Send(0, SECOND)]))
        await asyncio.sleep(0.05)
        assert not carrying.done()
        talk.wire.room.set()
        await asyncio.wait_for(carrying, 5)


async def test_a_busy_server_is_asked_and_answers_and_nobody_hears_of_it() -> None:
    async with talking() as talk:
        await talk.say()
        for _ in range(2):
            await asyncio.wait_for(talk.server.asked.wait(), 10)
            talk.server.asked.clear()
        await asyncio.sleep(QUICK.answer_s)
        for message in (committed("a"), created("a"), completed("a", "at last")):
            await talk.server.peer.send(message)
        assert await talk.conversation.settle(lambda: 5)
        assert [event.text for event in talk.of(ItemCompleted)] == ["at last"]
        assert not talk.of(Reported, Disconnected)


async def test_a_fault_in_what_sends_is_the_end_and_not_silence() -> None:
    async with talking() as talk:
        await talk.say()
        talk.wire.breaks.set_exception(ValueError("odd"))
        assert not await talk.conversation.settle(lambda: 5)
        with pytest.raises(ValueError, match="odd"):
            talk.conversation.lost.result()


async def test_nobody_is_asked_while_nothing_is_pending() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.4)
        assert talk.server.pings == 0


async def test_a_session_that_is_dead_behind_a_live_connection_is_lost_in_words() -> None:
    """What the recorded zombies do: everything up to some point, and then not a word, while the channel is open."""
    async with talking() as talk:
        await talk.say(0)
        for message in (committed("a"), created("a"), completed("a", "the first")):
            await talk.server.peer.send(message)
        await talk.conversation.settle(lambda: 5)
        await talk.say(1)
        for message in (committed("b"), created("b")):
            await talk.server.peer.send(message)
        talk.server.alive = False
        lost = await asyncio.wait_for(talk.conversation.lost, 10)
        assert isinstance(lost, ConnectionLostError)
        assert "answers nothing any more" in str(lost)
        assert talk.server.pings == 1
        assert [event.text for event in talk.of(ItemCompleted)] == ["the first"]
        assert len(talk.of(Disconnected)) == 1


async def test_a_session_that_dies_at_its_first_utterance_names_the_likely_cause() -> None:
    async with talking() as talk:
        await talk.say()
        for message in (committed("a"), created("a")):
            await talk.server.peer.send(message)
        talk.server.alive = False
        lost = await asyncio.wait_for(talk.conversation.lost, 10)
        assert isinstance(lost, ConnectionLostError)
        assert "LOOPBACK_HOST_URL" in str(lost)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (error("Internal Server Error", "server_error"), ProtocolError, "reported “Internal Server Error”"),
        (error("Model 'a/b' is not installed locally."), ModelNotFoundError, "the model 'a/b'"),
    ],
)
async def test_a_session_that_dies_of_an_error_says_so_as_soon_as_it_is_certain(
    said: str, kind: type[Exception], words: str
) -> None:
    async with talking(Patience(quiet_s=3600, answer_s=3600, error_s=0.1)) as talk:
        await talk.say()
        talk.server.alive = False
        for message in (committed("a"), created("a"), said):
            await talk.server.peer.send(message)
        lost = await asyncio.wait_for(asyncio.shield(talk.conversation.lost), 10)
        assert type(lost) is kind
        assert words in str(lost)
        assert talk.server.pings == 1


async def test_a_session_that_lives_on_after_an_error_is_not_mistaken_for_a_dead_one() -> None:
    async with talking(Patience(quiet_s=3600, answer_s=3600, error_s=2.0)) as talk:
        await talk.say()
        for message in (committed("a"), created("a"), error("Something else", "server_error")):
            await talk.server.peer.send(message)
        await asyncio.wait_for(talk.server.asked.wait(), 10)
        await talk.server.peer.send(completed("a", "at last"))
        assert await talk.conversation.settle(lambda: 10)
        await asyncio.sleep(2.2)
        assert not talk.conversation.lost.done()


@pytest.mark.parametrize("name", ["zombie", "zombie-commit"])
async def test_recorded_zombies_are_noticed(name: str) -> None:
    """The recorded messages up to the death, through the whole conversation; then only the channel lives."""
    wire, peer = memory_pair()
    media = MediaWire(wire)
    events: list[ProtocolEvent] = []
    store = AudioStore()
    options = RecognitionOptions(model="Systran/faster-whisper-tiny", server_vad=ServerTurnDetection())
    conversation = MediaConnection(RealtimeProtocol(options, media=Media()), media, store, events.append, QUICK)
    opening = asyncio.create_task(conversation.open())
    for line in lines(f"rtc/{name}")[1:]:
        # Everything that came before the first ping that got no answer; in one recording there was one that did.
        if "no answer" in line.get("note", ""):
            break
        if line["dir"] == "recv":
            await peer.send(json.dumps(line["data"]))
        elif line["dir"] == "open":
            continue
    if name == "zombie":  # this client had sent no update, so that nothing in the recording answers ours
        await peer.send(session("session.updated"))
    await asyncio.wait_for(opening, 10)
    lost = await asyncio.wait_for(conversation.lost, 10)
    assert isinstance(lost, (ConnectionLostError, ProtocolError))
    assert media.sent[-1] == "delete"
    await conversation.close()
