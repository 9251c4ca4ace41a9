"""Cuts by the clock: no speech is left out, none is told twice, silence is not sent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.vad import Closed, Commit, GateAction, Segmenter, SegmentOptions, Send, WindowGate
from ipyspeaches.vad.windows import OVERLAP_S

HOP, RATE = 768, 24_000
OPTIONS = SegmentOptions(0.5, 0.35, 250, 550, 100, 30.0)


def drive(
    scores: list[float], chunk_s: float, block: int = 3, options: SegmentOptions = OPTIONS
) -> tuple[list[tuple[Send, Commit]], list[Closed]]:
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
    for send, commit in zip(actions[::2], actions[1::2], strict=True):
        assert isinstance(send, Send)
        assert isinstance(commit, Commit)
        windows.append((send, commit))
    return windows, closed


def frames(seconds: float) -> int:
    return round(seconds * RATE / HOP)


def talk(*parts: tuple[float, float]) -> list[float]:
    """Return scores: seconds of silence, seconds of speech, again and again."""
    return [score for silence, speech in parts for score in [0.0] * frames(silence) + [0.9] * frames(speech)]


runs = st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.9]), st.integers(1, 90)), max_size=25).map(
    lambda pairs: [score for score, times in pairs for _ in range(times)]
)


@settings(max_examples=200, deadline=None)
@given(
    scores=runs,
    chunk_s=st.sampled_from([1.0, 2.5, 5.0]),
    block=st.sampled_from([1, 7, 200]),
    min_speech=st.sampled_from([100, 250, 1_500]),
)
def test_all_speech_is_sent_and_belongs_to_one_window(
    scores: list[float], chunk_s: float, block: int, min_speech: int
) -> None:
    options = SegmentOptions(0.5, 0.35, min_speech, 550, 100, 30.0)
    windows, closed = drive(scores, chunk_s, block, options)
    assert [commit.utterance for _, commit in windows] == list(range(len(windows)))
    for send, commit in windows:
        assert send.start <= commit.start < commit.end <= send.end
        assert commit.seam is None or commit.end <= commit.seam < send.end
    overlap = min(OVERLAP_S, chunk_s / 2) * RATE
    for (before, one), (after, two) in itertools.pairwise(windows):
        assert one.end <= two.start
        assert one.seam is None or one.seam <= two.start
        # Sound is repeated only around a seam, and by no more than the overlap.
        shared = before.end - after.start
        assert shared <= overlap if one.seam is not None else overlap / 2
    for speech in closed:
        parts = [
            (max(commit.start, speech.start), min(commit.end, speech.end))
            for _, commit in windows
            if commit.start < speech.end and commit.end > speech.start
        ]
        assert parts, speech
        assert (parts[0][0], parts[-1][1]) == (speech.start, speech.end)
        for (_, left), (right, _) in itertools.pairwise(parts):
            assert max(scores[left // HOP : right // HOP], default=0) < 0.5  # nothing but a pause


def test_speech_that_is_not_yet_long_enough_at_the_cut_belongs_to_the_window_that_is_sent_anyway() -> None:
    options = SegmentOptions(0.5, 0.35, 1_500, 550, 100, 30.0)
    scores = [0.0] * 47 + [0.9] * 90 + [0.0] * 51 + [0.9] * 48
    windows, closed = drive(scores, 2.5, 1, options)
    cut = 180_000
    assert closed[-1].start < cut < closed[-1].end
    assert [(commit.start, commit.end) for _, commit in windows[-2:]] == [(105_000, 165_000), (165_000, closed[-1].end)]


def test_windows_are_cut_by_the_clock_and_overlap_where_speech_goes_on() -> None:
    windows, _ = drive(talk((0, 12)), 5)
    edges = [edge / RATE for send, _ in windows for edge in (send.start, send.end)]
    assert edges == pytest.approx([0, 5, 3.5, 10, 8.5, 12], abs=HOP / RATE)
    assert [commit.seam for _, commit in windows] == [4.25 * RATE, 9.25 * RATE, None]


def test_a_pause_at_the_cut_needs_no_seam() -> None:
    windows, _ = drive(talk((0.5, 3), (3, 2)), 5)
    (first, one), (second, two) = windows
    assert one.seam is None
    assert first.end == 5 * RATE
    assert second.start == 4.25 * RATE
    assert two.start / RATE == pytest.approx(6.5, abs=HOP / RATE)


def test_silence_is_not_sent() -> None:
    assert drive(talk((60, 0)), 5) == ([], [])
    windows, _ = drive([*talk((1, 2), (17, 2)), *talk((10, 0))], 5)
    assert [round(send.end / RATE) for send, _ in windows] == [5, 25]


def test_a_word_that_lasts_to_the_cut_is_sent_by_one_window_only() -> None:
    windows, _ = drive([*talk((1, 3.2)), *talk((10, 0))], 5)
    ((send, commit),) = windows
    assert commit.seam is None
    assert (send.start, send.end) == (0, 5 * RATE)


def test_speech_that_is_certain_late_is_fetched_from_the_window_before() -> None:
    options = SegmentOptions(0.5, 0.35, 2_000, 550, 100, 30.0)
    windows, (speech,) = drive([*talk((3.5, 3)), *talk((5, 0))], 5, options=options)
    ((send, commit),) = windows
    assert commit.start == speech.start
    assert send.start / RATE == pytest.approx(3.2, abs=HOP / RATE)


def test_a_pause_of_the_session_starts_the_clock_anew() -> None:
    segmenter, gate = Segmenter(OPTIONS, HOP, RATE), WindowGate(5, RATE)
    events = segmenter.advance([0.9] * frames(2))
    end = segmenter.position
    speech = segmenter.open_speech
    events += segmenter.finish(end)
    send, commit = gate.advance(events, end, speech, last=True)
    assert send == Send(0, end)
    assert isinstance(commit, Commit)
    assert commit.seam is None
    later = Segmenter(OPTIONS, HOP, RATE, end)
    events = later.advance([0.9] * frames(5.1))
    send, commit = gate.advance(events, later.position, later.open_speech)
    assert send == Send(end, end + 5 * RATE)
