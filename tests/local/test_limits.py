"""What a server holds at most, by options and by the environment."""

from __future__ import annotations

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.local.limits import ServerLimits


def test_the_names_of_speaches_are_understood_and_those_of_tutorials() -> None:
    assert ServerLimits.from_environment({}) == ServerLimits(None, 300.0, 100, 60.0)
    assert ServerLimits.from_environment({"STT_MODEL_TTL": "-1", "WHISPER__TTL": "7"}).model_ttl_s == -1
    assert ServerLimits.from_environment({"STT_MODEL_TTL": " ", "WHISPER__TTL": "7"}).model_ttl_s == 7
    tutorial = {"SPEACHES_MODEL_IDLE_TIMEOUT": "600", "SPEACHES_MAX_MODELS": "3"}
    assert ServerLimits.from_environment(tutorial) == ServerLimits(3, 600.0)


def test_an_option_counts_more_than_the_environment() -> None:
    environment = {"STT_MODEL_TTL": "5", "SPEACHES_MAX_MODELS": "3"}
    assert ServerLimits.from_environment(environment, model_ttl_s=0.0, max_models=None) == ServerLimits(3, 0.0)


@pytest.mark.parametrize(
    ("environment", "given", "told"),
    [
        ({"STT_MODEL_TTL": "soon"}, {}, r"\$STT_MODEL_TTL is 'soon': set it to a number"),
        ({"SPEACHES_MAX_MODELS": "1.5"}, {}, r"\$SPEACHES_MAX_MODELS is '1.5': set it to a whole number"),
        ({}, {"max_models": 0}, "max_models is 0: give a number of models"),
        ({}, {"model_ttl_s": -2}, "model_ttl_s is -2: give seconds"),
        ({}, {"max_sessions": 0}, "max_sessions is 0"),
        ({}, {"max_wait_s": 0.0}, "max_wait_s is 0.0"),
    ],
)
def test_what_cannot_be_is_told(environment: dict[str, str], given: dict[str, float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ServerLimits.from_environment(environment, **given)
