from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.protocol.realtime.timeline import Timeline

RATE = 24_000
PIECES = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 5_000), st.integers(0, 300)), min_size=1, max_size=20)


@settings(deadline=None)
@given(PIECES)
def test_every_sample_is_found_where_it_was(pieces: list[tuple[int, int, int]]) -> None:
    timeline = Timeline()
    start, where = 0, []
    for gap, length, padding in pieces:
        start += gap
        where.append((timeline.position, start, length))
        timeline.append(start, length)
        if padding:
            timeline.pad(padding)
        start += length
    for position, sample, length in where:
        for offset in {0, length // 2, length - 1}:
            assert timeline.sample_at(position + offset) == sample + offset
            assert timeline.sample_at(position + offset + 1, ending=True) == sample + offset + 1


@settings(deadline=None)
@given(PIECES, st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_any_time_that_a_server_may_claim_lies_in_the_session(
    pieces: list[tuple[int, int, int]], start_ms: float, end_ms: float
) -> None:
    timeline = Timeline()
    sent = 0
    for _, length, _ in pieces:
        timeline.append(sent, length)
        sent += length
    buffer = timeline.cut_at(end_ms)
    start, end = timeline.span(buffer, start_ms, end_ms)
    assert 0 <= start <= end <= sent


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(80, 200))
def test_buffers_of_a_server_follow_each_other_without_drift(appends: list[int], length_ms: int) -> None:
    """A server reports whole milliseconds and ends a buffer only where an append ended."""
    timeline = Timeline()
    length = length_ms * RATE // 1000 + 1
    for count in appends:
        begin = timeline.position
        for _ in range(count):
            timeline.append(timeline.position, length)
        buffer = timeline.cut_at((timeline.position - begin) * 1000 // RATE)
        assert (buffer.begin, buffer.end) == (begin, timeline.position)


def test_a_server_may_end_a_buffer_within_an_append() -> None:
    timeline = Timeline()
    for _ in range(40):
        timeline.append(timeline.position, 4800)
    for begin_ms, length_ms in ((0, 2592), (2592, 3968), (6560, 1000)):
        buffer = timeline.cut_at(length_ms)
        assert (buffer.begin, buffer.end) == (begin_ms * 24, (begin_ms + length_ms) * 24)


def test_times_restart_at_every_buffer() -> None:
    timeline = Timeline()
    for _ in range(40):
        timeline.append(timeline.position, 2400)
    first = timeline.cut_at(3900)
    assert timeline.at(timeline.current, 0) == 3.9
    timeline.append(timeline.position, 24_000)
    assert timeline.at(timeline.current, 500) == 4.4
    assert timeline.span(first, 960) == (23_040, 93_600)


def test_a_gap_lies_between_the_end_of_one_stretch_and_the_start_of_the_next() -> None:
    timeline = Timeline()
    timeline.append(0, 2400)
    timeline.append(24_000, 2400)
    buffer = timeline.cut()
    assert timeline.at(buffer, 100) == 1.0
    assert timeline.at(buffer, 100, ending=True) == 0.1
    assert timeline.span(buffer) == (0, 26_400)


def test_zeros_take_no_session_time() -> None:
    timeline = Timeline()
    timeline.append(0, 2400)
    timeline.pad(2400)
    first = timeline.cut_at(200)
    timeline.append(2400, 2400)
    assert timeline.span(first) == (0, 2_400)
    assert timeline.at(timeline.current, 50) == 0.15


def test_a_late_end_moves_all_that_follow_up_to_the_next_clear() -> None:
    timeline = Timeline()
    for _ in range(20):
        timeline.append(timeline.position, 2400)
    first = timeline.cut_at(500)
    second = timeline.cut_at(300)
    timeline.extend(first, 700)
    assert (first.end, second.begin, second.end) == (7 * 2400, 7 * 2400, 10 * 2400)
    assert timeline.current.begin == 10 * 2400
    timeline.extend(first, 600)
    assert first.end == 7 * 2400
    timeline.restart_at(15 * 2400)
    timeline.extend(first, 900)
    assert second.begin == 9 * 2400
    assert timeline.current.begin == 15 * 2400


def test_an_end_that_is_still_open_cannot_be_moved() -> None:
    timeline = Timeline()
    timeline.append(0, 4800)
    timeline.extend(timeline.current, 100)
    assert timeline.current.end is None


def test_what_has_its_text_is_forgotten() -> None:
    timeline = Timeline()
    for number in range(100):
        timeline.append(number * 10_000, 2400)
        timeline.forget(timeline.cut())
    assert len(timeline._pieces) <= 2
    assert len(timeline._buffers) == 1


def test_sound_at_another_rate_than_the_clock_is_measured_on_the_clock() -> None:
    timeline, other = Timeline(), Timeline()
    for number in range(20):
        timeline.append(number * 2400, 1600)
        other.append(number * 1600, 1600)
    assert timeline.sent_seconds(timeline.current) == (19 * 2400 + 1600) / RATE
    assert other.sent_seconds(other.current) == 20 * 1600 / RATE


def test_silence_that_was_not_sent_is_not_counted() -> None:
    timeline = Timeline()
    for number in range(12):
        timeline.append(number * 2400 + (100_000 if number > 5 else 0), 2400)
    assert timeline.sent_seconds(timeline.current) == 1.2
