"""What options make of keys and addresses as people paste them."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import ipyspeaches
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.session.opening import locate
from ipyspeaches.session.options import SessionOptions, TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad
from wrong_options import WRONG

SECRET = "sk-secret"
SOUND = Recording.from_array([0.0] * 1600, 16_000)


def values_in(error: BaseException) -> str:
    """Return what a traceback with values prints, but for the frame of the test."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(str(frame.locals) for frame in shown.stack if frame.filename != __file__) + str(error)


@pytest.mark.parametrize("key", [SECRET, f"{SECRET}\n", f"“{SECRET}”"])
def test_no_frame_of_a_failing_call_shows_the_key(key: str) -> None:
    with pytest.raises(InputError) as refused:
        Session(SOUND, api_key=key, chunk_s=99.0)
    assert SECRET not in values_in(refused.value)
    with pytest.raises(InputError) as refused:
        asyncio.run(ipyspeaches.transcribe(SOUND, api_key=key, chunk_s=99.0))
    assert SECRET not in values_in(refused.value)
    with pytest.raises(InputError) as refused:
        asyncio.run(ipyspeaches.compare(SOUND, [{"chunk_s": 99.0}], api_key=key))
    assert SECRET not in values_in(refused.value)


REFUSED: list[dict[str, Any]] = [
    {"api_key": f"“{SECRET}”"},
    {"api_key": SECRET.encode()},
    {"server": f"http://me:{SECRET}@host"},
    {"server": f"http://me:{SECRET}@host:port"},
    {"server": f"http://host?api_key={SECRET}"},
    {"server": SECRET},
    {"api_kye": SECRET},
    {"headers": {"Authorization": SECRET}},
]


@pytest.mark.parametrize("options", REFUSED)
def test_no_frame_of_a_refusal_shows_a_key_or_an_address_with_one(options: dict[str, Any]) -> None:
    server = {"url": options.get("server", "http://host"), "api_key": options.get("api_key")}
    ways: list[Callable[[], object]] = [
        lambda: Session(SOUND, **options),
        lambda: asyncio.run(ipyspeaches.transcribe(SOUND, **options)),
        lambda: asyncio.run(ipyspeaches.compare(SOUND, [{}], **options)),
        lambda: asyncio.run(ipyspeaches.compare(SOUND, {"a": options})),  # type: ignore[dict-item]
        lambda: ipyspeaches.Transcriber(**options),
    ]
    if {"server", "api_key"} & options.keys():
        ways.append(lambda: ipyspeaches.Server(**server))
    if "api_key" in options:
        ways.append(lambda: ipyspeaches.LocalServer(**options))
    for way in ways:
        with pytest.raises(InputError) as refused:
            way()
        assert SECRET not in values_in(refused.value)


def test_a_key_is_copied_but_in_no_pickle() -> None:
    server, options = ipyspeaches.Server("http://host", SECRET), SessionOptions(api_key=SECRET)
    assert SECRET.encode() not in pickle.dumps([server, options])
    assert repr(pickle.loads(pickle.dumps(server))) == "Server('http://host')"
    assert repr(copy.deepcopy(server)) == repr(copy.copy(server)) == repr(server) == "Server('http://host', api_key=…)"
    assert copy.deepcopy(options).api_key == SECRET


@pytest.mark.parametrize(
    "kind",
    [
        *(ipyspeaches.Server, ipyspeaches.LocalServer, ipyspeaches.Session, ipyspeaches.Recording),
        *(ipyspeaches.Segments, ipyspeaches.Transcript, ipyspeaches.Comparison),
    ],
)
def test_what_was_refused_can_be_shown(kind: Any) -> None:
    assert repr(kind.__new__(kind)) == f"<{kind.__name__}>"


def test_an_empty_key_leaves_it_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", f"{SECRET}\n")
    place = asyncio.run(locate(SessionOptions(server="http://host:8000", api_key=" ")))
    assert place.api_key == SECRET
    assert SECRET not in repr(place)


def test_the_key_of_the_environment_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", SECRET)
    monkeypatch.setenv("SPEACHES_BASE_URL", "https://gpu.example/")
    keys = {
        server: asyncio.run(locate(SessionOptions(server=server))).api_key
        for server in (None, "https://gpu.example:8443", "http://gpu.example", "https://other.example")
    }
    assert list(keys.values()) == [SECRET, SECRET, None, None]
    given = SessionOptions(server="https://other.example", api_key="sk-other")
    assert asyncio.run(locate(given)).api_key == "sk-other"


@pytest.mark.parametrize(
    "address", [f"http://me:{SECRET}@host:8000", f"http://me:{SECRET}/x@host", f"http://{SECRET}\u2100@host"]
)
def test_an_address_with_a_password_is_refused_before_anything_shows_it(address: str) -> None:
    with pytest.raises(InputError) as refused:
        SessionOptions.of({"server": address})
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_an_option_that_cannot_be_used_is_one_sentence_everywhere(name: str, value: Any) -> None:
    ways: list[Callable[[], object]] = [
        lambda: Session(SOUND, **{name: value}),
        lambda: ipyspeaches.run(ipyspeaches.transcribe(SOUND, **{name: value})),
        lambda: ipyspeaches.run(ipyspeaches.compare(SOUND, [{name: value}])),  # type: ignore[misc]
    ]
    for way in ways:
        with pytest.raises(InputError, match=name.replace("api_key", "API key")) as refused:
            way()
        assert str(refused.value).endswith(".")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TurnDetection.client("silero"),  # type: ignore[arg-type]
        lambda: TurnDetection.client(0),  # type: ignore[arg-type]
        lambda: TurnDetection.client(pre_roll_ms="300"),  # type: ignore[arg-type]
        lambda: TurnDetection.client(hangover_ms=math.nan),
        lambda: TurnDetection.server("0.5"),  # type: ignore[arg-type]
        lambda: TurnDetection.server(math.nan),
        lambda: TurnDetection.server(None),  # type: ignore[arg-type]
        lambda: TurnDetection.server(0.5, 550.5),  # type: ignore[arg-type]
        lambda: TurnDetection.server(0.5, detector=EnergyVad),  # type: ignore[arg-type]
        lambda: TurnDetection.client().with_detector("x"),  # type: ignore[arg-type]
    ],
)
def test_turn_detection_is_checked_where_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r" is .*: (give|use) "):
        make()
