from __future__ import annotations

import importlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.results.comparison import ComparedRun, Comparison, match
from ipyspeaches.results.records import Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")

SAID = "Good morning everyone. Today we talk."


def run(name: str, *segments: tuple[float, float, str], error: str | None = None) -> ComparedRun:
    latency = Latency()
    transcript = Transcript()
    for number, (start, end, text) in enumerate(segments):
        transcript.append(Segment(start, end, text, item_id=f"{name}{number}"))
        latency.append(item_id=f"{name}{number}", speech_end_s=end, vad_stop_ms=550, commit_ms=560, final_ms=900)
    return ComparedRun(name, transcript, latency, "realtime", "some/model", "silero", (), error)


WELL = run("well", (1.0, 2.0, "Good morning everyone."), (3.0, 4.0, "Today we talk."))
CLIPPED = run("clipped", (1.2, 2.0, "morning everyone"), (3.1, 4, "we walk"))
FAILED = run("failed", (1, 2, "Good"), error="The server went away: start it again.")


def test_a_row_is_a_run_with_its_error_rates_and_medians() -> None:
    frame = Comparison([WELL, CLIPPED, FAILED], SAID).to_pandas().set_index("run")
    assert frame["wer"].tolist()[:2] == [0, 0.5]  # good, today, talk
    assert frame["cer"]["well"] == 0
    assert 0 < frame["cer"]["clipped"] < frame["wer"]["clipped"]
    assert frame["final_ms"].tolist() == [900, 900, 900]
    assert frame["utterances"].tolist() == [2, 2, 1]
    # Half a transcript says nothing about the way it came.
    assert math.isnan(frame["wer"]["failed"])
    assert frame["error"]["failed"] == "The server went away: start it again."
    assert list(frame.columns)[-1] == "error"
    assert frame["on_screen_ms"].isna().all()


def test_without_a_reference_nothing_is_judged_and_one_may_come_later() -> None:
    comparison = Comparison([WELL, CLIPPED])
    assert comparison.error_rate("well") is None
    judged = comparison.against(Transcript([Segment(0, 1, SAID)]))
    assert judged.reference == SAID
    assert [round(rate, 2) for rate in judged.columns()["wer"]] == [0, 0.5]


def test_utterances_are_matched_across_runs() -> None:
    rows = list(Comparison([WELL, CLIPPED, FAILED]).utterances)
    assert [(row.utterance, row.run, row.text) for row in rows] == [
        (0, "well", "Good morning everyone."),
        (0, "clipped", "morning everyone"),
        (0, "failed", "Good"),
        (1, "well", "Today we talk."),
        (1, "clipped", "we walk"),
    ]
    assert rows[0].final_ms == 900
    assert math.isnan(rows[0].first_partial_ms)


def test_every_library_takes_both_tables() -> None:
    comparison = Comparison([WELL, FAILED], SAID)
    for table in (comparison, comparison.utterances, Comparison([]), Comparison([]).utterances):
        assert pl.DataFrame(table).columns == list(table.to_pandas().columns) == table.to_arrow().column_names
    pd.testing.assert_frame_equal(pd.DataFrame(comparison.utterances), comparison.utterances.to_pandas())


def test_names_are_unique() -> None:
    with pytest.raises(InputError, match="same name"):
        Comparison([WELL, WELL])
    assert list(Comparison([WELL, FAILED]).transcripts) == ["well", "failed"]


def test_the_html_marks_what_differs_and_never_becomes_markup() -> None:
    html = Comparison([WELL, CLIPPED, FAILED], SAID)._repr_html_()
    assert ">good</del> morning everyone" in html
    assert ">walk</ins>" in html
    assert "The server went away" in html
    assert "Compared with what was said" in html
    hostile = Comparison([run("<i>x</i>", (0, 1, "<b>a</b>"), error="<u>"), CLIPPED])._repr_html_()
    assert not any(tag in hostile for tag in ("<i>", "<b>", "<u>"))
    assert all(text in hostile for text in ("&lt;i&gt;x", "&lt;b&gt;a", "&lt;u&gt;"))


def test_without_a_reference_the_first_run_that_worked_is_the_measure() -> None:
    html = Comparison([FAILED, WELL, CLIPPED])._repr_html_()
    assert "Compared with “well”" in html
    assert ">good</del> morning everyone" in html
    assert "words wrong" not in html


def test_a_long_comparison_shows_its_beginning() -> None:
    long = run("long", *((2 * n, 2 * n + 1, f"number {n}") for n in range(600)))
    html = Comparison([long])._repr_html_()
    assert "… and 100 more" in html
    assert len(html) < 400_000
    assert "Nothing was compared" in Comparison([])._repr_html_()


def segments(*spans: tuple[float, float]) -> list[Segment]:
    return [Segment(start, end, "x") for start, end in spans]


def test_the_same_speech_has_the_same_number() -> None:
    one, other = segments((1, 2), (3, 4), (8, 9)), segments((0.9, 2.6), (5, 6), (8.1, 8.9))
    assert match([one, other]) == [[0, 1, 3], [0, 2, 3]]


def test_one_run_may_cut_where_another_does_not() -> None:
    assert match([segments((0, 4)), segments((0, 1.5), (2, 4)), segments((0, 4.1))]) == [[0], [0, 0], [0]]


def test_neighbours_that_only_touch_stay_apart() -> None:
    padded = segments((0.0, 2.2), (2.1, 4.0))
    assert match([padded, segments((0, 2), (2.15, 4))]) == [[0, 1], [0, 1]]


def test_runs_without_utterances_are_there() -> None:
    assert match([]) == []
    assert match([[], segments((1, 2))]) == [[], [0]]


SPANS = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5)), max_size=8)


@given(st.lists(SPANS, max_size=4))
def test_numbers_follow_time_and_no_number_is_left_out(runs: list[list[tuple[float, float]]]) -> None:
    transcripts = [segments(*((start, start + length) for start, length in spans)) for spans in runs]
    numbers = match(transcripts)
    first: dict[int, float] = {}
    for own, given_ in zip(transcripts, numbers, strict=True):
        for segment, number in zip(own, given_, strict=True):
            first[number] = min(segment.start, first.get(number, segment.start))
    assert sorted(first) == list(range(len(first)))
    assert [first[number] for number in sorted(first)] == sorted(first.values())
