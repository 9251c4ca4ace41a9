"""A page for a widget without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ipyspeaches.widget.transcriber import Transcriber
from ipyspeaches.widget.vadlab import VadLab


class Page:
    """Stands where the front end is: keeps what is sent, sends what it is told."""

    def __init__(self, widget: Transcriber | VadLab, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.messages: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(
            widget, "send", lambda content, buffers=None: self.messages.append((content, buffers or []))
        )

    def say(self, content: dict[str, Any], buffers: list[Any] | None = None) -> None:
        self.widget._handle_custom_msg(content, [memoryview(buffer) for buffer in buffers or []])

    def command(self, name: str, /, **args: Any) -> dict[str, Any] | None:
        number = len(self.messages) + 1000
        self.say({"type": "command", "id": number, "name": name, "args": args, "client_id": "me"})
        reply = wait_for(lambda: next((m for m, _ in self.messages if m.get("id") == number), None))
        error: dict[str, Any] | None = reply["error"]
        return error

    def ask(self, name: str, /, **args: Any) -> tuple[dict[str, Any], list[bytes]]:
        number = len(self.messages) + 1000
        self.say({"type": "command", "id": number, "name": name, "args": args})
        reply, buffers = wait_for(lambda: next((m for m in self.messages if m[0].get("id") == number), None))
        assert reply["error"] is None, reply["error"]
        return reply["data"], buffers

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message, _ in self.messages if message["type"] == kind]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for batch in self.of("events") for event in batch["events"] if event["type"] == kind]


def wait_for(found: Callable[[], Any], seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := found():
            return result
        time.sleep(0.01)
    raise AssertionError("waited in vain")
