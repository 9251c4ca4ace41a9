"""Audio on its way to a realtime server: gathered into appends, and none too much of it left in a server's buffer."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.protocol.protocol_events import AudioSent, Flushed, ItemCompleted, ProtocolEvent, ServerSpeechStarted
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from ipyspeaches.session.realtime_connection import KEPT_S, QUIET_S, RealtimeConnection, ServerBuffer
from ipyspeaches.vad.gate import Gate, GateAction, GateOptions, Send, Utterance
from ipyspeaches.vad.segmenter import Segmenter, SegmentOptions
from memory_transport import MemoryPeer, memory_pair
from openai_events import session as ga_session
from realtime_wire import (
    NEVER,
    committed,
    completed,
    created,
    cut,
    kinds,
    message,
    pcm,
    ready,
    server_cut,
    session,
    started,
    stopped,
)

APPEND = SESSION_RATE_HZ // 5
LONG_APPEND = 2 * SESSION_RATE_HZ
CLEARED = message("input_audio_buffer.cleared")
BARRIER = (session("session.updated", vad=NEVER), session("session.updated"))


# Gathering


class Wire:
    """A connection that is open, audio of which every sample tells its place, and what went over it."""

    def __init__(self, connection: RealtimeConnection, peer: MemoryPeer, store: AudioStore, events: list[Any]) -> None:
        self.connection = connection
        self.peer = peer
        self.store = store
        self._events = events

    @classmethod
    async def open(cls, *, client_cuts: bool, seconds: float = 20) -> Wire:
        """Connect; the server is as it is asked to be."""
        options = RecognitionOptions(server_vad=None if client_cuts else ServerTurnDetection())
        transport, peer = memory_pair()
        store, events = AudioStore(), list[ProtocolEvent]()
        store.append((np.arange(round(seconds * SESSION_RATE_HZ)) % 30_000).astype(np.int16))
        connection = RealtimeConnection(RealtimeProtocol(options), transport, store, events.append)
        await peer.send(session())
        if client_cuts:
            await peer.send(session("session.updated", vad=NEVER))
        await connection.open()
        return cls(connection, peer, store, events)

    async def received(self, count: int) -> list[bytes]:
        """Return as many messages as the server has received, the configuration and fences aside."""
        messages: list[bytes] = []
        while len(messages) < count:
            text = await self.peer.receive()
            data = text.encode() if isinstance(text, str) else text
            messages += [data] if b'"session.update"' not in data else []
        return messages

    def sent(self) -> list[tuple[int, int]]:
        """Return the stretches that were told as sent since the last call."""
        found = [(event.start, event.end) for event in self._events if isinstance(event, AudioSent)]
        self._events.clear()
        return found

    async def final_text(self) -> None:
        """Let the server take the utterance that was committed, and say its text without deltas."""
        for text in (committed("item_1"), created("item_1"), completed("item_1", "x")):
            await self.peer.send(text)
        while self.connection.pending:  # noqa: ASYNC110  the reader is a task on this loop
            await asyncio.sleep(0)


async def test_everything_is_sent_in_appends_of_equal_length_and_the_rest_at_the_end() -> None:
    wire = await Wire.open(client_cuts=False)
    await wire.connection.send([Send(0, 10_000)])
    assert wire.sent() == [(0, 4_800), (4_800, 9_600)]
    await wire.connection.send([Send(10_000, 12_000)])
    assert wire.sent() == []
    await wire.connection.send([], last=True)
    assert wire.sent() == [(9_600, 12_000)]
    messages = await wire.received(3)
    assert kinds(messages) == ["append"] * 3
    assert np.array_equal(np.concatenate([pcm(data) for data in messages]), wire.store.read(0, 12_000))
    await wire.connection.close()


async def test_a_fault_while_reading_is_the_end_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = await Wire.open(client_cuts=False)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RealtimeProtocol, "receive_message", fail)
    await wire.peer.send(completed("a", "x"))
    with pytest.raises(ZeroDivisionError):
        await wire.connection.lost
    await wire.connection.close()


async def test_a_commit_takes_along_what_waits() -> None:
    wire = await Wire.open(client_cuts=True)
    await wire.connection.send([Send(0, 6_000), cut(0, 0, 6_000), Send(9_000, 12_000)])
    assert wire.sent() == [(0, 4_800), (4_800, 6_000)]
    await wire.connection.send([cut(1, 9_000, 12_000)], last=True)
    assert wire.sent() == [(9_000, 12_000)]
    assert kinds(await wire.received(5)) == ["append", "append", "commit", "append", "commit"]
    await wire.connection.close()


async def test_audio_behind_the_end_of_an_utterance_goes_with_the_next_one_if_it_adjoins_that() -> None:
    wire = await Wire.open(client_cuts=True)
    await wire.connection.send([Send(0, 9_000), Utterance(0, 0, 4_000, audio_end=6_000)])
    assert wire.sent() == [(0, 4_800), (4_800, 6_000)]
    await wire.connection.send([Send(9_000, 10_000), Utterance(1, 7_000, 8_000, audio_end=8_700)])
    assert wire.sent() == [(6_000, 8_700)]
    # What is left over by then is no speech: it neither goes with later speech, nor does the end of the audio send it.
    await wire.connection.send([Send(20_000, 23_000), cut(2, 20_000, 23_000)])
    await wire.connection.send([Send(30_000, 33_000), Utterance(3, 30_000, 31_000, audio_end=32_400)], last=True)
    assert wire.sent() == [(20_000, 23_000), (30_000, 32_400)]
    assert kinds(await wire.received(9)) == ["append", *["append", "commit"] * 4]
    await wire.connection.close()


async def test_an_utterance_whose_audio_all_went_with_the_one_before_is_not_committed() -> None:
    wire = await Wire.open(client_cuts=True)
    await wire.connection.send([Send(0, 6_000), cut(0, 0, 6_000), cut(1, 5_000, 6_000)])
    assert kinds(await wire.received(3)) == ["append", "append", "commit"]
    assert wire.connection.pending == 1
    await wire.connection.close()


async def test_appends_grow_long_once_a_text_has_come_without_pieces() -> None:
    wire = await Wire.open(client_cuts=True)
    assert wire.connection.append_samples == APPEND
    await wire.connection.send([Send(0, APPEND), cut(0, 0, APPEND)])
    await wire.final_text()
    assert wire.connection.append_samples == LONG_APPEND
    wire.sent()
    blocks = range(APPEND, APPEND + 2 * LONG_APPEND + 960, 960)
    for start in blocks:
        await wire.connection.send([Send(start, start + 960)])
    assert wire.sent() == [(APPEND, APPEND + LONG_APPEND), (APPEND + LONG_APPEND, APPEND + 2 * LONG_APPEND)]
    await wire.connection.send([cut(1, APPEND, blocks.stop)])
    assert wire.sent() == [(APPEND + 2 * LONG_APPEND, blocks.stop)]
    await wire.connection.close()


async def test_where_the_server_cuts_appends_stay_short() -> None:
    wire = await Wire.open(client_cuts=False)
    for text in (started("item_1", 0), stopped("item_1", 100), *(committed("item_1"), completed("item_1", "x"))):
        await wire.peer.send(text)
    while not any(isinstance(event, ItemCompleted) for event in wire._events):  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    assert wire.connection.append_samples == APPEND
    await wire.connection.close()


def gated(scores: list[float], block: int) -> list[list[GateAction]]:
    """Return what a gate wants, block by block."""
    options, hop = SegmentOptions(0.5, 0.35, 250, 550, 100, 3.0), 768
    segmenter, gate = Segmenter(options, hop, SESSION_RATE_HZ), Gate(GateOptions(), SESSION_RATE_HZ)
    wanted = [
        gate.advance(segmenter.advance(scores[at : at + block]), segmenter.position, segmenter.silence_start)
        for at in range(0, len(scores), block)
    ]
    end = len(scores) * hop
    return [*wanted, gate.advance(segmenter.finish(end), end, None)]


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.9]), st.integers(1, 60)), max_size=12),
    block=st.sampled_from([1, 3, 60]),
    long=st.booleans(),
)
@example(runs=[(0.4, 1), (0.9, 53), (0.0, 1), (0.9, 38), (0.0, 3), (0.4, 1)], block=60, long=True)
@example(runs=[(0.9, 275)], block=60, long=False)  # the last utterance is shorter than a commit may be
def test_what_is_sent_is_what_the_gate_wants_however_it_is_gathered(
    runs: list[tuple[float, int]], block: int, long: bool
) -> None:
    asyncio.run(_check_gathering([score for score, times in runs for _ in range(times)], block, long=long))


async def _check_gathering(scores: list[float], block: int, *, long: bool) -> None:
    wire = await Wire.open(client_cuts=True, seconds=len(scores) * 768 / SESSION_RATE_HZ + 1)
    if long:
        await wire.connection.send([Send(0, APPEND), cut(0)])
        await wire.received(2)
        await wire.final_text()
        wire.sent()
    length = wire.connection.append_samples
    assert length == (LONG_APPEND if long else APPEND)
    wanted: list[tuple[int, int]] = []
    sent: list[tuple[int, int]] = []
    commits, appended = 0, False
    for action in itertools.chain.from_iterable(gated(scores, block)):
        await wire.connection.send([action])
        sent += (news := wire.sent())
        appended |= bool(news)
        if isinstance(action, Send):
            wanted.append((action.start, action.end))
            assert all(end - start == length for start, end in news)
            begin, end = whole(wanted)[-1]
            assert end - max([begin, *[end for _, end in sent]]) < length  # what waits
        else:
            commits += appended  # an utterance whose audio all went with the one before is not committed
            appended = False
            assert all(end - start < length for start, end in news)
            assert any(start <= action.start and action.end <= end for start, end in whole(sent))
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(sent))
    assert all(any(start <= one and two <= end for start, end in whole(wanted)) for one, two in sent)
    messages: list[bytes] = []
    while kinds(messages).count("commit") < commits or len(audio_in(messages)) < len(sent):
        messages += await wire.received(1)
    audio = audio_in(messages)
    assert all(np.array_equal(got, wire.store.read(*edges)) for got, edges in zip(audio, sent, strict=True))
    await wire.connection.close()


def audio_in(messages: list[bytes]) -> list[NDArray[np.int16]]:
    """Return the audio of the appends, without the zeros that fill a short commit up."""
    return [samples for data in messages if kinds([data]) == ["append"] and (samples := pcm(data)).any()]


def whole(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same stretches with those that adjoin made one."""
    found: list[tuple[int, int]] = []
    for start, end in stretches:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


# The buffer of a server that cuts: emptied in long silence, and nothing spoken is lost by it. The clock is the number
# of samples that were sent; the server's messages come when the test says so.


class Server:
    """A server buffer with a protocol that is ready, audio of which every sample tells its place, and the wire."""

    def __init__(self, protocol: RealtimeProtocol | None = None, *, detector: bool = True) -> None:
        self.protocol = protocol or ready(client_cuts=False)
        self.store = AudioStore()
        self.speech = False
        self.wire: list[bytes] = []
        hears = (lambda: self.speech) if detector else None
        self.buffer = ServerBuffer(self.protocol, self.store, hears)

    def stream(self, seconds: float) -> None:
        """Let time pass: appends of 200 ms."""
        for _ in range(round(seconds * 5)):
            begin = len(self.store)
            self.store.append((np.arange(begin, begin + APPEND) % 30_000).astype(np.int16))
            self.buffer.send(Send(begin, begin + APPEND))
        self._sent()

    def say(self, *messages: str) -> list[ProtocolEvent]:
        """Let the server say something."""
        events: list[ProtocolEvent] = []
        for text in messages:
            events += (news := self.protocol.receive_message(text))
            for event in news:
                self.buffer.receive_event(event)
            self._sent()
        return events

    def new(self) -> list[bytes]:
        """Return what was sent since the last call."""
        news, self.wire = self.wire, []
        return news

    def _sent(self) -> None:
        self.wire += self.protocol.messages_to_send()


def test_long_silence_ends_in_a_barrier_and_audio_waits_for_its_answer() -> None:
    server = Server()
    server.stream(QUIET_S - 0.2)
    assert set(kinds(server.new())) == {"append"}
    server.stream(0.2)
    assert kinds(server.new()) == ["append", "session.update", "append", "session.update"]
    server.stream(0.6)
    assert server.new() == []
    assert Flushed(()) in server.say(*BARRIER)
    clear, tail, held = server.new()
    assert kinds([clear, tail, held]) == ["clear", "append", "append"]
    # The last three seconds once more, then what was held back: the same samples, none left out.
    again = np.concatenate((pcm(tail), pcm(held)))
    begin = (QUIET_S - KEPT_S) * SESSION_RATE_HZ
    assert np.array_equal(again, server.store.read(begin, len(server.store)))
    assert len(pcm(tail)) == KEPT_S * SESSION_RATE_HZ
    server.stream(1)
    assert kinds(server.new()) == ["append"] * 5


def test_the_servers_times_are_right_after_a_clear() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.say(*BARRIER, CLEARED)
    server.stream(4)
    # Its buffer began anew at 27 s: speech from 31 to 33 s.
    [start] = server.say(started("item_1", 4_000))
    assert start == ServerSpeechStarted("item_1", 31.0)
    server.stream(1)
    events = server.say(stopped("item_1", 8_000), committed("item_1"), created("item_1"), completed("item_1", "x", 8))
    assert events[-1] == ItemCompleted("item_1", server_cut(0, 31, 35), "x", None, ())
    server.stream(0.2)
    [start] = server.say(started("item_2", 100))
    assert start == ServerSpeechStarted("item_2", 35.1)


def test_an_onset_that_nobody_was_sure_of_is_sent_once_more() -> None:
    server = Server()
    server.stream(QUIET_S)  # somebody began to speak in the last tenth of a second
    server.say(*BARRIER, CLEARED)
    [start] = server.say(started("item_1", KEPT_S * 1000 - 100))
    assert start == ServerSpeechStarted("item_1", QUIET_S - 0.1)


def test_silence_is_counted_from_the_last_speech_that_either_side_heard() -> None:
    server = Server()
    server.stream(20)
    server.speech = True
    server.stream(0.2)
    server.speech = False
    server.stream(20)
    server.say(started("item_1", 40_000))
    server.stream(1)
    server.say(stopped("item_1", 41_000), committed("item_1"), created("item_1"))
    server.stream(1)  # its text has not come: not a time to forget anything
    server.say(completed("item_1", "x"))
    server.stream(QUIET_S - 0.2)
    assert "session.update" not in kinds(server.new())
    server.stream(0.2)
    assert "session.update" in kinds(server.new())


def test_a_barrier_that_ends_something_clears_nothing() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.new()
    server.stream(0.4)
    up, back = BARRIER
    server.say(up, stopped("item_1", 30_100), back)
    [held] = server.new()
    assert kinds([held]) == ["append"]
    assert np.array_equal(pcm(held), server.store.read(QUIET_S * SESSION_RATE_HZ, len(server.store)))
    server.say(committed("item_1"), created("item_1"), completed("item_1", "x"))
    server.stream(QUIET_S - 1)
    assert "session.update" not in kinds(server.new())


def test_speech_on_this_side_while_the_barrier_is_on_its_way_keeps_the_buffer() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.stream(0.4)
    server.new()
    server.speech = True
    server.say(*BARRIER)
    assert kinds(server.new()) == ["append"]


def test_much_that_was_held_back_goes_in_pieces_that_a_vad_can_see_at_once() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.stream(7)
    server.new()
    server.say(*BARRIER)
    clear, *appends = server.new()
    assert kinds([clear]) == ["clear"]
    assert [len(pcm(data)) / SESSION_RATE_HZ for data in appends] == [3, 3, 3, 1]


def test_an_end_that_is_asked_for_meanwhile_has_a_barrier_behind_all_audio() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.stream(0.4)
    server.new()
    server.buffer.flush()
    server.stream(0)
    assert kinds(server.new()) == ["append"]
    assert server.protocol.pending  # nobody may think that everything is settled
    server.say(*BARRIER)
    assert kinds(server.new()) == ["session.update", "append", "session.update"]
    assert server.protocol.pending
    server.say(*BARRIER)
    assert server.new() == []
    assert not server.protocol.pending


def test_it_happens_again_and_again() -> None:
    server = Server()
    for _ in range(3):
        server.stream(QUIET_S)
        assert kinds(server.new())[-1] == "session.update"
        server.say(*BARRIER, CLEARED)
        assert kinds(server.new()) == ["clear", "append"]
    # The timeline keeps what it needs, and not every clear.
    assert len(server.protocol._timeline._pieces) <= 2


@pytest.mark.parametrize("detector", [True, False])
def test_where_this_side_cuts_or_has_no_detector_nothing_is_cleared(detector: bool) -> None:
    server = Server(ready(client_cuts=detector), detector=detector)
    server.stream(2 * QUIET_S)
    assert set(kinds(server.new())) == {"append"}


def test_a_server_of_the_newer_shape_is_left_alone() -> None:
    protocol = RealtimeProtocol(RecognitionOptions(model="whisper-1", server_vad=ServerTurnDetection()))
    protocol.connection_opened()
    protocol.receive_message(ga_session("session.created"))
    protocol.receive_message(ga_session("session.updated"))
    protocol.messages_to_send()
    server = Server(protocol)
    server.stream(2 * QUIET_S)
    assert set(kinds(server.new())) == {"append"}


def test_an_answer_that_comes_too_late_does_no_harm() -> None:
    server = Server()
    server.stream(QUIET_S)
    server.new()
    server.protocol.close()
    server.say(*BARRIER)
    assert server.new() == []
