"""Sound that was held up is told from sound that comes as it is spoken."""

from __future__ import annotations

import pytest

from ipyspeaches.session.lateness import LATE_S, Lateness


def test_sound_that_comes_as_it_is_spoken_is_never_late() -> None:
    lateness = Lateness()
    for block in range(1, 1000):
        late_s = lateness.observe(block * 0.04, 100 + block * 0.04 + (0.3 if block % 7 == 0 else 0))
        assert late_s <= 0.3 + 1e-6
        assert not lateness.is_late


def test_sound_that_was_held_up_is_late_until_it_has_caught_up() -> None:
    lateness = Lateness()
    lateness.observe(1.0, 101.0)
    assert lateness.observe(1.04, 104.04) == pytest.approx(3, abs=0.01)
    assert lateness.is_late
    lateness.observe(3.9, 104.1)  # the rest comes at once
    assert not lateness.is_late
    assert lateness.late_until_s == 1.04


def test_a_slow_microphone_is_not_late_after_hours() -> None:
    lateness = Lateness()
    for second in range(1, 8 * 3600):
        lateness.observe(second * (1 - 2e-4), second)
    assert not lateness.is_late


def test_a_pause_is_no_delay() -> None:
    lateness = Lateness()
    lateness.observe(1.0, 101.0)
    lateness.restart()
    assert lateness.observe(1.04, 100.0 + 60 + LATE_S) == 0
