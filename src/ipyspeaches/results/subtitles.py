"""Timed text, ``(start, end, text)`` with seconds, as SubRip and WebVTT.

SubRip has no specification; what players agree on is followed. WebVTT is https://www.w3.org/TR/webvtt1/.
Both end a cue's text at a blank line and find times by ``-->``, so neither may occur inside a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

Span: TypeAlias = tuple[float, float, str]


class Cue(NamedTuple):
    """One subtitle: whole milliseconds, ``start_ms < end_ms``, and text on one line."""

    start_ms: int
    end_ms: int
    text: str


def cues(spans: Iterable[Span]) -> Iterator[Cue]:
    """Iterate over the spans that have text, with times that a player accepts."""
    for start, end, given in spans:
        text = " ".join(line.strip() for line in given.replace("\0", "").splitlines() if line.strip())
        if not text:
            continue
        start_ms = max(0, round(start * 1000))
        # WebVTT requires that a cue ends after it starts; an engine may report a word of no length.
        yield Cue(start_ms, max(start_ms + 1, round(end * 1000)), text)


def to_srt(spans: Iterable[Span]) -> str:
    """Return spans as SubRip; ``-->`` in a text becomes an arrow, as SubRip cannot escape it."""
    blocks = [
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{cue.text.replace('-->', '→')}\n"
        for number, cue in enumerate(cues(spans), 1)
    ]
    return "\n".join(blocks)


def to_vtt(spans: Iterable[Span]) -> str:
    """Return spans as WebVTT with ``&``, ``<`` and ``>`` escaped."""
    blocks = [
        f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_escape(cue.text)}\n" for cue in cues(spans)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(time_ms: int, separator: str) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"
