"""What became of the utterances of many sessions, counted and told."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ipyspeaches.results.load_report import LoadError, LoadLevel, LoadReport, SessionOutcome, errors_of, level_of
from ipyspeaches.results.records import Latency
from ipyspeaches.results.segment import Gap, Segment

SPEECH = [Segment(1, 2, ""), Segment(3, 4, ""), Segment(5, 6, "")]
ALONE = [Segment(1, 2, "one two"), Segment(3, 4, "three"), Segment(5, 6, "four")]


def latency(*finals_ms: float, first_ms: float | None = None) -> Latency:
    table = Latency()
    for number, final_ms in enumerate(finals_ms):
        table.append(item_id=str(number), speech_end_s=0, final_ms=final_ms, first_partial_ms=first_ms)
    return table


def level(sessions: int, transport: str = "realtime", **fields: Any) -> LoadLevel:
    outcome = SessionOutcome(ALONE, alone=ALONE, latency=latency(500))
    return level_of(transport, sessions, [outcome] * sessions, SPEECH)._replace(**fields)


def test_what_has_no_text_has_failed_if_somebody_says_so_and_is_lost_if_nobody_does() -> None:
    outcome = SessionOutcome(ALONE[:1], [Gap(2.9, 4.1, "refused")], alone=ALONE)
    counted = level_of("sse", 1, [outcome], SPEECH)
    assert counted[:8] == ("sse", 1, 0, 3, 1, 1, 1, 0)


def test_a_second_text_of_the_same_speech_is_one_too_many_and_two_halves_of_it_are_not() -> None:
    twice = SessionOutcome([Segment(1, 2, "one two"), Segment(1.1, 2.1, "one two"), *ALONE[1:]])
    halves = SessionOutcome([Segment(1, 1.5, "one"), Segment(1.5, 2, "two"), *ALONE[1:]])
    assert [level_of("sse", 1, [one], SPEECH).doubled for one in (twice, halves)] == [1, 0]


def test_windows_that_share_audio_are_no_doubles() -> None:
    windows = [Segment(0, 3, "a"), Segment(1.5, 4.5, "b"), Segment(3, 6, "c")]
    counted = level_of("chunked", 1, [SessionOutcome(windows)], windows)
    assert (counted.final, counted.doubled) == (3, 0)


def test_words_are_compared_where_text_came() -> None:
    well = SessionOutcome(ALONE, alone=ALONE)
    wrong = SessionOutcome([Segment(1, 2, "one too"), Segment(5, 6, "four")], alone=ALONE)
    nothing = SessionOutcome((), alone=ALONE)
    assert level_of("sse", 3, [well, wrong, nothing], SPEECH).words_wrong == pytest.approx(1 / 7)
    assert math.isnan(level_of("sse", 1, [nothing], SPEECH).words_wrong)


def test_two_utterances_in_one_text_are_answered_both() -> None:
    joined = SessionOutcome([Segment(1, 4, "one two three"), ALONE[2]], alone=ALONE)
    counted = level_of("webrtc", 1, [joined], SPEECH)
    assert (counted.final, counted.doubled, counted.words_wrong) == (3, 0, 0)


def test_the_final_text_is_the_first_one_where_there_was_none_before() -> None:
    outcomes = [SessionOutcome(ALONE, latency=latency(900, first_ms=-200)), SessionOutcome(ALONE, latency=latency(700))]
    counted = level_of("sse", 2, outcomes, SPEECH)
    assert (counted.first_p50_ms, counted.final_p50_ms, counted.final_p99_ms) == (250, 800, 898)


def test_errors_are_counted_by_kind_with_the_first_of_their_words() -> None:
    outcomes = [SessionOutcome((), errors=[("busy", "come in 3 s"), ("cut", "gone")], refused=True)] * 2
    counted = level_of("sse", 2, outcomes, SPEECH)
    assert (counted.errors, counted.refused) == (4, 2)
    assert errors_of(counted, outcomes)[0] == ("sse", 2, "busy", 2, "come in 3 s")


def test_a_server_holds_what_is_below_the_first_level_that_fails() -> None:
    levels = [level(1), level(4, failed=1), level(2), level(8), level(1, "sse", final_p95_ms=4000)]
    report = LoadReport(levels, within_s=3)
    assert report.knees == {"realtime": 2, "sse": 0}
    assert not level(1, refused=1).holds(9)
    assert not level(1, doubled=1).holds(9)
    assert not level(1, final_p95_ms=math.nan).holds(9)


def test_a_report_is_a_table_json_and_a_figure() -> None:
    errors = [LoadError("realtime", 4, "busy", 2, "come in 3 s")]
    report = LoadReport([level(1), level(4, failed=3), level(1, "sse")], errors, ["It was late."], within_s=3)
    table = report.to_pandas()
    assert table["sessions"].tolist() == [1, 4, 1]
    assert table["final_p50_ms"].tolist() == [500.0] * 3
    plain = json.loads(report.to_json() or "")
    assert plain["holds"] == {"realtime": 1, "sse": 1}
    assert plain["levels"][1]["server_cores"] is None
    assert [one["holds"] for one in plain["levels"]] == [True, False, True]
    assert plain["errors"][0]["example"] == "come in 3 s"
    drawn = {trace.name for trace in report.plot().data}
    assert {"realtime, P95", "sse, P50", "failed"} <= drawn
    assert LoadReport().plot().data == ()
