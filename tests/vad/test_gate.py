"""The gate sends speech whole, silence never, no sample twice."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.vad import Closed, Commit, Gate, GateAction, GateOptions, OpenGate, Segmenter, SegmentOptions, Send

HOP, RATE = 768, 24_000
OPTIONS = SegmentOptions(0.5, 0.35, 250, 550, 100, 3.0)


def drive(scores: list[float], options: GateOptions, append: int) -> tuple[list[GateAction], list[Closed]]:
    segmenter, gate = Segmenter(OPTIONS, HOP, RATE), Gate(options, RATE)
    actions: list[GateAction] = []
    closed: list[Closed] = []
    for score in scores:
        events = segmenter.advance([score])
        closed += [event for event in events if isinstance(event, Closed)]
        actions += gate.advance(events, segmenter.position, segmenter.silence_start, append)
    last = segmenter.finish(len(scores) * HOP)
    closed += [event for event in last if isinstance(event, Closed)]
    return actions + gate.advance(last, len(scores) * HOP, None, append), closed


runs = st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.9]), st.integers(1, 60)), max_size=25).map(
    lambda pairs: [score for score, times in pairs for _ in range(times)]
)


@settings(max_examples=200, deadline=None)
@given(scores=runs, append=st.sampled_from([2_400, 4_800, 48_000]), pre_roll=st.sampled_from([0, 300, 1_000]))
def test_every_stretch_of_speech_is_sent_whole_once_and_in_order(
    scores: list[float], append: int, pre_roll: int
) -> None:
    actions, closed = drive(scores, GateOptions(pre_roll, 300), append)
    sends = [action for action in actions if isinstance(action, Send)]
    commits = [action for action in actions if isinstance(action, Commit)]
    assert [(c.start, c.end) for c in commits] == [(c.start, c.end) for c in closed]
    assert [c.utterance for c in commits] == list(range(len(commits)))
    assert all(left.end <= right.start for left, right in itertools.pairwise(sends))
    sent = {sample for send in sends for sample in range(send.start // HOP, -(-send.end // HOP))}
    for segment in closed:
        assert set(range(segment.start // HOP, segment.end // HOP)) <= sent


def test_pre_roll_and_hangover_surround_speech() -> None:
    scores = [0.0] * 50 + [0.9] * 40 + [0.0] * 60
    actions, (segment,) = drive(scores, GateOptions(300, 300), 48_000)
    *sends, commit = actions
    assert isinstance(commit, Commit)
    first, last = sends[0], sends[-1]
    assert isinstance(first, Send)
    assert isinstance(last, Send)
    assert first.start == segment.start - 7_200
    assert last.end == segment.end + 7_200


def test_short_appends_leave_while_speech_goes_on() -> None:
    actions, _ = drive([0.0] * 20 + [0.9] * 60, GateOptions(), 4_800)
    assert sum(isinstance(action, Send) for action in actions) > 8


def test_silence_sends_nothing() -> None:
    assert drive([0.01] * 500, GateOptions(), 4_800) == ([], [])


def test_the_open_gate_sends_everything_in_equal_appends() -> None:
    gate = OpenGate()
    actions = gate.advance(10_000, 4_800) + gate.advance(12_000, 4_800) + gate.advance(12_000, 4_800, last=True)
    assert actions == [Send(0, 4_800), Send(4_800, 9_600), Send(9_600, 12_000)]
