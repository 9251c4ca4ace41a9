"""Latencies count from the end of speech, whoever cuts, and end on the screen; audio that was held up is known."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import to_samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.results.records import Latency
from ipyspeaches.session import events, ledger
from ipyspeaches.session.ledger import Entry, Ledger, Stage
from ipyspeaches.session.recorder import LATE_S, Lateness
from ipyspeaches.session.session import Session
from ipyspeaches.sources.source import RecordedSource
from realtime_wire import cut, server_cut
from sessions import ENERGY

OURS = cut(0, to_samples(0.5), to_samples(3))
THEIRS = server_cut(0, 0.5, 3)


class Now:
    """The machine's clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time_s = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.time_s)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


@pytest.fixture
def latency() -> Latency:
    return Latency()


@pytest.fixture
def measured(now: Now, latency: Latency) -> Ledger:
    """Ten seconds of audio in blocks of 100 ms, each of which came when its last sample was spoken."""
    measured = Ledger(latency)
    for tenths in range(1, 101):
        now.time_s = 1000 + tenths / 10
        measured.arrived(to_samples(tenths / 10))
    return measured


def test_an_utterance_that_this_side_cut_ends_where_its_speech_does(
    now: Now, latency: Latency, measured: Ledger
) -> None:
    measured.speech_ended(1.0)
    now.time_s = 1003.5
    final_ms = measured.measure("a", Entry(OURS, 1, Stage.FINAL, vad_stop_ms=100, commit_ms=120))
    assert final_ms == pytest.approx(500)
    assert latency[0][1:4] == (3.0, 100, 120)


def test_a_server_that_cuts_late_does_not_look_quicker_for_it(now: Now, latency: Latency, measured: Ledger) -> None:
    for end_s in (0.4, 2.4, 9.0):
        measured.speech_ended(end_s)
    now.time_s = 1003.5
    entry = Entry(THEIRS, 1, Stage.FINAL, vad_stop_ms=10, commit_ms=20, first_partial_ms=-1500)
    assert measured.measure("a", entry) == pytest.approx(1100)
    assert latency[0].speech_end_s == 2.4
    assert latency[0].vad_stop_ms == pytest.approx(610)
    assert latency[0].commit_ms == pytest.approx(620)
    assert latency[0].first_partial_ms == pytest.approx(-900)


def test_where_the_local_detector_heard_nothing_the_server_s_word_stands(
    now: Now, latency: Latency, measured: Ledger
) -> None:
    now.time_s = 1003.5
    assert measured.measure("a", Entry(THEIRS, 1, Stage.FINAL)) == pytest.approx(500)
    assert math.isnan(latency[0].vad_stop_ms)


def test_of_audio_that_has_not_come_nothing_is_known(latency: Latency, measured: Ledger) -> None:
    assert measured.since_ms(10.1) is None
    assert measured.measure("a", Entry(server_cut(0, 9, 11), 1, Stage.FINAL)) is None
    assert math.isnan(latency[0].final_ms)


def test_a_painted_text_is_counted_from_the_end_of_its_speech_and_once(
    now: Now, latency: Latency, measured: Ledger
) -> None:
    now.time_s = 1003.5
    measured.measure("a", Entry(OURS, 1, Stage.FINAL))
    measured.painted(["a", "never seen"], 1003.56)
    measured.painted(["a"], 1009)
    assert latency[0].on_screen_ms == pytest.approx(560)


def test_without_a_page_nothing_piles_up(
    now: Now, latency: Latency, measured: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_UNPAINTED", 3)
    for number in range(10):
        measured.measure(f"{number}", Entry(OURS, 1, Stage.FINAL))
    measured.painted([f"{number}" for number in range(10)], now.time_s)
    assert [row.item_id for row in latency if not math.isnan(row.on_screen_ms)] == ["7", "8", "9"]


def test_audio_that_comes_as_it_is_spoken_is_never_late() -> None:
    lateness = Lateness()
    for block in range(1, 1000):
        late_s = lateness.observe(block * 0.04, 100 + block * 0.04 + (0.3 if block % 7 == 0 else 0))
        assert late_s <= 0.3 + 1e-6
        assert not lateness.is_late


def test_audio_that_was_held_up_is_late_until_it_has_caught_up() -> None:
    lateness = Lateness()
    lateness.observe(1.0, 101.0)
    assert lateness.observe(1.04, 104.04) == pytest.approx(3, abs=0.01)
    assert lateness.is_late
    lateness.observe(3.9, 104.1)  # the rest comes at once
    assert not lateness.is_late
    assert lateness.late_until_s == 1.04


def test_a_slow_microphone_is_not_late_after_hours() -> None:
    lateness = Lateness()
    for second in range(1, 8 * 3600):
        lateness.observe(second * (1 - 2e-4), second)
    assert not lateness.is_late


def test_a_pause_is_no_delay() -> None:
    lateness = Lateness()
    lateness.observe(1.0, 101.0)
    lateness.restart()
    assert lateness.observe(1.04, 100.0 + 60 + LATE_S) == 0


class HeldUp(RecordedSource):
    """A microphone whose audio is held up once, as by a notebook that is busy, and then comes all at once."""

    live = True

    async def blocks(self) -> AsyncGenerator[AudioBlock]:
        """Yield the recording, with a wait before its second 2.9."""
        position_s, waited = 0.0, False
        async for block in super().blocks():
            position_s += len(block.samples) / block.rate
            if position_s > 2.9 and not waited:
                waited = True
                await asyncio.sleep(1.5)
            yield block


async def test_audio_that_comes_late_is_told_and_marked(scripted: Any, bursts: Recording) -> None:
    seen: list[Any] = []
    options: dict[str, Any] = {"server": scripted.url, "turn_detection": ENERGY, "on_event": seen.append}
    async with Session(HeldUp(bursts, 8.0), **options) as running:
        await running.wait()
    assert running.transcript.text == "utterance 1 utterance 2 utterance 3"
    told = [event.text for event in seen if isinstance(event, events.Warning) and event.kind == "audio_late"]
    assert len(told) == 1, told
    sent = [event.late for event in seen if isinstance(event, events.Sent)]
    assert True in sent
    assert not sent[0]
