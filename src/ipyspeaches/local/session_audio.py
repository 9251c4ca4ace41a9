"""The audio of a realtime session: its input buffer, and what Silero hears in it as it comes."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Final
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError
from ipyspeaches.local.session_settings import TurnDetectionSettings
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.scorers import SileroScorer
from ipyspeaches.vad.segmenter import Segmenter, SegmenterEvent, SegmentOptions

BUFFER_LIMIT_S: Final = 600
OWN_S: Final = 60
"""What each buffer may hold, however many there are; beyond that, all of them share `SHARED_LIMIT_S`."""
SHARED_LIMIT_S: Final = 3600
MIN_SPEECH_MS: Final = 60

HINT_OF_SPEECH: Final = 0.2
"""Silero's probability above which audio is let through: low, because a word left out is worse than noise let in."""
LEAD_SAMPLES: Final = SESSION_RATE_HZ * 3 // 10
HANGOVER_SAMPLES: Final = SESSION_RATE_HZ


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a buffer: int16 at 24 kHz, beginning ``start`` samples behind the buffer's start."""

    start: int
    samples: NDArray[np.int16]


class AudioBuffer:
    """Appended audio, counted from the buffer's start, at most ``limit_s`` of it.

    Beyond that the oldest audio is kept and new audio is refused, because the words that were spoken first are the ones
    a late commit is about. Audio that can no longer matter may be dropped from memory; it still counts. Nor may all
    buffers of the process together hold more than a machine has room for.
    """

    _all: ClassVar[WeakSet[AudioBuffer]] = WeakSet()

    def __init__(self, limit_s: float = BUFFER_LIMIT_S) -> None:
        self._all.add(self)
        self._limit_s = limit_s
        self.limit = round(limit_s * SESSION_RATE_HZ)
        self._pieces: deque[NDArray[np.int16]] = deque()
        self._first = 0  # index of the first sample in memory
        self.length = 0

    @property
    def length_ms(self) -> float:
        """Milliseconds appended."""
        return self.length * 1000 / SESSION_RATE_HZ

    @property
    def kept(self) -> int:
        """Samples in memory."""
        return self.length - self._first

    def append(self, samples: NDArray[np.int16]) -> None:
        """Add audio; if it does not fit, it is an `InputError`, and the buffer stays as it is."""
        if self.kept + len(samples) > self.limit:
            raise InputError(
                f"Error appending to input audio buffer: it holds {self.kept / SESSION_RATE_HZ:.0f}s of uncommitted "
                f"audio and takes at most {self._limit_s:g}s. This audio was dropped; commit or clear the buffer."
            )
        if self.kept + len(samples) > OWN_S * SESSION_RATE_HZ and self._shared_s() > SHARED_LIMIT_S:
            raise InputError(
                f"Error appending to input audio buffer: all sessions together hold {SHARED_LIMIT_S / 60:.0f} min of "
                "uncommitted audio, and there is no room for more. This audio was dropped; commit or clear the buffer."
            )
        self._pieces.append(samples)
        self.length += len(samples)

    @classmethod
    def _shared_s(cls) -> float:
        return sum(max(0.0, buffer.kept / SESSION_RATE_HZ - OWN_S) for buffer in cls._all)

    def excerpt(self, start: int) -> Excerpt:
        """Return the samples from ``start`` on, as far as they are in memory."""
        start = max(start, self._first)
        return Excerpt(start, self._whole()[start - self._first :])

    def forget(self, before: int) -> None:
        """Drop from memory what lies wholly before this sample."""
        while self._pieces and self._first + len(self._pieces[0]) <= before:
            self._first += len(self._pieces.popleft())

    def split(self, at: int) -> Excerpt:
        """End the buffer at sample ``at`` and return it; what lies behind is the start of the next one."""
        whole = self._whole()
        head, tail = whole[: at - self._first], whole[at - self._first :]
        ended = Excerpt(self._first, head)
        self._pieces = deque([tail]) if len(tail) else deque()
        self._first = 0
        self.length = len(tail)
        return ended

    def _whole(self) -> NDArray[np.int16]:
        if len(self._pieces) != 1:
            empty = np.empty(0, dtype=np.int16)
            self._pieces = deque([np.concatenate(self._pieces) if self._pieces else empty])
        return self._pieces[0]


class TurnDetector:
    """Server VAD: find turns in 24 kHz audio; samples are counted from the detector's own start."""

    def __init__(self, settings: TurnDetectionSettings) -> None:
        self._scorer = SileroScorer(SESSION_RATE_HZ)
        self._segmenter = Segmenter(_options(settings), self._scorer.hop, SESSION_RATE_HZ)

    def append(self, samples: NDArray[np.int16]) -> list[tuple[SegmenterEvent, int]]:
        """Judge more audio (int16) and return what it decides, in order, each with the sample at which that is sure."""
        scores = self._scorer.score(samples).tolist()
        return [(event, self._segmenter.position) for one in scores for event in self._segmenter.advance((one,))]

    def reconfigure(self, settings: TurnDetectionSettings) -> None:
        """Use other settings from now on, without forgetting speech that is under way."""
        self._segmenter.reconfigure(_options(settings))

    def end_turn(self) -> None:
        """Forget speech that is under way: its utterance was ended by somebody else."""
        self._segmenter.finish(self._segmenter.position)


def _options(settings: TurnDetectionSettings) -> SegmentOptions:
    return SileroVad(
        threshold=settings.threshold,
        min_speech_duration_ms=MIN_SPEECH_MS,
        min_silence_duration_ms=settings.silence_duration_ms,
        speech_pad_ms=0,
        max_speech_duration_s=math.inf,
    ).options


class SpeechGate:
    """Lets speech through, with the 300 ms that led up to it and the second behind it.

    A client that sends audio as messages sends speech; a microphone's stream is mostly silence, and recognising that
    live would keep a processor busy for nothing. What is committed is recognised as it is, silence included.
    """

    def __init__(self) -> None:
        self._scorer = SileroScorer(SESSION_RATE_HZ)
        self._lead = np.empty(0, np.int16)
        self._open_for = 0

    def append(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Judge more audio (int16, 24 kHz); return what is to be recognised now, often nothing."""
        scores = self._scorer.score(samples)
        if len(scores) and float(scores.max()) >= HINT_OF_SPEECH:
            self._open_for = len(samples) + HANGOVER_SAMPLES
        audio = np.concatenate((self._lead, samples))
        if self._open_for <= 0:
            self._lead = audio[-LEAD_SAMPLES:]
            return np.empty(0, np.int16)
        self._open_for -= len(samples)
        self._lead = np.empty(0, np.int16)
        return audio
