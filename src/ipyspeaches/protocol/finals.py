"""What a server says with a final text: its words' times, and how many seconds it has counted."""

from __future__ import annotations

from typing import Final

from ipyspeaches.audio import to_seconds
from ipyspeaches.protocol import wire
from ipyspeaches.protocol.events import ClockMismatch
from ipyspeaches.protocol.items import Item
from ipyspeaches.protocol.media import HELD_SAMPLES, ClockJudge
from ipyspeaches.protocol.timeline import Buffer, Timeline
from ipyspeaches.words import Word

# The server's seconds differ "clearly" beyond a tenth of the utterance and a tenth of a second; servers that count
# in whole seconds get one more.
_MISMATCH_SHARE: Final = 0.1
_MISMATCH_S: Final = 0.1


def word_time(timeline: Timeline, buffer: Buffer, word: Word) -> Word:
    """Return a word on the session clock."""
    start_s = timeline.at(buffer, word.start * 1000)
    end_s = timeline.at(buffer, word.end * 1000, ending=True)
    return Word(word.word.strip(), start_s, max(start_s, end_s), word.probability)


def clock_mismatch(
    timeline: Timeline, item: Item, usage: wire.Usage | None, judge: ClockJudge | None = None
) -> ClockMismatch | None:
    """Return that the server counts clearly other seconds than were sent.

    A late server's buffer grows by its count. Of a media stream, the count also tells how its clock runs.

    Parameters
    ----------
    timeline
        Told of a buffer's true length.
    item
        The utterance.
    usage
        What the server has counted.
    judge
        Watches the clock of a media stream; None without one.
    """
    if usage is None or usage.seconds is None or item.buffer is None:
        return None
    if item.heard and not timeline.restarts:
        return None  # a GA server counts what its VAD has heard, not the buffer
    counted_s, tolerance_s = usage.seconds, _MISMATCH_S + (1.0 if usage.seconds.is_integer() else 0.0)
    if judge is None:
        if item.stopped:
            timeline.extend(item.buffer, counted_s * 1000)
        sent_s = timeline.sent_seconds(item.buffer)
    else:
        sent_s = to_seconds(item.buffer.sent_end - item.buffer.sent_begin)
        timeline.extend(item.buffer, counted_s * 1000)
        if judge.observe(sent_s, counted_s):
            timeline.recount(judge.factor)
        if item.stopped:
            return None  # how much was sent when the server ended a stream's buffer, nobody knows
        counted_s *= judge.factor
        # A part of what was sent may be on its way still, or have come with the buffer before.
        tolerance_s += to_seconds(HELD_SAMPLES)
    if not sent_s or abs(counted_s - sent_s) <= _MISMATCH_SHARE * sent_s + tolerance_s:
        return None
    return ClockMismatch(item.item_id, sent_s, counted_s)
