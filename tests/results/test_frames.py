from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results import Frame, Frames

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")


def frames(n: int) -> Frames:
    result = Frames()
    result.append(
        time=np.arange(n) * 0.032,
        level_db=np.full(n, -20.5),
        energy=np.arange(n),
        score=np.linspace(0, 1, n),
        is_speech=np.arange(n) % 2 == 1,
    )
    return result


def test_rows_are_frames_of_python_values() -> None:
    result = frames(3)
    assert result[1] == Frame(0.032, -20.5, 1.0, 0.5, is_speech=True)
    assert list(result)[-1] == result[-1]
    assert type(result[0].is_speech) is bool


@pytest.mark.parametrize("n", [0, 5])
def test_frames_of_any_length_have_the_same_columns(n: int) -> None:
    frame = frames(n).to_pandas()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "time": "float64",
        "level_db": "float32",
        "energy": "float32",
        "score": "float32",
        "is_speech": "bool",
    }
    assert pl.DataFrame(frames(n)).shape == (n, 5)
    assert len(frame) == n


def test_pandas_takes_frames_as_they_are() -> None:
    frame = pd.DataFrame(frames(4))
    assert list(frame.columns) == ["time", "level_db", "energy", "score", "is_speech"]
    assert frame["is_speech"].tolist() == [False, True, False, True]


def test_columns_are_views_and_not_copies() -> None:
    result = frames(1000)
    assert np.shares_memory(result.score, result.score)
    assert result.time.base is not None
    assert len(result.time) == len(result.energy) == len(result.level_db) == len(result.is_speech) == 1000


def test_columns_of_one_block_have_one_length() -> None:
    with pytest.raises(InputError, match="as many rows"):
        Frames().append(time=[0, 1], level_db=[0], energy=[0], score=[0], is_speech=[False])


def test_a_data_frame_taken_while_it_grows_is_a_snapshot() -> None:
    result = frames(3)
    snapshot = result.to_pandas()
    result.append(time=[9], level_db=[0], energy=[0], score=[0], is_speech=[True])
    assert len(snapshot) == 3
    assert len(result) == 4
