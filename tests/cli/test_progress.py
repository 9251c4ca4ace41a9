from __future__ import annotations

import io

import pytest

from ipyspeaches.cli.progress import Progress
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
