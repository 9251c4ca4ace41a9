"""Labels survive a way through every format, TextGrids as Praat writes them too; errors name the line."""

from __future__ import annotations

import warnings
from decimal import localcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.vad.segments import Segments

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
    with pytest.raises(InputError, match=r"about 2 recordings: choose one with .*uri=.* of a, b"):
        Segments.from_rttm(file)
    with pytest.raises(InputError, match="has nothing about 'c'"):
        Segments.from_rttm(file, "c")


def test_csv_of_several_recordings(tmp_path: Path) -> None:
    file = written(tmp_path, "filename,start,end\nmy a.wav,0,1\nb.wav,2,3\n")
    assert Segments.from_csv(file, "b.wav") == Segments([(2, 3)])
    assert Segments.from_csv(file, "my a.wav") == Segments([(0, 1)])
    with pytest.raises(InputError, match=r"about 2 recordings: choose one with uri=, of b\.wav, my_a\.wav"):
        Segments.from_csv(file)
    assert Segments.from_csv(written(tmp_path, "File,start,end\na.wav,0,1\na.wav,2,3\n")) == Segments([(0, 1), (2, 3)])


def test_what_is_labelled_as_no_speech_is_left_out_and_told(tmp_path: Path) -> None:
    rows = ["0.5,1,speech", "1,2, Silence", "2,3,noise", "4,5,"]
    for name, read, text in (
        ("header", Segments.from_csv, "\n".join(["start,end,Label", *rows])),
        ("bare", Segments.from_csv, "\n".join(f"{number},{row}" for number, row in enumerate(rows))),
        ("audacity", Segments.from_audacity, "\n".join(rows).replace(",", "\t")),
    ):
        with pytest.warns(UserWarning, match=r"2 of 4 stretches are labelled Silence, noise and were left out"):
            assert read(written(tmp_path, text)) == Segments([(0.5, 1), (4, 5)]), name
        assert read(written(tmp_path, text), silence=["noise"]) == Segments([(0.5, 1), (1, 2), (4, 5)]), name


def test_whole_numbers_of_another_unit_are_no_seconds(tmp_path: Path) -> None:
    whisper = "start\tend\ttext\n0\t1880\tin being\n2900\t4600\tcomparatively modern\n"
    assert Segments.from_csv(written(tmp_path, whisper)) == Segments([(0, 1.88), (2.9, 4.6)])
    for text in ("0,3050,h#\n3050,4559,sh\n", "start,end\n24000,50000\n"):
        with pytest.raises(InputError, match=r"whole numbers for times, such as .* milliseconds, frames or samples"):
            Segments.from_csv(written(tmp_path, text))
    with pytest.raises(InputError, match="whole numbers for times"):
        Segments.from_audacity(written(tmp_path, "0\t3000000\tsil\n3000000\t9000000\ta\n"))
    assert Segments.from_csv(written(tmp_path, "0,3050.0\n")) == Segments([(0, 3050)])


@pytest.mark.parametrize("text", ["", ";; nobody speaks\n", "SPKR-INFO talk 1 <NA> <NA> <NA> unknown anna <NA> <NA>\n"])
def test_in_a_recording_without_turns_nobody_speaks(tmp_path: Path, text: str) -> None:
    assert Segments.from_rttm(written(tmp_path, text), "talk") == Segments()


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


NAMED = "SPEAKER team_meeting 1 3.000 4.000 <NA> <NA> A <NA> <NA>\n"


@pytest.mark.parametrize(
    "line",
    [
        "SPEAKER team meeting 1 3.000 4.000 <NA> <NA> A <NA> <NA>",
        "SPEAKER team meeting 1 3.000 4.000 <NA> <NA> A <NA>",  # ten fields, as the format has with a look-ahead
        "SPEAKER talk 2 of 7 1 3.000 4.000 <NA> <NA> Ann Lee <NA> <NA>",
        "SPEAKER talk\u00a0one 1 3.000 4.000 <NA> <NA> 王\u3000明 <NA> <NA>",
        "SPEAKER talk 1 3.000 4.000 <NA> <NA> 1 2 <NA> <NA>",
        "SPEAKER talk 1 3.000 4.000 <NA> <NA> A\u2028B <NA> <NA>",
        "SPEAKER talk 1 3.000 4.000",
    ],
)
def test_times_are_found_beside_names_with_spaces(tmp_path: Path, line: str) -> None:
    assert Segments.from_rttm(written(tmp_path, line + "\n")) == Segments([(3, 7)])


@pytest.mark.parametrize(
    "line",
    [
        "SPEAKER team meeting 1 3.0 4.0 x x x x x",
        "SPEAKER team meeting 1 3.0 4.0",
        "SPEAKER talk 2 1 3.0 4.0",
        "SPEAKER team meeting 1 3.0",
        "SPEAKER a 1 0 1 x x x x x x x",
    ],
)
def test_fields_that_may_be_shifted_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"line 2: .* which of them are the times"):
        Segments.from_rttm(written(tmp_path, NAMED + line))


@pytest.mark.parametrize(
    "uri", ["team meeting", "team_meeting", " team\tmeeting", "team\u2028meeting", "team\udce9meeting"]
)
def test_a_name_of_any_kind_is_read_as_it_was_written(tmp_path: Path, uri: str) -> None:
    Segments([(3, 7)]).to_rttm(tmp_path / "x.rttm", uri)
    assert (tmp_path / "x.rttm").read_text() == NAMED.replace(" A ", " speech ")
    assert Segments.from_rttm(tmp_path / "x.rttm", uri) == Segments([(3, 7)])


def test_a_file_whose_name_is_not_utf8_names_its_recording(tmp_path: Path) -> None:
    Segments([(3, 7)]).to_rttm(tmp_path / "caf\udce9.rttm")
    assert Segments.from_rttm(tmp_path / "caf\udce9.rttm", "caf_") == Segments([(3, 7)])


def test_rttm_holds_no_time_before_the_recording() -> None:
    with pytest.raises(InputError, match="RTTM cannot hold -1 to 2 s"):
        Segments([(-1, 2)]).to_rttm()


def test_times_are_exact_whatever_a_program_has_set_for_its_decimals(tmp_path: Path) -> None:
    segments = Segments([(1234.567891, 2345.678912), (1e20, 1e300)])
    with localcontext(prec=3):
        text = segments.to_rttm()
        assert text is not None
        file = written(tmp_path, text.splitlines()[0])
        assert Segments.from_rttm(file) == segments[:1]


def test_audacity_with_spectral_selections_points_and_commas(tmp_path: Path) -> None:
    file = written(tmp_path, "0,500000\t1,000000\tspeech\n\\\t100,0\t2000,0\n3.0\t3.0\tpoint\n4.0\t5.0\n")
    assert Segments.from_audacity(file) == Segments([(0.5, 1), (4, 5)])


def test_audacity_with_the_numbers_of_the_lines_in_front(tmp_path: Path) -> None:
    file = written(tmp_path, "1\t1.0\t2.0\ta\n2\t3.0\t4.0\t7\n")
    assert Segments.from_audacity(file) == Segments([(1, 2), (3, 4)])


def test_a_label_may_hold_what_others_take_for_the_end_of_a_line(tmp_path: Path) -> None:
    file = written(tmp_path, "1.0\t2.0\tone\u2028two\x85\x0c\x1c\ttabbed\r\n3.0\t4.0\tb\r5.0\t6.0\n")
    assert Segments.from_audacity(file) == Segments([(1, 2), (3, 4), (5, 6)])
    file = written(tmp_path, "1.0,2.0,one\u2028two\x85\x0c\r\n3.0,4.0,b\n")
    assert Segments.from_csv(file) == Segments([(1, 2), (3, 4)])
    file = written(tmp_path, SHORT.replace("speech", "one\u2028two\x85\x0c"))
    assert Segments.from_textgrid(file) == Segments([(0, 3)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\t1\tx\n1\t2.0\t3.0\tindexed\n", "line 2: 4 fields, three of them numbers"),
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
        "0,5;1\n4;5\n",
        "0,5\t1,0\n4,0\t5,0\n",
        "0,5;1,00;a, b, c, d\n4,0;5,00;e\n",
        "start,end,notes (a;b;c;d)\n0.5,1,x\n4,5,\n",
        "sep=;\nstart;end\n0,5;1\n4;5\n",
        "start,end,text\n0.5,1,hello, world\n4,5,x,,\n",
        'start,end,text\n0.5,1,"two\nlines"\n4,5,"a ""b"""\n',
        'start,end,text\n0.5,1,"open\n4,5,"y"\n',
        'start,end,text\n0.5,1,x\n4,5,"open\n',
        'start,end,text\n0.5,1,"hello" she said\n4,5,x\n',
        "0,0.5,1.0\n1,4.0,5.0\n",
        "1;0,5;1;0,5\n2;4;5;1\n",
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
        ("start,end\n1.0,2.0\n1,5,2,25\n", "line 3: 4 fields under the 2 names"),
        ("start,end,text\n1,5,2,25,x\n", "line 2: 5 fields under the 3 names"),
        ("text,start,end,note\nfive, 1,2,3,x\n", "line 2: 5 fields under the 4 names"),
        ("1,5,2,25\n", "line 1: four whole numbers, which may be two times with decimal commas"),
        ("0,1,2\n1,3,4\n", "line 1: three numbers, the first of which"),
        ("0,0.5,1.0\n2,4.0,5.0\n", "line 1: three numbers, the first of which"),
        ("start,end,start\n1,2,3\n", "line 1: 2 columns are called start"),
        ('start,end,text\n0,1,"two\nlines"\n1,x,\n', "line 4: '1' and 'x' are not two times"),
        ("start,end\n1_0,20\n", "line 2: '1_0' and '20' are not two times"),
        ("start,end\n1,1e999999999\n", "line 2: '1' and '1e999999999' are not two times"),
    ],
)
def test_a_corrupt_csv_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_csv(written(tmp_path, text))


def test_a_field_may_be_longer_than_python_reads_of_itself(tmp_path: Path) -> None:
    assert Segments.from_csv(written(tmp_path, f"start,end,text\n0,1,{'x' * 200_000}\n")) == Segments([(0, 1)])
    assert Segments.from_csv(written(tmp_path, f"0,1,{'x' * 200_000}\n")) == Segments([(0, 1)])


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("latin-1", "café"), ("cp1252", "“naïve”"), ("gbk", "会议记录"), ("gb18030", "你好，世界"), ("utf-16-le", "会议")],
)
def test_another_encoding_is_guessed_with_a_warning_or_given(tmp_path: Path, encoding: str, said: str) -> None:
    file = written(tmp_path, LONG.replace('"vad"', f'"{said}"'), encoding)
    with pytest.warns(UserWarning, match="is not UTF-8 and was read as .* give encoding=") as caught:
        assert Segments.from_textgrid(file, said) == Segments([(0, 3)])
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Segments.from_textgrid(file, said, encoding=encoding) == Segments([(0, 3)])


def test_every_format_can_be_read_in_any_encoding(tmp_path: Path) -> None:
    said = "Привет"
    rttm = written(tmp_path, f"SPEAKER {said} 1 0 1 <NA> <NA> A <NA> <NA>\n", "koi8-r")
    assert Segments.from_rttm(rttm, said, encoding="koi8-r") == Segments([(0, 1)])
    assert Segments.from_audacity(written(tmp_path, f"0\t1\t{said}\n", "koi8-r"), encoding="koi8-r") == Segments(
        [(0, 1)]
    )
    file = written(tmp_path, f"0,1,{said}\n", "koi8-r")
    assert Segments.from_csv(file, encoding="koi8-r") == Segments([(0, 1)])
    for wrong in ("ascii", "klingon", "hex", "\0"):
        with pytest.raises(InputError, match=r"cannot be read as .*: give the file's encoding="):
            Segments.from_csv(file, encoding=wrong)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Segments.from_rttm(tmp_path / "missing.rttm")
    binary = tmp_path / "audio.rttm"
    binary.write_bytes(b"fLaC\x00\x00\xff\xff\x80")
    with pytest.raises(InputError, match="not a text file"):
        Segments.from_rttm(binary)
    with pytest.raises(InputError, match="cannot be read"):
        Segments.from_rttm("nul\0.rttm")
    with pytest.raises(InputError, match="cannot be read"):
        Segments.from_rttm(tmp_path)
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


def test_tiers_of_one_name_are_told_apart_by_their_place(tmp_path: Path) -> None:
    file = written(tmp_path, LONG.replace('"vad"', '"said ""loudly"""'))
    with pytest.raises(InputError, match=r"2 interval tiers called .* tier=, of 0 \('said \"loudly\"'\), 1 \('said"):
        Segments.from_textgrid(file, 'said "loudly"')
    with pytest.raises(InputError, match=r"2 interval tiers: choose one with tier=, of 0 \("):
        Segments.from_textgrid(file)
    assert Segments.from_textgrid(file, 0) == Segments([(0.5, 2.25)])
    assert Segments.from_textgrid(file, 1) == Segments([(0, 3)])
    with pytest.raises(InputError, match="2 interval tiers, and none is number 2"):
        Segments.from_textgrid(file, 2)


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
        (SHORT.replace('2\n0\n3\n"sp', '1\n0\n3\n"sp'), "line 16: more follows than the file's counts say"),
        (SHORT.replace("<exists>\n1", "<exists>\n" + "1" * 5000), "line 7: '11111111111111111111' is not a count"),
        (SHORT.replace("0\n5\n2", "0\n" + "5" * 5000 + "\n2"), "line 11: '55555555555555555555' is not a time"),
    ],
)
def test_a_corrupt_textgrid_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Segments.from_textgrid(written(tmp_path, text))


POINTS = 'File type = "ooTextFile"\n"TextGrid"\n0\n5\n<exists>\n1\n"TextTier"\n"beats"\n0\n5\n1\n2.5\n"one"\n'


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (POINTS.encode(), "mark speech as intervals"),
        (b"ooBinaryFile\x08TextGrid\0\0\0", "save it there as a text file"),
    ],
)
def test_a_textgrid_without_text_or_intervals_says_what_to_do(tmp_path: Path, data: bytes, cure: str) -> None:
    path = tmp_path / "talk.TextGrid"
    path.write_bytes(data)
    with pytest.raises(InputError, match=cure):
        Segments.from_textgrid(path)


def test_a_tier_holds_no_overlaps() -> None:
    with pytest.raises(InputError, match="overlaps"):
        Segments([(0, 2), (1, 3)]).to_textgrid()
    with pytest.raises(InputError, match="ends after the audio"):
        Segments([(0, 2)]).to_textgrid(duration=1)
