"""The wrapped messages of a data channel, put together again.

Speaches wraps every event: short ones as a ``full_message``, long ones as several ``partial_message``. The pieces of
one id are joined in the order of their indices, and the whole is then decoded from base64 *once*. Events without a
wrapping are taken as they are.

A channel keeps order, so a message whose pieces are not all there when a later one is complete will never be
complete. It is given up and reported; nothing here raises, and nothing is kept without bound.
"""

from __future__ import annotations

import binascii
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ipyspeaches.protocol.protocol_events import MessageLost

MAX_OPEN: Final = 8
"""Messages that may be incomplete at a time."""
MAX_FRAGMENTS: Final = 4096
MAX_BYTES: Final = 4 * 2**20
"""Of pieces that wait for the others; the longest event of a session is some kilobytes."""
_REMEMBERED: Final = 64


class _Wrapped(msgspec.Struct):
    type: str
    id: str
    data: str
    fragment_index: int | None = None
    total_fragments: int | None = None


@dataclass(slots=True)
class _Open:
    """A message of which pieces are there."""

    total: int
    pieces: dict[int, str] = field(default_factory=dict)
    size: int = 0


_DECODER: Final = msgspec.json.Decoder(_Wrapped)


class FragmentJoiner:
    """Turns the messages of a data channel into events as they would come over a WebSocket."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}  # in the order in which their first pieces came
        self._given_up: deque[str] = deque(maxlen=_REMEMBERED)

    def receive(self, message: str | bytes) -> list[str | bytes | MessageLost]:
        """Return what a message of the channel completes, behind what it shows to be lost; never raises."""
        try:
            wrapped = _DECODER.decode(message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return [message]
        if wrapped.type == "full_message":
            return [*self._give_up_all(), _decoded(wrapped.id, wrapped.data)]
        if wrapped.type == "partial_message":
            return self._receive_piece(wrapped)
        return [message]

    def _receive_piece(self, piece: _Wrapped) -> list[str | bytes | MessageLost]:
        if piece.id in self._given_up:
            return []
        index, total = piece.fragment_index, piece.total_fragments
        if index is None or total is None or not 0 <= index < total <= MAX_FRAGMENTS:
            return [self._give_up(piece.id, f"a piece says that it is number {index} of {total}")]
        known = self._open.setdefault(piece.id, _Open(total))
        if known.total != total or known.pieces.get(index, piece.data) != piece.data:
            return [self._give_up(piece.id, "its pieces contradict each other")]
        if index not in known.pieces:
            known.pieces[index] = piece.data
            known.size += len(piece.data)
        if len(known.pieces) == total:
            whole = "".join(known.pieces[number] for number in range(total))
            earlier = list(self._open).index(piece.id)
            del self._open[piece.id]
            return [*self._give_up_all(earlier), _decoded(piece.id, whole)]
        return list(self._bound())

    def _bound(self) -> list[MessageLost]:
        """Give up the oldest messages while too much is kept."""
        lost = []
        while self._open and (len(self._open) > MAX_OPEN or sum(one.size for one in self._open.values()) > MAX_BYTES):
            lost.append(self._give_up(next(iter(self._open)), "too many messages were begun and not ended"))
        return lost

    def _give_up_all(self, count: int | None = None) -> list[MessageLost]:
        """Give up the ``count`` oldest incomplete messages: a later one is complete."""
        return [self._give_up(message_id, self._missing(message_id)) for message_id in list(self._open)[:count]]

    def _give_up(self, message_id: str, reason: str) -> MessageLost:
        self._open.pop(message_id, None)
        self._given_up.append(message_id)
        return MessageLost(message_id, reason)

    def _missing(self, message_id: str) -> str:
        known = self._open[message_id]
        return f"only {len(known.pieces)} of its {known.total} pieces came"


def _decoded(message_id: str, data: str) -> bytes | MessageLost:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        return MessageLost(message_id, "it is not base64")
