from __future__ import annotations

import argparse

import pytest

from ipyspeaches.cli.arguments import add_server_arguments, api_key, given_key, server_url
from ipyspeaches.errors import InputError


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_server_arguments(parser)
    return parser.parse_args(argv)


def test_nothing_given_means_the_embedded_server() -> None:
    assert server_url(parse()) is None
    assert api_key(parse()) is None


def test_the_environment_names_server_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_BASE_URL", "http://one:8000")
    monkeypatch.setenv("SPEACHES_API_KEY", "secret-1")
    assert server_url(parse()) == "http://one:8000"
    assert api_key(parse()) == "secret-1"
    assert given_key(parse()) is None, "a session knows for which of its servers that one is"


def test_arguments_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEACHES_BASE_URL", "http://one:8000")
    monkeypatch.setenv("SPEACHES_API_KEY", "secret-1")
    monkeypatch.setenv("OTHER_KEY", "secret-2")
    assert server_url(parse("--server", "http://two:8000")) == "http://two:8000"
    assert api_key(parse("--api-key-env", "OTHER_KEY")) == "secret-2"
    assert api_key(parse("--api-key", "secret-3")) == "secret-3"
    assert api_key(parse("--server", "http://two:8000")) is None, "the key of the environment is for its server"
    assert api_key(parse("--server", "http://two:8000", "--api-key-env", "SPEACHES_API_KEY")) == "secret-1"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(InputError, match="NO_SUCH_KEY is not set"):
        api_key(parse("--api-key-env", "NO_SUCH_KEY"))


def test_two_ways_to_give_a_key_are_wrong_usage() -> None:
    with pytest.raises(SystemExit):
        parse("--api-key", "a", "--api-key-env", "B")


def test_a_key_in_place_of_its_variable_is_not_shown() -> None:
    with pytest.raises(InputError, match="The environment variable is not set") as refused:
        api_key(parse("--api-key-env", "sk-realkey"))
    assert "sk-realkey" not in str(refused.value)
    assert refused.value.__cause__ is None
