"""What is different over WebRTC: audio is a media stream with a clock of its own, messages come in wrapped pieces.

Speaches resamples each frame of 20 ms on its own and loses 16 of 480 samples: its clock counts 464 where 480 were
spoken. Which clock a server has is known from what it is; what it counts for utterances can prove that wrong.
"""

from __future__ import annotations

import binascii
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.protocol_events import MessageLost

TRUE_CLOCK: Final = 1.0
LOSSY_CLOCK: Final = 480 / 464
"""Seconds of audio for each second that Speaches counts (source of 2026-03-26)."""
KNOWN_CLOCKS: Final = (TRUE_CLOCK, LOSSY_CLOCK)

SHORT_PADDING_MS: Final = 200
"""What a receiver holds back: 4 frames of 20 ms to put them in order, a part of a frame on either side, and what two
resamplers and Opus wait for; 121 to 138 ms were measured."""
PADDING_MS: Final = SHORT_PADDING_MS + 220
"""Speaches gathers 11 frames for an append besides."""
HELD_SAMPLES: Final = SESSION_RATE_HZ * 6 // 10
"""More than a receiver holds back of what was sent."""

# Clocks are told apart by half a second: what a receiver holds back differs by less from one utterance to the next.
_CLEARLY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Media:
    """How audio travels beside the messages; it is an `InputError` if a value cannot be used."""

    clock_factor: float = TRUE_CLOCK  # seconds of audio for each second that the server counts
    padding_ms: int = PADDING_MS  # silence behind an utterance, so that all of it gets through to the server's buffer
    # What a receiver has not let through to the buffer when a commit comes, on the average; what the server counts for
    # the utterance puts it right later.
    held_ms: int = 0
    # Whether the audio flows by itself, as from a microphone that a page sends: then nothing can be put into it, and
    # padding is a wait of that length.
    continuous: bool = False
    # Whether the server recognises in the process that receives audio. While it does, it is slow to read and slower to
    # decode, and a commit overtakes seconds of audio, unless the server is asked first how far it is.
    busy: bool = False

    def __post_init__(self) -> None:
        if not 0.5 <= self.clock_factor <= 2:
            raise InputError(f"clock_factor is {self.clock_factor}: give a number near 1.")
        for name in ("padding_ms", "held_ms"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}: give milliseconds from 0 up.")

    @property
    def padding_samples(self) -> int:
        """Samples of the padding."""
        return self.padding_ms * SESSION_RATE_HZ // 1000

    @property
    def held_samples(self) -> int:
        """Samples that are held back; a stream that flows by itself pushes them on."""
        return 0 if self.continuous else self.held_ms * SESSION_RATE_HZ // 1000


SPEACHES_MEDIA: Final = Media(LOSSY_CLOCK, PADDING_MS, held_ms=210, busy=True)
EMBEDDED_MEDIA: Final = Media(TRUE_CLOCK, SHORT_PADDING_MS, held_ms=125)


@dataclass(frozen=True, slots=True, eq=False)
class StreamAudio:
    """Samples for the media stream (int16, mono, 24 kHz), in their place among the messages.

    What comes behind it must not reach the server before it. With ``padding``, the samples are silence that belongs
    to no session time; where the audio is continuous, it stands for a wait of its length.
    """

    samples: NDArray[np.int16]
    padding: bool = False


class ClockJudge:
    """Finds out from the lengths of utterances whether a server counts as was thought."""

    def __init__(self, factor: float) -> None:
        self.factor = factor  # as was thought
        self._sent_s = 0.0
        self._counted_s = 0.0

    def observe(self, sent_s: float, counted_s: float) -> bool:
        """Take what was sent for an utterance and what the server counted; return whether the factor has changed."""
        self._sent_s += sent_s
        self._counted_s += counted_s
        best = min(KNOWN_CLOCKS, key=self._error_s)
        if self._error_s(best) + _CLEARLY_S >= self._error_s(self.factor):
            return False
        self.factor = best
        return True

    def _error_s(self, factor: float) -> float:
        return abs(self._sent_s - self._counted_s * factor)


# --- wrapped messages
#
# Speaches wraps every event on a data channel: short ones as a ``full_message``, long ones as several
# ``partial_message``. The pieces of one id are joined in the order of their indices, and the whole is then decoded from
# base64 *once*. Events without a wrapping are taken as they are.
#
# A channel keeps order, so a message whose pieces are not all there when a later one is complete will never be
# complete. It is given up and reported; nothing here raises, and nothing is kept without bound.

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
