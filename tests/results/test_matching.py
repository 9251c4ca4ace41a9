from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results import Segment
from ipyspeaches.results.matching import match


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
