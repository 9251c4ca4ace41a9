"""The buffer of a server that cuts is emptied in long silence, and nothing spoken is lost by it.

The clock is the number of samples that were sent; the server's messages come when the test says so.
"""

from __future__ import annotations

import numpy as np
import pytest

from ipyspeaches.audio import SESSION_RATE_HZ, AudioStore
from ipyspeaches.protocol import (
    Completed,
    Flushed,
    ProtocolEvent,
    RealtimeOptions,
    RealtimeProtocol,
    Span,
    SpeechStarted,
)
from ipyspeaches.session.server_buffer import KEPT_S, QUIET_S, ServerBuffer
from ipyspeaches.vad import Send
from openai_events import session as ga_session
from realtime_wire import (
    NEVER,
    committed,
    completed,
    created,
    kinds,
    message,
    pcm,
    ready,
    session,
    started,
    stopped,
)

APPEND = SESSION_RATE_HZ // 5
CLEARED = message("input_audio_buffer.cleared")
BARRIER = (session("session.updated", vad=NEVER), session("session.updated"))


class Server:
    """A server buffer with a protocol that is ready, sound of which every sample tells its place, and the wire."""

    def __init__(self, protocol: RealtimeProtocol | None = None, *, detector: bool = True) -> None:
        self.protocol = protocol or ready(client_cuts=False)
        self.store = AudioStore()
        self.speech = False
        self.wire: list[bytes] = []
        hears = (lambda: self.speech) if detector else None
        self.buffer = ServerBuffer(self.protocol, self.store, hears)

    def hear(self, seconds: float) -> None:
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
            events += (news := self.protocol.receive(text))
            for event in news:
                self.buffer.take(event)
            self._sent()
        return events

    def new(self) -> list[bytes]:
        """Return what was sent since the last call."""
        news, self.wire = self.wire, []
        return news

    def _sent(self) -> None:
        self.wire += self.protocol.data_to_send()


def test_long_silence_ends_in_a_barrier_and_sound_waits_for_its_answer() -> None:
    server = Server()
    server.hear(QUIET_S - 0.2)
    assert set(kinds(server.new())) == {"append"}
    server.hear(0.2)
    assert kinds(server.new()) == ["append", "session.update", "append", "session.update"]
    server.hear(0.6)
    assert server.new() == []
    assert Flushed(()) in server.say(*BARRIER)
    clear, tail, held = server.new()
    assert kinds([clear, tail, held]) == ["clear", "append", "append"]
    # The last three seconds once more, then what was held back: the same samples, none left out.
    again = np.concatenate((pcm(tail), pcm(held)))
    begin = (QUIET_S - KEPT_S) * SESSION_RATE_HZ
    assert np.array_equal(again, server.store.read(begin, len(server.store)))
    assert len(pcm(tail)) == KEPT_S * SESSION_RATE_HZ
    server.hear(1)
    assert kinds(server.new()) == ["append"] * 5


def test_the_servers_times_are_right_after_a_clear() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.say(*BARRIER, CLEARED)
    server.hear(4)
    # Its buffer began anew at 27 s: speech from 31 to 33 s.
    [start] = server.say(started("item_1", 4_000))
    assert start == SpeechStarted("item_1", 31.0)
    server.hear(1)
    events = server.say(stopped("item_1", 8_000), committed("item_1"), created("item_1"), completed("item_1", "x", 8))
    assert events[-1] == Completed("item_1", 0, None, Span(31.0, 35.0), "x", None, ())
    server.hear(0.2)
    [start] = server.say(started("item_2", 100))
    assert start == SpeechStarted("item_2", 35.1)


def test_an_onset_that_nobody_was_sure_of_is_sent_once_more() -> None:
    server = Server()
    server.hear(QUIET_S)  # somebody began to speak in the last tenth of a second
    server.say(*BARRIER, CLEARED)
    [start] = server.say(started("item_1", KEPT_S * 1000 - 100))
    assert start == SpeechStarted("item_1", QUIET_S - 0.1)


def test_silence_is_counted_from_the_last_speech_that_either_side_heard() -> None:
    server = Server()
    server.hear(20)
    server.speech = True
    server.hear(0.2)
    server.speech = False
    server.hear(20)
    server.say(started("item_1", 40_000))
    server.hear(1)
    server.say(stopped("item_1", 41_000), committed("item_1"), created("item_1"))
    server.hear(1)  # its text has not come: not a time to forget anything
    server.say(completed("item_1", "x"))
    server.hear(QUIET_S - 0.2)
    assert "session.update" not in kinds(server.new())
    server.hear(0.2)
    assert "session.update" in kinds(server.new())


def test_a_barrier_that_ends_something_clears_nothing() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.new()
    server.hear(0.4)
    up, back = BARRIER
    server.say(up, stopped("item_1", 30_100), back)
    [held] = server.new()
    assert kinds([held]) == ["append"]
    assert np.array_equal(pcm(held), server.store.read(QUIET_S * SESSION_RATE_HZ, len(server.store)))
    server.say(committed("item_1"), created("item_1"), completed("item_1", "x"))
    server.hear(QUIET_S - 1)
    assert "session.update" not in kinds(server.new())


def test_speech_on_this_side_while_the_barrier_is_on_its_way_keeps_the_buffer() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.hear(0.4)
    server.new()
    server.speech = True
    server.say(*BARRIER)
    assert kinds(server.new()) == ["append"]


def test_much_that_was_held_back_goes_in_pieces_that_a_vad_can_see_at_once() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.hear(7)
    server.new()
    server.say(*BARRIER)
    clear, *appends = server.new()
    assert kinds([clear]) == ["clear"]
    assert [len(pcm(data)) / SESSION_RATE_HZ for data in appends] == [3, 3, 3, 1]


def test_an_end_that_is_asked_for_meanwhile_has_a_barrier_behind_all_sound() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.hear(0.4)
    server.new()
    server.buffer.flush()
    server.hear(0)
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
        server.hear(QUIET_S)
        assert kinds(server.new())[-1] == "session.update"
        server.say(*BARRIER, CLEARED)
        assert kinds(server.new()) == ["clear", "append"]
    # The timeline keeps what it needs, and not every clear.
    assert len(server.protocol._timeline._pieces) <= 2


@pytest.mark.parametrize("detector", [True, False])
def test_where_this_side_cuts_or_has_no_detector_nothing_is_cleared(detector: bool) -> None:
    server = Server(ready(client_cuts=detector), detector=detector)
    server.hear(2 * QUIET_S)
    assert set(kinds(server.new())) == {"append"}


def test_a_server_of_the_newer_shape_is_left_alone() -> None:
    protocol = RealtimeProtocol(RealtimeOptions("whisper-1", client_cuts=False))
    protocol.connection_opened()
    protocol.receive(ga_session("session.created"))
    protocol.receive(ga_session("session.updated"))
    protocol.data_to_send()
    server = Server(protocol)
    server.hear(2 * QUIET_S)
    assert set(kinds(server.new())) == {"append"}


def test_an_answer_that_comes_too_late_does_no_harm() -> None:
    server = Server()
    server.hear(QUIET_S)
    server.new()
    server.protocol.close()
    server.say(*BARRIER)
    assert server.new() == []
