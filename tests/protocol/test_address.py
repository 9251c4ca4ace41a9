"""Base addresses are written one way, and what is none is refused without showing a secret."""

from __future__ import annotations

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.address import (
    BASE_URL_VARIABLE,
    EMBEDDED,
    asked_address,
    is_loopback,
    normalise_base_url,
    realtime_query,
)
from ipyspeaches.protocol.recognition import RecognitionOptions


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        (" http://localhost:8000/ ", "http://localhost:8000"),
        ("http://localhost:8000/v1", "http://localhost:8000"),
        ("http://localhost:8000/v1/", "http://localhost:8000"),
        ("http://localhost:8000/v1/audio/transcriptions", "http://localhost:8000"),
        ("http://localhost:8000/api/v1/realtime", "http://localhost:8000/api"),
        ("http://localhost:8000/docs", "http://localhost:8000"),
        ("HTTPS://Speech.Example", "https://speech.example"),
        ("https://example.org/speaches/", "https://example.org/speaches"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://münchen.example:9/拼音", "http://münchen.example:9/拼音"),
    ],
)
def test_one_way_to_write_an_address(given: str, normal: str) -> None:
    assert normalise_base_url(given) == normal
    assert normalise_base_url(normal) == normal


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ("ws://localhost:8000/v1/realtime", "http://localhost"),
        ("wss://speech.example", "https://speech.example"),
        ("localhost:8000", "http://localhost:8000"),
        ("speech.example", "http://localhost:8000"),
        ("ftp://speech.example", "http://"),
        ("", "http://"),
        ("http://", "http://"),
        ("http://host:99999", "http://localhost:8000"),
        ("http://[::1", "http://localhost:8000"),
        ("http://loc\x01al:9", r"\(U\+0001\): type it like http://localhost:8000"),
        ("http://localhost\u200b:9", r"U\+200B"),
        ("http://localhost:9\u202e", r"U\+202E"),
        ("http://１２７.0.0.1:9", r"U\+FF11"),
        ("http://local host", r"U\+0020"),
        ("http://user:hidden\u200b@host", "api_key"),
        ("http://user:hidden@host", "api_key"),
        ("http://host?api_key=hidden", "api_key"),
    ],
)
def test_what_is_no_address_is_refused_with_the_cure(given: str, cure: str) -> None:
    with pytest.raises(InputError, match=cure) as refused:
        normalise_base_url(given)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "takes"),
    [
        ("http://localhost:8000", True),
        ("https://speaches.example.org/base", True),
        ("https://api.openai.com", False),
        ("https://API.OpenAI.com/v1", False),
        ("https://mine.openai.azure.com/openai", False),
        ("https://api.openai.com.example.org", True),
        ("https://notopenai.azure.com", True),
    ],
)
def test_who_wants_the_model_in_the_address(address: str, takes: bool) -> None:
    named = {"model": "a/b"} if takes else {}
    spoken = {"language": "zh"} if takes else {}
    query = realtime_query(address, RecognitionOptions(model="a/b", language="zh"))
    assert query == {**named, "intent": "transcription", **spoken}


def test_the_query_makes_it_a_transcription() -> None:
    assert realtime_query("http://localhost:8000", RecognitionOptions()) == {"intent": "transcription"}


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("lab.localhost", True),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("192.168.0.1", False),
        ("", False),
    ],
)
def test_loopback_hosts(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_an_address_that_is_no_text_or_has_an_impossible_port_is_told_so() -> None:
    with pytest.raises(InputError, match="no text but int"):
        normalise_base_url(5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="port of the server's address is not a number from 1 to 65535"):
        normalise_base_url("http://127.0.0.1:99999")


def test_the_embedded_server_is_had_by_name_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL_VARIABLE, "http://elsewhere:8000")
    assert [asked_address(given) for given in (None, "http://here", EMBEDDED)] == [
        "http://elsewhere:8000",
        "http://here",
        None,
    ]
    monkeypatch.delenv(BASE_URL_VARIABLE)
    assert asked_address(None) is None
