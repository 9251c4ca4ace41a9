"""Sessions over bursts of noise, each of which is speech to the energy detector."""

from __future__ import annotations

from typing import Any

from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad

ENERGY = TurnDetection.client(EnergyVad(threshold=500))


def session(script: Any, recording: Recording, /, **options: Any) -> Session:
    """Return a session with a scripted server that takes a recording in as fast as it can."""
    return Session(recording, server=script.url, turn_detection=ENERGY, pace=0, **options)


async def next_event(running: Session, kind: type) -> Any:
    """Return the next event of a kind from a session that is under way."""
    async for event in running:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")
