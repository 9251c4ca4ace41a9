"""Utterances in OpenAI's GA shape, from the commit to the last text; see `test_openai.py`."""

from __future__ import annotations

import pytest

from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    Flushed,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Reported,
    ServerSpeechStarted,
    ServerSpeechStopped,
)
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState
from openai_events import CUT_THERE, CUTTING, MODEL, error, event, inputs, kinds, ready, session, told, utterance
from realtime_wire import SILENCE, cut, feed, server_cut


def test_commits_become_items_and_texts_in_pieces_charged_by_tokens() -> None:
    protocol = ready()
    for number in range(2):
        protocol.send_append(SILENCE, number * 48_000)
        protocol.send_commit(cut(number))
    assert kinds(told(protocol)) == ["append", "commit", "append", "commit"]
    first = list(utterance("item_1", "good ", "morning"))
    second = list(utterance("item_2", "today", before="item_1"))
    # The second text overtakes the first one.
    events = feed(protocol, *first[:3], *second, *first[3:])
    assert [event.text for event in events if isinstance(event, ItemDelta)] == ["today", "good ", "good morning"]
    assert [(e.item_id, e.utterance) for e in events if isinstance(e, ItemCommitted)] == [
        ("item_1", cut(0)),
        ("item_2", cut(1)),
    ]
    finals = [event for event in events if isinstance(event, ItemCompleted)]
    assert [(final.utterance, final.text) for final in finals] == [(cut(1), "today"), (cut(0), "good morning")]
    assert protocol.pending == 0


def test_stretches_with_speakers_are_text_where_no_deltas_come() -> None:
    protocol = ready()
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    messages = list(utterance("item_1"))
    kind = "conversation.item.input_audio_transcription.segment"
    stretches = [
        event(kind, item_id="item_1", content_index=0, id=f"seg_{n}", start=n, end=n + 1, speaker=speaker, text=text)
        for n, (speaker, text) in enumerate([("A", "good morning"), ("B", "hello")])
    ]
    events = feed(protocol, *messages[:3], *stretches)
    assert [one.text for one in events if isinstance(one, ItemDelta)] == ["good morning", "good morning hello"]


def test_languages_that_were_heard() -> None:
    protocol = ready()
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    committed, *_ = utterance("item_1")
    final = event(
        "conversation.item.input_audio_transcription.completed",
        item_id="item_1",
        content_index=0,
        transcript="你好",
        usage={"type": "duration", "seconds": 1.0},
        languages=[{"code": "zh"}],
    )
    *_, completed = feed(protocol, committed, final)
    assert isinstance(completed, ItemCompleted)
    assert completed.language == "zh"


def test_a_transcription_that_fails_ends_one_utterance() -> None:
    protocol = ready()
    protocol.send_append(SILENCE, 0)
    protocol.send_commit(cut(0))
    committed, *_ = utterance("item_1")
    kind = "conversation.item.input_audio_transcription.failed"
    failure = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Too noisy.", "param": None}
    events = feed(protocol, committed, event(kind, item_id="item_1", content_index=0, error=failure))
    assert events[-1] == ItemFailed("item_1", cut(0), "Too noisy.")


def test_the_servers_clock_does_not_start_again_at_each_buffer() -> None:
    protocol = ready(CUT_THERE)
    for second in range(8):
        protocol.send_append(SILENCE, second * 24_000)
    vad = "input_audio_buffer.speech_"
    events = []
    for number, (begin, end) in enumerate([(700, 2500), (3700, 6500)]):
        item_id = f"item_{number}"
        committed, added, done, *_ = utterance(item_id)
        charged = {"type": "duration", "seconds": (end - begin) / 1000}
        text = {"item_id": item_id, "content_index": 0, "transcript": "words", "usage": charged}
        events += feed(
            protocol,
            event(f"{vad}started", item_id=item_id, audio_start_ms=begin),
            event(f"{vad}stopped", item_id=item_id, audio_end_ms=end),
            *(committed, added, done),
            event("conversation.item.input_audio_transcription.completed", **text),
        )
    assert [event.at_s for event in events if isinstance(event, ServerSpeechStarted)] == [0.7, 3.7]
    assert [event.at_s for event in events if isinstance(event, ServerSpeechStopped)] == [2.5, 6.5]
    utterances = [event.utterance for event in events if isinstance(event, ItemCompleted)]
    assert utterances == [server_cut(0, 0.7, 2.5), server_cut(1, 3.7, 6.5)]
    # It charges what its VAD has heard; that is less than the buffer, and no fault of a clock.
    assert not [event for event in events if isinstance(event, ClockMismatch)]


@pytest.mark.parametrize("item_id", ["item_1", "item_of_the_commit"])
def test_the_barrier_commits_what_is_being_said(item_id: str) -> None:
    protocol = ready(CUT_THERE)
    protocol.send_append(SILENCE, 0)
    protocol.send_append(SILENCE, 24_000)
    told(protocol)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.send_flush()
    [off] = inputs(told(protocol))
    assert off == {"turn_detection": None}
    protocol.send_append(SILENCE, 48_000)
    told(protocol)
    assert feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL})) == []
    messages = told(protocol)
    assert kinds(messages) == ["commit", "session.update"]
    assert inputs(messages) == [{"turn_detection": CUTTING}]
    protocol.send_append(SILENCE, 72_000)
    committed, *rest = utterance(item_id, "words")
    back = session("session.updated", transcription={"model": MODEL})
    events = feed(protocol, committed, back, *rest)
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed((item_id,))]
    [final] = [event for event in events if isinstance(event, ItemCompleted)]
    assert (final.item_id, final.utterance) == (item_id, server_cut(0, 0.4, 3.0))
    assert protocol.pending == 0
    assert protocol.state is ProtocolState.READY
    # What was sent behind the commit is the start of the next buffer.
    events = feed(protocol, event("input_audio_buffer.speech_started", item_id="item_2", audio_start_ms=3_200))
    assert events == [ServerSpeechStarted("item_2", 3.2)]


def test_the_barrier_in_silence_commits_nothing() -> None:
    protocol = ready(CUT_THERE)
    protocol.send_append(SILENCE, 0)
    told(protocol)
    protocol.send_flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    assert kinds(told(protocol)) == ["session.update"]
    events = feed(protocol, session("session.updated", transcription={"model": MODEL}))
    assert events == [Flushed(())]


def test_a_barrier_whose_commit_is_refused_leaves_nothing_pending() -> None:
    protocol = ready(CUT_THERE)
    protocol.send_append(SILENCE, 0)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.send_flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    told(protocol)
    refusal = error("Error committing input audio buffer: buffer too small.", code="input_audio_buffer_commit_empty")
    events = feed(protocol, refusal, session("session.updated", transcription={"model": MODEL}))
    assert [type(event) for event in events] == [Reported, ItemFailed, Flushed]
    assert protocol.pending == 0


def test_a_clear_and_everything_else_that_is_sent_is_of_the_official_types() -> None:
    protocol = ready(CUT_THERE)
    protocol.send_append(SILENCE, 0)
    protocol.send_clear()
    assert kinds(told(protocol)) == ["append", "clear"]
    feed(protocol, event("input_audio_buffer.cleared"))
    protocol.send_append(SILENCE, 24_000)
    [started] = feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=1500))
    assert started == ServerSpeechStarted("item_1", 1.5)
