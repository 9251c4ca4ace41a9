"""Latencies count from the end of speech, whoever cuts, and end on the screen."""

from __future__ import annotations

import math
import time

import pytest

from ipyspeaches.audio import to_samples
from ipyspeaches.protocol import Span
from ipyspeaches.results import Latency
from ipyspeaches.session import timing
from ipyspeaches.session.timing import Timing, Utterance
from ipyspeaches.session.wall_clock import WallClock


class Now:
    """The machine's clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time_s = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.time_s)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


@pytest.fixture
def clock(now: Now) -> WallClock:
    """Ten seconds of sound in blocks of 100 ms, each heard when its last sample was."""
    clock = WallClock()
    for tenths in range(1, 101):
        now.time_s = 1000 + tenths / 10
        clock.arrived(to_samples(tenths / 10))
    return clock


def test_a_cut_of_ours_ends_where_its_speech_does(now: Now, clock: WallClock) -> None:
    latency = Latency()
    measured = Timing(latency, clock)
    measured.speech_ended(1.0)
    now.time_s = 1003.5
    final_ms = measured.final("a", Utterance(Span(0.5, 3.0), vad_stop_ms=100, commit_ms=120), client_cuts=True)
    assert final_ms == pytest.approx(500)
    assert latency[0][1:4] == (3.0, 100, 120)


def test_a_server_that_cuts_late_does_not_look_quicker_for_it(now: Now, clock: WallClock) -> None:
    latency = Latency()
    measured = Timing(latency, clock)
    for end_s in (0.4, 2.4, 9.0):
        measured.speech_ended(end_s)
    now.time_s = 1003.5
    utterance = Utterance(Span(0.5, 3.0), vad_stop_ms=10, commit_ms=20, first_partial_ms=-1500)
    assert measured.final("a", utterance, client_cuts=False) == pytest.approx(1100)
    assert latency[0].speech_end_s == 2.4
    assert latency[0].vad_stop_ms == pytest.approx(610)
    assert latency[0].commit_ms == pytest.approx(620)
    assert latency[0].first_partial_ms == pytest.approx(-900)


def test_where_the_local_detector_heard_nothing_the_server_s_word_stands(now: Now, clock: WallClock) -> None:
    latency = Latency()
    now.time_s = 1003.5
    assert Timing(latency, clock).final("a", Utterance(Span(0.5, 3.0)), client_cuts=False) == pytest.approx(500)
    assert math.isnan(latency[0].vad_stop_ms)


def test_a_painted_text_is_counted_from_the_end_of_its_speech_and_once(now: Now, clock: WallClock) -> None:
    latency = Latency()
    measured = Timing(latency, clock)
    now.time_s = 1003.5
    measured.final("a", Utterance(Span(0.5, 3.0)), client_cuts=True)
    measured.painted(["a", "never heard of"], 1003.56)
    measured.painted(["a"], 1009)
    assert latency[0].on_screen_ms == pytest.approx(560)


def test_without_a_page_nothing_piles_up(now: Now, clock: WallClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_UNPAINTED", 3)
    latency = Latency()
    measured = Timing(latency, clock)
    for number in range(10):
        measured.final(f"{number}", Utterance(Span(0.5, 3.0)), client_cuts=True)
    measured.painted([f"{number}" for number in range(10)], now.time_s)
    assert [row.item_id for row in latency if not math.isnan(row.on_screen_ms)] == ["7", "8", "9"]
