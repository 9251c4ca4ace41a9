"""Every level of the pyramid tells the extremes of what is below it, at every length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.audio.extremes import Pyramid


@given(lengths=st.lists(st.integers(0, 700), max_size=6), level=st.integers(0, 3))
def test_every_entry_covers_what_is_below_it(lengths: list[int], level: int) -> None:
    values = np.random.default_rng(9).integers(-32_768, 32_767, sum(lengths), dtype=np.int16)
    pyramid = Pyramid(np.int16)
    for piece in np.split(values, np.cumsum(lengths)[:-1]) if lengths else []:
        pyramid.append(np.stack((piece, piece), axis=1))
    step = 8**level
    count = -(-len(values) // step)
    found = pyramid.window(level, 0, count + 5)
    assert len(found) == count
    for index, (low, high) in enumerate(found):
        below = values[index * step : (index + 1) * step]
        assert (low, high) == (below.min(), below.max())


def test_a_window_in_the_middle() -> None:
    pyramid = Pyramid(np.float32)
    ramp = np.arange(8_000, dtype=np.float32)
    pyramid.append(np.stack((ramp, ramp), axis=1))
    assert pyramid.window(2, 10, 3).tolist() == [[640, 703], [704, 767], [768, 831]]
    assert len(pyramid.window(0, 9_000, 10)) == 0
    assert len(pyramid) == pytest.approx(8_000)
