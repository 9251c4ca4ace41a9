from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import Hints, RealtimeOptions, ServerTurnDetection


def test_turn_detection_goes_over_the_wire_as_a_whole() -> None:
    assert ServerTurnDetection().to_wire() == {
        "type": "server_vad",
        "threshold": 0.9,
        "silence_duration_ms": 550,
        "prefix_padding_ms": 0,
        "create_response": False,
    }


def test_an_address_names_model_and_language_or_neither() -> None:
    options = RealtimeOptions("a/b", "zh")
    assert options.query() == {"model": "a/b", "intent": "transcription", "language": "zh"}
    assert replace(options, model_in_address=False).query() == {"intent": "transcription"}


def test_hints_that_are_given_and_have_no_place_are_named() -> None:
    hints = Hints(prompt="Names", temperature=0.0)
    assert hints.given_besides(()) == ("prompt", "temperature")
    assert hints.given_besides(("prompt",)) == ("temperature",)
    assert Hints().given_besides(()) == ()


@pytest.mark.parametrize(
    "values", [{"threshold": 1.5}, {"threshold": -0.1}, {"silence_duration_ms": -1}, {"prefix_padding_ms": -1}]
)
def test_values_that_servers_ignore_in_silence_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(values))} is .*: give "):
        ServerTurnDetection(**values)
