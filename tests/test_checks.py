"""What options may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import Check, as_path, check_fields, checked, instance, number, one_of, text
from ipyspeaches.errors import InputError
from ipyspeaches.lines import LinesFile
from ipyspeaches.protocol.address import asked_address
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.vad.labels import read_truth
from ipyspeaches.vad.segments import Segments


@dataclass(frozen=True, slots=True)
class Options:
    name: Any = None
    pace: Any = None
    pad_ms: Any = 10
    way: Any = "a"
    of: Any = None

    def __post_init__(self) -> None:
        checks: dict[str, Check] = {"name": text(), "pace": number(0, 2), "way": one_of(("a", "b"))}
        check_fields(self, **checks, pad_ms=number(0, cure="0 ms or more", whole=True), of=instance(dict, "a dict"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": 3}, "name is no text but int: give text, or None."),
        ({"name": b"x"}, "name is no text but bytes: give text, or None."),
        ({"pace": "fast"}, "pace is 'fast': give a number from 0 to 2."),
        ({"pace": True}, "pace is True: give a number from 0 to 2."),
        ({"pace": [1, 2]}, "pace is [1, 2]: give a number from 0 to 2."),
        ({"pace": 2.5}, "pace is 2.5: give a number from 0 to 2."),
        ({"pace": math.nan}, "pace is nan: give a number from 0 to 2."),
        ({"pad_ms": math.inf}, "pad_ms is inf: give 0 ms or more."),
        ({"pad_ms": 1.5}, "pad_ms is 1.5: give 0 ms or more."),
        ({"pad_ms": None}, "pad_ms is None: give 0 ms or more."),
        ({"way": "c"}, "way is 'c': use one of 'a', 'b'."),
        ({"way": ["a"]}, "way is ['a']: use one of 'a', 'b'."),
        ({"of": 1}, "of is 1: use a dict."),
    ],
)
def test_what_cannot_be_used_is_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        Options(**given)
    assert str(refused.value) == said


def test_none_passes_where_it_is_the_default_and_numbers_become_plain_ones() -> None:
    options = Options(pace=np.float32(0.5), pad_ms=np.int64(3))
    assert options == Options(pace=0.5, pad_ms=3)
    assert (type(options.pace), type(options.pad_ms)) == (float, int)
    assert Options(name=None, pace=None, of=None) == Options()


def test_a_word_may_have_capitals_and_blanks_around_it() -> None:
    assert Options(way=" B\n") == Options(way="b")
    wanted = {"transport": "Chunked", "task": "Translate", "script": "Traditional", "model": " base\n"}
    options = SessionOptions.of({**wanted, "server": [" Embedded ", "EMBEDDED"]})
    asked = options.recognition
    assert (options.route.transport, asked.task, asked.script, asked.model) == (
        "chunked",
        "translate",
        "traditional",
        "base",
    )
    assert (options.server, *options.others) == ("embedded", "embedded")
    assert asked_address(" Embedded") is None


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    transcript, labels = Transcript([Segment(0, 1, "one")]), Segments([(0, 1)])
    assert transcript.save("~/talk.srt") == tmp_path / "talk.srt"
    transcript.to_csv("~/talk.csv")
    labels.to_rttm("~/talk.rttm")
    assert Segments.from_rttm("~/talk.rttm") == labels == read_truth("~/talk.rttm")
    assert Recording.from_array(np.full(160, 9999, np.int16), 16000).save("~/talk.wav") == tmp_path / "talk.wav"
    assert LinesFile("~/rows.jsonl", "it", begins="{").path == tmp_path / "rows.jsonl"
    assert SessionOptions.of({"journal": "~/kept"}).journal == tmp_path / "kept"
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".csv", ".rttm", ".srt", ".wav"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()  # as a shell makes it of quotation marks
    assert as_path("~") == Path("~")
    assert as_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")


@checked
class Shelf:
    def __init__(self, names: Iterable[str], *, width: float = 1.0) -> None:
        self.names, self.width = names, width

    @classmethod
    def of(cls, side: Literal["left", "right"] = "left") -> Shelf:
        return cls([side])

    def put(self, at: int | None, *books: str, spans: Sequence[float] = (), known: Missing | None = None) -> Any:  # type: ignore[name-defined]  # noqa: F821
        return at, books, spans, known

    def joined(self, other: Sequence[Any] | dict[str, Any]) -> Any:
        return other

    __add__ = joined


SHELF: Any = Shelf


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: SHELF("abc"), "names is 'abc': give a list of text."),
        (lambda: SHELF(["a", 3]), "one of names is no text but int: give text."),
        (lambda: SHELF([], width=True), "width is True: give a number."),
        (lambda: SHELF([], width=math.nan), "width is nan: give a number."),
        (lambda: SHELF([], width=10**400), "width is larger than all numbers that are of use: give a number."),
        (lambda: SHELF([]).put(-(10**5000)), "at is int: give a whole number or None."),
        (lambda: SHELF(10**5000), "names is int: give a list of text."),
        (lambda: SHELF([]) + 5, "other is 5: give a list of values or dict(…)."),
        (lambda: SHELF.of("up"), "side is 'up': use one of 'left', 'right'."),
        (lambda: SHELF([]).put(1.5), "at is 1.5: give a whole number or None."),
        (lambda: SHELF([]).put(1, spans=[None]), "one of spans is None: give a number."),
    ],
)
def test_arguments_that_are_not_as_annotated_are_refused_in_a_sentence(call: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        call()
    assert str(refused.value) == said


def test_arguments_that_are_as_annotated_are_given_on_as_plain_values() -> None:
    assert SHELF((name for name in "ab"), width=np.float32(2)).names == ["a", "b"]
    assert SHELF.of("right").names == ["right"]
    put = SHELF([]).put(np.int64(3), "x", spans=np.array([1.5, 2]), known=7)
    assert put == (3, ("x",), [1.5, 2], 7)
    assert type(put[0]) is int
    with pytest.raises(TypeError, match="missing a required argument"):
        SHELF()
