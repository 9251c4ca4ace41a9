"""Sound that was held up is told from sound that comes as it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from ipyspeaches.audio import AudioBlock
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session import Session, events
from ipyspeaches.session.lateness import LATE_S, Lateness
from ipyspeaches.sources import RecordedSource
from sessions import ENERGY


def test_sound_that_comes_as_it_is_spoken_is_never_late() -> None:
    lateness = Lateness()
    for block in range(1, 1000):
        late_s = lateness.observe(block * 0.04, 100 + block * 0.04 + (0.3 if block % 7 == 0 else 0))
        assert late_s <= 0.3 + 1e-6
        assert not lateness.is_late


def test_sound_that_was_held_up_is_late_until_it_has_caught_up() -> None:
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
    """A microphone whose sound is held up once, as by a notebook that is busy, and then comes all at once."""

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


async def test_sound_that_comes_late_is_told_and_marked(scripted: Any, bursts: Recording) -> None:
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
