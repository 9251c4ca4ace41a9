"""The buffer counts all that was appended, and keeps what can still matter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.local.audio_buffer import AudioBuffer


def ramp(start: int, end: int) -> NDArray[np.int16]:
    return np.arange(start, end, dtype=np.int16)


def test_split_ends_the_buffer_and_keeps_the_rest() -> None:
    buffer = AudioBuffer()
    buffer.append(ramp(0, 700))
    buffer.append(ramp(700, 1000))
    ended = buffer.split(800)
    assert ended.start == 0
    np.testing.assert_array_equal(ended.samples, ramp(0, 800))
    assert buffer.length == 200
    np.testing.assert_array_equal(buffer.excerpt(0, 200).samples, ramp(800, 1000))


def test_what_is_forgotten_still_counts() -> None:
    buffer = AudioBuffer()
    for start in range(0, 1000, 100):
        buffer.append(ramp(start, start + 100))
    buffer.forget(350)
    assert buffer.length == 1000
    assert buffer.kept == 700
    excerpt = buffer.excerpt(0, 450)
    assert excerpt.start == 300
    np.testing.assert_array_equal(excerpt.samples, ramp(300, 450))
    ended = buffer.split(1000)
    assert (ended.start, len(ended.samples)) == (300, 700)
    assert (buffer.length, buffer.kept) == (0, 0)


def test_beyond_the_limit_the_oldest_sound_is_kept_and_new_sound_refused() -> None:
    buffer = AudioBuffer(limit_s=0.01)  # 240 samples
    buffer.append(ramp(0, 200))
    with pytest.raises(InputError, match=r"dropped; commit or clear"):
        buffer.append(ramp(0, 41))
    assert buffer.length == 200
    buffer.append(ramp(200, 240))
    np.testing.assert_array_equal(buffer.split(240).samples, ramp(0, 240))
    buffer.append(ramp(0, 240))


def test_milliseconds() -> None:
    buffer = AudioBuffer()
    buffer.append(ramp(0, 1200))
    assert buffer.length_ms == 50
