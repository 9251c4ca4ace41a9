"""Nothing stays behind: no thread, no task, no connection of a recording that has ended."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.widget.transcriber import Transcriber
from sessions import ENERGY


async def tasks() -> int:
    """Count what runs on the engine's loop besides this."""
    return len(asyncio.all_tasks()) - 1


def record(scripted: Any, bursts: Recording) -> Transcriber:
    widget = Transcriber(source=bursts, server=scripted.url, turn_detection=ENERGY, pace=0)
    widget.start()
    widget.wait()
    assert len(widget.transcript) == 3
    return widget


def settle() -> int:
    """Wait until the last messages to the page are out; return the tasks that are left."""
    for _ in range(100):
        if (left := ENGINE.run(tasks())) == 0:
            return 0
        threading.Event().wait(0.02)
    return left


def test_recordings_leave_no_thread_and_no_task(scripted: Any, bursts: Recording) -> None:
    record(scripted, bursts).close()
    assert settle() == 0
    threads = threading.active_count()
    for _ in range(5):
        record(scripted, bursts).close()
    assert settle() == 0
    assert threading.active_count() <= threads


def test_a_session_and_its_sound_can_be_forgotten(scripted: Any, bursts: Recording) -> None:
    widget = record(scripted, bursts)
    store = weakref.ref(widget.session._pipeline.store)
    assert settle() == 0
    for _ in range(2):
        widget.start()
        widget.wait()
    assert [take.name for take in widget.takes] == ["Take 1", "Take 2", "Take 3"]
    widget.remove("Take 1")
    gc.collect()
    assert store() is not None, "it can still be put back"
    widget.remove("Take 2")
    assert settle() == 0
    gc.collect()
    assert store() is None, "a take is held although it was removed"
    widget.close()
