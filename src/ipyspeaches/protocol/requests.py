"""The client's messages as they go over the wire: UTF-8 JSON in bytes, always sent as text frames."""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any, Final

import msgspec

COMMIT: Final = b'{"type":"input_audio_buffer.commit"}'
CLEAR: Final = b'{"type":"input_audio_buffer.clear"}'

_APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
_APPEND_TAIL: Final = b'"}'


def append(pcm: bytes | memoryview) -> bytes:
    """Return the append message for 16-bit little-endian mono PCM at 24 kHz, C-contiguous.

    Built by hand: base64 needs no escaping, and this is the one message that goes out ten times a second.
    """
    return b"".join((_APPEND_HEAD, b2a_base64(pcm, newline=False), _APPEND_TAIL))


def session_update(session: dict[str, Any], event_id: str | None = None) -> bytes:
    """Return the update message.

    Parameters
    ----------
    session
        In the shape that the server speaks; see `shapes.py`.
    event_id
        By which an error names this message, on servers that do so.
    """
    named = {} if event_id is None else {"event_id": event_id}
    return msgspec.json.encode({"type": "session.update", **named, "session": session})


def delete_item(item_id: str) -> bytes:
    """Return the message that deletes an item; of an unknown one, it is a ping that every server answers."""
    return msgspec.json.encode({"type": "conversation.item.delete", "item_id": item_id})
