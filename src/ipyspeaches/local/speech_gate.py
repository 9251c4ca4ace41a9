"""Leaves the silence of a stream out of what is recognised while it comes.

A client that sends sound as messages sends speech; a microphone's stream is mostly silence, and recognising that
live would keep a processor busy for nothing. What is committed is recognised as it is, silence included.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.vad.scorers import SileroScorer

HINT_OF_SPEECH: Final = 0.2
"""Silero's probability above which sound is let through: low, because a word left out is worse than noise let in."""
LEAD_SAMPLES: Final = SESSION_RATE_HZ * 3 // 10
HANGOVER_SAMPLES: Final = SESSION_RATE_HZ


class SpeechGate:
    """Lets speech through, with the 300 ms that led up to it and the second behind it."""

    def __init__(self) -> None:
        self._scorer = SileroScorer(SESSION_RATE_HZ)
        self._lead = np.empty(0, np.int16)
        self._open_for = 0

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take sound (int16, 24 kHz); return what is to be recognised now, often nothing."""
        scores = self._scorer.push(samples)
        if len(scores) and float(scores.max()) >= HINT_OF_SPEECH:
            self._open_for = len(samples) + HANGOVER_SAMPLES
        sound = np.concatenate((self._lead, samples))
        if self._open_for <= 0:
            self._lead = sound[-LEAD_SAMPLES:]
            return np.empty(0, np.int16)
        self._open_for -= len(samples)
        self._lead = np.empty(0, np.int16)
        return sound
