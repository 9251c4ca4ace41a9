"""OpenAI's GA shape of a transcription session, from its announcement to the last text.

No server of OpenAI was recorded: the server's side here is made of the events in the official documentation and types,
and every message in either direction is validated by the types of the ``openai`` package (see `openai_events.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pydantic
import pytest

from ipyspeaches.errors import ModelNotFoundError
from ipyspeaches.protocol import (
    ClockMismatch,
    Committed,
    Completed,
    Delta,
    Disconnected,
    Failed,
    Flushed,
    Hints,
    Mismatch,
    ProtocolState,
    Ready,
    RealtimeOptions,
    RealtimeProtocol,
    Reconfigured,
    Reported,
    ServerTurnDetection,
    Span,
    SpeechStarted,
    SpeechStopped,
    notices,
)
from openai_events import CUTTING, error, event, sent, session, utterance
from realtime_wire import feed, message

MODEL = "gpt-4o-transcribe"
OPTIONS = RealtimeOptions(MODEL, model_in_address=False)
CUT_THERE = RealtimeOptions(MODEL, turn_detection=ServerTurnDetection(0.5, 500), client_cuts=False)
CREATED = session("session.created")
SECOND = np.zeros(24_000, np.int16)
PCM = {"type": "audio/pcm", "rate": 24_000}


def told(protocol: RealtimeProtocol) -> list[dict[str, Any]]:
    """Return what waits to be sent, each message checked against the official types."""
    return [sent(raw) for raw in protocol.data_to_send()]


def inputs(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ``audio.input`` of the updates, each of a transcription session and with a name of its own."""
    updates = [message for message in messages if message["type"] == "session.update"]
    assert all(update["session"]["type"] == "transcription" for update in updates)
    assert len({update["event_id"] for update in updates}) == len(updates)
    return [update["session"]["audio"]["input"] for update in updates]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"].removeprefix("input_audio_buffer.") for message in messages]


def opened(options: RealtimeOptions) -> RealtimeProtocol:
    """Return a protocol to which the server has announced its session."""
    protocol = RealtimeProtocol(options)
    protocol.connection_opened()
    assert protocol.receive(CREATED) == []
    return protocol


def ready(options: RealtimeOptions = OPTIONS) -> RealtimeProtocol:
    """Return a protocol whose configuration is confirmed as asked, with nothing left to send."""
    protocol = opened(options)
    [asked] = inputs(told(protocol))
    events = protocol.receive(session("session.updated", **asked))
    assert not [event for event in events if isinstance(event, Mismatch)]
    assert protocol.state is ProtocolState.READY
    return protocol


def test_what_the_official_types_do_not_know_is_found() -> None:
    with pytest.raises(AssertionError, match="has no input_audio_transcription"):
        sent(b'{"type": "session.update", "session": {"type": "transcription", "input_audio_transcription": {}}}')
    with pytest.raises(pydantic.ValidationError):
        event("input_audio_buffer.speech_started", item_id="item_1")


def test_the_address_names_no_model() -> None:
    assert RealtimeProtocol(OPTIONS).query() == {"intent": "transcription"}


def test_client_cuts_turn_the_servers_vad_off() -> None:
    protocol = opened(OPTIONS)
    [asked] = inputs(told(protocol))
    assert asked == {"format": PCM, "turn_detection": None, "transcription": {"model": MODEL}}
    [event] = protocol.receive(session("session.updated", **asked))
    assert event == Ready("sess_abc123", MODEL, None, None)


def test_a_prompt_is_sent_and_what_has_no_place_is_named() -> None:
    protocol = opened(replace(OPTIONS, language="de", hints=Hints("Namen", "Speaches", 0.2)))
    [asked] = inputs(told(protocol))
    assert asked["transcription"] == {"model": MODEL, "language": "de", "prompt": "Namen"}
    confirmed, ignored = protocol.receive(session("session.updated", **asked))
    assert isinstance(confirmed, Ready)
    assert ignored == notices.not_in_realtime(("hotwords", "temperature"))


def test_server_cuts_ask_for_the_whole_turn_detection() -> None:
    protocol = opened(CUT_THERE)
    [asked] = inputs(told(protocol))
    assert asked["turn_detection"] == CUTTING
    echo = {**asked, "turn_detection": {**CUTTING, "threshold": 0.8}}
    confirmed, *mismatches = protocol.receive(session("session.updated", **echo))
    assert isinstance(confirmed, Ready)
    assert mismatches == [Mismatch("turn_detection.threshold", 0.5, 0.8)]


def test_a_server_that_goes_on_cutting_is_a_mismatch() -> None:
    protocol = opened(OPTIONS)
    told(protocol)
    echo = session("session.updated", transcription={"model": MODEL})
    assert Mismatch("turn_detection", None, CUTTING) in protocol.receive(echo)


def test_an_update_that_is_refused_is_known_by_its_name() -> None:
    protocol = opened(CUT_THERE)
    [update] = told(protocol)
    [other] = feed(protocol, error("Something else.", event_id="event_of_ours"))
    assert isinstance(other, Reported)
    assert protocol.state == "configuring"
    refusal = error("Turn detection is not supported for this model.", event_id=update["event_id"])
    reported, confirmed, *mismatches = feed(protocol, refusal)
    assert isinstance(reported, Reported)
    assert isinstance(confirmed, Ready)
    assert mismatches == [Mismatch("model", MODEL, None)]
    assert protocol.state is ProtocolState.READY


def test_commits_become_items_and_texts_in_pieces_charged_by_tokens() -> None:
    protocol = ready()
    for number in range(2):
        protocol.append(SECOND, number * 48_000)
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
    protocol.append(SECOND, 0)
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
    protocol.append(SECOND, 0)
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
    protocol.append(SECOND, 0)
    protocol.commit(0)
    committed, *_ = utterance("item_1")
    kind = "conversation.item.input_audio_transcription.failed"
    failure = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Too noisy.", "param": None}
    events = feed(protocol, committed, event(kind, item_id="item_1", content_index=0, error=failure))
    assert events[-1] == Failed("item_1", 0, "Too noisy.")


def test_the_servers_clock_does_not_start_again_at_each_buffer() -> None:
    protocol = ready(CUT_THERE)
    for second in range(8):
        protocol.append(SECOND, second * 24_000)
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
    protocol.append(SECOND, 0)
    protocol.append(SECOND, 24_000)
    told(protocol)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.flush()
    [off] = inputs(told(protocol))
    assert off == {"turn_detection": None}
    protocol.append(SECOND, 48_000)
    told(protocol)
    assert feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL})) == []
    messages = told(protocol)
    assert kinds(messages) == ["commit", "session.update"]
    assert inputs(messages) == [{"turn_detection": CUTTING}]
    protocol.append(SECOND, 72_000)
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
    protocol.append(SECOND, 0)
    told(protocol)
    protocol.flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    assert kinds(told(protocol)) == ["session.update"]
    events = feed(protocol, session("session.updated", transcription={"model": MODEL}))
    assert events == [Flushed(())]


def test_a_barrier_whose_commit_is_refused_leaves_nothing_pending() -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SECOND, 0)
    feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=400))
    protocol.flush()
    told(protocol)
    feed(protocol, session("session.updated", turn_detection=None, transcription={"model": MODEL}))
    told(protocol)
    refusal = error("Error committing input audio buffer: buffer too small.", code="input_audio_buffer_commit_empty")
    events = feed(protocol, refusal, session("session.updated", transcription={"model": MODEL}))
    assert [type(event) for event in events] == [Reported, Failed, Flushed]
    assert protocol.pending == ()


def test_model_and_language_change_while_it_runs() -> None:
    protocol = ready(replace(OPTIONS, hints=Hints(prompt="Names")))
    protocol.update(language="zh")
    protocol.update(model="whisper-1")
    protocol.update(language=None)
    changed = [asked["transcription"] for asked in inputs(told(protocol))]
    assert changed == [
        {"model": MODEL, "language": "zh", "prompt": "Names"},
        {"model": "whisper-1", "language": "zh", "prompt": "Names"},
        {"model": "whisper-1", "language": None, "prompt": "Names"},
    ]
    echo = [session("session.updated", turn_detection=None, transcription=asked) for asked in changed]
    assert feed(protocol, *echo) == [
        Reconfigured(MODEL, "zh", None),
        Reconfigured("whisper-1", "zh", None),
        Reconfigured("whisper-1", None, None),
    ]


def test_a_clear_and_everything_else_that_is_sent_is_of_the_official_types() -> None:
    protocol = ready(CUT_THERE)
    protocol.append(SECOND, 0)
    protocol.clear()
    assert kinds(told(protocol)) == ["append", "clear"]
    feed(protocol, event("input_audio_buffer.cleared"))
    protocol.append(SECOND, 24_000)
    [started] = feed(protocol, event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=1500))
    assert started == SpeechStarted("item_1", 1.5)


def test_a_model_that_does_not_transcribe_is_named() -> None:
    protocol = ready()
    feed(protocol, error('Model "gpt-4o-transcribe" is not supported in transcription mode.', code="invalid_model"))
    [lost] = protocol.connection_lost(4000, "invalid_request_error.invalid_model", close_frame=True)
    assert isinstance(lost, Disconnected)
    assert isinstance(lost.error, ModelNotFoundError)
    assert "not supported in transcription mode" in str(lost.error)
    assert lost.fatal


def test_a_conversation_that_announces_the_newer_shape_is_not_made_a_transcription() -> None:
    protocol = RealtimeProtocol(CUT_THERE)
    protocol.connection_opened()
    announced = {"type": "realtime", "audio": {"input": {"format": PCM, "turn_detection": CUTTING}}}
    protocol.receive(message("session.created", session=announced))
    [update] = told(protocol)
    assert update["session"]["type"] == "realtime"
    assert update["session"]["audio"]["input"]["turn_detection"] == {**CUTTING, "create_response": False}
