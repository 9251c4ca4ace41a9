"""Where provisional text goes, whatever the server makes of the utterances."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio import SESSION_RATE_HZ, AudioBlock, to_samples
from ipyspeaches.protocol import (
    Committed,
    Completed,
    Delta,
    Failed,
    ProtocolEvent,
    Span,
    SpeechStarted,
)
from ipyspeaches.session import TurnDetection, events
from ipyspeaches.session.bus import Bus
from ipyspeaches.session.hearing import Heard, Hearing
from ipyspeaches.session.provisional import Provisional
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.vad import Closed, Commit, EnergyVad, Opened
from ipyspeaches.words import Word

CLIENT = TurnDetection.client(EnergyVad())
SERVER = TurnDetection.server(0.9, 550, detector=EnergyVad())


class Stage:
    """Provisional text with everything around it, but for sound and server."""

    def __init__(self, turn: TurnDetection) -> None:
        self.hearing = Hearing(turn)
        self.hearing.push(AudioBlock(np.zeros(60 * SESSION_RATE_HZ, dtype=np.int16), SESSION_RATE_HZ), SESSION_RATE_HZ)
        bus = Bus()
        self.scribe = Scribe(self.hearing, bus)
        self.provisional = Provisional(self.hearing, self.scribe)
        self.on_page: dict[str, str] = {}
        bus.subscribe(self._show)

    def _show(self, event: Any) -> None:
        if isinstance(event, events.Partial):
            self.on_page.pop(event.item_id, None)
            if event.text:
                self.on_page[event.item_id] = event.text
        elif isinstance(event, events.Final):
            self.on_page.pop(event.item_id, None)

    def opened(self, start_s: float, text: str = "") -> None:
        self.provisional.hear(Heard([Opened(to_samples(start_s))], []))
        if text:
            self.says(text)

    def says(self, text: str) -> None:
        spoken = self.provisional.under_way
        assert spoken is not None
        spoken.text.update(text, [Word(text, spoken.start_s, spoken.start_s + 1)], spoken.start_s + 1)
        self.provisional.show(spoken)

    def closed(self, start_s: float, end_s: float, number: int | None = None) -> None:
        start, end = to_samples(start_s), to_samples(end_s)
        cuts = [] if number is None else [Commit(number, start, end)]
        self.provisional.hear(Heard([Closed(start, end)], list(cuts)))

    def server(self, *happened: ProtocolEvent) -> None:
        for event in happened:
            self.provisional.take(event)
            self.scribe.take(event)

    @property
    def shown(self) -> dict[str, str]:
        """What the page shows; the transcript knows the same."""
        assert self.scribe.transcript.partial == " ".join(self.on_page.values())
        return self.on_page


def committed(item_id: str, number: int | None = None, span: Span | None = None) -> Committed:
    return Committed(item_id, number or 0, number, span)


def completed(item_id: str, number: int | None = None, span: Span | None = None, text: str = "x") -> Completed:
    return Completed(item_id, number or 0, number, span, text, None, ())


def test_an_utterance_keeps_its_text_until_the_final_comes() -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "hello")
    assert stage.shown == {"interim_1": "hello"}
    stage.closed(1, 2, 0)
    assert stage.shown == {"interim_1": "hello"}
    stage.server(committed("a", 0))
    assert stage.shown == {"a": "hello"}
    stage.server(completed("a", 0))
    assert stage.shown == {}


@pytest.mark.parametrize(
    "end", [Failed("a", 0, "no"), Failed("", 0, "refused"), completed("a", 0), completed("a", 0, text="")]
)
@pytest.mark.parametrize("after_commit", [True, False])
def test_whatever_ends_an_utterance_ends_its_text(end: Failed | Completed, after_commit: bool) -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "hello")
    stage.closed(1, 2, 0)
    if after_commit and end.item_id:
        stage.server(committed("a", 0))
    stage.server(end)
    assert stage.shown == {}


def test_the_next_utterance_is_not_touched_by_the_end_of_the_last_one() -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "one")
    stage.closed(1, 2, 0)
    stage.server(committed("a", 0, Span(0.7, 2.3)))
    stage.opened(2.2, "two")
    stage.server(completed("a", 0, Span(0.7, 2.3)))
    assert stage.shown == {"interim_2": "two"}


def test_utterances_that_are_sent_together_show_their_texts_together() -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "one")
    stage.closed(1, 2, 0)
    stage.opened(3, "two")
    stage.closed(3, 4, 1)
    stage.server(committed("both", 1))
    assert stage.shown == {"both": "one two"}


def test_text_of_an_utterance_that_the_server_passed_over_goes_with_the_next() -> None:
    stage = Stage(SERVER)
    stage.server(SpeechStarted("b", 3))
    stage.opened(1, "one")
    stage.closed(1, 2)
    stage.opened(3, "two")
    stage.server(committed("b", span=Span(3, 5)))
    assert stage.shown == {"b": "two"}


def test_a_server_that_hears_nothing_leaves_no_text() -> None:
    stage = Stage(SERVER)
    stage.opened(1, "cough")
    stage.closed(1, 2)
    assert stage.shown == {}


def test_speech_that_a_server_cuts_begins_anew_behind_the_cut() -> None:
    stage = Stage(SERVER)
    stage.opened(1, "one")
    stage.server(SpeechStarted("a", 1.1), committed("a", span=Span(1.1, 4)))
    spoken = stage.provisional.under_way
    assert spoken is not None
    assert (spoken.start_s, spoken.text.from_s, spoken.asked) == (4, 4, to_samples(4))
    stage.says("two")
    assert stage.shown == {"a": "one", "interim_2": "two"}


def test_the_sound_of_the_last_utterance_is_not_heard_twice() -> None:
    stage = Stage(CLIENT)
    stage.opened(1)
    stage.closed(1, 2, 0)
    stage.opened(2.4)
    spoken = stage.provisional.under_way
    assert spoken is not None
    assert spoken.text.from_s == pytest.approx(2.3)


def test_text_that_streams_in_takes_the_place_of_the_provisional_one() -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "hello")
    stage.closed(1, 2, 0)
    stage.server(committed("a", 0), Delta("a", "Hell"))
    assert stage.shown == {"a": "Hell"}


def test_the_first_text_counts_from_the_end_of_speech() -> None:
    stage = Stage(CLIENT)
    stage.opened(55, "hello")  # at second 60
    stage.scribe.cut(Commit(0, to_samples(55), to_samples(59)))
    stage.closed(55, 59, 0)
    stage.server(committed("a", 0), completed("a", 0))
    (row,) = stage.scribe.latency
    assert row.first_partial_ms == pytest.approx(1000, abs=1)


def test_at_the_end_nothing_is_left() -> None:
    stage = Stage(CLIENT)
    stage.opened(1, "one")
    stage.closed(1, 2, 0)
    stage.server(committed("a", 0))
    stage.opened(3, "two")
    assert len(stage.shown) == 2
    stage.provisional.close()
    assert stage.shown == {}


def test_settled_text_stays_settled_under_the_items_name() -> None:
    stage = Stage(CLIENT)
    told: list[events.Partial] = []
    stage.scribe._bus.subscribe(lambda event: told.append(event) if isinstance(event, events.Partial) else None)
    stage.opened(1, "one two")
    stage.says("one two three")
    stage.closed(1, 2, 0)
    stage.server(committed("a", 0))
    assert dataclasses.astuple(told[-1])[1:] == ("a", 1.0, "one two three", len("one two"))
