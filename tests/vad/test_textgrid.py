"""TextGrids as Praat and forced aligners write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.vad import Segments

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "said ""loudly"""
        xmin = 0
        xmax = 5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 2.25
            text = "say ""1 2 3"" ! now"
        intervals [3]:
            xmin = 2.25
            xmax = 5
            text = "SIL"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 5
        points: size = 1
        points [1]:
            number = 1.5
            mark = "click"
    item [3]:
        class = "IntervalTier"
        name = "vad"
        xmin = 0
        xmax = 5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 3
            text = "sounding"
        intervals [2]:
            xmin = 3
            xmax = 5
            text = "silent"
'''

SHORT = """File type = "ooTextFile short"
"TextGrid"

0
5
<exists>
1
"IntervalTier"
"vad"
0
5
2
0
3
"speech"
3
5
""
"""


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "talk.TextGrid"
    file.write_text(text, encoding=encoding)
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_long_format_with_several_tiers(tmp_path: Path, encoding: str) -> None:
    file = written(tmp_path, LONG, encoding)
    assert Segments.from_textgrid(file, 'said "loudly"') == Segments([(0.5, 2.25)])
    assert Segments.from_textgrid(file, "vad") == Segments([(0, 3)])
    assert Segments.from_textgrid(file, "vad", silence=["sounding"]) == Segments([(3, 5)])
    with pytest.raises(InputError, match=r"has 2 interval tiers: choose one with tier=, of 'said \"loudly\"', 'vad'"):
        Segments.from_textgrid(file)
    with pytest.raises(InputError, match="0 interval tiers called 'words'"):
        Segments.from_textgrid(file, "words")


def test_the_short_format(tmp_path: Path) -> None:
    assert Segments.from_textgrid(written(tmp_path, SHORT)) == Segments([(0, 3)])


@pytest.mark.parametrize("short", [True, False])
@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 9_000_000), st.integers(1, 9_000_000)), max_size=12))
def test_what_is_written_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, short: bool, steps: list[tuple[int, int]]
) -> None:
    spans, now = [], 0
    for gap, length in steps:
        spans.append(((now + gap) / 1e6, (now + gap + length) / 1e6))
        now += gap + length
    file = tmp_path_factory.getbasetemp() / "way.TextGrid"
    Segments(spans).to_textgrid(file, duration=now / 1e6 + 1, short=short)
    assert Segments.from_textgrid(file) == Segments(spans)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHORT.replace("3\n5", "three\n5"), "line 18: '' stands where a time must come"),
        (SHORT.replace('3\n"speech"', '3\n3\n"speech"'), "line 15: '3' stands where a text in quotes must come"),
        (SHORT[:-4], "line 17: the file ends where a"),
        (SHORT.replace("IntervalTier", "OtherTier"), "line 8: 'OtherTier' is no kind of tier"),
        (SHORT.replace('0\n3\n"sp', '4\n3\n"sp'), r"line 14: the end \(3 s\) is before the start \(4 s\)"),
        ('File type = "ooTextFile"\n"Pitch"\n', "line 2: this is no TextGrid"),
        ("hello", "line 1: the file ends"),
    ],
)
def test_a_corrupt_textgrid_is_refused_by_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Segments.from_textgrid(written(tmp_path, text))


def test_a_tier_holds_no_overlaps() -> None:
    with pytest.raises(InputError, match="overlaps"):
        Segments([(0, 2), (1, 3)]).to_textgrid()
    with pytest.raises(InputError, match="ends behind the sound"):
        Segments([(0, 2)]).to_textgrid(duration=1)
