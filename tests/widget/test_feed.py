"""The page gets every column and every frame once, as they are."""

from __future__ import annotations

import numpy as np

from ipyspeaches.audio import AudioBlock
from ipyspeaches.session import TurnDetection
from ipyspeaches.session.hearing import Hearing
from ipyspeaches.vad import EnergyVad
from ipyspeaches.widget.feed import COLUMN, MAX_COLUMNS, Feed


def test_messages_add_up_to_the_recording() -> None:
    hearing = Hearing(TurnDetection.client(EnergyVad()))
    feed = Feed(hearing)
    sound = np.random.default_rng(2).integers(-32_768, 32_767, 24_000 * 130, dtype=np.int16)
    extremes, scores, energies = b"", b"", b""
    for piece in np.array_split(sound, 7):
        hearing.push(AudioBlock(piece, 24_000), 4_800)
        for header, buffers in iter(feed.take, None):
            assert header["columns"] <= MAX_COLUMNS
            assert header["first_column"] * 4 == len(extremes)
            assert header["first_frame"] * 4 == len(scores)
            extremes, scores, energies = extremes + buffers[0], scores + buffers[1], energies + buffers[2]
    drawn = np.frombuffer(extremes, dtype="<i2").reshape(-1, 2)
    columns = sound[: len(drawn) * COLUMN].reshape(-1, COLUMN)
    assert len(drawn) == len(sound) // COLUMN
    assert np.array_equal(drawn, np.stack((columns.min(axis=1), columns.max(axis=1)), axis=1))
    assert np.array_equal(np.frombuffer(scores, dtype="<f4"), hearing.frames.score)
    assert np.array_equal(np.frombuffer(energies, dtype="<f4"), hearing.frames.energy)


def test_nothing_new_is_no_message() -> None:
    hearing = Hearing(TurnDetection.client(EnergyVad()))
    feed = Feed(hearing)
    assert feed.take() is None
    hearing.push(AudioBlock(np.zeros(2_400, dtype=np.int16), 24_000), 4_800)
    assert feed.take() is not None
    assert feed.take() is None


def test_clipping_and_level_are_those_of_the_last_moment() -> None:
    hearing = Hearing(TurnDetection.client(EnergyVad()))
    hearing.push(AudioBlock(np.full(24_000, 32_767, dtype=np.int16), 24_000), 4_800)
    message = Feed(hearing).take()
    assert message is not None
    header, _ = message
    assert header["clipped"]
    assert header["peak_db"] == 0 or abs(header["peak_db"]) < 0.001
