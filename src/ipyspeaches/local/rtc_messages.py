"""Events as a Speaches server wraps them for a data channel: base64 in one message, or in numbered pieces."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

import msgspec

from ipyspeaches.local.realtime_events import Event

WHOLE_CHARACTERS: Final = 900
"""An event up to this length goes as one message."""
PIECE_CHARACTERS: Final = 800
"""Of base64, in each piece of a longer one."""


def wrapped(event: Event) -> list[str]:
    """Return the messages that carry an event."""
    text = msgspec.json.encode(event)
    data = b64encode(text).decode()
    common: dict[str, Any] = {"id": event["event_id"]}
    if len(text.decode()) <= WHOLE_CHARACTERS:
        return [_message({**common, "type": "full_message", "data": data})]
    pieces = [data[start : start + PIECE_CHARACTERS] for start in range(0, len(data), PIECE_CHARACTERS)]
    common |= {"type": "partial_message", "total_fragments": len(pieces)}
    return [_message({**common, "data": piece, "fragment_index": index}) for index, piece in enumerate(pieces)]


def _message(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
