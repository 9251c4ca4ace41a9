"""What a session does with audio: one clock, one store, scores, segments, utterances. Pure: no I/O, no tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler, to_seconds
from ipyspeaches.audio.levels import mean_abs, to_db
from ipyspeaches.audio.store import AudioStore
from ipyspeaches.results.records import Frames
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.gate import Gate, GateAction, Send, WindowGate
from ipyspeaches.vad.segmenter import OpenSpeech, SegmenterEvent

_NOTHING = np.empty(0, dtype=np.int16)
LONG_S: Final = 5.0
"""More than this that never came ends the utterance before it, and is not listened to."""
_SETTLED: Final = 20
"""Frames of silence after which a detector's score of it stays as it is."""


def is_long(block: AudioBlock) -> bool:
    """Whether there is a hole before a block that is too long to be taken for audio; `Pipeline.end_segment` first."""
    return block.lost > LONG_S * block.rate


@dataclass(frozen=True, slots=True)
class Processed:
    """What a piece of audio led to."""

    events: list[SegmenterEvent]  # what the segmenter decided
    actions: list[GateAction]  # what the gate wants sent and committed
    ends: bool = False  # whether the audio ends here, for now
    lost_s: float = 0  # what the source knows to be missing; stored as zeros, so that time stays right


@dataclass(frozen=True, slots=True)
class Track:
    """Frames of one detector: rows of `Frames` from ``first_row`` on, from ``start_s`` on, ``frame_s`` each."""

    detector: str
    first_row: int
    start_s: float
    frame_s: float


class Pipeline:
    """Turn blocks of audio into stored samples, frames, and decisions.

    Every ``chunk_s`` seconds the audio is cut instead of where the detector hears an end; None leaves it to the
    detector. What comes ``live`` is resampled without delay, a recording as `Recording.to_rate` does it.
    """

    def __init__(self, turn_detection: TurnDetection, chunk_s: float | None = None, *, live: bool = False) -> None:
        self.store = AudioStore()
        self.frames = Frames()
        self.turn_detection = turn_detection
        self._live = live
        self._resampler: Resampler | None = None
        self._gate = Gate(turn_detection.gate, SESSION_RATE_HZ)
        pre_roll_ms = turn_detection.gate.pre_roll_ms
        self._windows = None if chunk_s is None else WindowGate(chunk_s, SESSION_RATE_HZ, pre_roll_ms=pre_roll_ms)
        self.tracks: list[Track] = []
        self.lost: list[tuple[int, int]] = []  # samples that never came, from, to; stored as zeros
        self._scored = 0  # samples handed to the scorer
        self._passed = 0  # samples handed to a server that cuts
        self._begin(turn_detection.detector)

    def _begin(self, detector: Detector) -> None:
        self._scorer = detector.scorer(SESSION_RATE_HZ)
        self._segmenter = detector.segmenter(self._scorer.hop, SESSION_RATE_HZ, self._scored)
        self.tracks.append(Track(detector.name, len(self.frames), to_seconds(self._scored), self.frame_s))

    @property
    def frame_s(self) -> float:
        """Seconds a frame."""
        return to_seconds(self._scorer.hop)

    @property
    def in_speech(self) -> bool:
        """Whether the last frame was inside speech, be it too short so far to count."""
        return self._segmenter.in_speech

    @property
    def speech_start_s(self) -> float | None:
        """Where the speech began that is under way, in session seconds."""
        start = self._segmenter.speech_start
        return None if start is None else to_seconds(start)

    @property
    def judged(self) -> int:
        """Session sample up to which frames have been judged."""
        return self._segmenter.position

    @property
    def speech_end(self) -> int:
        """Up to which sample the speech that is under way was heard: a silence counts as far as it would be sent."""
        silence = self._segmenter.silence_start
        if silence is None:
            return self._segmenter.position
        return min(self._segmenter.position, silence + self.hangover)

    @property
    def hangover(self) -> int:
        """How many samples are sent behind the end of speech."""
        return round(self.turn_detection.gate.hangover_ms * SESSION_RATE_HZ / 1000)

    @property
    def pre_roll(self) -> int:
        """How many samples are sent before the start of speech."""
        return round(self.turn_detection.gate.pre_roll_ms * SESSION_RATE_HZ / 1000)

    def process(self, block: AudioBlock) -> Processed:
        """Take a block of audio."""
        if self._resampler is None or self._resampler.rate != block.rate:
            self._drain()
            self._resampler = Resampler(block.rate, prompt=self._live)
        lost = block.lost * SESSION_RATE_HZ // block.rate
        if lost:
            self._drain()
            self._resampler = Resampler(block.rate, prompt=self._live)
            self.lost.append((len(self.store), len(self.store) + lost))
            (self._leave_out if is_long(block) else self.store.skip)(lost)
        self.store.append(self._resampler.resample(block.samples))
        events = self._score(self._unscored())
        actions = self._advance(events, self._segmenter.position, self._segmenter.open_speech)
        return Processed(events, actions, lost_s=to_seconds(lost))

    def _leave_out(self, lost: int) -> None:
        """Take so much silence without listening to it: as what its first frames would have, all have."""
        hop, start = self._scorer.hop, len(self.store)
        score = self._scorer.score(np.zeros(_SETTLED * hop, np.int16))[-1]
        time_s = (start + hop * np.arange(lost // hop)) / SESSION_RATE_HZ
        nothing = np.zeros(len(time_s))
        scores = nothing + score
        energy = scores if self.turn_detection.detector.unit == "energy" else nothing
        self.frames.append(time=time_s, level_db=to_db(nothing), energy=energy, score=scores, is_speech=nothing > 0)
        self.store.skip(lost)
        self._scored = len(self.store)
        self._begin(self.turn_detection.detector)

    def end_segment(self) -> Processed:
        """End the utterance that is under way here, as on a pause or at the end of the audio."""
        self._drain()
        unscored = self._unscored()
        # Zeros fill the last frame and push what the scorer holds back through it.
        padding = np.zeros(-len(unscored) % self._scorer.hop + 2 * self._scorer.hop, dtype=np.int16)
        events = self._score(np.concatenate((unscored, padding)))
        end = len(self.store)
        speech = self._segmenter.open_speech  # as far as it goes: to finish() the silence behind it is speech, too
        events += self._segmenter.finish(end)
        actions = self._advance(events, end, speech, last=True)
        self._scored = end
        self._begin(self.turn_detection.detector)
        return Processed(events, actions, ends=True)

    def set_detector(self, detector: Detector) -> Processed:
        """Use other options, or another detector, from the next frame on.

        Another detector begins with an empty memory, so the utterance that is under way ends here.
        """
        if detector.scorer_options() == self.turn_detection.detector.scorer_options():
            self._segmenter.reconfigure(detector.options)
            self.turn_detection = self.turn_detection.with_detector(detector)
            return Processed([], [])
        processed = self.end_segment()
        self.turn_detection = self.turn_detection.with_detector(detector)
        self._begin(detector)
        return processed

    def _drain(self) -> None:
        if self._resampler is not None:
            self.store.append(self._resampler.resample(_NOTHING, last=True))
            self._resampler = None

    def _unscored(self) -> NDArray[np.int16]:
        end = len(self.store)
        samples = self.store.read(self._scored, end)
        self._scored = end
        return samples

    def _score(self, samples: NDArray[np.int16]) -> list[SegmenterEvent]:
        """Score samples, write the frames they complete, and return what the segmenter decided."""
        scores = self._scorer.score(samples)
        if not len(scores):
            return []
        hop, start = self._scorer.hop, self._segmenter.position
        events: list[SegmenterEvent] = []
        is_speech = np.empty(len(scores), dtype=np.bool_)
        for index, score in enumerate(scores.tolist()):
            events += self._segmenter.advance((score,))
            is_speech[index] = self._segmenter.in_speech
        # Frames that reach behind the end of the audio (padding) are judged, but not shown.
        shown = min(len(scores), (len(self.store) - start) // hop)
        if shown > 0:
            self._write_frames(start, scores[:shown], is_speech[:shown])
        return events

    def _write_frames(self, start: int, scores: NDArray[np.float32], is_speech: NDArray[np.bool_]) -> None:
        hop = self._scorer.hop
        samples = self.store.read(start, start + len(scores) * hop).reshape(-1, hop)
        wide = samples.astype(np.float32)
        self.frames.append(
            time=np.arange(start, start + hop * len(scores), hop) / SESSION_RATE_HZ,
            level_db=to_db(np.sqrt(np.einsum("ij,ij->i", wide, wide) / hop)),
            energy=scores if self.turn_detection.detector.unit == "energy" else mean_abs(samples),
            score=scores,
            is_speech=is_speech,
        )

    def _advance(
        self, events: list[SegmenterEvent], position: int, speech: OpenSpeech | None, *, last: bool = False
    ) -> list[GateAction]:
        if not self.turn_detection.client_cuts:
            begin, self._passed = self._passed, len(self.store)
            return [Send(begin, self._passed)] if begin < self._passed else []
        if self._windows is not None:
            return self._windows.advance(events, position, speech, last=last)
        return self._gate.advance(events, position, None if last else self._segmenter.silence_start)
