"""Whatever stands in a file of labels, a transcript or a sweep: what can be used, or an `InputError`, at once."""

from __future__ import annotations

import random
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.results import Segment, Transcript, Word
from ipyspeaches.vad import Segments
from ipyspeaches.vad.label_files import MAX_TIME_S
from ipyspeaches.vad.sweeps import SweepFile

SEED: Final = 20261128
INPUTS: Final = 600
"""For each parser."""

TALK: Final = Segments([(0.5, 2.25), (3, 4)])
SWEEP: Final = (
    '{"sweep":1,"subject":["a"]}\n{"recording":0,"vad":"x","result":[[1.0,0.5,0.25,8.0],[2,2,0,0,0,0,2,0.1,2,-0.1]]}\n'
)
JSON: Final = Transcript([Segment(0, 1, "café", (Word("café", 0, 1, 0.5),), "fr", "a"), Segment(1, 2, "x")]).to_json()
FORMATS: Final[dict[str, tuple[Callable[[Path], object], str]]] = {
    "rttm": (
        Segments.from_rttm,
        (TALK.to_rttm(uri="my talk") or "") + ";; é\nSPEAKER my talk 1 1 2 <NA> <NA> A <NA> <NA>\n",
    ),
    "audacity": (Segments.from_audacity, (TALK.to_audacity() or "") + "\\\t100,0\t200,0\n5,0\t6,0\t会\u2028\n"),
    "csv": (Segments.from_csv, 'start;end;text\n0,5;1;"a ""b"" é"\n2.5;3;c\n'),
    "textgrid": (Segments.from_textgrid, (TALK.to_textgrid(duration=5) or "").replace("speech", "é x")),
    "short": (Segments.from_textgrid, TALK.to_textgrid(duration=5, short=True) or ""),
    "json": (lambda path: Transcript.from_json(path.read_bytes()), JSON),
    "sweep": (lambda path: SweepFile(path, ["a"]).close(), SWEEP),
}
_SIGNS = '\n|\r|\r\n|\t| |;|,|"|""|<|>|<NA>|[|]|{|}|!|\\|\0|\f|\x1c|\x85|\u2028|\u00e9|\ufeff|\u0663|\u00b2'
_WORDS = "1e308|9e999999|1e999999999999|-1|-0|nan|Infinity|1_0|0x1|null|true|\\ud800|999999999 |SPEAKER |<exists>|sep=;"
_BYTES = (b"\xe9", b"\xff\xfe", b"\xfe\xff", b"\xc4\xe3", b"\xed\xa0\x80")
_LONG = ("9" * 5000, "0." + "1" * 5000, "[" * 5000, '{"a":' * 5000, '"' * 3000, "<a" * 2000, "x" * 140_000)
NASTY: Final = (*(text.encode() for text in (*_SIGNS.split("|"), *_WORDS.split("|"), *_LONG)), *_BYTES)


def mutated(valid: bytes, chance: random.Random) -> bytes:
    data = bytearray(valid)
    if not chance.randrange(10):
        data = bytearray(valid.decode().encode(chance.choice(["utf-16", "utf-16-le", "gb18030", "utf-32", "utf-7"])))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((0, 1, 1, 4, 40)))
        match chance.randrange(5):
            case 0:
                data[at:to] = chance.choice(NASTY)
            case 1:
                data[at:at] = chance.choice(NASTY)
            case 2:
                data[at:to] = b""
            case 3:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case _:
                data[at:to] = chance.randbytes(to - at)
    return bytes(data)


def check(found: object) -> None:
    """Check what a parser gives: it must be usable by all that comes after."""
    if isinstance(found, Segments):
        assert np.isfinite(found.start).all()
        assert (found.start <= found.end).all()
        assert (found.end <= 2 * MAX_TIME_S).all()
        found.normalised().to_rttm()
    elif isinstance(found, Transcript):
        results: list[Any] = [found.to_srt().encode(), found.to_vtt(), found.to_csv(), found.to_json(), found.columns()]
        assert len(results) == 5
        found._repr_html_().encode()


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_but_input_errors(name: str, tmp_path: Path) -> None:
    read, text = FORMATS[name]
    valid, file, chance = text.encode(), tmp_path / "labels", random.Random(f"{SEED} {name}")
    file.write_bytes(valid)
    check(read(file))
    refused, longest, slowest = 0, 0, 0.0
    tracemalloc.start()
    for number in range(INPUTS):
        data = mutated(valid, chance)
        file.write_bytes(data)
        begin = time.process_time()
        try:
            with warnings.catch_warnings(action="ignore"):
                check(read(file))
        except InputError as exc:
            refused += 1
            longest = max(longest, len(str(exc)))
        except Exception as exc:
            raise AssertionError(f"input {number} of seed {SEED}: {data[:500]!r}") from exc
        slowest = max(slowest, time.process_time() - begin)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert INPUTS // 10 < refused < INPUTS  # the inputs are neither harmless nor rubbish
    assert longest < 1_000  # a message is a sentence, whatever the file holds
    assert slowest < 5
    assert peak < 100 * 2**20
