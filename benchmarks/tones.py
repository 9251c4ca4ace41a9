"""The embedded server with a recogniser that knows tones: what it hears and says is certain, and all else is as ever.

Utterance number 7 is a tone of a pitch of its own, and its text is ``u7``; pitches live through Opus, as levels would
not. Run by itself, with a port, this is the server, in a process that ends with its standard input.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.local import local_server, session_audio, worker, worker_pool
from ipyspeaches.local.engines import POCKETSPHINX, DecodingOptions
from ipyspeaches.local.recogniser import SegmentText
from ipyspeaches.vad.scorers import FrameScorer
from ipyspeaches.words import Word

LOWEST_HZ: Final = 300
STEP_HZ: Final = 60
MOST: Final = 60
"""Tones that are told apart, up to the pitch of a telephone."""
LEVEL: Final = 6_000
LOUD: Final = 1_000
"""Mean of |sample| from which a frame is held for a tone."""
FRAME: Final = SESSION_RATE_HZ * 4 // 100
HOP: Final = FRAME // 2
SHORTEST: Final = 4
"""Frames of one pitch that are a word: less is where a tone begins or ends."""
_RESOLUTION: Final = 8192
_TAKES_S: Final = (0.05, 0.3)


def tone(number: int, seconds: float) -> NDArray[np.int16]:
    """Return utterance ``number``, int16 at 24 kHz; below 0 it is silence."""
    time_s = np.arange(round(seconds * SESSION_RATE_HZ)) / SESSION_RATE_HZ
    pitch_hz = LOWEST_HZ + STEP_HZ * (number % MOST)
    return (LEVEL * (number >= 0) * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.int16)


def words_of(samples: NDArray[np.int16]) -> tuple[Word, ...]:
    """Return the tones in int16 samples at 24 kHz, with their times in seconds."""
    found: list[tuple[int, int, int]] = []  # number, first frame, frame behind the last one
    for index, start in enumerate(range(0, len(samples) - FRAME + 1, HOP)):
        frame = samples[start : start + FRAME].astype(np.float64)
        if np.abs(frame).mean() < LOUD:
            continue
        spectrum = np.abs(np.fft.rfft(frame * np.hanning(FRAME), _RESOLUTION))
        number = round((int(spectrum.argmax()) * SESSION_RATE_HZ / _RESOLUTION - LOWEST_HZ) / STEP_HZ)
        if found and found[-1][0] == number and found[-1][2] == index:
            found[-1] = (number, found[-1][1], index + 1)
        else:
            found.append((number, index, index + 1))
    hop_s = HOP / SESSION_RATE_HZ
    return tuple(
        Word(f"u{number}", first * hop_s, (last + 1) * hop_s)
        for number, first, last in found
        if last - first >= SHORTEST
    )


def _transcribe(
    _engine: object, samples: NDArray[np.int16], _options: DecodingOptions, _scored: object = None
) -> Iterator[SegmentText]:
    time.sleep(random.uniform(*_TAKES_S))
    for word in words_of(samples):
        yield SegmentText(word.start, word.end, f" {word.word}", (word,), "en")


def _work() -> None:
    """Be a worker process of the server."""
    vars(worker).update(load_engine=lambda _spec: None, transcribe=_transcribe, open_live=lambda *_: None)
    worker.main(sys.argv[1:])


def _hears_tones(rate: int) -> FrameScorer:
    """Take the place of Silero, to which a tone is no speech."""
    return FrameScorer(rate * 32 // 1000, lambda frames: (np.abs(frames).mean(1) > LOUD).astype(np.float32))


def _serve(port: int) -> None:
    vars(worker_pool).update(WORKER_MODULE="tones")
    vars(session_audio).update(SileroScorer=_hears_tones)
    local_server.serve(port=port, engine=POCKETSPHINX.name, exit_with_stdin=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1])) if sys.argv[1].isdecimal() else _work()
