"""Marks keep their order, their numbers and their names."""

from __future__ import annotations

import pandas as pd
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results import Marks


def test_a_mark_without_a_name_is_called_by_its_number_until_renamed() -> None:
    marks = Marks()
    marks.add(1.5)
    marks.add(2.0, "问题一")
    assert [mark.name for mark in marks] == ["Mark 1", "问题一"]
    marks.rename(0, "Q1")
    assert pd.DataFrame(marks).to_dict("list") == {"id": [0, 1], "time": [1.5, 2.0], "name": ["Q1", "问题一"]}
    with pytest.raises(InputError, match="no mark 2"):
        marks.rename(2, "x")
