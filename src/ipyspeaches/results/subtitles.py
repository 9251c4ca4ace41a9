"""SubRip and WebVTT.

SubRip has no specification; what players agree on is followed. WebVTT is https://www.w3.org/TR/webvtt1/.
Both end a cue's text at a blank line and find times by ``-->``, so neither may occur inside a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ipyspeaches.results.segment import Segment


class Cue(NamedTuple):
    """One subtitle: whole milliseconds, ``start_ms < end_ms``, and text on one line."""

    start_ms: int
    end_ms: int
    text: str


def cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Iterate over the segments that have text, with times that a player accepts."""
    for segment in segments:
        text = " ".join(line.strip() for line in segment.text.replace("\0", "").splitlines() if line.strip())
        if not text:
            continue
        start_ms = max(0, round(segment.start * 1000))
        # WebVTT requires that a cue ends after it starts; an engine may report a word of no length.
        yield Cue(start_ms, max(start_ms + 1, round(segment.end * 1000)), text)


def to_srt(segments: Iterable[Segment]) -> str:
    """Return segments as SubRip; ``-->`` in a text becomes an arrow, as SubRip cannot escape it."""
    blocks = [
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{cue.text.replace('-->', '→')}\n"
        for number, cue in enumerate(cues(segments), 1)
    ]
    return "\n".join(blocks)


def to_vtt(segments: Iterable[Segment]) -> str:
    """Return segments as WebVTT with ``&``, ``<`` and ``>`` escaped."""
    blocks = [
        f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_escape(cue.text)}\n" for cue in cues(segments)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(time_ms: int, separator: str) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"
