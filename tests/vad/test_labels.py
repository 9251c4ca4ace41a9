"""Labels are painted, moved, split, joined, dropped, undone and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.errors import InputError
from ipyspeaches.vad.labels import Labels, labels_path, save_labels
from ipyspeaches.vad.segments import Segments

TWO = Segments([(1, 2), (3, 4)])
LABELS = Labels(TWO)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (2.2, 2.8, [(1, 2), (2.2, 2.8), (3, 4)]),
        (1.5, 2.5, [(1, 2.5), (3, 4)]),
        (3.5, 0.5, [(0.5, 4)]),
        (2, 3, [(1, 4)]),
        (5, 6, [(1, 2), (3, 4), (5, 6)]),
    ],
)
def test_paint(start: float, end: float, expected: list[tuple[float, float]]) -> None:
    assert LABELS.paint(start, end).segments == Segments(expected)


def test_erase() -> None:
    assert LABELS.erase(1.25, 1.5).segments == Segments([(1, 1.25), (1.5, 2), (3, 4)])
    assert LABELS.erase(3.5, 1.5).segments == Segments([(1, 1.5), (3.5, 4)])
    assert LABELS.erase(0, 9).segments == Segments()


def test_edges_stop_at_neighbours_and_at_each_other() -> None:
    assert LABELS.move_edge(0, "end", 2.5).segments == Segments([(1, 2.5), (3, 4)])
    assert LABELS.move_edge(0, "end", 3.5).segments == Segments([(1, 3), (3, 4)])
    assert LABELS.move_edge(1, "start", 0.0).segments == Segments([(1, 2), (2, 4)])
    assert LABELS.move_edge(0, "start", -1).segments == Segments([(0, 2), (3, 4)])
    assert LABELS.move_edge(-1, "start", 7).segments == Segments([(1, 2), (3.99, 4)])
    with pytest.raises(IndexError):
        LABELS.move_edge(2, "end", 5)


def test_split_merge_and_remove() -> None:
    assert LABELS.split(3.5).segments == Segments([(1, 2), (3, 3.5), (3.5, 4)])
    assert LABELS.split(3.5).merge(1).segments == TWO
    assert LABELS.merge(0).segments == Segments([(1, 4)])
    assert LABELS.remove(0).segments == Segments([(3, 4)])
    for time in (1, 2.5, 4):
        with pytest.raises(InputError, match="nothing to split"):
            LABELS.split(time)
    with pytest.raises(IndexError):
        LABELS.merge(1)


edits = st.lists(
    st.one_of(
        st.tuples(st.just("paint"), st.integers(-5, 60), st.integers(-5, 60)),
        st.tuples(st.just("erase"), st.integers(-5, 60), st.integers(-5, 60)),
        st.tuples(st.just("undo"), st.just(0), st.just(0)),
        st.tuples(st.just("redo"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


def apply(labels: Labels, name: str, a: float, b: float) -> Labels:
    return {
        "paint": lambda: labels.paint(a, b),
        "erase": lambda: labels.erase(a, b),
        "undo": labels.undo,
        "redo": labels.redo,
    }[name]()


@settings(deadline=None)
@given(steps=edits)
def test_undo_goes_all_the_way_back_and_redo_all_the_way_forth(steps: list[tuple[str, int, int]]) -> None:
    labels = Labels(TWO, 5.0)
    for name, a, b in steps:
        labels = apply(labels, name, a / 10, b / 10)
        labels.segments.check(5.0)
    back = labels
    while back.can_undo:
        back = back.undo()
    assert back.segments == TWO
    while back.can_redo:
        back = back.redo()
    # What was undone when the steps ended is done again too.
    while labels.can_redo:
        labels = labels.redo()
    assert back.segments == labels.segments


def test_an_edit_that_changes_nothing_is_no_step_and_an_edit_forgets_the_future() -> None:
    labels = Labels(TWO, 5.0)
    assert not labels.paint(1.2, 1.8).can_undo
    assert labels.undo() is labels
    assert labels.redo() is labels
    undone = labels.remove(0).undo()
    assert undone.can_redo
    assert not undone.split(1.5).can_redo
    assert undone.replace_all(Segments([(0, 1)])).undo().segments == TWO
    assert labels.move_edge(0, "end", 2.5).merge(0).segments == Segments([(1, 4)])


def test_labels_of_any_file_can_be_edited() -> None:
    assert Labels(Segments([(3, 9), (-1, 2), (1, 2.5)]), 5.0).segments == Segments([(0, 2.5), (3, 5)])


def test_labels_are_kept_beside_the_recording(tmp_path: Path) -> None:
    file = labels_path(tmp_path / "my talk.flac")
    assert file.name == "my talk.truth.rttm"
    save_labels(TWO, file)
    save_labels(TWO[:1], file)
    assert Segments.from_rttm(file) == TWO[:1]
    assert list(tmp_path.iterdir()) == [file]


def test_labels_that_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be saved .* segments.to_rttm"):
        save_labels(TWO, tmp_path / "no folder" / "x.rttm")
    taken = tmp_path / "taken.truth.rttm"
    taken.mkdir()
    with pytest.raises(InputError, match="cannot be saved"):
        save_labels(TWO, taken)
    assert list(tmp_path.iterdir()) == [taken]
