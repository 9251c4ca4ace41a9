"""What of a stream is recognised live: speech and what led up to it, not silence."""

from __future__ import annotations

import numpy as np

from ipyspeaches.audio import SESSION_RATE_HZ, Resampler
from ipyspeaches.audio.recording import Recording
from ipyspeaches.local.speech_gate import SpeechGate

PIECE = SESSION_RATE_HZ // 10


def test_silence_stays_out_and_no_word_does() -> None:
    sample = Recording.sample("quickstart")
    spoken = Resampler(sample.rate).push(sample.samples, last=True)[: 3 * SESSION_RATE_HZ]
    quiet = np.zeros(5 * SESSION_RATE_HZ, np.int16)
    stream = np.concatenate((quiet, spoken, quiet))
    gate = SpeechGate()
    passed = [gate.push(stream[at : at + PIECE]) for at in range(0, len(stream), PIECE)]
    through = np.concatenate(passed)
    assert not any(len(piece) for piece in passed[:45])
    assert not any(len(piece) for piece in passed[-20:])
    assert len(through) < len(spoken) + 2 * SESSION_RATE_HZ
    loud = np.flatnonzero(np.abs(spoken) > 500)
    onset = 5 * SESSION_RATE_HZ + int(loud[0])
    begin = next(number for number, piece in enumerate(passed) if len(piece))
    assert (begin + 1) * PIECE - len(passed[begin]) <= onset, "the onset is clipped"
