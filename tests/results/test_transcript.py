from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.results.diarization import Diarization
from ipyspeaches.results.segment import Gap, Segment
from ipyspeaches.results.transcript import MAX_ROWS, Transcript, clock, transcript_html
from ipyspeaches.words import Word

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")
pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

TALK = (
    Segment(0.5, 1.5, "Good morning.", (Word("Good", 0.5, 0.9, 0.98), Word("morning.", 0.9, 1.5)), "en", "a", 0, 0.3),
    Segment(2.5, 3.5, "你好", (), "zh", "b", 1),
    Segment(4.0, 4.5, "再见", (), "zh", "c", 2, 0.25),
)


@given(st.permutations(range(6)))
def test_finals_in_any_order_are_placed_in_the_order_of_the_recording(order: list[int]) -> None:
    transcript = Transcript()
    for number in order:
        transcript.append(Segment(number, number + 1, f"word{number}", id=number))
    assert [segment.id for segment in transcript.segments] == list(range(6))
    assert transcript.text == "word0 word1 word2 word3 word4 word5"


def test_a_segment_without_a_number_comes_last() -> None:
    transcript = Transcript([Segment(0, 1, "one"), Segment(1, 2, "two", id=7)])
    assert transcript.append(Segment(2, 3, "three")).id == 8
    assert [segment.id for segment in transcript] == [0, 7, 8]


def test_a_transcript_of_many_segments_is_made_at_once() -> None:
    segments = [Segment(i, i + 1, "x", id=i ^ 1) for i in range(50_000)]
    assert [segment.id for segment in Transcript(segments)] == list(range(50_000))
    assert [s.id for s in Transcript([Segment(0, 1, "b", id=4), Segment(0, 1, "c"), Segment(0, 1, "a", id=2)])] == [
        2,
        4,
        5,
    ]
    with pytest.raises(InputError, match="already has a segment 4"):
        Transcript([Segment(0, 1, "b", id=4), Segment(0, 1, "c", id=4)])


def test_an_utterance_is_added_once_and_replaced_by_name() -> None:
    transcript = Transcript(TALK)
    with pytest.raises(InputError, match=r"already has a segment 1: use replace\(\)"):
        transcript.append(Segment(2, 3, "您好", id=1))
    with pytest.raises(InputError, match=r"no segment 9 to replace: use append\(\)"):
        transcript.replace(Segment(2, 3, "您好", id=9))
    transcript.replace(Segment(2, 3, "您好", id=1))
    assert transcript.text == "Good morning. 您好再见"
    assert len(transcript) == 3


def test_partial_text_is_kept_apart_until_its_final_comes() -> None:
    transcript = Transcript()
    transcript.set_partial("a", "good mor")
    transcript.set_partial("b", "how")
    assert transcript.partial == "good mor how"
    assert transcript.text == ""
    transcript.append(Segment(0, 1, "Good morning.", item_id="a"))
    assert transcript.partial == "how"
    transcript.set_partial("b", "")
    assert transcript.partial == ""


def test_words_of_all_segments_in_one_table() -> None:
    words = Transcript(TALK).words
    assert [word.word for word in words] == ["Good", "morning."]
    assert words.to_pandas().shape == (2, 4)


@pytest.mark.parametrize("talk", [TALK, ()])
def test_frames_have_a_row_a_segment_and_the_same_types_when_empty(talk: tuple[Segment, ...]) -> None:
    transcript = Transcript(talk)
    names = ["start", "end", "text", "words", "language", "item_id", "id", "latency_s"]
    frame = transcript.to_pandas()
    assert list(frame.columns) == names
    assert [str(frame[n].dtype) for n in ("start", "text", "language", "id", "latency_s")] == [
        "float64",
        "str",
        "str",
        "int64",
        "float64",
    ]
    table = pa.table(transcript)
    assert table.column_names == names
    assert table.schema.field("words").type.value_type.field("start").type == pa.float64()
    assert pl.DataFrame(transcript).schema["words"].inner == pl.Struct(
        {"word": pl.String, "start": pl.Float64, "end": pl.Float64, "probability": pl.Float64}
    )
    assert len(frame) == table.num_rows == len(talk)


def test_pandas_gets_the_same_frame_from_the_transcript_itself() -> None:
    transcript = Transcript(TALK)
    pd.testing.assert_frame_equal(pd.DataFrame(transcript), transcript.to_pandas())


def test_json_round_trip_keeps_everything() -> None:
    transcript = Transcript(TALK)
    document = json.loads(transcript.to_json())
    assert document["text"] == "Good morning. 你好再见"
    assert "你好" in transcript.to_json()
    assert Transcript.from_json(transcript.to_json()).segments == TALK


def test_files_have_the_name_and_the_marks() -> None:
    transcript = Transcript([Segment(0, 1, "one"), Segment(4, 5, "two")])
    transcript.name = "talk --> .wav\n"
    transcript.marks.add(2.5, "Q1\nNOTE")
    transcript.marks.add(60, "=SUM(A1)")
    read = Transcript.from_json(transcript.to_json())
    assert [(mark.time, mark.name) for mark in read.marks] == [(2.5, "Q1\nNOTE"), (60, "=SUM(A1)")]
    assert (read.name, read.text) == (transcript.name, "one two")
    notes = transcript.to_vtt().split("\n\n")
    assert notes[1:4] == ["NOTE talk → .wav", "NOTE 0:02.5 Q1 NOTE", "NOTE 1:00.0 =SUM(A1)"]
    table = transcript.to_csv() or ""
    assert table.index("one") < table.index("[mark: Q1") < table.index("two") < table.index("[mark: =SUM")
    assert "mark" not in transcript.to_srt() + transcript.to_txt() + transcript.text
    assert Transcript.from_json('{"text": "x", "marks": [3, {"time": "no"}, {"time": 1}]}').marks[0].name == "Mark 1"


def test_json_of_another_engine_is_read_without_its_extra_fields() -> None:
    verbose = '{"task": "transcribe", "segments": [{"id": 4, "start": 0, "end": 1.5, "text": "Hi", "tokens": [1, 2]}]}'
    assert Transcript.from_json(verbose).segments == (Segment(0, 1.5, "Hi", id=4),)


@pytest.mark.parametrize(
    ("content", "segments"),
    [
        ({"text": " Hi you"}, [Segment(0, 0, "Hi you", id=0)]),
        ({"text": "Hi", "segments": [], "duration": 2.5, "language": None}, [Segment(0, 2.5, "Hi", id=0)]),
        ({"text": "Hi", "segments": None, "language": "en", "words": None}, [Segment(0, 0, "Hi", (), "en", id=0)]),
        ({"words": [{"word": "Hi", "start": 1, "end": 2}]}, [Segment(1, 2, "Hi", (Word("Hi", 1, 2),), id=0)]),
        (
            {
                "text": "Hi you",
                "segments": [
                    {"start": 1, "end": 2, "text": "Hi"},
                    {"start": 2, "end": 3, "text": "you", "words": None},
                ],
                "words": [{"word": "Hi", "start": 1, "end": 2}, {"word": "you", "start": 2, "end": 3}],
            },
            [Segment(1, 2, "Hi", (Word("Hi", 1, 2),), id=0), Segment(2, 3, "you", (Word("you", 2, 3),), id=1)],
        ),
        ({"text": "Hi", "segments": [{"start": 1, "end": 2, "text": ""}]}, [Segment(0, 0, "Hi", id=0)]),
        ({"text": "Hi", "words": [{"word": "Hi"}], "language": 3}, [Segment(0, 0, "Hi", id=0)]),
        (
            {
                "text": "你好 Hi",
                "language": "chinese",
                "segments": [
                    {"start": 0, "end": 1, "text": "你好"},
                    {"start": 1, "end": 2, "text": "Hi", "language": "English"},
                ],
            },
            [Segment(0, 1, "你好", (), "zh", id=0), Segment(1, 2, "Hi", (), "en", id=1)],
        ),
        ({"segments": [], "text": "", "missing": []}, []),
    ],
)
def test_text_and_words_of_another_engine_count_where_segments_do_not_have_them(
    content: Any, segments: list[Segment]
) -> None:
    assert list(Transcript.from_json(json.dumps(content))) == segments


SAID = '{"segments": [{"start": 0, "end": 1, "text": "café"%s}]}'


@pytest.mark.parametrize("text", ["\ufeff" + SAID % "", (SAID % "").encode("utf-8-sig"), (SAID % "").encode("utf-16")])
def test_json_with_a_byte_order_mark_is_read(text: str | bytes) -> None:
    assert Transcript.from_json(text).text == "café"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{}",
            '{"segments": [{"start": "a"}]}',
            b"\xff\xfe",
            b"\xff\xfe\x00",
            b'"\xe9"',
            "null",
            None,
            7,
            Path("x.json"),
        ),
        SAID % (', "x": ' + "[" * 100_000 + "]" * 100_000),
        '{"segments": [], "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
        '{"segments": [null], "text": null}',
        '{"error": {"message": "busy"}}',
    ],
)
def test_json_that_is_no_transcript_is_refused_in_words(text: Any) -> None:
    with pytest.raises(
        InputError, match=r"^This is not a transcript \(.+\): give the text that to_json\(\) returned|^text is"
    ):
        Transcript.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        *(SAID % f', "{name}": {value}' for name in ("id", "latency_s") for value in (10**30, "1" * 5000, '"a"')),
        *((SAID % "").replace("1", value) for value in ("1e308", "1e400", "1" * 5000, "-1e10", "NaN", "Infinity")),
        *((SAID % "").replace("1", value) for value in ("null", '"0.5"', '"00:00:01.000"', "[]")),
        SAID % ', "words": [{"word": "café", "start": 1e300, "end": 1e300}, {"word": "2024"}, null]',
        SAID % ', "id": -5, "language": 3, "item_id": 7, "avg_logprob": NaN',
        (SAID % "").replace("[", "[null, 5, "),
        (SAID % "").replace("]", '], "missing": [{"start": "x"}, null, {"start": 0, "end": 1e300, "reason": "x"}]'),
        '{"text": "café", "segments": "none", "missing": "all", "duration": NaN}',
        '{"segments": [{"start": 0, "end": 1, "text": null, "words": [{"word": "café", "start": 0, "end": 1}]}]}',
        b'{"text": "caf\xe9"}',
    ],
)
def test_what_does_not_fit_costs_no_text(text: str | bytes) -> None:
    read = Transcript.from_json(text)
    assert (read.text, len(read.missing)) == ("café", 0)
    assert all(0 <= segment.start <= segment.end <= 1 for segment in read)
    assert read.to_srt()


@pytest.mark.parametrize("ids", [(1, 1, 2), (5, 2, 1), ("seg_001", "seg_002", "seg_003"), (-5, -5, 1), (1, None, 2)])
def test_ids_that_do_not_rise_give_way_to_the_order(ids: tuple[object, ...]) -> None:
    rows = [{"id": one, "start": at, "end": at + 1, "text": "abc"[at]} for at, one in enumerate(ids)]
    read = Transcript.from_json(json.dumps({"segments": rows}))
    assert [(one.id, one.text) for one in read] == [(0, "a"), (1, "b"), (2, "c")]


def test_a_segment_without_a_time_lies_between_its_neighbours() -> None:
    rows = [{"start": 0, "end": 1, "text": "a"}, {"start": None, "text": "b"}, {"start": 3, "text": "c"}]
    read = Transcript.from_json(json.dumps({"segments": rows}))
    assert [(one.start, one.end) for one in read] == [(0, 1), (1, 3), (3, 3)]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("one two three", [(0, 1, "one"), (1, 4, "two"), (4, 5, "three")]),
        ("one three  four five", [(0, 1, "one"), (4, 5, "three"), (5, 9, "four five")]),
        ("Zero. one three", [(0, 0, "Zero."), (0, 1, "one"), (4, 5, "three")]),
        ("One, three, four", [(0, 1, "one"), (4, 5, "three")]),
    ],
)
def test_what_the_text_has_and_no_segment_is_kept(text: str, segments: list[tuple[float, float, str]]) -> None:
    rows = [{"id": 3, "start": 0, "end": 1, "text": " one"}, {"id": 4, "start": 4, "end": 5, "text": " three"}]
    read = Transcript.from_json(json.dumps({"text": text, "segments": rows, "duration": 9}))
    assert [(one.start, one.end, one.text.strip()) for one in read] == segments


TIMED = [{"start": 0, "end": 1.5, "text": " so"}, {"start": 1.5, "end": 60, "text": "on"}]


@pytest.mark.parametrize(
    "content",
    [
        TIMED,
        "\n".join(map(json.dumps, TIMED)) + "\r\n",
        {"transcription": TIMED},
        {"text": "", "chunks": TIMED},
        {  # whisper.cpp
            "result": {"language": "en"},
            "transcription": [
                {"timestamps": {"from": "00:00:00,000"}, "offsets": {"from": 0, "to": 1500}, "text": " so"},
                {"timestamps": {"from": "00:00:01,500"}, "offsets": {"from": 1500, "to": 60000}, "text": " on"},
            ],
        },
        {  # transformers
            "text": " so on",
            "chunks": [{"timestamp": [0.0, 1.5], "text": " so"}, {"timestamp": [1.5, 60.0], "text": " on"}],
        },
    ],
)
@pytest.mark.parametrize("encode", [str, str.encode])
def test_what_other_programs_write_is_read(content: Any, encode: Callable[[str], Any]) -> None:
    read = Transcript.from_json(encode(content if isinstance(content, str) else json.dumps(content)))
    rows = [(segment.start, segment.end, segment.text.strip()) for segment in read]
    assert rows == [(0, 1.5, "so"), (1.5, 60, "on")]


@pytest.mark.parametrize(
    "content", ['{"transcript": "so on"}', '{"transcription": "so on"}', '[{"word": "so on", "start": 0, "end": 1}]']
)
def test_text_alone_under_another_name_is_read(content: str) -> None:
    assert Transcript.from_json(content).text == "so on"


@pytest.mark.parametrize(
    "content", ['["so"]', '[{"start": 0}]', '{"chunks": 5}', '{"a": 1}\n{"a": 2}', '{"a": 1}\n{"a":', "3", "null"]
)
def test_what_holds_no_text_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="This is not a transcript"):
        Transcript.from_json(content)


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        ("srt", "1\n00:00:00,500"),
        ("VTT", "WEBVTT\n\n"),
        ("txt", "Good morning.\n你好\n再见\n"),
        ("json", "{\n"),
        ("csv", "start,end,text,language,item_id,id,latency_s\n0.5,1.5,Good morning.,en,a,0,0.3\n"),
    ],
)
def test_the_suffix_chooses_the_format(suffix: str, begins: str, tmp_path: Path) -> None:
    file = Transcript(TALK).save(str(tmp_path / f"talk.{suffix}"))
    assert file.read_text(encoding="utf-8").startswith(begins)


def test_parquet_keeps_the_words(tmp_path: Path) -> None:
    file = Transcript(TALK).save(tmp_path / "talk.parquet")
    assert pq.read_table(file)["words"].to_pylist()[0][0]["word"] == "Good"


@pytest.mark.parametrize("name", ["talk", "talk.doc", ".srt"])
def test_an_unknown_suffix_lists_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one of \.srt, \.vtt, \.txt, \.json, \.csv, \.parquet\.$"):
        Transcript(TALK).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_repr_is_short() -> None:
    assert repr(Transcript(TALK)) == "Transcript(3 segments: 'Good morning. 你好再见')"
    assert len(repr(Transcript([Segment(0, 1, "word " * 1000)]))) < 100


def test_a_reader_never_sees_half_a_change() -> None:
    transcript = Transcript()
    faults: list[str] = []
    done = False

    def read() -> None:
        while not done:
            segments = transcript.segments
            if [s.id for s in segments] != sorted({s.id for s in segments}):
                faults.append("out of order")
            if len({len(column) for column in transcript.columns().values()}) != 1:
                faults.append("columns of different lengths")

    reader = Thread(target=read)
    reader.start()
    for number in (n ^ 1 for n in range(2000)):  # every pair arrives the wrong way round
        transcript.set_partial(str(number), "so far")
        transcript.append(Segment(number, number + 1, "text", item_id=str(number), id=number))
    done = True
    reader.join()
    assert faults == []
    assert len(transcript) == 2000
    assert transcript.partial == ""


class Cells(HTMLParser):
    """Collects the cells of the body with their attributes, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[tuple[dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag == "td":
            self.cells.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            attributes, text = self.cells[-1]
            self.cells[-1] = (attributes, text + data)


def cells(html: str) -> list[tuple[dict[str, str | None], str]]:
    parser = Cells()
    parser.feed(html)
    assert parser.open == []
    return parser.cells


def test_each_segment_is_a_row_of_time_text_language_and_latency() -> None:
    row = cells(transcript_html([Segment(0.5, 62.04, "مرحبا", language="ar", latency_s=0.318)], ""))
    assert [text for _, text in row] == ["0:00.5 – 1:02.0", "مرحبا", "ar", "0.32 s"]
    assert row[1][0]["lang"] == "ar"
    assert row[1][0]["dir"] == "auto"


def test_what_was_said_cannot_become_markup() -> None:
    html = transcript_html([Segment(0, 1, "<script>alert(1)</script>", language='"><b>')], "<i>so far")
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert cells(html)[1] == (cells(html)[1][0] | {"lang": '"><b>'}, "<script>alert(1)</script>")


def test_text_that_is_not_final_is_set_apart() -> None:
    html = transcript_html([], "good mor")
    assert "<em>good mor</em>" in html
    assert "Nothing has been said yet" not in html


def test_nothing_yet_says_so() -> None:
    assert "Nothing has been said yet" in Transcript()._repr_html_()


def test_a_long_transcript_shows_its_beginning_and_says_how_much_more() -> None:
    html = transcript_html([Segment(i, i + 1, "x") for i in range(MAX_ROWS + 1200)], "")
    assert html.count('dir="auto"') == MAX_ROWS
    assert "1,200 more" in html


@pytest.mark.parametrize(
    ("time_s", "shown"),
    [
        *((0, "0:00.0"), (59.96, "1:00.0"), (3599.99, "1:00:00.0"), (-0.2, "0:00.0")),
        *((float("nan"), "?"), (float("-inf"), "?"), (1e308, "?")),
    ],
)
def test_times_are_rounded_once(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


def test_a_byte_order_mark_is_written_on_request_and_read(tmp_path: Path) -> None:
    said = Transcript([Segment(0.0, 1.0, "你好")])
    for name in ("a.csv", "a.srt"):
        assert said.save(tmp_path / name, bom=True).read_bytes().startswith(b"\xef\xbb\xbf")
        assert not said.save(tmp_path / name).read_bytes().startswith(b"\xef\xbb\xbf")
    written = said.save(tmp_path / "a.json", bom=True)
    assert Transcript.from_json(written.read_bytes()).text == Transcript.from_json(written.read_text("utf-8")).text


def test_missing_stretches_are_named_in_every_file_and_in_no_frame(tmp_path: Path) -> None:
    said = Transcript([Segment(0.0, 1.0, "one"), Segment(4.0, 5.0, "three")])
    assert len(said.missing) == 0
    said.add_missing(2.0, 3.0, "HTTP 500: <busy>")
    assert [(gap.start, gap.end, gap.reason) for gap in said.missing] == [(2.0, 3.0, "HTTP 500: <busy>")]
    assert said.text == "one three"
    assert len(said) == 2
    assert said.to_txt() == "one\n[text missing: HTTP 500: <busy>]\nthree\n"
    assert "00:00:02,000 --> 00:00:03,000\n[text missing: HTTP 500: ‹busy›]" in said.to_srt()
    assert "[text missing: HTTP 500: &lt;busy&gt;]" in said.to_vtt()
    assert "\n2.0,3.0,[text missing: HTTP 500: <busy>]," in (said.to_csv() or "")
    said.to_csv(tmp_path / "a.csv")
    said.to_parquet(tmp_path / "a.parquet")
    for written in (pd.read_csv(tmp_path / "a.csv"), pq.read_table(said.save(tmp_path / "b.parquet")).to_pandas()):
        assert written["text"].tolist() == ["one", "[text missing: HTTP 500: <busy>]", "three"]
        assert written["start"].tolist() == [0.0, 2.0, 4.0]
    assert pq.read_table(tmp_path / "a.parquet").schema == pa.table(said).schema
    assert said.with_speakers(Diarization()).to_txt() == "?: one [text missing: HTTP 500: <busy>] three\n"
    for frame in (said.to_pandas(), pd.DataFrame(said), pl.DataFrame(said).to_pandas(), pa.table(said).to_pandas()):
        assert frame["text"].tolist() == [one.text for one in said]
    assert "text missing: HTTP 500: &lt;busy&gt;" in said._repr_html_()
    assert repr(said) == "Transcript(2 segments, 1 missing: 'one three')"
    assert list(Transcript.from_json(said.to_json()).missing) == list(said.missing)


def test_long_subtitles_are_split_unless_it_is_not_wanted(tmp_path: Path) -> None:
    said = Transcript([Segment(0.0, 30.0, "one two three four five six seven. " * 10)])
    assert said.to_srt().count("-->") > 3
    assert all(len(line) <= 42 for line in said.to_vtt().splitlines())
    assert said.to_srt(split=False).count("-->") == 1
    assert said.save(tmp_path / "a.vtt", split=False).read_text("utf-8") == said.to_vtt(split=False)
    assert said.to_txt().count("\n") == 1
    unknown = tuple(Word(word, float("nan"), float("inf")) for word in said.text.split())
    assert Transcript([dataclasses.replace(said[0], words=unknown)]).to_srt() == said.to_srt()


@pytest.mark.parametrize("kind", ["srt", "vtt", "txt", "json", "csv"])
def test_half_a_character_and_a_terminal_s_command_stop_no_export(kind: str, tmp_path: Path) -> None:
    text = "lone \ud83d \x1b[31mhere"
    transcript = Transcript([Segment(0, 1, text, words=(Word(text, 0, 1),))], [Gap(2, 3, text)])
    saved = transcript.save(tmp_path / f"x.{kind}").read_text(encoding="utf-8")
    assert "\ufffd" in saved
    assert "\x1b" not in saved
    assert "\\u001b" not in saved


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 1e308, 1e12])
def test_a_text_without_a_time_is_refused_only_by_what_cannot_hold_it(time: float) -> None:
    words = (Word("x", 0, time),)
    for transcript in (Transcript([Segment(time, time, "x", words)]), Transcript(missing=[Gap(time, time, "x")])):
        read = Transcript.from_json(transcript.to_json())
        assert (read.text, len(read.missing)) == (transcript.text, len(transcript.missing))
        assert all(row.start == (0 if time != time else 1e9) for row in (*read, *read.missing))
        if time != 1e12:
            with pytest.raises(InputError, match="has no time"):
                transcript.to_srt()
            assert "x" in transcript.to_txt()
            assert "? – ?" in transcript._repr_html_()
            assert repr(transcript)


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Transcript().save("a\0.srt")
