"""Every public function, constructor and method, with values that no parameter of its kind can be."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np
import pytest

import ipyspeaches as sp
from ipyspeaches.errors import SpeachesError
from ipyspeaches.results.comparison import ComparedRun
from ipyspeaches.results.diarization import Diarization
from ipyspeaches.results.records import Latency
from ipyspeaches.vad.scores import Scores


class Nothing(Coroutine[None, None, None]):
    """A coroutine that does nothing; what `asyncio.sleep` gives warns where it is collected and never awaited."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()

    def send(self, _value: None) -> None:
        raise StopIteration

    def throw(self, *error: Any) -> None:
        raise error[0]

    def close(self) -> None:
        """Nothing to close."""


RECORDING: Final = sp.Recording(np.full(16_000, 900, np.int16), 16_000)
TRUTH: Final = sp.Segments([(0.2, 0.6)])
SCORES: Final = Scores(np.linspace(0, 1, 50).astype(np.float32), 320, 16_000, 16_000)
NOWHERE: Final = "http://127.0.0.1:9"

WRONG: Final[dict[str, Any]] = {
    "None": None,
    "int": 7,
    "nan": math.nan,
    "bool": True,
    "str": "x",
    "list": ["x"],
    "bytes": b"x",
    "objects": np.array([object(), None], dtype=object),
    "object": object(),
}

# What a parameter of this name may be, wherever it occurs.
GIVEN: Final[dict[str, Any]] = {
    "a": 0.1,
    "b": 0.5,
    "start": 0.1,
    "end": 0.5,
    "time": 0.3,
    "time_s": 0.0,
    "at_s": 0.0,
    "time_or_index": 0,
    "low": 0.1,
    "high": 0.9,
    "duration": 1.0,
    "duration_s": 5.0,
    "rate": 16_000,
    "snr_db": 10.0,
    "threshold": 0.5,
    "index": 0,
    "first": 0,
    "number": 0,
    "id": 5,
    "segment_id": 5,
    "hop": 320,
    "origin": 0,
    "edge": "start",
    "collar": 0.0,
    "recording": RECORDING,
    "audio": RECORDING,
    "truth": TRUTH,
    "segments": TRUTH,
    "other": TRUTH,
    "noise": "white",
    "scores": SCORES,
    "vad": sp.EnergyVad(),
    "detector": sp.EnergyVad(),
    "noises": ["white"],
    "path": "x.rttm",
    "folder": ".",
    "files": RECORDING,
    "take": "x",
    "text": "x",
    "reason": "x",
    "word": "x",
    "name": "x",
    "item_id": "x",
    "kind": "srt",
    "reference": "a b",
    "hypothesis": "a c",
    "language": "en",
    "script": None,
    "url": NOWHERE,
    "server": NOWHERE,
    "model": "x",
    "metric": "f1",
    "segment": sp.Segment(0, 1, "x"),
    "diarization": Diarization(),
    "runs": [],
    "samples": np.zeros(9, np.int16),
    "source": RECORDING,
    "listener": print,
    "item_ids": ["x"],
    "changes": {},
    "turn_detection": sp.TurnDetection(),
    "timeout": 1.0,
    "coroutine": Nothing(),
}
OF: Final[dict[str, dict[str, Any]]] = {
    "noise_bench": {"snr_db": [10], "duration_s": 5.0, "noises": ["white"]},
    "sweep": {"threshold": [400]},
    "transcribe": {"server": NOWHERE},
    "transcribe_many": {"server": NOWHERE},
}


def _marked() -> sp.Session:
    session = sp.Session(RECORDING)
    session.mark()
    return session


INSTANCES: Final[dict[str, Callable[[], Any]]] = {
    "Between": lambda: sp.Between(0, 1),
    "Comparison": lambda: sp.Comparison([ComparedRun("x", sp.Transcript(), Latency())]),
    "Labels": lambda: sp.Labels(sp.Segments([(0.2, 0.4), (0.6, 0.8)]), 1.0),
    "Recording": lambda: RECORDING,
    "Segments": lambda: TRUTH,
    "Server": lambda: sp.Server(NOWHERE, transport=httpx2.MockTransport(lambda _request: httpx2.Response(404))),
    "Session": _marked,
    "VadLab": lambda: sp.VadLab(RECORDING, detectors=[sp.EnergyVad()]),
    "Transcript": lambda: sp.Transcript([sp.Segment(0, 1, "x", id=5)]),
}
# Between a detector and who drives it frame by frame, where a check would cost more than the work.
INNER: Final = re.compile(r"Vad\.(check_frames|hop|prepare|scorer|segmenter)$|^Between\.draw$|^Session\.painted$")
# What is right although the annotation has no word for it.
RIGHT: Final = {
    *((kind, name, "nan") for kind in ("Word", "Segment") for name in ("start", "end", "probability", "latency_s")),
}
KINDS: Final = {
    "str": {"str"},
    "float": {"int"},
    "int": {"int"},
    "None": {"None"},
    "bytes": {"bytes"},
    "Path": {"str"},
    "Edge": set(),
    "Recording": set(),
    "Segments": set(),
    "Detector": set(),
    "Scores": set(),
    "Executor": set(),
    "Take": set(),
    "Segment": set(),
    "Diarization": set(),
    "Transcript": set(),
    "GateOptions": set(),
    "Labels": set(),
    "TurnDetection": set(),
    "os": set(),
    "PathLike": {"str"},
}


def public_calls() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in vars(sp)["__all__"]:
        value = getattr(sp, name)
        if not callable(value) or (isinstance(value, type) and issubclass(value, Exception)):
            continue
        yield name, value
        for method in vars(value) if isinstance(value, type) else ():
            if not method.startswith("_") and callable(getattr(value, method)) and not INNER.search(f"{name}.{method}"):
                yield f"{name}.{method}", getattr(value, method)


def parameters(call: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    found = inspect.signature(call).parameters
    return {
        name: one for name, one in found.items() if name != "self" and one.kind is not inspect.Parameter.VAR_KEYWORD
    }


def bound(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    owner, _, method = name.partition(".")
    return (
        getattr(INSTANCES.get(owner, getattr(sp, owner))(), method)
        if "self" in inspect.signature(call).parameters
        else call
    )


def outcome(call: Callable[..., Any], given: dict[str, Any]) -> BaseException | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            done = call(**given)
            if isinstance(done, Awaitable):
                asyncio.run(asyncio.wait_for(done, 20))
        except Exception as exc:  # noqa: BLE001  any
            return exc
    return None


def wrong_for(annotation: str) -> Iterator[tuple[str, bool]]:
    """Yield the values to try, and whether each has to be refused: what a type alias takes is not known here."""
    words = set(re.findall(r"[A-Za-z]+", re.sub(r"\[.*?\]", "", annotation)))
    for kind in WRONG:
        yield kind, words <= KINDS.keys() and not any(kind in KINDS[word] for word in words)


def faults(name: str, call: Callable[..., Any]) -> Iterator[str]:
    wanted = parameters(call)
    given = {one: GIVEN[one] for one, how in wanted.items() if how.default is inspect.Parameter.empty}
    given |= OF.get(name, {})
    if (fault := outcome(bound(name, call), dict(given))) and not isinstance(fault, SpeachesError):
        yield f"{name}() with what fits: {fault!r}"
    for one, how in wanted.items():
        if how.annotation == "bool":  # anything is true or false
            continue
        for kind, refused in wrong_for(str(how.annotation)):
            found = outcome(bound(name, call), {**given, one: WRONG[kind]})
            if found is None and not (refused and (name, one, kind) not in RIGHT):
                continue
            if isinstance(found, SpeachesError | IndexError) and re.fullmatch(r"[^\n]+(\.|wav)", str(found)):
                continue
            yield f"{name}({one}={kind}): {found!r:.120}"


CALLS: Final = {name: call for name, call in public_calls() if parameters(call)}


@pytest.mark.parametrize("name", CALLS)
def test_what_no_argument_can_be_is_refused_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(faults(name, CALLS[name])) == []
