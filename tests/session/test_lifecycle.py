"""A session starts once, pauses, and ends in one way only, whoever ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import StateError
from ipyspeaches.session import Session, SessionState, events
from sessions import ENERGY, next_event, session


async def test_start_twice_and_stop_before_start(scripted: Any, bursts: Recording) -> None:
    running = session(scripted, bursts)
    with pytest.raises(StateError, match="start it first"):
        await running.stop()
    with pytest.raises(StateError, match="start it first"):
        await running.wait()
    await running.start()
    with pytest.raises(StateError, match="already running"):
        await running.start()
    await running.stop()
    await running.stop()
    with pytest.raises(StateError, match="make a new session"):
        await running.start()


async def test_pause_ends_the_utterance_and_drops_nothing_of_a_recording(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=3)
    await running.start()
    await next_event(running, events.SpeechStarted)
    await running.pause()
    assert running.state is SessionState.PAUSED
    held = len(running.recording.samples)
    await asyncio.sleep(0.3)
    assert len(running.recording.samples) == held
    await running.resume()
    await running.wait()
    assert running.recording.duration == pytest.approx(7, abs=0.001)


async def test_stop_ends_a_recording_early_and_keeps_its_texts(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=2)
    await running.start()
    await next_event(running, events.Final)
    await running.stop()
    assert running.state is SessionState.STOPPED
    assert 1 <= len(running.transcript) < 3
    assert running.transcript[0].text == "utterance 1"


async def test_a_caller_that_is_cancelled_leaves_nothing_running(scripted: Any, bursts: Recording) -> None:
    running = Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=1)

    async def use() -> None:
        async with running:
            await running.wait()

    task = asyncio.create_task(use())
    await next_event(running, events.SpeechStarted)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)
    assert running.state is SessionState.FAILED
    assert running.recording.duration > 0
