"""Sessions that send requests to a scripted HTTP server, to the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ipyspeaches.protocol.http import request_protocol
from ipyspeaches.session import events
from ipyspeaches.session.session import Session
from sessions import ENERGY


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy server is asked again at once."""
    monkeypatch.setattr(request_protocol, "RETRY_WAITS_S", (0.02, 0.04))
    monkeypatch.setattr(request_protocol, "BROKEN_WAITS_S", (0.0, 0.01, 0.02))


def session(script: Any, recording: Any, /, transport: str = "chunked", **options: Any) -> Session:
    """Return a session over a recording; as fast as it can, and cut by its energy, unless told otherwise."""
    options = {"turn_detection": ENERGY, "pace": 0, **options}
    return Session(recording, server=script.url, transport=transport, **options)


async def heard(
    script: Any, recording: Any, /, transport: str = "chunked", **options: Any
) -> tuple[Session, list[Any]]:
    """Return a session that has come to its end, and the events that it told."""
    seen: list[Any] = []
    running = session(script, recording, transport, on_event=seen.append, **options)
    async with running:
        await asyncio.wait_for(running.wait(), 30)
    return running, seen


def warnings(seen: list[Any]) -> list[str]:
    """Return the kinds of the warnings among events."""
    return [event.kind for event in seen if isinstance(event, events.Warning)]
