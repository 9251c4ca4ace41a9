"""A small SVG picture of sound and what was found in it, for readers without a kernel.

Its size depends on how much it shows, not on how long the recording is: curves have `COLUMNS` points, and segments
that would touch on screen are one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.extremes import Extremes

_WIDTH_PX: Final = 880
_LEFT_PX: Final = 108
_RIGHT_PX: Final = _WIDTH_PX - 8
_PLOT_PX: Final = _RIGHT_PX - _LEFT_PX
COLUMNS: Final = _PLOT_PX // 2
"""Columns of a waveform or curve: one every two pixels."""
_TOP_PX: Final = 22
_WAVE_PX, _CURVE_PX, _LANE_PX = 52, 60, 20
_TICK_PX: Final = 72
_TICKS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_WORDS_PX: Final = 34
_PAPER, _INK, _GREY, _LINE = "#fff", "#1f2328", "#5b6570", "#d5d9de"


@dataclass(frozen=True, slots=True)
class Wave:
    """A waveform: int16 extremes of shape ``(columns, 2)``; a column whose minimum is above its maximum is a gap."""

    name: str
    extremes: Extremes
    height_px: int = _WAVE_PX

    def draw(self, y: int, _picture: Picture) -> Iterator[str]:
        """Yield the row's shapes; its top is at ``y``."""
        half = (self.height_px - 6) / 2
        low, high = self.extremes.astype(np.float64).T / 32_768
        x = _LEFT_PX + _PLOT_PX * (np.arange(len(low)) + 0.5) / max(1, len(low))
        top, length = y + 3 + half * (1 - high), np.maximum(1, half * (high - low))
        bars = [
            f"M{at:.0f} {begin:.0f}v{size:.0f}"
            for at, begin, size, is_there in zip(x, top, length, high >= low, strict=True)
            if is_there
        ]
        yield f"<path d='{''.join(bars)}' stroke='#414d5c' stroke-width='1.6'/>"


@dataclass(frozen=True, slots=True)
class Curve:
    """A score: shares of the row's height from 0 to 1, shape ``(columns,)``, and the lines that are drawn across."""

    name: str
    shares: NDArray[np.float64]
    colour: str
    lines: Sequence[float] = ()
    height_px: int = _CURVE_PX

    def draw(self, y: int, _picture: Picture) -> Iterator[str]:
        """Yield the row's shapes; its top is at ``y``."""
        room = self.height_px - 6
        x = _LEFT_PX + _PLOT_PX * (np.arange(len(self.shares)) + 0.5) / max(1, len(self.shares))
        points = " ".join(
            f"{at:.0f},{y + 3 + room * (1 - share):.0f}" for at, share in zip(x, self.shares, strict=True)
        )
        yield f"<polyline points='{points}' fill='none' stroke='{self.colour}' stroke-width='1.4'/>"
        for line, dashes in zip(self.lines, ("", " stroke-dasharray='4 3'"), strict=False):
            level = y + 3 + room * (1 - line)
            yield f"<path d='M{_LEFT_PX} {level:.1f}H{_RIGHT_PX}' stroke='{_INK}'{dashes}/>"


@dataclass(frozen=True, slots=True)
class Lane:
    """Stretches of time, ``(start, end)`` in seconds; those that have ``words`` and room show them."""

    name: str
    spans: Sequence[tuple[float, float]]
    colour: str
    words: Sequence[str] = ()
    height_px: int = _LANE_PX

    def draw(self, y: int, picture: Picture) -> Iterator[str]:
        """Yield the row's shapes; its top is at ``y``."""
        high = self.height_px - 8
        covered = np.zeros(_PLOT_PX, dtype=np.int8)
        for start, end in self.spans:
            first, last = round(picture.x(start)) - _LEFT_PX, round(picture.x(end)) - _LEFT_PX
            covered[max(0, first) : max(first + 1, last)] = 1
        edges = np.flatnonzero(np.diff(covered, prepend=0, append=0)).reshape(-1, 2)
        boxes = "".join(f"M{_LEFT_PX + a} {y + 4}h{b - a}v{high}h{a - b}z" for a, b in edges)
        look = f"fill='none' stroke='{self.colour}'" if self.words else f"fill='{self.colour}'"
        yield f"<path d='{boxes}' {look}/>"
        for (start, end), text in zip(self.spans, self.words, strict=False):
            left, right = picture.x(start), picture.x(end)
            if right - left < _WORDS_PX:
                continue
            shown = escape(text[: round((right - left) / 4)])
            yield f"<svg x='{left:.0f}' y='{y}' width='{right - left:.0f}' height='{self.height_px}'>"
            yield f"<text x='4' y='14'>{shown}</text></svg>"


PictureRow: TypeAlias = Wave | Curve | Lane


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows on one time axis from 0 to ``duration_s``."""

    duration_s: float
    rows: Sequence[PictureRow]

    def x(self, time_s: float) -> float:
        """Return where a moment is, in pixels."""
        return _LEFT_PX + _PLOT_PX * min(1.0, max(0.0, time_s / self.duration_s)) if self.duration_s else _LEFT_PX

    def svg(self) -> str:
        """Return the picture as SVG, on white paper, as nobody knows the reader's theme."""
        height = _TOP_PX + sum(row.height_px for row in self.rows)
        size = f"viewBox='0 0 {_WIDTH_PX} {height}' width='{_WIDTH_PX}' height='{height}'"
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' {size} font-family='sans-serif' font-size='11' fill='{_INK}'>",
            f"<rect width='{_WIDTH_PX}' height='{height}' fill='{_PAPER}' stroke='{_LINE}'/>",
            *self._ruler(height),
        ]
        y = _TOP_PX
        for row in self.rows:
            parts.append(f"<path d='M0 {y}.5H{_WIDTH_PX}' stroke='{_LINE}'/>")
            parts.append(f"<text x='10' y='{y + row.height_px / 2 + 4:.0f}'>{escape(row.name)}</text>")
            parts += row.draw(y, self)
            y += row.height_px
        return "".join([*parts, "</svg>"])

    def html(self, description: str) -> str:
        """Return the picture as an element that no style sheet of the page touches."""
        source = base64.b64encode(self.svg().encode()).decode()
        return f'<img alt="{escape(description)}" style="max-width:100%" src="data:image/svg+xml;base64,{source}">'

    def _ruler(self, height: int) -> Iterator[str]:
        if not self.duration_s:
            return
        least_s = self.duration_s * _TICK_PX / _PLOT_PX
        step_s = next((step for step in _TICKS_S if step >= least_s), _TICKS_S[-1])
        for tick in range(0, int(self.duration_s) + 1, step_s):
            x = f"{self.x(tick):.0f}"
            yield f"<path d='M{x} {_TOP_PX - 6}V{height}' stroke='{_LINE}'/>"
            minutes, seconds = divmod(tick, 60)
            yield f"<text x='{x}' y='12' text-anchor='middle' fill='{_GREY}'>{minutes}:{seconds:02}</text>"
