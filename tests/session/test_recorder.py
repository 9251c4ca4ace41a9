"""What protocol events become: results and session events."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.audio.clock import to_samples
from ipyspeaches.protocol.protocol_events import (
    ConfigurationChanged,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Ready,
    Reported,
)
from ipyspeaches.session import events
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.session.recorder import Confirmed, Recorder
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.vad.segmenter import Closed
from ipyspeaches.words import Word
from realtime_wire import server_cut

UTTERANCE = server_cut(0, 1, 2)


def joined(first: tuple[float, float], second: tuple[float, float]) -> Utterance:
    """Return two stretches of speech, in seconds, as one utterance."""
    one, other = (Utterance(n, to_samples(a), to_samples(b)) for n, (a, b) in enumerate((first, second)))
    return one.joined_with(other)


def recording(turn_detection: TurnDetection | None = None) -> tuple[Recorder, list[Any]]:
    """Return a recorder and the events that it emits."""
    recorder = Recorder(Pipeline(turn_detection or TurnDetection.client(EnergyVad())))
    seen: list[Any] = []
    recorder.subscribe(seen.append)
    return recorder, seen


def test_an_utterance_without_words_is_told_and_not_written_down() -> None:
    recorder, seen = recording()
    recorder.receive_event(ItemCommitted("a", UTTERANCE))
    recorder.receive_event(ItemCompleted("a", UTTERANCE, "  ", None, (), heard=False))
    assert len(recorder.transcript) == 0
    [final] = [event for event in seen if isinstance(event, events.Final)]
    assert final.segment.text == ""


@pytest.mark.parametrize(
    ("utterance", "named"),
    [
        (Utterance(0, to_samples(1), to_samples(2)), True),
        (Utterance(0, to_samples(1), to_samples(1.6)), False),  # a cough, a door
        (joined((1, 1.4), (8, 8.4)), False),  # the silence between is none of it
        (joined((1, 1.6), (8, 8.6)), True),
    ],
)
@pytest.mark.parametrize("text", ["", "[BLANK_AUDIO]", " .", "♪♪", "(music) …", "\ufffd"])
def test_speech_without_words_is_missing_and_a_noise_is_not(text: str, utterance: Utterance, named: bool) -> None:
    recorder, _ = recording()
    recorder.receive_event(ItemCommitted("a", utterance))
    recorder.receive_event(ItemCompleted("a", utterance, text, None, (), heard=bool(text)))
    gaps = [(gap.start, gap.end, gap.reason) for gap in recorder.transcript.missing]
    assert gaps == ([(utterance.start_s, utterance.end_s, "no words were recognised")] if named else [])


def test_words_that_the_utterance_before_left_over_do_not_hide_that_there_were_none() -> None:
    recorder, _ = recording()
    utterance = Utterance(0, to_samples(1), to_samples(5))
    recorder.receive_event(ItemCommitted("a", utterance))
    recorder.receive_event(ItemCompleted("a", utterance, "over", None, (Word("over", 1, 1.5),), heard=False))
    assert recorder.transcript.text == "over"
    assert [(gap.start, gap.end) for gap in recorder.transcript.missing] == [(1.5, 5)]


def test_a_text_that_is_left_to_the_next_utterance_is_not_missing() -> None:
    recorder, _ = recording()
    recorder.receive_event(ItemCompleted("a", server_cut(0, 0.0, 5.0), "", None, ()))
    assert len(recorder.transcript.missing) == 0


@pytest.mark.parametrize(("seconds", "named"), [(1.2, False), (1.6, True)])
def test_the_silence_by_which_a_server_knows_the_end_is_no_speech(seconds: float, named: bool) -> None:
    recorder, _ = recording(TurnDetection.server(0.9, 550, detector=EnergyVad()))
    utterance = server_cut(0, 1, 1 + seconds)
    recorder.receive_event(ItemCompleted("a", utterance, "", None, (), heard=False))
    assert len(recorder.transcript.missing) == named


def test_texts_that_come_in_another_order_keep_the_order_of_speech() -> None:
    recorder, _ = recording()
    later = server_cut(1, 3, 4)
    recorder.receive_event(ItemCommitted("a", UTTERANCE))
    recorder.receive_event(ItemCommitted("b", later))
    recorder.receive_event(ItemCompleted("b", later, "two", None, ()))
    recorder.receive_event(ItemCompleted("a", UTTERANCE, "one", None, ()))
    assert [(segment.id, segment.text, segment.start) for segment in recorder.transcript] == [
        (0, "one", 1),
        (1, "two", 3),
    ]


def test_a_text_behind_a_failure_fills_its_gap() -> None:
    recorder, _ = recording()
    for item_id, start_s in (("a", 0.0), ("b", 5.0)):
        recorder.receive_event(ItemFailed(item_id, server_cut(0, start_s, start_s + 2), "once more"))
    recorder.receive_event(ItemCompleted("a", server_cut(0, 0.0, 2.0), "good", None, ()))
    assert [gap.start for gap in recorder.transcript.missing] == [5.0]
    assert recorder.transcript.text == "good"
    assert len(recorder.ledger.entries) == 2


def test_a_text_that_is_replaced_stands_once_and_one_that_is_taken_back_is_missing() -> None:
    recorder, seen = recording()
    recorder.receive_event(ItemCommitted("a", UTTERANCE))
    for text in ("won", "one"):
        recorder.receive_event(ItemCompleted("a", UTTERANCE, text, None, ()))
    assert [(segment.id, segment.text) for segment in recorder.transcript] == [(0, "one")]
    assert len(recorder.latency) == 1
    recorder.receive_event(ItemFailed("a", UTTERANCE, "the server took back “one”: no"))
    assert len(recorder.transcript) == 0
    assert [gap.reason for gap in recorder.transcript.missing] == ["the server took back “one”: no"]
    assert [event.segment.text for event in seen if isinstance(event, events.Final)] == ["won", "one", ""]
    recorder.receive_event(ItemCompleted("a", UTTERANCE, "one", None, ()))
    assert (recorder.transcript.text, len(recorder.transcript.missing)) == ("one", 0)


def test_what_a_server_has_cut_and_passed_over_is_missing_where_it_is() -> None:
    recorder, _ = recording(TurnDetection.server())
    recorder.receive_event(ItemCommitted("a", UTTERANCE))
    later = server_cut(1, 3, 4)
    recorder.receive_event(ItemCommitted("b", later))
    recorder.receive_event(ItemCompleted("b", later, "two", None, ()))
    recorder.give_up("it did not answer", None)
    assert [(gap.start, gap.end, gap.reason) for gap in recorder.transcript.missing] == [(1, 2, "it did not answer")]


def test_what_had_come_of_an_unfinished_text_is_kept_in_its_gap() -> None:
    recorder, _ = recording()
    for item_id, text, start_s in (("a", "good morn", 1), ("b", "ladies", 3), ("c", "", 5)):
        utterance = Utterance(start_s, to_samples(start_s), to_samples(start_s + 1))
        recorder.receive_event(ItemCommitted(item_id, utterance))
        recorder.receive_event(ItemDelta(item_id, text))
    recorder.receive_event(ItemFailed("a", Utterance(1, to_samples(1), to_samples(2)), "engine died"))
    recorder.give_up("the connection was cut", None)
    assert [gap.reason for gap in recorder.transcript.missing] == [
        "engine died (it had begun with “good morn”)",
        "the connection was cut (it had begun with “ladies”)",
        "the connection was cut",
    ]


def test_an_error_is_the_reason_of_what_it_may_be_about() -> None:
    recorder, _ = recording()
    recorder.receive_event(ItemCommitted("a", server_cut(0, 0.0, 2.0)))
    recorder.receive_event(Reported("buffer too small", "", None, known=True))
    recorder.receive_event(ItemCommitted("b", server_cut(1, 5.0, 7.0)))
    recorder.receive_event(ItemCompleted("a", server_cut(0, 0.0, 2.0), "good", None, ()))
    recorder.receive_event(Reported("model not loaded", "", None))
    recorder.receive_event(ItemCommitted("c", server_cut(2, 8.0, 9.0)))
    recorder.note_unanswered("silence")
    reasons = [(gap.start, gap.reason) for gap in recorder.transcript.missing]
    assert reasons == [(5.0, "the server reported “model not loaded” and gave no text"), (8.0, "silence")]


def test_what_the_server_confirms_is_known_and_told() -> None:
    recorder, seen = recording()
    assert recorder.confirmed is None
    recorder.receive_event(Ready("sess_1", "a/b", None, None))
    assert recorder.confirmed == Confirmed("a/b", None)
    recorder.receive_event(ConfigurationChanged("c/d", "zh", None))
    assert recorder.confirmed == Confirmed("c/d", "zh")
    assert seen == [events.Reconfigured(0.0, None, "c/d", "zh")]


@pytest.mark.parametrize(("cut", "left"), [((1, 2), [(2.5, 6)]), ((0.5, 5.7), []), ((2.5, 4), [(1, 2), (4.5, 6)])])
def test_speech_that_a_server_cut_only_in_part_is_missing_and_told(
    cut: tuple[float, float], left: list[tuple[float, float]]
) -> None:
    recorder, seen = recording(TurnDetection.server(detector=EnergyVad()))
    recorder.receive_audio(Processed([Closed(to_samples(1), to_samples(6))], []))
    recorder.receive_event(ItemCommitted("a", server_cut(0, *cut)))
    recorder.note_uncut()
    assert [(gap.start, gap.end) for gap in recorder.transcript.missing] == left
    told = [event for event in seen if isinstance(event, events.Warning)]
    assert [event.kind for event in told] == ["passed_over"] * len(left)
