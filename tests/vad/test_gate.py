"""The gates send all speech and hardly any silence: by a detector no sample twice, by the clock no word twice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.vad.gate import OVERLAP_S, Cut, Gate, GateAction, GateOptions, Send, Utterance, WindowGate
from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions

HOP, RATE = 768, 24_000


def scores_of(longest: int) -> st.SearchStrategy[list[float]]:
    """Return runs of silence, of what may be either, and of speech."""
    return st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.9]), st.integers(1, longest)), max_size=25).map(
        lambda pairs: [score for score, times in pairs for _ in range(times)]
    )


def test_utterances_that_are_joined_span_all_of_them_and_are_named_by_the_last() -> None:
    first, second, third = Utterance(3, 10, 20), Utterance(4, 30, 40), Utterance(5, 50, 60, counts_until=58)
    both = first.joined_with(second)
    assert both == Utterance(4, 10, 40, parts=(first, second))
    for joined in (both.joined_with(third), first.joined_with(second.joined_with(third))):
        assert joined == Utterance(5, 10, 60, counts_until=58, parts=(first, second, third))
        assert joined.first == first
    assert first.first is first


def test_an_utterance_has_its_times_in_seconds() -> None:
    utterance = Utterance(0, 12_000, 36_000)
    assert (utterance.start_s, utterance.end_s) == (0.5, 1.5)


# By a detector

DETECTED = SegmentOptions(0.5, 0.35, 250, 550, 100, 3.0)


def by_detector(scores: list[float], options: GateOptions, block: int = 1) -> tuple[list[GateAction], list[Closed]]:
    segmenter, gate = Segmenter(DETECTED, HOP, RATE), Gate(options, RATE)
    actions: list[GateAction] = []
    closed: list[Closed] = []
    for at in range(0, len(scores), block):
        events = segmenter.advance(scores[at : at + block])
        closed += [event for event in events if isinstance(event, Closed)]
        actions += gate.advance(events, segmenter.position, segmenter.silence_start)
    last = segmenter.finish(len(scores) * HOP)
    closed += [event for event in last if isinstance(event, Closed)]
    return actions + gate.advance(last, len(scores) * HOP, None), closed


@settings(max_examples=200, deadline=None)
@given(scores=scores_of(60), block=st.sampled_from([1, 3, 60]), pre_roll=st.sampled_from([0, 300, 1_000]))
def test_every_stretch_of_speech_is_sent_whole_once_and_in_order(
    scores: list[float], block: int, pre_roll: int
) -> None:
    actions, closed = by_detector(scores, GateOptions(pre_roll, 300), block)
    sends = [action for action in actions if isinstance(action, Send)]
    utterances = [action for action in actions if isinstance(action, Utterance)]
    assert [replace(utterance, audio_end=None) for utterance in utterances] == [
        Utterance(number, segment.start, segment.end, Cut.DETECTOR) for number, segment in enumerate(closed)
    ]
    assert all(each.audio_end is None or each.end <= each.audio_end for each in utterances)
    assert all(left.end <= right.start for left, right in itertools.pairwise(sends))
    sent = {sample for send in sends for sample in range(send.start // HOP, -(-send.end // HOP))}
    for segment in closed:
        assert set(range(segment.start // HOP, segment.end // HOP)) <= sent


def test_pre_roll_and_hangover_surround_speech() -> None:
    scores = [0.0] * 50 + [0.9] * 40 + [0.0] * 60
    actions, (segment,) = by_detector(scores, GateOptions(300, 300))
    *sends, utterance = actions
    assert isinstance(utterance, Utterance)
    first, last = sends[0], sends[-1]
    assert isinstance(first, Send)
    assert isinstance(last, Send)
    assert first.start == segment.start - 7_200
    assert last.end == segment.end + 7_200


def test_speech_that_is_split_at_a_pause_leaves_what_follows_the_pause_to_the_next_utterance() -> None:
    speech, pause = [0.9] * 40, [0.0] * 8
    actions, (first, second) = by_detector([*speech, *pause, *speech, *speech], GateOptions(300, 100))
    utterances = [action for action in actions if isinstance(action, Utterance)]
    assert [(each.start, each.end) for each in utterances] == [(first.start, first.end), (second.start, second.end)]
    assert (first.end, second.start) == (40 * HOP, 48 * HOP)
    assert [each.audio_end for each in utterances] == [first.end + 2_400, None]


def test_audio_leaves_while_speech_goes_on() -> None:
    actions, closed = by_detector([0.0] * 20 + [0.9] * 60, GateOptions())
    before = actions[:-2]  # all but what the end brought
    assert len(closed) == 1
    assert sum(isinstance(action, Send) for action in before) > 8


def test_silence_within_an_utterance_is_held_back_until_speech_goes_on() -> None:
    segmenter, gate = Segmenter(DETECTED, HOP, RATE), Gate(GateOptions(300, 100), RATE)
    ends = []
    for scores in ([0.9] * 40, [0.0] * 10, [0.9] * 2):
        gate.advance(segmenter.advance(scores), segmenter.position, segmenter.silence_start)
        ends.append(gate.sent)
    assert ends == [40 * HOP, 40 * HOP + 2_400, 52 * HOP]


def test_the_detector_hears_silence_and_nothing_is_sent() -> None:
    assert by_detector([0.01] * 500, GateOptions()) == ([], [])


# By the clock

LONG = SegmentOptions(0.5, 0.35, 250, 550, 100, 30.0)


def by_clock(
    scores: list[float], chunk_s: float, block: int = 3, options: SegmentOptions = LONG
) -> tuple[list[tuple[Send, Utterance]], list[Closed]]:
    segmenter, gate = Segmenter(options, HOP, RATE), WindowGate(chunk_s, RATE)
    actions: list[GateAction] = []
    closed: list[Closed] = []
    for at in range(0, len(scores), block):
        events = segmenter.advance(scores[at : at + block])
        closed += [event for event in events if isinstance(event, Closed)]
        actions += gate.advance(events, segmenter.position, segmenter.open_speech)
    end = len(scores) * HOP
    speech = segmenter.open_speech
    if speech is not None and speech.certain:
        closed.append(Closed(speech.start, end if speech.silence_start is None else speech.silence_start))
    actions += gate.advance(segmenter.finish(end), end, speech, last=True)
    windows = []
    for send, utterance in zip(actions[::2], actions[1::2], strict=True):
        assert isinstance(send, Send)
        assert isinstance(utterance, Utterance)
        assert utterance.cut is Cut.CLOCK
        windows.append((send, utterance))
    return windows, closed


def frames(seconds: float) -> int:
    return round(seconds * RATE / HOP)


def talk(*parts: tuple[float, float]) -> list[float]:
    """Return scores: seconds of silence, seconds of speech, again and again."""
    return [score for silence, speech in parts for score in [0.0] * frames(silence) + [0.9] * frames(speech)]


@settings(max_examples=200, deadline=None)
@given(
    scores=scores_of(90),
    chunk_s=st.sampled_from([1.0, 2.5, 5.0]),
    block=st.sampled_from([1, 7, 200]),
    min_speech=st.sampled_from([100, 250, 1_500]),
)
def test_all_speech_is_sent_and_belongs_to_one_window(
    scores: list[float], chunk_s: float, block: int, min_speech: int
) -> None:
    options = SegmentOptions(0.5, 0.35, min_speech, 550, 100, 30.0)
    windows, closed = by_clock(scores, chunk_s, block, options)
    assert [utterance.number for _, utterance in windows] == list(range(len(windows)))
    for send, utterance in windows:
        assert send.start <= utterance.start < utterance.end <= send.end
        assert utterance.counts_until is None or utterance.end <= utterance.counts_until < send.end
    overlap = min(OVERLAP_S, chunk_s / 2) * RATE
    for (before, one), (after, two) in itertools.pairwise(windows):
        assert one.end <= two.start
        assert one.counts_until is None or one.counts_until <= two.start
        # Audio is repeated only where the words of one window end to count, and by no more than the overlap.
        shared = before.end - after.start
        assert shared <= overlap if one.counts_until is not None else overlap / 2
    for speech in closed:
        parts = [
            (max(utterance.start, speech.start), min(utterance.end, speech.end))
            for _, utterance in windows
            if utterance.start < speech.end and utterance.end > speech.start
        ]
        assert parts, speech
        assert (parts[0][0], parts[-1][1]) == (speech.start, speech.end)
        for (_, left), (right, _) in itertools.pairwise(parts):
            assert max(scores[left // HOP : right // HOP], default=0) < 0.5  # nothing but a pause


def test_speech_that_is_not_yet_long_enough_at_the_cut_belongs_to_the_window_that_is_sent_anyway() -> None:
    options = SegmentOptions(0.5, 0.35, 1_500, 550, 100, 30.0)
    scores = [0.0] * 47 + [0.9] * 90 + [0.0] * 51 + [0.9] * 48
    windows, closed = by_clock(scores, 2.5, 1, options)
    cut = 180_000
    assert closed[-1].start < cut < closed[-1].end
    edges = [(utterance.start, utterance.end) for _, utterance in windows[-2:]]
    assert edges == [(105_000, 165_000), (165_000, closed[-1].end)]


def test_windows_are_cut_by_the_clock_and_overlap_where_speech_goes_on() -> None:
    windows, _ = by_clock(talk((0, 12)), 5)
    edges = [edge / RATE for send, _ in windows for edge in (send.start, send.end)]
    assert edges == pytest.approx([0, 5, 3.5, 10, 8.5, 12], abs=HOP / RATE)
    assert [utterance.counts_until for _, utterance in windows] == [4.25 * RATE, 9.25 * RATE, None]


def test_a_pause_at_the_cut_needs_no_overlap() -> None:
    windows, _ = by_clock(talk((0.5, 3), (3, 2)), 5)
    (first, one), (second, two) = windows
    assert one.counts_until is None
    assert first.end == 5 * RATE
    assert second.start == 4.25 * RATE
    assert two.start / RATE == pytest.approx(6.5, abs=HOP / RATE)


def test_no_words_are_left_to_a_window_that_is_not_sent() -> None:
    # A click at the cut, which is too short to be speech.
    ((send, utterance),), _ = by_clock([*talk((0.5, 3.5), (0.9, 0.1)), *talk((10, 0))], 5)
    assert (send.end, utterance.counts_until) == (5 * RATE, None)


def test_windows_of_silence_are_not_sent() -> None:
    assert by_clock(talk((60, 0)), 5) == ([], [])
    windows, _ = by_clock([*talk((1, 2), (17, 2)), *talk((10, 0))], 5)
    assert [round(send.end / RATE) for send, _ in windows] == [5, 25]


def test_a_word_that_lasts_to_the_cut_is_sent_by_one_window_only() -> None:
    windows, _ = by_clock([*talk((1, 3.2)), *talk((10, 0))], 5)
    ((send, utterance),) = windows
    assert utterance.counts_until is None
    assert (send.start, send.end) == (0, 5 * RATE)


def test_speech_that_is_certain_late_is_fetched_from_the_window_before() -> None:
    options = SegmentOptions(0.5, 0.35, 2_000, 550, 100, 30.0)
    windows, (speech,) = by_clock([*talk((3.5, 3)), *talk((5, 0))], 5, options=options)
    ((send, utterance),) = windows
    assert utterance.start == speech.start
    assert send.start / RATE == pytest.approx(3.2, abs=HOP / RATE)


def test_a_pause_of_the_session_starts_the_clock_anew() -> None:
    segmenter, gate = Segmenter(LONG, HOP, RATE), WindowGate(5, RATE)
    events = segmenter.advance([0.9] * frames(2))
    end = segmenter.position
    speech = segmenter.open_speech
    events += segmenter.finish(end)
    send, utterance = gate.advance(events, end, speech, last=True)
    assert send == Send(0, end)
    assert isinstance(utterance, Utterance)
    assert utterance.counts_until is None
    later = Segmenter(LONG, HOP, RATE, end)
    events = later.advance([0.9] * frames(5.1))
    send, utterance = gate.advance(events, later.position, later.open_speech)
    assert send == Send(end, end + 5 * RATE)
