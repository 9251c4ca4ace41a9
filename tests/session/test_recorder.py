"""What protocol events become: results and session events."""

from __future__ import annotations

from typing import Any

from ipyspeaches.protocol import ConfigurationChanged, ItemCommitted, ItemCompleted, Ready
from ipyspeaches.session import TurnDetection, events
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.recorder import Confirmed, Recorder
from ipyspeaches.vad import EnergyVad
from realtime_wire import server_cut

UTTERANCE = server_cut(0, 1, 2)


def recording() -> tuple[Recorder, list[Any]]:
    """Return a recorder and the events that it emits."""
    recorder = Recorder(Pipeline(TurnDetection.client(EnergyVad())))
    seen: list[Any] = []
    recorder.subscribe(seen.append)
    return recorder, seen


def test_an_utterance_without_words_is_told_and_not_written_down() -> None:
    recorder, seen = recording()
    recorder.receive_event(ItemCommitted("a", UTTERANCE))
    recorder.receive_event(ItemCompleted("a", UTTERANCE, "  ", None, ()))
    assert len(recorder.transcript) == 0
    [final] = [event for event in seen if isinstance(event, events.Final)]
    assert final.segment.text == ""


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


def test_what_the_server_confirms_is_known_and_told() -> None:
    recorder, seen = recording()
    assert recorder.confirmed is None
    recorder.receive_event(Ready("sess_1", "a/b", None, None))
    assert recorder.confirmed == Confirmed("a/b", None)
    recorder.receive_event(ConfigurationChanged("c/d", "zh", None))
    assert recorder.confirmed == Confirmed("c/d", "zh")
    assert seen == [events.Reconfigured(0.0, None, "c/d", "zh")]
