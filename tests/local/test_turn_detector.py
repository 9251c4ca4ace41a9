"""Server VAD hears the turns of real sound, however it is cut into appends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.local.session_settings import TurnDetectionSettings
from ipyspeaches.local.turn_detector import TurnDetector, TurnEvent, TurnStarted, TurnStopped

SETTINGS = TurnDetectionSettings(threshold=0.5, silence_duration_ms=400)


def turns(sound: NDArray[np.int16], step: int, settings: TurnDetectionSettings = SETTINGS) -> list[TurnEvent]:
    detector = TurnDetector(settings)
    return [turn for start in range(0, len(sound), step) for turn in detector.push(sound[start : start + step])]


def test_turns_lie_where_the_sentences_are(quickstart: NDArray[np.int16]) -> None:
    found = turns(quickstart, 4800)
    sentences = samples.info("quickstart").sentences
    assert [type(turn) for turn in found] == [TurnStarted, TurnStopped] * len(sentences)
    for sentence, started, stopped in zip(sentences, found[::2], found[1::2], strict=True):
        assert isinstance(started, TurnStarted)
        assert abs(started.onset / 24_000 - sentence.start) < 0.2
        assert 0 < started.position - started.onset < 24_000 / 2
        assert abs(stopped.position / 24_000 - sentence.end - 0.4) < 0.3


@pytest.mark.parametrize("step", [480, 4801, 1_000_000])
def test_turns_do_not_depend_on_the_appends(quickstart: NDArray[np.int16], step: int) -> None:
    assert turns(quickstart, step) == turns(quickstart, 2400)


def test_silence_has_no_turns() -> None:
    assert turns(np.zeros(72_000, dtype=np.int16), 2400) == []


def test_a_turn_that_somebody_else_ended_begins_again_where_speech_goes_on(quickstart: NDArray[np.int16]) -> None:
    detector = TurnDetector(SETTINGS)
    sentence = samples.info("quickstart").sentences[1]
    middle = round((sentence.start + sentence.end) / 2 * 24_000)
    detector.push(quickstart[:middle])
    detector.end_turn()
    (again, *_) = detector.push(quickstart[middle : middle + 12_000])
    assert isinstance(again, TurnStarted)
    assert middle - 2400 <= again.onset <= middle + 4800
