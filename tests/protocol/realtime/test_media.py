from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    Disconnected,
    ItemCompleted,
    ItemFailed,
    MessageLost,
    Reported,
    ServerSpeechStarted,
)
from ipyspeaches.protocol.realtime.media import HELD_SAMPLES, LOSSY_CLOCK, ClockJudge, Media, StreamAudio
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import (
    DEFAULT_VAD,
    MODEL,
    NEVER,
    committed,
    completed,
    created,
    cut,
    error,
    feed,
    session,
    started,
    stopped,
    without_fences,
)

SECOND = 24_000


def ready(media: Media, *, client_cuts: bool = True) -> RealtimeProtocol:
    """Return a protocol in a media stream, configured, with nothing left to send."""
    server_vad = None if client_cuts else ServerTurnDetection()
    protocol = RealtimeProtocol(RecognitionOptions(model=MODEL, server_vad=server_vad), media=media)
    protocol.connection_opened()
    feed(protocol, session(vad=NEVER if client_cuts else DEFAULT_VAD))
    return without_fences(protocol)


def say(protocol: RealtimeProtocol, start_s: float, end_s: float) -> None:
    """Append a stretch of the session."""
    start, end = round(start_s * SECOND), round(end_s * SECOND)
    protocol.send_append(np.ones(end - start, np.int16), start)


def test_values_are_checked() -> None:
    with pytest.raises(InputError, match="clock_factor is 3"):
        Media(3.0)
    with pytest.raises(InputError, match="padding_ms is -1"):
        Media(padding_ms=-1)
    with pytest.raises(InputError, match="held_ms is -1"):
        Media(held_ms=-1)


def test_a_chat_session_is_asked_to_be_none_before_any_sound() -> None:
    protocol = RealtimeProtocol(RecognitionOptions(model=MODEL, language="zh"), media=Media())
    protocol.connection_opened()
    opened = session(vad={**DEFAULT_VAD, "create_response": True}, model="other/model")
    assert feed(protocol, opened) == []
    [update] = protocol.stream_to_send()
    assert isinstance(update, bytes)
    assert json.loads(update)["session"] == {
        "turn_detection": NEVER,
        "input_audio_transcription": {"model": MODEL, "language": "zh"},
    }


def test_sound_keeps_its_place_among_the_messages_and_is_padded() -> None:
    protocol = ready(Media(padding_ms=100))
    say(protocol, 0, 1)
    protocol.send_commit(cut(0))
    say(protocol, 5, 6)
    first, padding, commit, second = protocol.stream_to_send()
    assert isinstance(first, StreamAudio)
    assert isinstance(padding, StreamAudio)
    assert isinstance(second, StreamAudio)
    assert (first.samples.size, first.padding) == (SECOND, False)
    assert (padding.samples.size, padding.padding, bool(padding.samples.any())) == (SECOND // 10, True, False)
    assert json.loads(commit if isinstance(commit, bytes) else b"")["type"] == "input_audio_buffer.commit"
    assert second.samples.size == SECOND


def test_a_barrier_is_padded_too() -> None:
    protocol = ready(Media(padding_ms=100), client_cuts=False)
    say(protocol, 0, 1)
    protocol.send_flush()
    kinds = [type(entry) for entry in protocol.stream_to_send()]
    assert kinds == [StreamAudio, bytes, StreamAudio, bytes]


def test_in_continuous_sound_padding_takes_no_place() -> None:
    protocol = ready(Media(padding_ms=100, continuous=True))
    say(protocol, 0, 1)
    protocol.send_commit(cut(0))
    say(protocol, 1, 2)
    assert protocol._timeline.position == 2 * SECOND


def test_server_times_are_stretched_and_not_moved_to_the_ends_of_appends() -> None:
    protocol = ready(Media(LOSSY_CLOCK), client_cuts=False)
    for start in range(10):
        say(protocol, start, start + 1)
    events = feed(
        protocol,
        *(started("a", 580), stopped("a", 2900), committed("a"), created("a"), completed("a", "x", 2.9001)),
        *(started("b", 966.67), stopped("b", 2900), committed("b")),
    )
    first, second = (event for event in events if isinstance(event, ServerSpeechStarted))
    assert first.at_s == pytest.approx(0.6)
    assert second.at_s == pytest.approx(3.0 + 1.0, abs=0.001)
    assert not any(isinstance(event, ClockMismatch) for event in events)


def test_word_times_follow_what_the_server_counted() -> None:
    """What was on its way at a commit comes into the next buffer: 0.2 s here."""
    protocol = ready(Media(padding_ms=300))
    say(protocol, 10, 12)
    protocol.send_commit(cut(0))
    say(protocol, 20, 22)
    protocol.send_commit(cut(1))
    word = [{"word": "hello", "start": 0.2 + 0.5, "end": 0.2 + 1.0}]
    events = feed(
        protocol,
        *(committed("a"), completed("a", "x", 2.1), committed("b")),
        completed("b", "hello", 2.3, words=word),
    )
    [_, final] = (event for event in events if isinstance(event, ItemCompleted))
    assert final.words[0].start == pytest.approx(20.5)
    assert final.words[0].end == pytest.approx(21.0)


def test_what_is_held_back_is_guessed_until_the_server_has_counted() -> None:
    """Finals come in any order: the second one's words must not wait for the first one's seconds."""
    protocol = ready(Media(padding_ms=300, held_ms=150))
    for number in range(2):
        say(protocol, 10 * number, 10 * number + 2)
        protocol.send_commit(cut(number))
    word = [{"word": "hello", "start": 0.2 + 0.5, "end": 0.2 + 1.0}]
    events = feed(protocol, committed("a"), committed("b"), completed("b", "hello", 2.3, words=word))
    [final] = (event for event in events if isinstance(event, ItemCompleted))
    assert final.words[0].start == pytest.approx(10.5, abs=0.051)
    feed(protocol, completed("a", "x", 2.1))
    assert protocol._timeline.current.begin == round((2.1 + 2.3) * SECOND)


def test_lost_sound_is_noticed_and_moves_nothing_far() -> None:
    protocol = ready(Media(padding_ms=0))
    say(protocol, 0, 4)
    protocol.send_commit(cut(0))
    events = feed(protocol, committed("a"), completed("a", "x", 2.01))
    assert [event for event in events if isinstance(event, ClockMismatch)] == [ClockMismatch("a", 4.0, 2.01)]
    assert protocol._timeline.current.begin == 4 * SECOND - HELD_SAMPLES


@pytest.mark.parametrize(("end_s", "lost"), [(1.0, True), (0.1, False)])
def test_an_utterance_of_which_nothing_has_arrived_is_sent_over_another_connection(end_s: float, lost: bool) -> None:
    protocol = ready(Media())
    say(protocol, 0, end_s)
    protocol.send_commit(replace(cut(0), end=round(end_s * SECOND)))
    events = feed(protocol, error("Error committing input audio buffer: buffer too small."))
    assert isinstance(events[-1], Disconnected if lost else ItemFailed)


def test_what_is_held_back_is_no_mismatch() -> None:
    protocol = ready(Media(padding_ms=300))
    say(protocol, 0, 0.4)
    protocol.send_commit(cut(0))
    events = feed(protocol, committed("a"), completed("a", "x", 0.42))
    assert not any(isinstance(event, ClockMismatch) for event in events)


@pytest.mark.parametrize(("believed", "true"), [(1.0, LOSSY_CLOCK), (LOSSY_CLOCK, 1.0)])
@pytest.mark.parametrize("client_cuts", [True, False])
def test_a_clock_that_was_taken_for_another_is_found_out(believed: float, true: float, client_cuts: bool) -> None:
    protocol = ready(Media(believed, padding_ms=0), client_cuts=client_cuts)
    length_s = 4.0
    for number in range(12):
        begin_s = number * length_s
        for part in range(4):
            say(protocol, begin_s + part, begin_s + part + 1)
        counted_s = length_s / true
        name = f"item_{number}"
        if client_cuts:
            protocol.send_commit(cut(number))
            feed(protocol, committed(name), completed(name, "x", counted_s))
        else:
            feed(protocol, started(name, 0), stopped(name, round(counted_s * 1000)), committed(name))
            feed(protocol, completed(name, "x", counted_s))
    end_s = 12 * length_s
    say(protocol, end_s, end_s + 4)
    media = protocol._timeline.media
    assert media is not None
    assert media.clock_factor == pytest.approx(true)
    timeline = protocol._timeline
    assert timeline.current.begin / SECOND == pytest.approx(end_s, abs=0.1)
    assert timeline.at(timeline.current, 1000 / true) == pytest.approx(end_s + 1, abs=0.1)


def test_one_late_utterance_is_no_proof() -> None:
    judge = ClockJudge(LOSSY_CLOCK)
    assert not judge.observe(4.0, 3.6)
    assert not judge.observe(1.0, 1.2)
    assert judge.factor == LOSSY_CLOCK


def test_the_answer_to_a_ping_is_swallowed_and_nothing_else() -> None:
    protocol = ready(Media())
    protocol.send_ping()
    [ping] = protocol.stream_to_send()
    assert isinstance(ping, bytes)
    asked = json.loads(ping)
    assert asked["type"] == "conversation.item.delete"
    answer = error(f"Error deleting item: the item with id '{asked['item_id']}' does not exist.")
    other = error("Error deleting item: the item with id 'x' does not exist.")
    assert feed(protocol, other) == [Reported(json.loads(other)["error"]["message"], "invalid_request_error", None)]
    assert feed(protocol, answer) == []
    assert len(feed(protocol, answer)) == 1  # only a ping that waits is answered


def test_a_broken_message_is_an_event() -> None:
    protocol = ready(Media())
    [lost] = feed(protocol, json.dumps({"id": "a", "type": "full_message", "data": "!!"}))
    assert isinstance(lost, MessageLost)
