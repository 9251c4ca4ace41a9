"""Utterances in OpenAI's GA shape, from the commit to the last text; see `test_openai.py`."""

from __future__ import annotations

import pytest

from ipyspeaches.protocol import (
    ClockMismatch,
    Committed,
    Completed,
    Delta,
    Failed,
    Flushed,
    ProtocolState,
    Reported,
    Span,
    SpeechStarted,
    SpeechStopped,
)
from openai_events import CUT_THERE, CUTTING, MODEL, error, event, inputs, kinds, ready, session, told, utterance
from realtime_wire import SILENCE, feed


def test_commits_become_items_and_texts_in_pieces_charged_by_tokens() -> None:
    protocol = ready()
    for number in range(2):
        protocol.append(SILENCE, number * 48_000)
        protocol.commit(number)
    assert kinds(told(protocol)) == ["append", "commit", "append", "commit"]
    first = list(utterance("item_1", "good ", "morning"))
    second = list(utterance("item_2", "today", before="item_1"))
    # The second text overtakes the first one.
    events = feed(protocol, *first[:3], *second, *first[3:])
    assert [event.text for event in events if isinstance(event, Delta)] == ["today", "good ", "good morning"]
    assert [(e.item_id, e.order, e.utterance) for e in events if isinstance(e, Committed)] == [
        ("item_1", 0, 0),
        ("item_2", 1, 1),
    ]
    finals = [event for event in events if isinstance(event, Completed)]
    assert [(final.order, final.text, final.span) for final in finals] == [
        (1, "today", Span(2.0, 3.0)),
        (0, "good morning", Span(0.0, 1.0)),
    ]
    assert protocol.pending == ()


def test_stretches_with_speakers_are_text_where_no_deltas_come() -> None:
    protocol = ready()
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    messages = list(utterance("item_1"))
    kind = "conversation.item.input_audio_transcription.segment"
    stretches = [
        event(kind, item_id="item_1", content_index=0, id=f"seg_{n}", start=n, end=n + 1, speaker=speaker, text=text)
        for n, (speaker, text) in enumerate([("A", "good morning"), ("B", "hello")])
    ]
    events = feed(protocol, *messages[:3], *stretches)
    assert [one.text for one in events if isinstance(one, Delta)] == ["good morning", "good morning hello"]


def test_languages_that_were_heard() -> None:
    protocol = ready()
    protocol.append(SILENCE, 0)
    protocol.commit(0)
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
    assert isinstance(completed, Completed)
    assert completed.language == "zh"


def test_a_transcription_that_fails_ends_one_utterance() -> None:
    protocol = ready()
    protocol.append(SILENCE, 0)
    protocol.commit(0)
    committed, *_ = utterance("item_1")
    kind = "conversation.item.input_audio_transcription.failed"
    failure = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Too noisy.", "param": None}
    events = feed(protocol, committed, event(kind, item_id="item_1", content_index=0, error=failure))
    assert events[-1] == Failed("item_1", 0, "Too noisy.")


def test_the_servers_clock_does_not_start_again_at_each_buffer() -> None:
    protocol = ready(CUT_THERE)
    for second in range(8):
        protocol.append(SILENCE, second * 24_000)
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
    assert [event.at_s for event in events if isinstance(event, SpeechStarted)] == [0.7, 3.7]
    assert [event.at_s for event in events if isinstance(event, SpeechStopped)] == [2.5, 6.5]
    assert [event.span for event in events if isinstance(event, Completed)] == [Span(0.7, 2.5), Span(3.7, 6.5)]
    # It charges what its VAD has heard; that is less than the buffer, and no fault of a clock.
    assert not [event for event in events if isinstance(event, ClockMismatch)]


@pytest.mark.parametrize("item_id", ["item_1", "item_of_the_commit"])
def test_the_barrier_commits_what_is_being_said(item_id: str) -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SILENCE, 0)
    protocol.append(SILENCE, 24_000)
    told(protocol)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.flush()
    [off] = inputs(told(protocol))
    assert off == {"turn_detection": None}
    protocol.append(SILENCE, 48_000)
    told(protocol)
    assert feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL})) == []
    messages = told(protocol)
    assert kinds(messages) == ["commit", "session.update"]
    assert inputs(messages) == [{"turn_detection": CUTTING}]
    protocol.append(SILENCE, 72_000)
    committed, *rest = utterance(item_id, "words")
    back = session("session.updated", transcription={"model": MODEL})
    events = feed(protocol, committed, back, *rest)
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed((item_id,))]
    [final] = [event for event in events if isinstance(event, Completed)]
    assert (final.item_id, final.span) == (item_id, Span(0.4, 3.0))
    assert protocol.pending == ()
    assert protocol.state is ProtocolState.READY
    # What was sent behind the commit is the start of the next buffer.
    assert protocol.unsettled_from == 72_000


def test_the_barrier_in_silence_commits_nothing() -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SILENCE, 0)
    told(protocol)
    protocol.flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    assert kinds(told(protocol)) == ["session.update"]
    events = feed(protocol, session("session.updated", transcription={"model": MODEL}))
    assert events == [Flushed(())]


def test_a_barrier_whose_commit_is_refused_leaves_nothing_pending() -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SILENCE, 0)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    told(protocol)
    refusal = error("Error committing input audio buffer: buffer too small.", code="input_audio_buffer_commit_empty")
    events = feed(protocol, refusal, session("session.updated", transcription={"model": MODEL}))
    assert [type(event) for event in events] == [Reported, Failed, Flushed]
    assert protocol.pending == ()


def test_a_clear_and_everything_else_that_is_sent_is_of_the_official_types() -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SILENCE, 0)
    protocol.clear()
    assert kinds(told(protocol)) == ["append", "clear"]
    feed(protocol, event("input_audio_buffer.cleared"))
    protocol.append(SILENCE, 24_000)
    [started] = feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=1500))
    assert started == SpeechStarted("item_1", 1.5)
