"""The resampler keeps time whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.errors import AudioError


def noise(n: int) -> NDArray[np.int16]:
    return (np.random.default_rng(7).standard_normal(n) * 3000).astype(np.int16)


def stream(rate: int, samples: NDArray[np.int16], cuts: list[int]) -> NDArray[np.int16]:
    resampler = Resampler(rate)
    out = [resampler.resample(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*out, resampler.resample(samples[:0], last=True)])


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]),
    cuts=st.lists(st.integers(0, 5_000), max_size=12),
)
def test_blocks_of_any_size_give_the_whole(rate: int, cuts: list[int]) -> None:
    samples = noise(5_000)
    streamed = stream(rate, samples, cuts)
    whole = samples if rate == SESSION_RATE_HZ else soxr.resample(samples, rate, SESSION_RATE_HZ)
    assert len(streamed) == len(whole)
    # libsoxr dithers the last bits of int16, differently for every chunking.
    assert np.abs(streamed.astype(int) - whole.astype(int)).max() <= 3


@pytest.mark.parametrize(("rate", "to"), [(48_000, 24_000), (44_100, 24_000), (24_000, 16_000), (16_000, 24_000)])
def test_what_is_prompt_comes_as_steadily_as_the_input(rate: int, to: int) -> None:
    resampler = Resampler(rate, to, prompt=True)
    pieces = np.array_split(noise(rate), 40)
    given = 0
    for count, piece in enumerate(pieces, 1):
        given += len(resampler.resample(piece))
        assert count * 0.025 - given / to <= 241 / rate


def test_length_is_the_ratio_rounded_once() -> None:
    assert len(stream(16_000, noise(16_001), list(range(0, 16_000, 333)))) == round(16_001 * 1.5)


@pytest.mark.parametrize("rate", [0, -16_000, 1_000_000_000])
def test_an_impossible_rate_is_refused_in_one_sentence(rate: int) -> None:
    with pytest.raises(AudioError, match=r"sample rate of .* is not possible: give the rate"):
        Resampler(rate)
