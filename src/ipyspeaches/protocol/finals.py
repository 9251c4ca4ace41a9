"""What a server says with a final text: its words' times, and how many seconds it has counted."""

from __future__ import annotations

from typing import Final

from ipyspeaches.protocol import wire
from ipyspeaches.protocol.events import ClockMismatch, WordTime
from ipyspeaches.protocol.items import Item
from ipyspeaches.protocol.timeline import Buffer, Timeline

# The server's seconds differ "clearly" beyond a tenth of the utterance and a tenth of a second; servers that count
# in whole seconds get one more.
_MISMATCH_SHARE: Final = 0.1
_MISMATCH_S: Final = 0.1


def word_time(timeline: Timeline, buffer: Buffer, word: wire.WireWord) -> WordTime:
    """Return a word on the session clock."""
    start_s = timeline.at(buffer, word.start * 1000)
    end_s = timeline.at(buffer, word.end * 1000, ending=True)
    return WordTime(word.word.strip(), start_s, max(start_s, end_s), word.probability)


def clock_mismatch(timeline: Timeline, item: Item, usage: wire.Usage | None) -> ClockMismatch | None:
    """Return that the server counts clearly other seconds than were sent; a late server's buffer grows by its count."""
    if usage is None or usage.seconds is None or item.buffer is None:
        return None
    if item.heard and not timeline.restarts:
        return None  # a GA server counts what its VAD has heard, not the buffer
    counted_s = usage.seconds
    if item.stopped:
        timeline.extend(item.buffer, counted_s * 1000)
    sent_s = timeline.sent_seconds(item.buffer)
    rounding_s = 1.0 if counted_s.is_integer() else 0.0
    if not sent_s or abs(counted_s - sent_s) <= _MISMATCH_SHARE * sent_s + _MISMATCH_S + rounding_s:
        return None
    return ClockMismatch(item.item_id, sent_s, counted_s)
