from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.cli.progress import Progress, columns, tail
from ipyspeaches.session.events import Partial


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_follows_the_words_and_is_left_clean() -> None:
    stream = Terminal()
    with Progress(stream, "talk.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "good\nmorning"))
        assert stream.getvalue().endswith("talk.wav: good morning")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_no_terminal_hears_nothing() -> None:
    stream = io.StringIO()
    with Progress(stream, "talk.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "good morning"))
    assert stream.getvalue() == ""


def test_a_narrow_terminal_shows_the_newest_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    with Progress(stream, "a.wav") as progress:
        progress.show(Partial(1.0, "a", 0.0, "one two three four five"))
        assert stream.getvalue().rpartition("\x1b[K")[2] == "a.wav: …e four five"


@pytest.mark.parametrize(("text", "width"), [("", 0), ("abc", 3), ("你好", 4), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2)])
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width


@given(st.text("abc你好\u0301", max_size=30), st.integers(-3, 40))
def test_the_tail_fits_and_is_an_end(text: str, room: int) -> None:
    kept = tail(text, room)
    assert columns(kept) <= max(room, 0)
    assert text.endswith(kept.removeprefix("…"))
    assert kept == text or columns(text) > room
