"""What can be a key, and that nothing shows one."""

from __future__ import annotations

import importlib
import traceback
from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.api_key import ApiKey, bearer, key_from_environment, read_key, without_key


@pytest.mark.parametrize(
    "given", ["sk-1", "sk-1\n", "  sk-1\r\n", "\u00a0sk-1", "Bearer sk-1", "bearer  sk-1 ", ApiKey("sk-1")]
)
def test_what_surrounds_a_key_is_left_out(given: str) -> None:
    assert read_key(given) == "sk-1"


@pytest.mark.parametrize("given", [None, "", " \n", "Bearer "])
def test_an_empty_key_is_none(given: str | None) -> None:
    assert read_key(given) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("“sk-1”", "left double quotation mark"),
        ("sk-\n1", r"U\+000A"),
        ("sk-\x001", r"U\+0000"),
        ("\ufeffsk-1", "zero width no-break space"),
        ("sk-1\u200b", "zero width space"),
        ("sk 1", r"\(space\)"),
        ("schlüssel", "latin small letter u with diaeresis"),
        ("sk-\ud800", r"U\+D800"),
        ('"sk-1"', "quotation marks around it"),
        ("'sk-1'", "quotation marks around it"),
    ],
)
def test_what_no_header_takes_is_refused_and_not_quoted(given: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read_key(given)
    assert not any(part in str(refused.value) for part in ("sk", "schl"))
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="of type bytes"):
        read_key(b"sk-1")  # type: ignore[arg-type]


def test_the_environment_is_read_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", "sk-1\n")
    assert key_from_environment() == "sk-1"
    monkeypatch.setenv("SPEACHES_API_KEY", "\n")
    assert key_from_environment() is None


@pytest.mark.parametrize(
    ("named", "url", "meant"),
    [
        (None, "http://anywhere.example", True),
        ("", "http://anywhere.example", True),
        ("https://gpu.example", "https://gpu.example/v1/", True),
        ("https://GPU.example:8443", "https://gpu.example", True),
        ("http://gpu.example", "https://gpu.example", True),
        ("https://gpu.example", "http://gpu.example", False),
        ("https://gpu.example", "https://gpu.example.evil", False),
        ("https://gpu.example", "https://evil.example/?x=gpu.example", False),
        ("https://gpu.example", "http://localhost:8000", True),
        ("https://gpu.example", "http://[::1]:8000", True),
        ("http://localhost:8000", "http://gpu.example", False),
        ("http://[", "http://gpu.example", False),
        ("https://gpu.example", "http://[", False),
    ],
)
def test_the_key_of_the_environment_is_for_the_server_of_the_environment(
    named: str | None, url: str, meant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", "sk-1")
    if named is not None:
        monkeypatch.setenv("SPEACHES_BASE_URL", named)
    assert key_from_environment(url) == ("sk-1" if meant else None)


def test_a_key_that_is_not_meant_for_a_server_cannot_be_wrong_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", "“sk-1”")
    monkeypatch.setenv("SPEACHES_BASE_URL", "https://gpu.example")
    assert key_from_environment("https://other.example") is None
    with pytest.raises(InputError):
        key_from_environment("https://gpu.example")


def test_neither_key_nor_header_is_shown() -> None:
    key = read_key("sk-1")
    assert "sk-1" not in f"{key!r} {bearer(key)} {[key]}"
    assert bearer(key) == {"Authorization": "Bearer sk-1"}
    assert bearer(None) == {}


def test_a_traceback_with_its_values_does_not_show_the_key_that_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        read_key("“sk-secret”")
    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack[1:]
    assert frames
    assert not any("sk-secret" in value for frame in frames for value in (frame.locals or {}).values())


def test_a_notebooks_verbose_traceback_does_not_show_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", "“sk-secret”")
    with pytest.raises(InputError) as refused:
        key_from_environment()
    verbose: Any = importlib.import_module("IPython.core.ultratb").VerboseTB()
    frames = refused.tb.tb_next  # without this function's own
    shown = "\n".join(verbose.structured_traceback(refused.type, refused.value, frames))
    assert "key_from_environment" in shown
    assert "sk-secret" not in shown


def test_a_servers_words_lose_the_key_in_them() -> None:
    assert without_key("Incorrect key sk-123.", ApiKey("sk-123")) == "Incorrect key ….", "the key is quoted"
    assert without_key("Incorrect key.", None) == "Incorrect key."
    assert without_key(b"Incorrect key sk-123.", "sk-123").decode() == "Incorrect key …."
    assert without_key(b"\xff sk-123\xe9", "sk-123") == b"\xff \xe2\x80\xa6\xe9"


@pytest.mark.parametrize("unseen", ["\0", "\x07", "\x1b[1m", "\u200b", "\xad", "\n", " ", "<b></b>"])
def test_what_is_not_seen_hides_no_key(unseen: str) -> None:
    assert without_key(f"no sk-SECRET{unseen}secret12.", "sk-SECRETsecret12") == "no …."
    assert without_key(unseen.join("sk-SECRETsecret12"), "sk-SECRETsecret12") == "…"


@pytest.mark.parametrize("key", ["test", "a", "1234", "sk-1", "密钥"])
def test_a_short_key_is_left_out_where_it_stands_by_itself(key: str) -> None:
    said = f"Incorrect key: {key}. See {key!r}, /{key}/ and attest12345"
    assert without_key(said, key) == "Incorrect key: …. See '…', /…/ and attest12345"
    assert without_key(said.encode(), key).decode() == without_key(said, key)
