"""The buffer counts all that was appended and keeps what can still matter; Silero finds the turns in it."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError
from ipyspeaches.local import session_audio
from ipyspeaches.local.session_audio import AudioBuffer, SpeechGate, TurnDetector
from ipyspeaches.local.session_settings import TurnDetectionSettings
from ipyspeaches.vad.segmenter import Closed, Opened, SegmenterEvent

SETTINGS = TurnDetectionSettings(threshold=0.5, silence_duration_ms=400)
PIECE = SESSION_RATE_HZ // 10


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
    np.testing.assert_array_equal(buffer.excerpt(0).samples, ramp(800, 1000))


def test_all_buffers_together_hold_no_more_than_the_machine_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_audio, "OWN_S", 10)
    monkeypatch.setattr(session_audio, "SHARED_LIMIT_S", 30)
    gc.collect()
    first, second = AudioBuffer(), AudioBuffer()
    second_of_audio = np.zeros(SESSION_RATE_HZ, np.int16)
    for _ in range(41):
        first.append(second_of_audio)
    for buffer in (first, second):
        while buffer.kept < 10 * SESSION_RATE_HZ:
            buffer.append(second_of_audio)  # each may hold as much
        with pytest.raises(InputError, match=r"all sessions together hold 0 min .* dropped; commit or clear"):
            buffer.append(second_of_audio)
    first.split(first.length)
    second.append(second_of_audio)


def test_what_is_forgotten_still_counts() -> None:
    buffer = AudioBuffer()
    for start in range(0, 1000, 100):
        buffer.append(ramp(start, start + 100))
    buffer.forget(350)
    assert buffer.length == 1000
    assert buffer.kept == 700
    excerpt = buffer.excerpt(0)
    assert excerpt.start == 300
    np.testing.assert_array_equal(excerpt.samples, ramp(300, 1000))
    ended = buffer.split(1000)
    assert (ended.start, len(ended.samples)) == (300, 700)
    assert (buffer.length, buffer.kept) == (0, 0)


def test_beyond_the_limit_the_oldest_audio_is_kept_and_new_audio_refused() -> None:
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


def turns(
    audio: NDArray[np.int16], step: int, settings: TurnDetectionSettings = SETTINGS
) -> list[tuple[SegmenterEvent, int]]:
    detector = TurnDetector(settings)
    return [turn for start in range(0, len(audio), step) for turn in detector.append(audio[start : start + step])]


def test_turns_lie_where_the_sentences_are(quickstart: NDArray[np.int16]) -> None:
    found = turns(quickstart, 4800)
    sentences = samples.info("quickstart").sentences
    assert [type(event) for event, _ in found] == [Opened, Closed] * len(sentences)
    for sentence, (started, at), (_, end) in zip(sentences, found[::2], found[1::2], strict=True):
        assert abs(started.start / 24_000 - sentence.start) < 0.2
        assert 0 < at - started.start < 24_000 / 2
        assert abs(end / 24_000 - sentence.end - 0.4) < 0.3


@pytest.mark.parametrize("step", [480, 4801, 1_000_000])
def test_turns_do_not_depend_on_the_appends(quickstart: NDArray[np.int16], step: int) -> None:
    found, expected = turns(quickstart, step), turns(quickstart, 2400)
    assert [type(event) for event, _ in found] == [type(event) for event, _ in expected]
    # The resampler dithers at random, so that a score at the very threshold may fall on either side of it.
    frame = 768
    for (event, position), (other, expected_position) in zip(found, expected, strict=True):
        assert abs(position - expected_position) <= frame
        if isinstance(event, Opened):
            assert abs(event.start - other.start) <= frame


def test_silence_has_no_turns() -> None:
    assert turns(np.zeros(72_000, dtype=np.int16), 2400) == []


def test_a_turn_that_somebody_else_ended_begins_again_where_speech_goes_on(quickstart: NDArray[np.int16]) -> None:
    detector = TurnDetector(SETTINGS)
    sentence = samples.info("quickstart").sentences[1]
    middle = round((sentence.start + sentence.end) / 2 * 24_000)
    detector.append(quickstart[:middle])
    detector.end_turn()
    ((again, _), *_) = detector.append(quickstart[middle : middle + 12_000])
    assert isinstance(again, Opened)
    assert middle - 2400 <= again.start <= middle + 4800


def test_of_a_stream_silence_stays_out_and_no_word_does(quickstart: NDArray[np.int16]) -> None:
    spoken = quickstart[: 3 * SESSION_RATE_HZ]
    quiet = np.zeros(5 * SESSION_RATE_HZ, np.int16)
    stream = np.concatenate((quiet, spoken, quiet))
    gate = SpeechGate()
    passed = [gate.append(stream[at : at + PIECE]) for at in range(0, len(stream), PIECE)]
    through = np.concatenate(passed)
    assert not any(len(piece) for piece in passed[:45])
    assert not any(len(piece) for piece in passed[-20:])
    assert len(through) < len(spoken) + 2 * SESSION_RATE_HZ
    loud = np.flatnonzero(np.abs(spoken) > 500)
    onset = 5 * SESSION_RATE_HZ + int(loud[0])
    begin = next(number for number, piece in enumerate(passed) if len(piece))
    assert (begin + 1) * PIECE - len(passed[begin]) <= onset, "the onset is clipped"
