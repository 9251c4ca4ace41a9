"""Labels survive a way through every format, TextGrids as Praat writes them too; errors name the line."""

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

# Microseconds, so that no format has to round.
labels = st.lists(st.tuples(st.integers(0, 9_000_000), st.integers(1, 9_000_000)), max_size=20).map(
    lambda steps: disjoint(steps)
)


def disjoint(steps: list[tuple[int, int]]) -> Segments:
    spans, now = [], 0
    for gap, length in steps:
        spans.append(((now + gap) / 1e6, (now + gap + length) / 1e6))
        now += gap + length
    return Segments(spans)


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "labels"
    file.write_text(text, encoding=encoding)
    return file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels") / "talk.labels"


@settings(deadline=None)
@given(segments=labels)
def test_every_format_gives_back_what_it_took(file: Path, segments: Segments) -> None:
    segments.to_rttm(file)
    assert Segments.from_rttm(file) == segments
    segments.to_audacity(file)
    assert Segments.from_audacity(file) == segments
    segments.to_csv(file)
    assert Segments.from_csv(file) == segments


def test_rttm_as_nist_writes_it(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        ";; a comment\n"
        "SPKR-INFO talk 1 <NA> <NA> <NA> unknown anna <NA> <NA>\n"
        "SPEAKER talk 1 0.1 0.25 <NA> <NA> anna <NA> <NA>\n"
        "SPEAKER talk 1 0.35 1.00 <NA> <NA> bob <NA> <NA>\n"
        "SPEAKER talk 1 1.00 0.50 <NA> <NA> anna <NA> <NA>\n",
    )
    assert Segments.from_rttm(file) == Segments([(0.1, 0.35), (0.35, 1.5)])


def test_rttm_of_several_recordings(tmp_path: Path) -> None:
    file = written(tmp_path, "SPEAKER a 1 0 1 x x x x\nSPEAKER b 1 2 1 x x x x\n")
    assert Segments.from_rttm(file, "b") == Segments([(2, 3)])
    with pytest.raises(InputError, match="about 2 recordings: choose one with uri=, of a, b"):
        Segments.from_rttm(file)
    with pytest.raises(InputError, match="has nothing about 'c'"):
        Segments.from_rttm(file, "c")


def test_rttm_names_the_recording_after_the_file(tmp_path: Path) -> None:
    Segments([(0, 1)]).to_rttm(tmp_path / "my talk.truth.rttm")
    line = (tmp_path / "my talk.truth.rttm").read_text()
    assert line == "SPEAKER my_talk 1 0.000 1.000 <NA> <NA> speech <NA> <NA>\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SPEAKER a 1 0 1 x x x x\nSPEAKER a 1 zero 1 x x x x\n", "line 2: 'zero' and '1' are not seconds"),
        ("\n\nSPEAKER a 1 0 nan x x x x\n", "line 3"),
        ("SPEAKER a 1 0\n", "line 1: 4 of 9 or 10 fields"),
        ("SPEAKER a 1 -1 2 x x x x\n", "line 1: begin -1 s"),
        ("0.0 1.0 speech\n", "line 1: '0.0' is not a type of RTTM line"),
        ("SPEAKER a 1 0 1 x x x x\nSPEA", "line 2: 'SPEA' is not a type of RTTM line"),
    ],
)
def test_a_corrupt_rttm_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_rttm(written(tmp_path, text))


def test_audacity_with_spectral_selections_points_and_commas(tmp_path: Path) -> None:
    file = written(tmp_path, "0,500000\t1,000000\tspeech\n\\\t100,0\t2000,0\n3.0\t3.0\tpoint\n4.0\t5.0\n")
    assert Segments.from_audacity(file) == Segments([(0.5, 1), (4, 5)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\t1\tx\n1 2 x\n", "line 2: an end is missing"),
        ("0\tone\tx\n", "line 1: '0' and 'one' are not two times"),
        ("2\t1\tx\n", r"line 1: the end \(1 s\) is before the start \(2 s\)"),
    ],
)
def test_a_corrupt_label_track_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_audacity(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "start,end\n0.5,1\n4,5\n",
        "\ufeffText;End;Start\nhello;1;0,5\nyou;5;4\n",
        "0.5\t1\n\n4\t5\n",
        "0.5,1,spoken\n4,5,spoken\n",
    ],
)
def test_csv_as_people_write_it(tmp_path: Path, text: str) -> None:
    assert Segments.from_csv(written(tmp_path, text)) == Segments([(0.5, 1), (4, 5)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,end\n0,1\n1,x\n", "line 3: '1' and 'x' are not two times"),
        ("begin,end\n0,1\n", "line 1: no columns start and end among begin, end"),
        ("start,end\n3\n", "line 2: an end is missing"),
    ],
)
def test_a_corrupt_csv_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_csv(written(tmp_path, text))


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Segments.from_rttm(tmp_path / "missing.rttm")
    binary = tmp_path / "audio.rttm"
    binary.write_bytes(b"fLaC\x00\x00\xff\xff\x80")
    with pytest.raises(InputError, match="not a text file"):
        Segments.from_rttm(binary)
    with pytest.raises(InputError, match="cannot be written"):
        Segments().to_rttm(tmp_path / "no folder" / "x.rttm")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_long_textgrid_with_several_tiers(tmp_path: Path, encoding: str) -> None:
    file = written(tmp_path, LONG, encoding)
    assert Segments.from_textgrid(file, 'said "loudly"') == Segments([(0.5, 2.25)])
    assert Segments.from_textgrid(file, "vad") == Segments([(0, 3)])
    assert Segments.from_textgrid(file, "vad", silence=["sounding"]) == Segments([(3, 5)])
    with pytest.raises(InputError, match=r"has 2 interval tiers: choose one with tier=, of 'said \"loudly\"', 'vad'"):
        Segments.from_textgrid(file)
    with pytest.raises(InputError, match="0 interval tiers called 'words'"):
        Segments.from_textgrid(file, "words")


def test_the_short_textgrid(tmp_path: Path) -> None:
    assert Segments.from_textgrid(written(tmp_path, SHORT)) == Segments([(0, 3)])


@pytest.mark.parametrize("short", [True, False])
@settings(deadline=None)
@given(segments=labels)
def test_textgrids_give_back_what_they_took(file: Path, short: bool, segments: Segments) -> None:
    end = float(segments.end[-1]) if len(segments) else 0.0
    segments.to_textgrid(file, duration=end + 1, short=short)
    assert Segments.from_textgrid(file) == segments


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHORT.replace("3\n5", "three\n5"), "line 18: '' is where a time is expected"),
        (SHORT.replace('3\n"speech"', '3\n3\n"speech"'), "line 15: '3' is where a text in quotes is expected"),
        (SHORT[:-4], "line 17: the file ends where a"),
        (SHORT.replace("IntervalTier", "OtherTier"), "line 8: 'OtherTier' is not a kind of tier"),
        (SHORT.replace('0\n3\n"sp', '4\n3\n"sp'), r"line 14: the end \(3 s\) is before the start \(4 s\)"),
        ('File type = "ooTextFile"\n"Pitch"\n', "line 2: this is not a TextGrid"),
        ("hello", "line 1: the file ends"),
    ],
)
def test_a_corrupt_textgrid_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_textgrid(written(tmp_path, text))


def test_a_tier_holds_no_overlaps() -> None:
    with pytest.raises(InputError, match="overlaps"):
        Segments([(0, 2), (1, 3)]).to_textgrid()
    with pytest.raises(InputError, match="ends after the audio"):
        Segments([(0, 2)]).to_textgrid(duration=1)
