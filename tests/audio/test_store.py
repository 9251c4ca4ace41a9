"""The store keeps every sample at its index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.audio.store import AudioStore


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(0, 200_000), max_size=8))
def test_what_was_appended_is_read_back(lengths: list[int]) -> None:
    store = AudioStore()
    whole = np.random.default_rng(1).integers(-32_768, 32_767, sum(lengths), dtype=np.int16)
    for piece in np.split(whole, np.cumsum(lengths)):
        store.append(piece)
    assert len(store) == len(whole)
    assert np.array_equal(store.read(0, len(whole)), whole)
    assert np.array_equal(store.read(len(whole) // 3, len(whole) + 99), whole[len(whole) // 3 :])


def test_a_view_stays_as_it_was_while_the_store_grows() -> None:
    store = AudioStore()
    store.append(np.arange(100, dtype=np.int16))
    view = store.read(0, 100)
    store.append(np.zeros(1_000_000, dtype=np.int16))
    assert view.tolist() == list(range(100))
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
