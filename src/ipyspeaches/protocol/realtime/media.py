"""Audio that travels as a media stream beside the messages, and the server's clock for it.

Speaches resamples each frame of 20 ms on its own and loses 16 of 480 samples: its clock counts 464 where 480 were
spoken. Which clock a server has is known from what it is; what it counts for utterances can prove that wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError

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
    """How audio travels beside the messages.

    Parameters
    ----------
    clock_factor
        Seconds of audio for each second that the server counts.
    padding_ms
        Silence behind an utterance, so that all of it gets through to the server's buffer.
    held_ms
        What a receiver has not let through to the buffer when a commit comes, on the average; what the server counts
        for the utterance puts it right later.
    continuous
        Whether the audio flows by itself, as from a microphone that a page sends: then nothing can be put into it,
        and padding is a wait of that length.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    clock_factor: float = TRUE_CLOCK
    padding_ms: int = PADDING_MS
    held_ms: int = 0
    continuous: bool = False

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


SPEACHES_MEDIA: Final = Media(LOSSY_CLOCK, PADDING_MS, held_ms=210)
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
    """Finds out from the lengths of utterances whether a server counts as was thought.

    Parameters
    ----------
    factor
        What was thought.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
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
