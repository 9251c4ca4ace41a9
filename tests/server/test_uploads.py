from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile

from ipyspeaches.audio.recording import Recording
from ipyspeaches.server.uploads import as_file, known_voices


def test_a_recording_is_sent_as_it_is() -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    name, content = as_file(Recording(samples, 24_000))
    read, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    assert name == "audio.wav"
    assert rate == 24_000
    np.testing.assert_array_equal(read, samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_known_voices_are_sent_at_the_rate_that_they_are_taken_for(rate: int) -> None:
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    fields = known_voices({"Ann": Recording(tone, rate), "Bo": Recording(tone, rate)})
    assert fields["known_speaker_names[]"] == ["Ann", "Bo"]
    head, _, coded = fields["known_speaker_references[]"][0].partition(",")
    assert head == "data:audio/wav;base64"
    heard, sent_rate = soundfile.read(io.BytesIO(base64.b64decode(coded)), dtype="int16")
    assert sent_rate == 16_000
    assert len(heard) == pytest.approx(16_000, abs=2)
    assert known_voices({}) == {}
