"""A truth that was made ready gives the durations that counting every moment gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.vad import Segments
from ipyspeaches.vad.truth import Truth

END = 40
disjoint = st.lists(st.integers(0, END), unique=True, max_size=20).map(
    lambda edges: list(zip(*[iter(sorted(edges))] * 2, strict=False))
)


@given(regions=disjoint, segments=disjoint, collar=st.sampled_from([0, 2, 4, 10]))
def test_durations_are_those_of_every_second(
    regions: list[tuple[int, int]], segments: list[tuple[int, int]], collar: int
) -> None:
    seconds = np.arange(END) + 0.5
    speech = np.zeros(END, dtype=bool)
    found = np.zeros(END, dtype=bool)
    evaluated = np.ones(END, dtype=bool)
    for start, end in regions:
        speech[start:end] = True
        for edge in (start, end):
            evaluated &= np.abs(seconds - edge) > collar / 2
    for start, end in segments:
        found[start:end] = True
    cut = Segments(segments)
    durations = Truth(Segments(regions), collar, END).evaluate(cut.start, cut.end).durations
    assert durations.hit_s == (speech & found & evaluated).sum()
    assert durations.false_alarm_s == (~speech & found & evaluated).sum()
    assert durations.missed_s == (speech & ~found & evaluated).sum()
    assert durations.silence_s == (~speech & ~found & evaluated).sum()


@pytest.mark.parametrize(("collar", "duration"), [(-0.1, 1), (float("inf"), 1), (float("nan"), 1), (0, -1)])
def test_what_is_no_length_is_refused(collar: float, duration: float) -> None:
    with pytest.raises(InputError, match="give"):
        Truth(Segments(), collar, duration)
