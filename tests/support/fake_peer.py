"""A page's own connection without a browser, and a server behind it that says what a test wants."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

TURN = {"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 550, "prefix_padding_ms": 0}
SESSION: dict[str, Any] = {
    "id": "sess_1",
    "input_audio_transcription": {"model": "chat/default", "language": None},
    "turn_detection": {**TURN, "create_response": True},
}


class FakePeer:
    """Obeys the kernel's orders as `js/src/rtc/link.ts` does, and plays a Speaches server on its channel.

    Attributes
    ----------
    orders
        What the kernel wanted, in order.
    heard
        Messages that reached the server.
    news
        What the page answers to ``open``; by default the microphone opens and the channel, too.
    quiet
        Whether clears are sent.
    mute
        Whether the server answers nothing any more.
    words
        Of every final text, on the clock of the server's buffer.
    usage
        Of every final text: how long the buffer was.
    """

    def __init__(self, put: Callable[[dict[str, Any]], None], client_id: str = "me") -> None:
        self.orders: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.news: list[dict[str, Any]] = [{"news": "opening"}, {"news": "open", "from_s": 0.0}]
        self.quiet = True
        self.mute = False
        self.words: list[dict[str, Any]] = []
        self.usage: dict[str, Any] | None = None
        self._put = put
        self._client_id = client_id
        self._seq = 0
        self._link_id = 0
        self._events = 0
        self._commits = 0

    def obey(self, order: dict[str, Any]) -> None:
        """Take an order."""
        self.orders.append(order)
        action = order["action"]
        if action == "open":
            self._link_id, self._seq = order["link_id"], 0
            for news in self.news:
                self.tell(**news)
            if self.news and self.news[-1]["news"] == "open":
                self._created()
        elif action == "answer":
            self.tell(news="open", from_s=0.0)
            self._created()
        elif action == "send":
            for message in order["messages"]:
                self.hear(json.loads(message))
        elif action == "clear":
            self.tell(news="cleared", done=self.quiet, at_s=order["heard_s"] + 0.05)
            if self.quiet:
                self.hear(json.loads(order["message"]))
        elif action == "echo":
            self.tell(news="echo")

    def of(self, action: str) -> list[dict[str, Any]]:
        """Return the orders of a kind."""
        return [order for order in self.orders if order["action"] == action]

    def kinds(self) -> list[str]:
        """Return the kinds of messages that the server has heard."""
        return [str(message["type"]) for message in self.heard]

    def tell(self, **news: Any) -> None:
        """Say something to the kernel."""
        numbers = {"link_id": self._link_id, "seq": self._seq, "client_id": self._client_id}
        self._seq += 1
        self._put({"type": "peer", **numbers, **news})

    def say(self, event: dict[str, Any], *, pieces: int = 1) -> None:
        """Let the server say something, wrapped as Speaches does it."""
        if self.mute:
            return
        self._events += 1
        whole = base64.b64encode(json.dumps(event).encode()).decode()
        wrapped: dict[str, Any] = {"id": f"event_{self._events}", "type": "full_message", "data": whole}
        if pieces == 1:
            self.tell(news="messages", messages=[json.dumps(wrapped)])
            return
        size = -(-len(whole) // pieces)
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        wrapped |= {"type": "partial_message", "total_fragments": len(parts)}
        messages = [json.dumps({**wrapped, "data": part, "fragment_index": n}) for n, part in enumerate(parts)]
        self.tell(news="messages", messages=messages)

    def hear(self, message: dict[str, Any]) -> None:
        """Let the server hear a message, and answer it."""
        self.heard.append(message)
        kind = message["type"]
        if kind == "session.update":
            self.say({"type": "session.updated", "session": {**SESSION, **message["session"]}}, pieces=2)
        elif kind == "input_audio_buffer.clear":
            self.say({"type": "input_audio_buffer.cleared"})
        elif kind == "conversation.item.delete":
            text = f"Error deleting item: the item with id '{message['item_id']}' does not exist."
            self.say({"type": "error", "error": {"message": text, "type": "invalid_request_error"}})
        elif kind == "input_audio_buffer.commit":
            self._commits += 1
            self._commit(f"item_{self._commits}")

    def _created(self) -> None:
        self.say({"type": "session.created", "session": SESSION}, pieces=2)

    def _commit(self, item: str) -> None:
        self.say({"type": "input_audio_buffer.committed", "item_id": item, "previous_item_id": None})
        created: dict[str, Any] = {"id": item, "type": "message", "role": "user", "status": "completed"}
        self.say({"type": "conversation.item.created", "item": created})
        completed = {"type": "conversation.item.input_audio_transcription.completed", "item_id": item}
        heard = {"transcript": f"utterance {self._commits}", "words": self.words, "usage": self.usage}
        self.say({**completed, "content_index": 0, **heard})
